"""What outside services did: waiting may help."""

from __future__ import annotations

from neveridle.errors.base import ErrorCategory, NeveridleError


class ServiceError(NeveridleError):
    """An outside service (or model provider) failed; waiting may help.

    Of a write that ended so nobody knows whether it was done; see ``ServiceUnreached``.

    Args:
        message: what happened.
        remedy: what to do next.
        service: whose failure it is; empty: not said.
        wait: seconds after which the service wants to be asked again; None: it did not say.
        health: whether it counts against the service's health. A service that limits us, or
            refuses, is well.
    """

    code = "service"
    category = ErrorCategory.TRANSIENT
    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        service: str = "",
        wait: float | None = None,
        health: bool = True,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.service = service
        self.wait = wait
        self.health = health


class ServiceUnreached(ServiceError):
    """The service could not be reached, or sent us away: certainly nothing was done."""

    code = "service-unreached"


class RateLimited(ServiceUnreached):
    """The service limits us, and was not asked; ``wait`` says for how long."""

    code = "rate-limited"


class ServiceUnavailable(ServiceUnreached):
    """The service's breaker is open, or it is held: it was not asked.

    Work that needs it goes back to the board until the service can be used again.
    """

    code = "service-unavailable"
    category = ErrorCategory.BLOCKING


class EffectUnsettled(ServiceError):
    """Whether a write was done is not known yet; it is asked before work goes on."""

    code = "effect-unsettled"


class CredentialsRejected(ServiceError):
    """A service refused the credentials; waiting does not help."""

    code = "credentials-rejected"
    category = ErrorCategory.FATAL
