"""Text as it may be kept: no secrets, nothing a database refuses, not without end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from neveridle.tools.redact import redact_named

MAX_TEXT: Final = 16_000  # characters of one memory
MAX_LINE: Final = 400  # characters of a source, a title, a name
_MAX_TAGS: Final = 20
_MAX_TAG: Final = 80  # characters


def tidy(text: str) -> str:
    """The text without secrets, NULs and halves of characters, cut to 16,000 characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    clean = redact_named(whole).strip()  # before cutting: half a secret is not recognised
    if len(clean) <= MAX_TEXT:
        return clean
    note = f" … [{len(clean)} characters, cut]"
    return clean[: MAX_TEXT - len(note)] + note


def tidy_line(text: str) -> str:
    """The same as one line of at most 400 characters: a source, a title, a name."""
    return " ".join(tidy(text).split())[:MAX_LINE]


def tidy_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """At most twenty tags, each once, in their order; a single word is one tag."""
    given = (tags,) if isinstance(tags, str) else tags
    clean = (tidy_line(tag)[:_MAX_TAG] for tag in given)
    return tuple(dict.fromkeys(tag for tag in clean if tag))[:_MAX_TAGS]
