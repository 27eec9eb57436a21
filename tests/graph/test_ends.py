"""A heartbeat beside the end of an attempt takes it for what it is: no loss."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest


@pytest.fixture
def beats_behind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, Any, str], None]:
    """Lets the heartbeat come between the board's having done a thing and its answer."""

    def behind(team: Any, owner: Any, verb: str) -> None:
        method: Callable[..., Awaitable[Any]] = getattr(owner, verb)

        async def beaten(*args: Any, **named: Any) -> Any:
            result = await method(*args, **named)
            await team.keeper.beat()
            return result

        monkeypatch.setattr(owner, verb, beaten)

    return behind


async def test_what_was_completed_is_not_called_lost(
    project: Any, hands: Any, beats_behind: Callable[[Any, Any, str], None]
) -> None:
    project.soul("leo")
    handoff = {"to": "leo", "action": "Go on"}
    hands.do("Half", hands.leave({"a.txt": "a\n"}, status="handed_off", handoff=handoff))
    hands.do("Continue: Go on", hands.leave({"b.txt": "b\n"}))
    async with project.team(worker=hands) as team:
        beats_behind(team, team.board.attempts, "complete")
        beats_behind(team, team.board.handoffs, "give")
        await team.dispatch("sam", "Half")
        report = await team.run(until="idle", timeout=60)
        assert (report.endings, team.desk.jobs) == ({"handed_off": 1, "completed": 1}, [])
    assert (project.clones, project.branches) == ([], [])


async def test_what_was_blocked_or_failed_is_said(
    project: Any, hands: Any, beats_behind: Callable[[Any, Any, str], None]
) -> None:
    project.use("limits", attempts=1)
    blocked = {"status": "blocked", "owner": "ann", "action": "decide"}
    hands.do("Stuck", hands.leave(**blocked))
    hands.do("Bad", hands.leave({"a.txt": "BROKEN\n"}))
    async with project.team(worker=hands) as team:
        for verb in ("block", "fail"):
            beats_behind(team, team.board.attempts, verb)
        for title in ("Stuck", "Bad"):
            await team.dispatch("sam", title)
        report = await team.run(until="idle", timeout=60)
        told = [message.content for message in await team.board.messages.latest("dev")]
    assert report.endings == {"blocked": 1, "failed": 1}
    assert [text for text in told if "@ann, please decide" in text]
    assert [text for text in told if "failed 1 times: Bad" in text]
