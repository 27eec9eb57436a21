"""What an error says of the service that was called, and whether calling again can help."""

from __future__ import annotations

from enum import StrEnum

from neveridle.errors import (
    AccessRefused,
    CredentialsRejected,
    ModelMistake,
    NeveridleError,
    RateLimited,
    ServiceError,
    ServiceUnavailable,
    ServiceUnreached,
)


class Meaning(StrEnum):
    """What a failed call says of the service."""

    ANSWERED = "answered"
    """It is well: it said no."""
    UNWELL = "unwell"
    """It failed, or could not be reached; this counts."""
    LIMITED = "limited"
    """It is well, and wants to be left alone for a while."""
    REJECTED = "rejected"
    """It does not take our credentials; no call can succeed."""
    UNKNOWN = "unknown"
    """Nothing: the call failed for a reason of our own."""


def meaning_of(error: NeveridleError) -> Meaning:
    """What an error says of the service."""
    match error:
        case ServiceUnavailable():  # of another service, within this one's call
            return Meaning.UNKNOWN
        case CredentialsRejected():
            return Meaning.REJECTED
        case AccessRefused():
            return Meaning.REJECTED if error.rejected else Meaning.ANSWERED
        case RateLimited():
            return Meaning.LIMITED
        case ServiceError():
            if error.health:
                return Meaning.UNWELL
            return Meaning.ANSWERED if error.wait is None else Meaning.LIMITED
        case ModelMistake():
            return Meaning.ANSWERED
        case _:
            return Meaning.UNKNOWN


def helps(error: BaseException, *, repeatable: bool) -> bool:
    """Whether calling again can help, and cannot do anything twice.

    Args:
        error: how the last call ended.
        repeatable: whether it may be sent again when the service may have got it.
    """
    if not isinstance(error, ServiceError):
        return False
    if isinstance(error, (ServiceUnavailable, CredentialsRejected)):
        return False
    return repeatable or isinstance(error, ServiceUnreached)
