"""The souls of the agents as something that can be recalled: read only, paragraph by paragraph."""

from __future__ import annotations

import re
from collections.abc import Mapping

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.tidy import tidy

_BETWEEN = re.compile(r"\n\s*\n")
_HEADING = re.compile(r"#{1,6}\s")


def soul_rows(souls: Mapping[str, str]) -> list[MemoryRow]:
    """A row for each paragraph, under the heading it stands below; ids count down from -1.

    Args:
        souls: the text of each agent's soul, by its name.
    """
    rows: list[MemoryRow] = []
    for agent, text in sorted(souls.items()):
        heading = ""
        for part in _BETWEEN.split(text):
            paragraph = tidy(part)
            if not paragraph:
                continue
            if _HEADING.match(paragraph) and "\n" not in paragraph:
                heading = paragraph
                continue
            rows.append(
                MemoryRow(
                    id=-1 - len(rows),
                    agent=agent,
                    kind="soul",
                    text=f"{heading}\n{paragraph}" if heading else paragraph,
                    tags=(),
                    source=f"agents/{agent}.md",
                    importance=0.5,
                    at=0.0,
                    trusted=True,
                    origin="person",
                )
            )
    return rows
