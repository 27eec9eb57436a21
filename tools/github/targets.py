"""How an issue or a pull request is named, in targets of effects and as a task's ticket."""

from __future__ import annotations

import re
from typing import Final

from neveridle.errors import RequestRefused

_NAMED: Final = re.compile(
    r"(?:(?P<repository>[^\s/#]+/[^\s/#]+)?#|GH-|)(?P<number>[1-9]\d{0,9})", re.IGNORECASE
)
_PAGE: Final = re.compile(
    r"https?://[^/\s]+/(?P<repository>[^/\s]+/[^/\s]+)/(?:issues|pull)/(?P<number>[1-9]\d{0,9})"
    r"(?:[/?#]\S*)?"
)


def number_of(text: str, repository: str) -> int:
    """The number that is meant: ``12``, ``#12``, ``GH-12``, ``owner/name#12``, or its page.

    Args:
        text: how it is named.
        repository: ours, as ``owner/name``.

    Raises:
        RequestRefused: it is no name of an issue, or of one in another repository.
    """
    found = _NAMED.fullmatch(text.strip()) or _PAGE.fullmatch(text.strip())
    if found is None:
        msg = f"{text!r} names no issue of GitHub's; write it as #12."
        raise RequestRefused(msg)
    named = found["repository"]
    if named is not None and named.lower() != repository.lower():
        msg = f"{text!r} is in another repository than {repository}, which is ours."
        raise RequestRefused(msg)
    return int(found["number"])


def name_of(number: int) -> str:
    """How an issue or pull request is named as a target."""
    return f"#{number}"
