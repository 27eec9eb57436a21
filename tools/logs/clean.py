"""Text from anywhere as it may stand in a log: bounded, without secrets, in one line."""

from __future__ import annotations

import re
from typing import Final

from neveridle.tools.redact import SECRET, redact_named

MESSAGE: Final = 8_000
"""Characters of a message."""
VALUE: Final = 2_000
"""Characters of a further field."""
ERROR: Final = 16_000
"""Characters of a traceback; of a longer one the end, which says what happened, is kept too."""
KEY: Final = 100
EXTRAS: Final = 32
"""Further fields of one line."""
_EDGE: Final = 4_000
"""Characters before a cut that are dropped with it: the half of a secret is not known for one."""

_SECRET_NAME: Final = re.compile(
    r"(?i)(?:password|passwd|passphrase|secret|token|api[_-]?key|authorization|credentials?|cookie)$"
)

Plain = str | int | float | bool | None


def cleaned(text: str, longest: int, *, tail: bool = False) -> str:
    """``text`` without secrets, of at most about ``longest`` characters.

    Args:
        text: anything.
        longest: characters to keep.
        tail: keep the end as well as the beginning.
    """
    room = longest + 2 * _EDGE
    first = longest // 2 if tail else longest
    if len(text) <= 2 * room:
        head = end = redact_named(text)
        if len(head) <= longest:
            return head
    else:
        # Secrets are looked for in what is kept alone, however much there is. What is next to
        # a cut goes: there may be the half of one.
        head = redact_named(text[:room])[:-_EDGE]
        end = redact_named(text[-room:])[_EDGE:]
    left_out = f"… ({max(len(text) - longest, 1):,} characters left out) "
    return f"{head[:first]}{left_out}{end[-first:] if tail else ''}".rstrip()


def field_of(key: str, value: object) -> Plain:
    """The value of a further field: numbers as they are, everything else as clean text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= 63 else cleaned(hex(value)[:VALUE], VALUE)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON knows no infinity
    if _SECRET_NAME.search(key):
        return SECRET
    if not isinstance(value, str):
        try:
            value = repr(value)
        except Exception as error:  # noqa: BLE001 - of any class's making; a log line is no reason to fail
            value = f"<{type(value).__name__}, which cannot be shown: {type(error).__name__}>"
    return cleaned(value, VALUE)


def one_line(text: str) -> str:
    """``text`` with everything escaped that is not plainly visible: it is one line, and stays one.

    Line breaks of all kinds, control characters of terminals, and what changes the direction
    of writing.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
