"""From a log record to a line: one structlog chain for our loggers and those of libraries."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import structlog

from neveridle.tools.logs.clean import ERROR, EXTRAS, KEY, MESSAGE, cleaned, field_of, one_line
from neveridle.tools.telemetry.where import FIELDS, where

Event = MutableMapping[str, Any]

OURS: Final = ("time", "level", "logger", "message", *FIELDS, "trace_id", "span_id", "pid")
"""What a line has where it is known, in this order; no further field takes such a name."""
LAST: Final = ("exception", "stack")
_BY_FORMATTERS: Final = ("message", "asctime", "taskName")


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """Makes one line of a record.

    Args:
        text: lines for people; else JSON.
    """

    def __init__(self, *, text: bool) -> None:
        chain: Any = [_finished, as_text if text else as_json]
        super().__init__(
            processors=chain,
            foreign_pre_chain=cast(
                "Any", [structlog.contextvars.merge_contextvars, structlog.stdlib.ExtraAdder()]
            ),
        )

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``; a record whose arguments do not fit is shown all the same."""
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 - whatever somebody logged, its line is written
            plain = logging.makeLogRecord(record.__dict__)
            said = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
            plain.msg, plain.args = f"{said} (not formatted: {type(error).__name__})", ()
            plain.exc_info, plain.stack_info = None, None
            return super().format(plain)


def _finished(logger: object, method: str, event: Event) -> Event:
    """The fields of the line, clean, in their order."""
    del logger, method
    record: logging.LogRecord = event.pop("_record")
    if not event.pop("_from_structlog", False):
        for added in _BY_FORMATTERS:  # of other handlers, to the record itself
            event.pop(added, None)
    at = datetime.fromtimestamp(record.created, UTC)
    line: dict[str, Any] = {
        "time": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        "level": record.levelname.lower(),
        "logger": cleaned(record.name, KEY),
        "message": cleaned(str(event.pop("event", "")), MESSAGE),
    }
    known = where()
    line |= {key: known[key] for key in FIELDS if key in known}
    line |= _trace()
    line["pid"] = record.process
    raised, stack = event.pop("exc_info", None), event.pop("stack_info", None)
    said = event.pop("exception", None) or _raised(raised)
    extras = {str(key): one for key, one in event.items() if key not in LAST}
    for key, one in list(extras.items())[:EXTRAS]:
        name = cleaned(key, KEY)
        line[f"{name}_" if name in line or name in OURS or name in LAST else name] = field_of(
            key, one
        )
    if said:
        line["exception"] = cleaned(str(said), ERROR, tail=True)
    if stack:
        line["stack"] = cleaned(str(stack), ERROR, tail=True)
    return line


def _raised(raised: object) -> str:
    if raised is True:
        raised = sys.exc_info()
    if isinstance(raised, BaseException):
        raised = (type(raised), raised, raised.__traceback__)
    if not isinstance(raised, tuple) or not any(cast("tuple[object, ...]", raised)):
        return ""
    return logging.Formatter().formatException(cast("Any", raised))


def _trace() -> Mapping[str, str]:
    """By which trace a line is found again; nothing where there is none."""
    if "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def as_json(logger: object, method: str, event: Event) -> str:
    """One JSON object; in plain ASCII, so that nothing in it can end the line."""
    del logger, method
    return json.dumps(event)


def as_text(logger: object, method: str, event: Event) -> str:
    """A line for people; a traceback follows it in lines that begin with a bar."""
    del logger, method
    line = dict(event)
    later = [str(line.pop(key)) for key in LAST if key in line]
    head = f"{line.pop('time')} {line.pop('level'):<7} {line.pop('logger')}"
    message = line.pop("message")
    line.pop("pid", None)
    about = " ".join(f"{key}={line.pop(key)}" for key in FIELDS if key in line)
    more = " ".join(f"{key}={json.dumps(one, ensure_ascii=False)}" for key, one in line.items())
    parts = (head, f"[{about}]" if about else "", message, more)
    first = one_line(" ".join(part for part in parts if part))
    rows = [row for one in later for row in one.splitlines()]
    return "\n".join([first, *(f"  | {one_line(row)}" for row in rows)])
