"""What a tick costs, with nothing to do."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

from bench.harness import Pair, row, timed
from bench.ladder import bare_ladder
from neveridle.graph.team import Team
from neveridle.memory import HashingEmbedder
from neveridle.settings.loader import settings_from

TICKS = 50


@row("idle tick, whole ladder", floor="bare LangGraph graph of five no-op nodes", limit=1.3)
def idle_tick() -> Generator[Pair]:
    """One pass through all rungs on a board with a hundred tasks that are not this agent's."""
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        team = runner.run(_open(Path(name)))
        bare = bare_ladder()
        ladder: Any = team.graph  # LangGraph's overloads are only partly typed

        async def ours() -> None:
            for _ in range(TICKS):
                await ladder.ainvoke({"agent": "sam"})

        async def floor() -> None:
            for _ in range(TICKS):
                await bare.ainvoke({"at": 0})

        try:
            yield Pair(
                ours=timed(lambda: runner.run(ours()), TICKS),
                floor=timed(lambda: runner.run(floor()), TICKS),
            )
        finally:
            runner.run(team.close())


async def _open(folder: Path) -> Team:
    repository = folder / "repository"
    repository.mkdir()
    (repository / "README.md").write_text("nothing to do\n", encoding="utf-8")
    git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        await asyncio.to_thread(subprocess.run, [*git, *arguments], cwd=repository, check=True)
    souls = folder / "agents"
    souls.mkdir()
    for agent in ("sam", "leo"):
        text = f"---\nrole: backend\nskills: [{agent}]\n---\n\n{agent}\n"
        (souls / f"{agent}.md").write_text(text, encoding="utf-8")
    data: dict[str, Any] = {
        "team": {"repository": "repository"},
        "checks": {"tests": "true"},
        "improvement": {"daily_cap": 5, "finders": ["todo"]},
    }
    team = await Team(settings_from(data, folder), embedder=HashingEmbedder()).open()
    for number in range(100):
        await team.dispatch("leo", f"Task {number}")
    return team
