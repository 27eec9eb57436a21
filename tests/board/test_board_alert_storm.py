"""A storm of alerts from many processes: bounded rows, bounded raises, nothing else."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from neveridle.board import Board
from neveridle.board.inbox import EACH
from neveridle.board.raising import Telling

PROCESSES, EACH_PUTS = 8, 1250
PER_HOUR = 12

STORM = """
import asyncio, sys
from neveridle.board import Board
from neveridle.board.inbox_item import ItemKind, NewItem
from neveridle.board.raising import Telling

url, me, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
TELLING = Telling(per_hour=12, targets={"HUMAN_ALERT": ("alert_webhook",)})

async def main():
    async with Board(url, create=False) as board:
        for number in range(count):
            same = number % 2
            about = "same" if same else f"{me}-{number}"
            await board.inbox.put(NewItem(
                kind=ItemKind.ALERT, fingerprint=f"alert:{'one' if same else 'many'}:{about}",
                title="Something is wrong",
            ))
            if number % 5 == 0 and await board.alerts.look(lambda found: None, TELLING):
                await board.alerts.keep(lambda found: None, TELLING)

asyncio.run(main())
"""


@pytest.mark.postgres_in_chaos
async def test_a_storm_from_eight_processes_is_some_rows_and_some_raises(
    board: Board, board_url: str, tmp_path: Path, chaos_scale: float
) -> None:
    count = max(40, int(EACH_PUTS * chaos_scale))
    script = tmp_path / "storm.py"
    script.write_text(STORM, encoding="utf-8")
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(script), board_url, str(number), str(count)
        )
        for number in range(PROCESSES)
    ]
    assert [await one.wait() for one in workers] == [0] * PROCESSES
    items = {one.fingerprint: one for one in await board.inbox.find(state=None, limit=10_000)}
    kinds = Counter(name.split(":")[1] for name in items)
    # Where each look met a single one, the hour was full before there was more than its room.
    assert kinds.pop("more", 0) <= 1
    assert kinds == {"one": 1, "many": EACH + 1}
    assert items["alert:one:same"].count == PROCESSES * (count // 2)
    many = sum(one.count for name, one in items.items() if ":many:" in name)
    assert many == PROCESSES * (count - count // 2), "each is counted"
    said = await board.messages.latest("dev", limit=10_000)
    assert 1 < len(said) <= PER_HOUR
    notices = [one for item in items.values() for one in await board.alerts.notices(item.id)]
    assert len(notices) == 2 * len(said)
    assert await board.tasks.find() == []
    telling = Telling(per_hour=PER_HOUR)
    for _ in range(40):
        await board.clock.advance(18 * 3600)
        if await board.alerts.look(lambda found: None, telling):
            await board.alerts.keep(lambda found: None, telling)
    said = await board.messages.latest("dev", limit=10_000)
    assert len(said) <= (EACH + 3) * 4 + 100, "after a month each was raised four times at most"
