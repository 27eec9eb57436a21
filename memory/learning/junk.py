"""What is worth nothing in a memory, told by its look alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from neveridle.memory.learning.twins import core
from neveridle.memory.learning.wording import wording

_REFUSAL: Final = re.compile(
    r"\b(as an ai|i('m| am) (sorry|unable|not able)|i (cannot|can't|can not|won't) "
    r"(help|assist|do that|provide|comply|answer)|no (specific |particular |new )?lessons?\b"
    r"(?! (?:plan|learnt? in))|nothing (to (learn|note|report)|was learnt|special)|"
    r"not applicable|lorem ipsum)",
    re.IGNORECASE,
)
_LOG_LINE: Final = re.compile(
    r"^\s*(\[?\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|\[?(debug|info|warning|error|trace)\b\]?[: ]|"
    r"File \"|at [\w.$]+\(|Traceback|[=\-_*#.]{5,}|\d+ (passed|failed)|\$ |>>> |\{\"|[+-]{3} )",
    re.IGNORECASE,
)
MIN_WORDS: Final = 2
"""Words, common ones and names not counted, that a text must have to say something."""


def junk(text: str) -> str:
    """Why a text is worth nothing: ``empty``, ``refusal`` or ``log``; empty: it is not."""
    lesson = core(text)
    said = wording(lesson[:2_000])
    if len(said.stems) + len(said.identifiers) + len(said.turns) < MIN_WORDS:
        return "empty"
    if _REFUSAL.search(lesson) and len(said.stems) <= 8:
        return "refusal"
    lines = [line for line in text.splitlines() if line.strip()]
    logs = sum(_LOG_LINE.match(line) is not None for line in lines)
    return "log" if logs * 2 > len(lines) else ""


def boilerplate(texts: Iterable[tuple[int, str]], *, times: int = 5) -> set[int]:
    """The ids of texts that are there, word for word, at least ``times`` times.

    The first of each stays: it says it once.
    """
    seen: dict[str, list[int]] = {}
    for number, text in texts:
        seen.setdefault(" ".join(text.lower().split()), []).append(number)
    return {number for ids in seen.values() if len(ids) >= times for number in ids[1:]}
