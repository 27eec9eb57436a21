"""Draws the picture of the README from a real run of the demo: ``docs/assets/demo.svg``."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from rich.console import Console

from neveridle.cli.played import facts_of, print_played
from neveridle.evals import find_task, load_task, play, score

PICTURE = Path(__file__).parents[1] / "docs" / "assets" / "demo.svg"
WIDTH = 110


async def main() -> None:
    """Play the demo, and draw the report at its end."""
    task = load_task(find_task("demo"))
    with tempfile.TemporaryDirectory() as folder:
        result = await play(task, Path(folder) / "neveridle-demo")
    paper = Console(width=WIDTH, record=True, markup=False, highlight=False, force_terminal=True)
    print_played(facts_of(result, score(result, task.expect)), paper)
    svg = paper.export_svg(title="make demo")
    # The fonts rich names are on a server of others: the reader's own will do.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"
    PICTURE.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    import asyncio

    asyncio.run(main())
