"""What `neveridle doctor` says of memory, on a board of either kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neveridle.board.memory_row import NewMemory, Signals
from neveridle.health import Finding
from neveridle.memory.health import look_at_memory


def marked(project: Any, **said: Any) -> None:
    """Write an index's marker."""
    folder: Path = project.home / "memory"
    folder.mkdir(exist_ok=True)
    marker = {"folder": "chroma-0123abcd", **said}
    (folder / "index.json").write_text(json.dumps(marker), encoding="utf-8")


async def told(project: Any) -> list[Finding]:
    team = project.team()
    return [*await look_at_memory(team.settings)]


async def test_of_memory_off_and_of_none(project: Any) -> None:
    (found,) = await told(project)
    assert found.message == "Memory is off."
    project.use("memory", enabled=True)
    (found,) = await told(project)
    assert (found.message, found.grade) == ("0 memories; there is no index yet.", "ok")


async def test_how_far_the_index_is(project: Any) -> None:
    project.use("memory", enabled=True)
    known = Signals("m@1", b"t", b"d")
    async with project.board() as board:
        ids = await board.memories.add(
            [NewMemory(agent="sam", text=f"{n}", signals=known if n else None) for n in range(4)]
        )
        await board.memories.retire(ids[3:])
        marked(project, revision=3)
        (found,) = await told(project)
        assert found.grade == "ok"
        assert found.message == (
            "3 memories, 1 of them without vectors yet, 1 changes not indexed yet."
        )
        assert (found.facts["states"], found.facts["waiting"]) == ({"live": 3, "retired": 1}, 1)
        marked(project, revision=6)
        (found,) = await told(project)
        assert (found.grade, "of another one" in found.message) == ("warning", True)
        assert "memory reindex" in found.remedy
        marked(project, revision="x")
        (found,) = await told(project)
        assert "no index yet" in found.message

        marked(project, revision=5)
        await board.memories.forget(ids[:1])
        await board.clock.script(await board.clock.now() + 40 * 86_400)
        from neveridle.board.aging import Ages

        await board.retention.tidy(Ages(), holder="test")
        (found,) = await told(project)
        assert (found.grade, "cannot be told" in found.message) == ("warning", True)


async def test_of_two_models_and_of_too_many(project: Any) -> None:
    project.use("memory", enabled=True, limit=100)
    async with project.board() as board:
        await board.memories.add(
            [
                NewMemory(agent="sam", text="t", signals=Signals(f"m@{n % 2}", b"t", b"d"))
                for n in range(106)
            ]
        )
        _, models, limit = await told(project)
    assert (models.about, models.grade) == ("memory's vectors", "warning")
    assert "m@0, m@1" in models.message
    assert (limit.about, limit.facts) == ("memory's limit", {"agents": {"sam": 106}})
