"""What it means when an MCP server cannot be used, or says no."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from neveridle.errors import (
    AccessRefused,
    NeveridleError,
    RequestRefused,
    ServiceError,
    ServiceUnreached,
)
from neveridle.tools.redact import redact

SHOWN: Final = 500
_GONE: Final = frozenset(
    {"ClosedResourceError", "BrokenResourceError", "EndOfStream", "ConnectionError"}
)
_LATE: Final = 408
"""The code by which the protocol's own library says that it waited too long."""


def start_error(service: str, error: BaseException, stderr: str) -> NeveridleError:
    """What it means that a server could not be started or reached: nothing was done."""
    for one in _flat(error):
        status = getattr(getattr(one, "response", None), "status_code", 0)
        if status in (401, 403):
            remedy = f"Set a valid token for {service}, then `neveridle services reset {service}`."
            msg = f"{service} answered {status}."
            return AccessRefused(msg, remedy=remedy, rejected=status == 401)
    said = redact(_words(error))[:SHOWN]
    if stderr:
        said = f"{said}; it wrote: {redact(stderr)[-SHOWN:]}"
    remedy = f"Look at [services.mcp.{service.partition(':')[2]}]."
    return ServiceUnreached(f"{service} did not start ({said}).", remedy=remedy, service=service)


def call_error(service: str, error: Exception) -> NeveridleError:
    """What it means that a call failed: the server refused it, or nobody knows what it did."""
    code = getattr(getattr(error, "error", None), "code", None)  # of an McpError
    said = redact(_words(error))[:SHOWN]
    if isinstance(code, int) and not _is_end(code) and code != _LATE:
        return RequestRefused(f"{service} refused the call: {said}", data={"code": code})
    return ServiceError(f"{service} did not answer ({said}).", service=service)


def is_end(error: Exception) -> bool:
    """Whether the connection is of no more use."""
    code = getattr(getattr(error, "error", None), "code", None)
    return (isinstance(code, int) and _is_end(code)) or type(error).__name__ in _GONE


def _is_end(code: int) -> bool:
    from mcp.types import CONNECTION_CLOSED

    return code == CONNECTION_CLOSED


def _words(error: BaseException) -> str:
    first = next(_flat(error))
    return f"{type(first).__name__}: {first}".rstrip(": ")


def _flat(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group of them."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # of any error
            yield from _flat(one)  # pyright: ignore[reportUnknownArgumentType]  # the same
    else:
        yield error
