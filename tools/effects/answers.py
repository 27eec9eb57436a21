"""What an HTTP status says about a write."""

from __future__ import annotations

from neveridle.errors import (
    AccessRefused,
    EffectRefused,
    NeveridleError,
    ServiceError,
    ServiceUnreached,
)

UNAUTHORIZED = (401, 403, 407)
LATER = (425, 429)
MAYBE = (408,)
"""The service waited too long for the request, or says so of a server behind it."""


def error_of(service: str, status: int, said: str) -> NeveridleError | None:
    """The error of a write that was answered so; None: it was done.

    A client error, or a redirection, is a definite no. Of a server error nobody knows: the
    write may have been done before something went wrong.

    Args:
        service: who answered.
        status: the HTTP status.
        said: what the answer says, in words.
    """
    if 200 <= status < 300:
        return None
    message = f"{service} answered {status}: {said}"[:2000]
    if status in UNAUTHORIZED:
        remedy = f"Look at the credentials of {service}, then `neveridle tasks retry` the task."
        return AccessRefused(message, remedy=remedy)
    if status in LATER:
        return ServiceUnreached(message)
    if status < 500 and status not in MAYBE:
        return EffectRefused(message)
    return ServiceError(message)
