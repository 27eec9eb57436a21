"""Consolidation beside the work: when enough was learnt, by one process, told once."""

from __future__ import annotations

from typing import Any

from neveridle import Team
from neveridle.graph.consolidating import HOLDS


async def test_every_few_lessons_and_every_few_days_and_never_by_two_at_once(
    project: Any, hands: Any
) -> None:
    await project.script()
    project.use("memory", enabled=True, consolidate_after=2, consolidate_days=3.0)
    project.learns("dispatch:one", "Look at pages first.")
    project.learns("dispatch:two", "Look at stores first.")
    async with project.team(worker=hands) as team:
        await team.consolidating.stop()
        assert await team.consolidating.look(["sam"]) == []
        await team.dispatch("sam", "One")
        await team.dispatch("sam", "Two")
        await team.run(until="idle", timeout=60)
        for text in ("Escape the text in pages.", "Escape the text in a page."):
            await team.memory.remember(text, agent="sam", visibility="team")
        await team.board.clock.advance(1)
        async with project.team(worker=hands) as other:
            await other.consolidating.stop()
            assert await other.board.syncs.hold(HOLDS, "other", seconds=60)
            assert await team.consolidating.look(["sam"]) == []
            await other.board.syncs.release(HOLDS, "other")

        (done,) = await team.consolidating.look(["sam"])

        assert len(done.merges) == 1
        assert await team.consolidating.look(["sam"]) == []
        (event,) = await team.board.events.find(kind="memory.consolidated")
        assert event.data == {"consolidations": [1], "merged": 1, "retired": 0}
        revision = await team.board.memories.revision()
        await team.board.clock.advance(2 * 86_400)
        assert await team.consolidating.look(["sam"]) == []
        assert await team.board.memories.revision() == revision  # a look writes nothing


async def test_a_running_team_consolidates_by_itself(project: Any, hands: Any) -> None:
    project.use("memory", enabled=True, consolidate_after=1)
    project.learns("dispatch:one", "Look at pages first.")

    async def live(team: Team) -> int:
        return (await team.board.memories.count())["live"]

    async with project.team(worker=hands) as team:
        for text in ("Escape the text in pages.", "Escape the text in a page."):
            await team.memory.remember(text, agent="sam", visibility="team")
        await team.dispatch("sam", "One")
        await team.run(until="idle", timeout=60)
        async with team.board.clock.timeout(60):
            while await live(team) > 2:
                await team.board.clock.sleep(0.02)
        assert await live(team) == 2
