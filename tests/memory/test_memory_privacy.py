"""Whatever is done, nobody is shown what is private to another, nor can tell that it is there."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from neveridle.board import Board
from neveridle.errors import NotFound
from neveridle.memory import HashingEmbedder, Memory, Turn

AGENTS = ("sam", "leo")
VISIBILITIES = ("private", "private", "team", "public")
WORDS = ("heron", "otter", "lynx")
START = 1_000_000.0

agents = st.sampled_from(AGENTS)
words = st.sampled_from(WORDS)


class Privacy(RuleBasedStateMachine):
    """Two boards: on the second one, what is private to leo was never said."""

    template: Path
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.count = 0
        self.hidden: list[str] = []  # words of leo's private memories
        self.ids: dict[int, tuple[str, str, str]] = {}  # agent, visibility, text
        self.whole, self.seen = self.runner.run(self._opened())

    async def _opened(self) -> tuple[Memory, Memory]:
        made: list[Memory] = []
        self.boards: list[Board] = []
        for name in ("whole", "seen"):
            folder = self.folder / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            shutil.copy(self.template, folder / "board.db")
            board = await self.stack.enter_async_context(Board(f"sqlite:///{folder / 'board.db'}"))
            await board.clock.script(START)
            memory = Memory(board.memories, home=folder, embedder=HashingEmbedder(32))
            self.stack.push_async_callback(memory.close)
            self.boards.append(board)
            made.append(memory)
        return made[0], made[1]

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    @rule(agent=agents, visibility=st.sampled_from(VISIBILITIES), word=words)
    def remember(self, agent: str, visibility: Any, word: str) -> None:
        self.count += 1
        text = f"{word} unique{self.count} of {agent}"
        said: dict[str, Any] = {
            "agent": agent,
            "visibility": visibility,
            "tags": [word],
            "at": START,
        }
        row = self.runner.run(self.whole.remember(text, **said))
        self._note(row, agent, visibility, text)
        if not (agent == "leo" and visibility == "private"):
            self.runner.run(self.seen.remember(text, **said))

    @rule(agent=agents, visibility=st.sampled_from(VISIBILITIES), word=words)
    def tell(self, agent: str, visibility: Any, word: str) -> None:
        turns: list[Turn] = []
        for _ in range(3):
            self.count += 1
            turns.append(Turn("Ann", f"{word} unique{self.count} of {agent}", START))
        said: dict[str, Any] = {"agent": agent, "visibility": visibility, "key": f"e{self.count}"}
        ids = self.runner.run(self.whole.remember_episode(turns, **said))
        for row, turn in zip(ids, turns, strict=True):
            self._note(row, agent, visibility, turn.text)
        if not (agent == "leo" and visibility == "private"):
            self.runner.run(self.seen.remember_episode(turns, **said))

    def _note(self, row: int, agent: str, visibility: str, text: str) -> None:
        self.ids[row] = agent, visibility, text
        if agent == "leo" and visibility == "private":
            self.hidden.append(text.split()[1])

    def _shown(self, what: object) -> None:
        assert not {*re.findall(r"unique\d+", repr(what))} & {*self.hidden}

    @rule(
        word=words,
        mode=st.sampled_from(["hybrid", "dense", "lexical"]),
        layers=st.sampled_from([("short", "long"), ("short",), ("soul", "working", "long")]),
        tags=st.sampled_from([(), ("heron",)]),
        k=st.sampled_from([3, 30]),
    )
    def recall(self, word: str, mode: Any, layers: Any, tags: Any, k: int) -> None:
        asked: dict[str, Any] = {
            "agent": "sam",
            "k": k,
            "mode": mode,
            "layers": layers,
            "tags": tags,
        }
        shown = self.runner.run(self.whole.recall(f"{word} of leo", **asked))
        there = self.runner.run(self.seen.recall(f"{word} of leo", **asked))
        assert {hit.row.visibility for hit in shown if hit.row.agent == "leo"} <= {"team", "public"}
        self._shown(shown)
        # Nor do ranks and scores tell that there is more: it is as if it had never been said.
        texts = [sorted((h.row.text, round(h.score, 5)) for h in hits) for hits in (shown, there)]
        assert texts[0] == texts[1]
        for hit in shown:
            beside = hit.reasons.get("neighbour")
            if beside is not None:
                agent, visibility, _ = self.ids[int(beside)]
                assert agent == "sam" or visibility != "private"

    @rule(word=words, data=st.data())
    def explain(self, word: str, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([*self.ids, 10_000]))
        agent, visibility, _ = self.ids.get(row, ("leo", "private", ""))
        if agent == "leo" and visibility == "private":
            with pytest.raises(NotFound) as refused:
                self.runner.run(self.whole.explain(word, row, agent="sam"))
            with pytest.raises(NotFound) as absent:
                self.runner.run(self.whole.explain(word, 20_000, agent="sam"))
            said = [
                str(e.value).replace(str(n), "N") for e, n in ((refused, row), (absent, 20_000))
            ]
            assert said[0] == said[1]
        else:
            self._shown(self.runner.run(self.whole.explain(word, row, agent="sam")))

    @rule(agent=st.sampled_from(["sam", None]))
    def export(self, agent: str | None) -> None:
        file = io.BytesIO()
        self.runner.run(self.whole.export(file, agent=agent))
        lines = [json.loads(line) for line in file.getvalue().splitlines()]
        self._shown(lines)
        assert all(line["agent"] == agent for line in lines if agent is not None)
        if agent is None:
            assert {line.get("visibility", "private") for line in lines} <= {"team", "public"}

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([*self.ids, 10_000]))
        gone = self.runner.run(self.whole.forget([row], agent="sam"))
        if row in self.ids and self.ids[row][0] == "sam":
            assert gone == [row]
            text = self.ids.pop(row)[2]
            for hit in self.runner.run(self.seen.recall(text, k=1_000)):
                if hit.row.text == text:
                    self.runner.run(self.seen.forget(hit.row.id))
        else:
            assert gone == []


def test_nothing_private_is_shown_to_another(board_template: Path, tmp_path: Path) -> None:
    machine = type("Here", (Privacy,), {"template": board_template, "folder": tmp_path / "boards"})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=12, stateful_step_count=20, deadline=None)
    )
