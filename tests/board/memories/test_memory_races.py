"""Many writers at once: nothing acknowledged is lost, none is half there, who follows sees all."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from neveridle.board import Board
from neveridle.board.memory_row import NewMemory, Signals

LONG = 120.0
"""Seconds after which a process that has not ended hangs."""

WRITER = '''
"""Adds, changes and forgets until told to stop; says each thing once it is acknowledged."""
import asyncio, random, sys
from neveridle.board import Board
from neveridle.board.memory_row import NewMemory, Signals

url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

async def main():
    async with Board(url, create=False) as board:
        print("ready", flush=True)
        sys.stdin.readline()
        memories, mine = board.memories, []
        for number in range(count):
            size = random.choice((1, 1, 2, 7))
            texts = [f"{name}/{number}:{size}/{n}" for n in range(size)]
            ids = await memories.add([
                NewMemory(agent=name, text=text,
                          signals=Signals("m@1", text.encode(), text.encode(), text.encode()))
                for text in texts
            ])
            for one, text in zip(ids, texts):
                print("added", one, text, flush=True)
            mine += ids
            if number % 3 == 1:
                one = random.choice(mine)
                mine.remove(one)
                await memories.forget([one])
                print("forgot", one, flush=True)
            if number % 4 == 2 and mine:
                one = random.choice(mine)
                await memories.change(one, strength=number)
                print("changed", one, number, flush=True)

asyncio.run(main())
'''

FOLLOWER = '''
"""Follows all changes while others write; at the end says what it knows."""
import asyncio, json, os, sys
from neveridle.board import Board

url, stop = sys.argv[1:]

async def main():
    async with Board(url, create=False) as board:
        print("ready", flush=True)
        sys.stdin.readline()
        known, after, last = {}, 0, False
        while True:
            ending = os.path.exists(stop)  # asked before: what came until then is still read
            if await board.memories.revision() > after:
                for change in await board.memories.changes(after, 5):
                    row, signals = change.row, change.signals
                    assert row.revision > after, (row.revision, after)
                    if row.state != "forgotten":
                        assert signals.model and signals.terms == signals.dense, row
                    after = row.revision
                    known[row.id] = (row.state, row.strength, row.revision)
            elif ending:
                break
        print(json.dumps(known), flush=True)

asyncio.run(main())
'''

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(board_url: str, tmp_path: Path) -> Generator[Start]:
    """Starts a program that has opened the board and waits for the word."""
    begun: list[subprocess.Popen[str]] = []

    def begin(program: str, *arguments: str) -> subprocess.Popen[str]:
        script = tmp_path / f"program{len(begun)}.py"
        script.write_text(program, encoding="utf-8")
        worker = subprocess.Popen(
            [sys.executable, "-P", str(script), board_url, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        begun.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        return worker

    yield begin
    for worker in begun:
        with worker:  # closes its pipes, and waits
            worker.kill()


def go(worker: subprocess.Popen[str]) -> None:
    """Give the word."""
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


@pytest.mark.postgres_in_chaos
@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
async def test_processes_write_some_are_killed_and_another_follows(
    board_url: str, start: Start, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    follower = start(FOLLOWER, str(stop))
    writers = [start(WRITER, name, "40") for name in ("sam", "leo")]
    victims = [start(WRITER, name, "1000000") for name in ("quinn", "max")]
    for worker in (follower, *writers, *victims):
        go(worker)
    said: list[str] = []
    for lines, victim in zip((3, 20), victims, strict=True):
        assert victim.stdout is not None
        said += [victim.stdout.readline() for _ in range(lines)]
        victim.send_signal(signal.SIGKILL)
        # What it still said before it died counts as well. Not `communicate`: it passes over
        # what `readline` has buffered.
        said += victim.stdout.read().splitlines()
        victim.wait()
    for writer in writers:
        out, err = writer.communicate(timeout=LONG)
        assert writer.returncode == 0, err
        said += out.splitlines()
    stop.touch()
    out, err = follower.communicate(timeout=LONG)
    assert follower.returncode == 0, err
    followed = {int(memory): tuple(seen) for memory, seen in json.loads(out).items()}

    async with Board(board_url) as board:
        changes = await board.memories.changes(0, 100_000)
        rows = {row.id: row for row in await board.memories.get(list(followed))}
        tokens = await board.memories.tokens(list(rows))
        assert await board.memories.revision() >= changes[-1].row.revision
    # What it followed is what there is: it missed none, and holds nothing that is not so.
    assert followed == {c.row.id: (c.row.state, c.row.strength, c.row.revision) for c in changes}
    assert len({c.row.revision for c in changes}) == len(changes)
    for change in changes:  # whole, with its signals, or bare
        row = rows[change.row.id]
        made = row.text.encode() or None
        assert change.signals == Signals("m@1" if made else "", made, made)
        assert tokens.get(row.id) == made
        assert (row.state == "forgotten") == (row.text == "")
    forgotten = {int(line.split()[1]) for line in said if line.startswith("forgot")}
    for line in said:
        word, memory, *more = line.split()
        row = rows[int(memory)]
        if word == "forgot":
            assert row.state == "forgotten"
        if word == "added" and row.state != "forgotten":
            assert row.text == more[0]
        if row.state == "forgotten" and int(memory) not in forgotten:
            assert row.agent in ("quinn", "max")  # it died before it could say so
    # What a victim did not live to say is there as a whole, or not at all.
    acknowledged = {line.split()[2] for line in said if line.startswith("added")}
    unsaid = [row.text for row in rows.values() if row.text and row.text not in acknowledged]
    for text in unsaid:
        batch, _, _ = text.rpartition("/")
        size = int(batch.partition(":")[2])
        assert {f"{batch}/{n}" for n in range(size)} == {
            other for other in (*unsaid, *acknowledged) if other.startswith(f"{batch}/")
        }


async def test_a_hundred_writers_of_one_process(board_url: str) -> None:
    async with Board(board_url) as board, Board(board_url) as other:
        seen: list[int] = []
        done = asyncio.Event()

        async def follow() -> None:
            after = 0
            while True:
                ending = done.is_set()
                page = await other.memories.columns(after, 7)
                seen.extend(page.id)
                if page.id:
                    after = page.revision[-1]
                elif ending:
                    return
                await asyncio.sleep(0)

        async def write(number: int) -> list[int]:
            new = [
                NewMemory(agent=f"{number}", text=f"{number}/{n}", signals=Signals("m", b"t"))
                for n in range(1 + number % 3)
            ]
            return await board.memories.add(new)

        following = asyncio.create_task(follow())
        ids = await asyncio.gather(*(write(number) for number in range(100)))
        done.set()
        await following
        everything = [one for batch in ids for one in batch]
        assert sorted(seen) == sorted(everything)
        assert len(set(everything)) == len(everything) == await board.memories.revision()
        for number, batch in enumerate(ids):
            rows = await board.memories.get(batch)
            assert [row.text for row in rows] == [f"{number}/{n}" for n in range(1 + number % 3)]


async def test_who_is_cancelled_leaves_nothing_half_done(board_url: str) -> None:
    async with Board(board_url) as board:
        for wait in (0, 1, 3, 10):
            new = [NewMemory(agent="sam", text=f"{wait}", signals=Signals("m", b"t"))] * 50
            adding = asyncio.create_task(board.memories.add(new))
            for _ in range(wait):
                await asyncio.sleep(0)
            adding.cancel()
            await asyncio.wait([adding])
            await board.memories.add([NewMemory(agent="leo", text="after")])
            changes = await board.memories.changes(0, 1_000)
            of_sam = [c for c in changes if c.row.agent == "sam"]
            assert len(of_sam) % 50 == 0
            assert all(change.signals.model for change in of_sam)
