"""A model call that failed, in a recording, and an error that means the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final, cast

from neveridle.errors import NeveridleError
from neveridle.tools.models.failures import PACKAGES, classify_model_error, status_of
from neveridle.tools.models.waits import headers_of
from neveridle.tools.recording.format import ModelFailure
from neveridle.tools.redact import redact

_LONGEST: Final = 20  # errors of a chain
_SHOWN: Final = 500  # characters of a provider's own words
_LIMITS: Final = ("retry-after", "ratelimit")
_PLAIN: Final = frozenset({"object", "BaseException", "Exception"})


class ReplayedFailure(Exception):
    """What a provider's client raised when the call was recorded.

    Its class bears the names of the recorded one and its bases, with their packages, so that
    whoever looks at them (``classify_model_error``, ``surely_free``) sees the same. No
    provider's package is needed.
    """

    status_code: int | None = None
    code: str | None = None
    type: str | None = None
    response: Any = None


def failure_from(error: Exception) -> ModelFailure | None:
    """The record of an error; None: it is one of ours, which says nothing of the provider."""
    if isinstance(error, NeveridleError) or _pauses(error):
        return None
    headers = {
        name: redact(value)
        for name, value in headers_of(error).items()
        if name == "date" or any(part in name for part in _LIMITS)
    }
    code, kind = getattr(error, "code", None), getattr(error, "type", None)
    return ModelFailure(
        means=type(classify_model_error(error)).__name__,
        kinds=_kinds(error),
        status=status_of(error),
        code=code if isinstance(code, str) else None,
        type=kind if isinstance(kind, str) else None,
        message=redact(str(error))[:_SHOWN],
        headers=headers,
        causes=tuple(_kinds(one) for one in _causes(error)),
    )


def error_from(failure: ModelFailure) -> ReplayedFailure:
    """An error that means what the recorded one meant."""
    made = _made(failure.kinds, failure.message)
    made.status_code, made.code, made.type = failure.status, failure.code, failure.type
    if failure.status is not None or failure.headers:
        made.response = SimpleNamespace(status_code=failure.status, headers=failure.headers)
    below = made
    for kinds in failure.causes:
        below.__cause__ = _made(kinds, "")
        below = below.__cause__
    return made


def _made(kinds: tuple[str, ...], message: str) -> ReplayedFailure:
    kind: type[ReplayedFailure] = ReplayedFailure
    for name in reversed(kinds):
        module, _, plain = name.rpartition(".")
        kind = cast("type[ReplayedFailure]", type(plain, (kind,), {"__module__": module}))
    return kind(message)


def _kinds(error: BaseException) -> tuple[str, ...]:
    """The error's class and its bases, the nearest first."""
    own = type(error)
    return tuple(
        f"{kind.__module__}.{kind.__name__}"
        for kind in own.__mro__
        if kind is own
        or (kind.__module__.split(".")[0] in PACKAGES and kind.__name__ not in _PLAIN)
    )


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    below = error.__cause__ or error.__context__
    while below is not None and len(found) < _LONGEST:
        found.append(below)
        below = below.__cause__ or below.__context__
    return found


def _pauses(error: Exception) -> bool:
    from langgraph.errors import GraphBubbleUp

    return isinstance(error, GraphBubbleUp)
