"""Which memories a recall may find."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from neveridle.board.memory_row import MemoryRow

Layer = Literal["soul", "working", "short", "long"]
LAYERS: Final[tuple[Layer, ...]] = ("soul", "working", "short", "long")
WORKING: Final = "working"
"""The kind of the rows of working memory."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for.

    Attributes:
        agent: who asks; None: the operator.
        layers: of these layers.
        tags: with all of these tags.
        since: which happened then or later, in seconds since 1970.
        kinds: of one of these kinds; empty: of any.
    """

    agent: str | None = None
    layers: frozenset[str] = frozenset({"short", "long"})
    tags: frozenset[str] = frozenset()
    since: float | None = None
    kinds: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        *,
        agent: str | None = None,
        layers: Collection[str] = ("short", "long"),
        tags: Collection[str] = (),
        since: float | None = None,
        kinds: Collection[str] = (),
    ) -> Scope:
        """The scope; a single word is taken for a collection of one.

        Raises:
            ValueError: there is no such layer, or ``since`` is no time.
        """
        wanted = _several(layers)
        if unknown := sorted(wanted - set(LAYERS)):
            msg = f"there is no layer {unknown[0]!r}; they are {', '.join(LAYERS)}"
            raise ValueError(msg)
        if since is not None and math.isnan(since):
            msg = "since must be a time in seconds since 1970, not NaN"
            raise ValueError(msg)
        return cls(agent, wanted, _several(tags), since, _several(kinds))

    def against(self, row: MemoryRow, layer: str) -> list[str]:
        """What keeps a memory that the asker may see out of this scope, in words.

        Args:
            row: the memory.
            layer: the layer it is in.
        """
        found: list[str] = []
        if row.state != "live":
            found.append(f"it is {row.state}")
        if layer not in self.layers:
            found.append(f"it is in the layer {layer}")
        if missing := sorted(self.tags - set(row.tags)):
            found.append(f"it lacks the tag {', '.join(missing)}")
        if self.since is not None and row.at < self.since:
            found.append("it is older")
        if self.kinds and row.kind not in self.kinds:
            found.append(f"its kind is {row.kind}")
        return found


def _several(words: Collection[str]) -> frozenset[str]:
    return frozenset({words} if isinstance(words, str) else words)
