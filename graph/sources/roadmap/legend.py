"""What a file's own key says about its signs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.text import plain
from neveridle.graph.sources.roadmap.vocabulary import (
    BOX,
    BOXES,
    HEADING_MARKS,
    LOOSE,
    MARKS,
    SIGN,
    SIGNS,
    STRICT,
    status_named,
)

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.item import Status

_TOKEN = re.compile(rf"`?(?P<token>{SIGN}|\[(?:[^\[\]\n\w]|[xXoOvV_]|\d\.?\d*)\]\ufe0f?)`?")
_GLUE = re.compile(r"[\s:=\-\u2013—>→|*_`(]*")
_END = re.compile(r"\s*[·,;|/)*_.`]|\s*$|\s+(?:or|and|\()|\s*[-\u2013—:]\s*|\s*[<(]")


def _bare(token: str) -> str:
    return token.replace("\ufe0f", "")


@dataclass(slots=True)
class Legend:
    """The meanings of signs and boxes: the usual ones, overridden by the file's own key."""

    own: dict[str, Status] = field(default_factory=dict[str, "Status"])

    def knows(self, token: str) -> bool:
        """Tell whether this is a sign or box that means something."""
        bare = _bare(token)
        return bare in self.own or bare in SIGNS or bool(re.fullmatch(BOX, token))

    def trusts(self, sign: str, *, front_of_heading: bool = False) -> bool:
        """Tell whether an emoji beside an item means its status, rather than decorating it."""
        bare = _bare(sign)
        return bare in self.own or bare in (HEADING_MARKS if front_of_heading else MARKS)

    def meaning(self, token: str) -> Status:
        """Give the status of an emoji or a ``[c]``; ``todo`` for what nobody explained."""
        bare = _bare(token)
        if bare in self.own:
            return self.own[bare]
        if bare.startswith("["):
            return BOXES.get(bare[1:-1]) or SIGNS.get(bare[1:-1], "todo")
        return SIGNS.get(bare, "todo")

    def learn(self, text: str, *, trusted: bool) -> bool:
        """Take in a text that explains signs; tell whether it is one.

        Args:
            text: the lines of a paragraph, list or table, one explanation or more in each.
            trusted: the text stands under a heading such as "Legend", so a longer
                explanation than a bare status is accepted.
        """
        found: dict[str, Status] = {}
        for line in text.split("\n"):
            tokens = list(_TOKEN.finditer(line))
            if not trusted and len(tokens) == 1 and line[: tokens[0].start()].strip(" *_>-"):
                return False  # a sign behind something is that thing's mark
            for token, after in zip_longest(tokens, tokens[1:]):
                body = line[token.end() : after.start() if after else len(line)]
                body = body[_GLUE.match(body).end() :]  # type: ignore[union-attr] # matches ""
                told = (LOOSE if trusted else STRICT).match(plain(body))
                if not told:
                    if trusted:
                        continue
                    return False
                if not trusted and not _END.match(plain(body), told.end()):
                    return False
                found[_bare(token["token"])] = status_named(told)
        if len(set(found.values())) < 2:
            return False
        self.own.update(found)
        return True
