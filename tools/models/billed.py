"""Whether a call that failed may cost something all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from neveridle.errors import (
    CredentialsRejected,
    ModelMistake,
    ModelNotConfigured,
    NeveridleError,
    RateLimited,
    RecordingInvalid,
    RecordingMismatch,
    ServiceUnreached,
)
from neveridle.tools.models.failures import classify_model_error, status_of

# The request was not sent: no name, no connection, no place in the pool.
_UNSENT: Final = frozenset(
    {
        "ClientConnectorError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectionRefusedError",
        "EndpointConnectionError",
        "PoolTimeout",
        "UnsupportedProtocol",
        "gaierror",
    }
)
_REFUSALS: Final = (
    CredentialsRejected,
    ModelMistake,
    ModelNotConfigured,
    RateLimited,
    RecordingInvalid,
    RecordingMismatch,
    ServiceUnreached,
)
# The provider's own words that it failed. What a gateway says (502, 504) is another matter:
# behind it the model may have answered.
_FAILED: Final = frozenset({500, 501, 503, 529})
_LONGEST: Final = 20


def surely_free(error: BaseException) -> bool:
    """Whether a failed call of a model certainly cost nothing.

    Not after a timeout, a connection that broke, a cancellation, or anything unknown: the
    provider may have got the request, and answered it to nobody.
    """
    from langgraph.errors import GraphBubbleUp

    if isinstance(error, GraphBubbleUp):  # LangGraph paused before the model was asked
        return True
    if isinstance(error, asyncio.CancelledError) or not isinstance(error, Exception):
        return False
    if isinstance(error, NeveridleError):
        return isinstance(error, _REFUSALS)
    status = status_of(error)
    if status is not None:
        return status in _FAILED or (400 <= status < 500 and status != 408)
    if any(type(one).__name__ in _UNSENT for one in _chain(error)):
        return True
    known = classify_model_error(error)
    # Without a status, it is the answer that did not fit what was asked for: it was paid for.
    return isinstance(known, (CredentialsRejected, RateLimited, ModelNotConfigured))


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(_LONGEST):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__
