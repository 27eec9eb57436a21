from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.errors import ModelMistake
from neveridle.memory import Memory
from neveridle.memory.tidy import MAX_TEXT

LESSONS = [
    ("sam", "The Linear API answers 429 when the hourly limit is spent; wait for its reset."),
    ("leo", "Buttons in the settings page need a focus ring for keyboard users."),
    ("sam", "Run the migrations before the database tests, or every one of them fails."),
    ("quinn", "The login test is flaky because it compares times in two zones."),
]


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def _teach(memory: Memory) -> None:
    for agent, text in LESSONS:
        await memory.remember(text, agent=agent)


async def test_recalls_the_closest_first(memory: Memory) -> None:
    await _teach(memory)
    hits = await memory.recall("limit of the Linear API", k=2)
    assert hits[0].row.text == LESSONS[0][1]
    assert len(hits) == 2
    assert hits[0].score > hits[1].score
    assert "1st in meaning" in hits[0].why
    (hit,) = await memory.recall("limit of the Linear API", k=1, mode="dense")
    assert f"{hit.score:.2f}" in hit.why


async def test_recall_for_one_agent_finds_only_theirs(memory: Memory) -> None:
    await _teach(memory)
    hits = await memory.recall("a flaky login test", k=10, agent="sam")
    assert {hit.row.agent for hit in hits} == {"sam"}
    assert len(hits) == 2
    assert await memory.recall("a flaky login test", agent="max") == []


async def test_a_memory_is_found_at_once(memory: Memory) -> None:
    await _teach(memory)
    await memory.recall("anything")
    row = await memory.remember("Deploys to vercel need the project id.", agent="max")
    assert (await memory.recall("vercel deploy", k=1))[0].row.id == row


async def test_keeps_what_it_was_given(memory: Memory) -> None:
    row = await memory.remember(
        "Naïve café 日本", agent="sam", kind="note", tags=["a", "a", " b "], source="task:7",
        importance=0.9, at=12.5, trusted=True,
    )  # fmt: skip
    (hit,) = await memory.recall("café")
    assert hit.row.id == row
    assert (hit.row.kind, hit.row.tags, hit.row.source) == ("note", ("a", "b"), "task:7")
    assert (hit.row.importance, hit.row.at, hit.row.trusted) == (0.9, 12.5, True)


async def test_secrets_never_reach_the_board(memory: Memory, store: Any) -> None:
    secret = "ghp_" + "a1B2" * 9
    await memory.remember(
        f"The token {secret} works.", agent="sam", tags=[secret], source=f"log {secret}"
    )
    assert secret not in repr(await store.newest(1))


async def test_text_that_a_database_refuses(memory: Memory, store: Any) -> None:
    await memory.remember("half a pair \ud800 and \0 nothing", agent="sam")
    assert [row.text for row in await store.newest(1)] == ["half a pair ? and  nothing"]
    assert len(await memory.recall("half a \ud800 pair \0")) == 1


async def test_a_very_long_text_is_cut_and_says_so(memory: Memory, store: Any) -> None:
    await memory.remember("word " * 20_000, agent="sam")
    (row,) = await store.newest(1)
    assert len(row.text) == MAX_TEXT
    assert row.text.endswith("[99999 characters, cut]")


@pytest.mark.parametrize("text", ["", "  \n", "\0"])
async def test_nothing_is_not_remembered(memory: Memory, text: str) -> None:
    with pytest.raises(ModelMistake):
        await memory.remember(text, agent="sam")


@pytest.mark.parametrize("importance", [-0.1, 1.1, float("nan")])
async def test_importance_is_between_0_and_1(memory: Memory, importance: float) -> None:
    with pytest.raises(ValueError, match="importance"):
        await memory.remember("text", agent="sam", importance=importance)


async def test_an_empty_memory_costs_nothing(memory: Memory, embedder: Any, tmp_path: Path) -> None:
    assert await memory.recall("anything") == []
    assert await memory.index_pending() == 0
    assert embedder.texts == []
    assert _names(tmp_path) == []


async def test_asking_for_nothing_gives_nothing(memory: Memory, embedder: Any) -> None:
    await _teach(memory)
    assert await memory.recall("   ") == []
    assert await memory.recall("login", k=0) == []
    assert len(embedder.texts) == len(LESSONS), "only what was remembered"


async def test_remembering_and_recalling_open_no_index(memory: Memory, tmp_path: Path) -> None:
    await _teach(memory)
    await memory.recall("login")
    assert _names(tmp_path) == []


async def test_each_row_is_embedded_once(memory: Memory, embedder: Any) -> None:
    await _teach(memory)
    assert await memory.index_pending() == 4
    assert await memory.index_pending() == 0
    await memory.recall("login")
    assert sorted(embedder.texts) == sorted([*(text for _, text in LESSONS), "login"])


async def test_vectors_outlive_the_process(
    open_memory: Callable[..., Memory], embedder: Any
) -> None:
    first = open_memory()
    await _teach(first)
    await first.recall("login")
    await first.close()
    embedder.texts.clear()
    assert (await open_memory().recall("migrations", k=1, mode="dense"))[0].row.text == LESSONS[2][
        1
    ]
    assert embedder.texts == ["migrations"]


async def test_many_at_once(memory: Memory) -> None:
    ids = await asyncio.gather(*(memory.remember(f"note {i}", agent="sam") for i in range(150)))
    asked = range(0, 150, 30)
    found = await asyncio.gather(*(memory.recall(f"note {i}", k=5, mode="dense") for i in asked))
    for i, hits in zip(asked, found, strict=True):  # some numbers share a slot of their hash
        assert ids[i] in {hit.row.id for hit in hits}


async def test_none_is_missed_among_many_alike(memory: Memory) -> None:
    texts = [f"note {number}" for number in range(150)]
    for text in texts:
        await memory.remember(text, agent="sam")
    found = [
        {hit.row.text for hit in await memory.recall(text, k=10, mode="dense")} for text in texts
    ]
    missed = [text for text, hits in zip(texts, found, strict=True) if text not in hits]
    assert missed == [], "Chroma's graph alone misses about a hundred of these"


async def test_a_cancelled_recall_leaves_it_usable(memory: Memory) -> None:
    await _teach(memory)
    task = asyncio.create_task(memory.recall("login"))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(await memory.recall("login", k=4)) == 4


async def test_closing_twice_and_after_nothing(memory: Memory) -> None:
    await memory.close()
    await memory.close()
    await memory.remember("still goes to the board", agent="sam")
    with pytest.raises(RuntimeError, match="closed"):
        await memory.recall("board")


def test_a_process_ends_whatever_its_thread_does() -> None:
    code = """
        import asyncio, time
        from neveridle.memory.lane import Lane

        async def main():
            asyncio.create_task(Lane("slow").run(lambda: time.sleep(600)))
            await asyncio.sleep(0.1)

        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-P", "-c", textwrap.dedent(code)], timeout=60)
    assert done.returncode == 0


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "{'chromadb', 'torch', 'numpy', 'transformers', 'sentence_transformers', 'sqlalchemy'}"
    code = f"import sys, neveridle.memory; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
