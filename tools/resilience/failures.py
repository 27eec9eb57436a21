"""What a failed call means: who must act, and whether anything was done."""

from __future__ import annotations

from typing import Final

from neveridle.errors import NeveridleError, ServiceError, ServiceUnreached, SettingsInvalid
from neveridle.tools.redact import redact

_UNSENT: Final = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"})
"""Errors of httpx after which the service has certainly not got the request."""
_ADDRESS: Final = frozenset({"InvalidURL", "UnsupportedProtocol"})
"""Errors of httpx that say that what is called is no address."""
_MISUSE: Final = frozenset({"StreamError", "CookieConflict"})
"""Errors of httpx that say that its caller has a bug."""


def failure_of(error: Exception, service: str) -> NeveridleError:
    """The error of ours for whatever a call raised; one of ours is given back as it is.

    Decided by class, never by text. Of anything that is not known to be harmless it is
    assumed that the service may have got the request.

    Returns:
        SettingsInvalid: what was called is no address.
        ServiceUnreached: no connection was made.
        ServiceError: anything else that a network or a service does.
        NeveridleError: none of these: a bug of ours.
    """
    if isinstance(error, NeveridleError):
        return error
    said = redact(f"{type(error).__name__}: {error}".rstrip(": "))[:500]
    kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("httpx")}
    if kinds & _ADDRESS:
        msg = f"The address of {service} cannot be used ({said})."
        return SettingsInvalid(msg, remedy=f"Correct url in [services.{service}].")
    if kinds & _UNSENT or isinstance(error, ConnectionRefusedError):
        return ServiceUnreached(f"{service} cannot be reached ({said}).", service=service)
    if (kinds and not kinds & _MISUSE) or isinstance(error, (TimeoutError, OSError)):
        return ServiceError(f"{service} did not answer ({said}).", service=service)
    return NeveridleError(f"A call of {service} failed in an unexpected way ({said}).")
