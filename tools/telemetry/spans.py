"""Spans, as the rest of the program makes them: without contents, and for nothing when off."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import NeveridleError
from neveridle.tools.telemetry.seam import telemetry

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

LONGEST: Final = 200
"""Characters of one attribute: names come from outside, too."""
_ID: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
_PAUSES: Final = ("GraphBubbleUp", "Interrupted")
"""LangGraph's way of pausing, and the worker's; by name, as neither is imported for this."""

Value = str | int | float | bool


def bounded(value: Value) -> Value:
    """A value as it may stand in a span: of a length that no content has, in one line."""
    if isinstance(value, str):
        return " ".join(value[: 2 * LONGEST].split())[:LONGEST]
    return value


def identifier(value: object) -> str:
    """An id or a name that is one; empty: it is something else, and says too much."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def passes_through(error: BaseException) -> bool:
    """Whether this is no failure: a cancellation, or a pause until somebody has answered."""
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return True
    return any(kind.__name__ in _PAUSES for kind in type(error).__mro__)


def error_type(error: BaseException) -> str:
    """What kind of error it is: our code, or the class's name; never its words."""
    if isinstance(error, NeveridleError):
        return error.code
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


class Traced:
    """One span, or none.

    Args:
        span: the span; None: nobody listens.
    """

    __slots__ = ("_span",)

    def __init__(self, span: Span | None) -> None:
        self._span = span if span is not None and span.is_recording() else None

    @property
    def recorded(self) -> bool:
        """Whether it comes of anything; what is dear to find out need not be found out."""
        return self._span is not None

    def set(self, key: str, value: Value | list[str] | None) -> None:
        """Note a fact; None, and empty words, are left out."""
        if self._span is None or value is None or value in ("", []):
            return
        short: Any = [bounded(one) for one in value] if isinstance(value, list) else bounded(value)
        self._span.set_attribute(key, short)

    def failed(self, kind: str) -> None:
        """Note that it failed, with the kind of error alone."""
        if self._span is None:
            return
        from opentelemetry.trace import Status, StatusCode

        self._span.set_attribute("error.type", str(bounded(kind)))
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        """End it; once."""
        if self._span is not None:
            self._span.end()


NOTHING: Final = Traced(None)


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, Value | None] | None = None,
    *,
    client: bool = False,
    within: bool = False,
    context: Context | None = None,
) -> Generator[Traced]:
    """A span around the block; its parent is the one around it.

    An error that passes through is noted by its kind. Its words, which may quote anything,
    are not.

    Args:
        name: its name: one of few.
        attributes: what is known at its beginning.
        client: whether it asks another program for something.
        within: only as a part of a trace that is there: none begins with it.
        context: the parent's context; None: the current one.
    """
    found = telemetry()
    if found is None:
        yield NOTHING
        return
    from opentelemetry import trace

    if within and not trace.get_current_span(context).get_span_context().is_valid:
        yield NOTHING
        return
    given = list(attributes.items()) if attributes is not None else []
    known = {key: bounded(one) for key, one in given if one is not None and one != ""}
    with found.tracer.start_as_current_span(
        str(bounded(name)),
        context=context,
        kind=trace.SpanKind.CLIENT if client else trace.SpanKind.INTERNAL,
        attributes=known,
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        traced = Traced(made)
        try:
            yield traced
        except BaseException as error:  # noted by its kind and raised on
            if not passes_through(error):
                traced.failed(error_type(error))
            raise
