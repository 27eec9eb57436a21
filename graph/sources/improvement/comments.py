"""Finding comments in source files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from neveridle.graph.sources.improvement.languages import TOKENS

_SIGNS = "/*#-;%<!>{}[]'="


@cache
def _pattern(family: str) -> re.Pattern[str]:
    return re.compile(TOKENS[family], re.MULTILINE)


def comment_lines(text: str, family: str) -> Iterator[tuple[int, str]]:
    """Each line of each comment: its 1-based number, and its text without comment signs.

    Args:
        text: a source file with ``\\n`` as its line ends.
        family: as ``family_of`` says.
    """
    number, at = 1, 0
    for token in _pattern(family).finditer(text):
        comment = token["comment"]
        if comment is None:
            continue
        number += text.count("\n", at, token.start())
        at = token.start()
        for offset, line in enumerate(comment.split("\n")):
            yield number + offset, line.strip().strip(_SIGNS).strip()
