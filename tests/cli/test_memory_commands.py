from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.memory import HashingEmbedder, Memory

HERON = "The heron server runs Debian."
OTTER = "Otters are fed at noon."


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and no team."""
    (tmp_path / "neveridle.toml").write_text('[memory]\nembedding = "hashing"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ask(folder: Path, cli: Callable[..., Any]) -> Callable[..., Any]:
    """Runs ``neveridle memory`` in it."""
    return lambda *line: cli("memory", *line)


def _add(ask: Callable[..., Any], text: str, *more: str, agent: str = "sam") -> int:
    return int(ask("add", text, "--agent", agent, "--json", *more).json["id"])


def test_what_is_added_is_found(ask: Callable[..., Any]) -> None:
    row = _add(ask, HERON, "--tag", "infra", "--source", "wiki/heron", "--at", "2026-03-01T14:00")
    _add(ask, OTTER)
    found = ask("search", "which server is the heron", "-k", "1", "--json")
    assert found.code == 0
    (hit,) = found.json
    assert (hit["id"], hit["text"], hit["agent"]) == (row, HERON, "sam")
    assert (hit["source"], hit["tags"], hit["origin"]) == ("wiki/heron", ["infra"], "person")
    assert 0 < hit["score"] <= 1
    assert "1st in meaning" in hit["why"]
    shown = ask("search", "heron")
    assert all(part in shown.out for part in ("score", "why", "#1", "wiki/heron", "2026-03-01"))


def test_each_sees_its_own(ask: Callable[..., Any]) -> None:
    private, shared = _add(ask, HERON), _add(ask, HERON + " Really.", "--visibility", "team")
    for command in (("search", "heron"), ("list",)):
        seen = {row["id"] for row in ask(*command, "--agent", "leo", "--json").json}
        assert seen == {shared}
        assert {row["id"] for row in ask(*command, "--agent", "sam", "--json").json} == {
            private, shared,
        }  # fmt: skip
    refused = ask("explain", str(private), "heron", "--agent", "leo", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (4, "not-found")
    told = ask("explain", str(private), "heron", "--json")
    assert told.code == 0
    assert (told.json["rank"], told.json["memory"]["text"]) in {(1, HERON), (2, HERON)}
    assert "by meaning" in ask("explain", f"#{private}", "heron").out


def test_forgetting_asks_and_nobody_answers(ask: Callable[..., Any]) -> None:
    row = _add(ask, HERON, "--tag", "draft")
    asked = ask("forget", str(row))
    assert asked.code == 2
    assert "--yes" in asked.err
    assert ask("forget", "--yes").code == 2
    assert len(ask("list", "--json").json) == 1
    assert ask("forget", "--tag", "draft", "--yes", "--json").json == {"forgotten": [row]}
    gone = ask("forget", str(row), "--yes")
    assert (gone.code, "no such memory" in gone.err) == (4, True)
    assert ask("list", "--json").json == []
    assert [one["text"] for one in ask("list", "--state", "forgotten", "--json").json] == [""]


def test_out_and_in_again(ask: Callable[..., Any], folder: Path) -> None:
    _add(ask, HERON, "--visibility", "team")
    _add(ask, OTTER)
    assert ask("export", "shared.jsonl", "--json").json["memories"] == 1
    assert ask("export", "all.jsonl", "--private", "--json").json["memories"] == 2
    streamed = ask("export", "-", "--agent", "sam")
    assert [json.loads(line)["text"] for line in streamed.out.splitlines()] == [HERON, OTTER]
    assert ask("import", "all.jsonl", "--json").json["known"] == 2
    with (folder / "all.jsonl").open("a", encoding="utf-8") as file:
        file.write('broken\n{"text": "new one", "agent": "leo", "colour": "red"}\n')
    done = ask("import", "all.jsonl")
    assert done.code == 1
    assert "1 memories are new; 2 of 4 were known already." in done.out
    assert "colour" in done.out
    assert "Line 3 is passed over" in done.err
    strict = ask("import", "all.jsonl", "--strict", "--json")
    assert (strict.code, strict.json["error"]["code"]) == (2, "import-invalid")


def test_the_index_anew(ask: Callable[..., Any]) -> None:
    _add(ask, HERON)
    assert ask("reindex", "--json").json == {"indexed": 1}
    assert "1 memories are in the index." in ask("reindex").out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("search", "x", "--layer", "deep"), "soul, working, short, long"),
        (("search", "x", "--mode", "magic"), "hybrid, dense, lexical"),
        (("search", "x", "--since", "gestern"), "2026-03-01T14:00"),
        (("list", "--state", "odd"), "live, superseded, retired, forgotten"),
        (("add", "x", "--agent", "sam", "--visibility", "all"), "private, team, public"),
        (("add", "x"), "--help"),
        (("forget", "x", "--yes"), "neveridle memory list"),
    ],
)
def test_what_is_not_understood_is_explained(
    ask: Callable[..., Any], line: tuple[str, ...], said: str
) -> None:
    _add(ask, HERON)
    ended = ask(*line)
    assert ended.code in (2, 4)
    assert said in ended.err


def test_nothing_is_there_yet(ask: Callable[..., Any]) -> None:
    assert ask("search", "heron").code == 2
    _add(ask, HERON)
    assert "Nothing is remembered" in ask("search", "heron", "--agent", "max").out


def test_nothing_to_remember(ask: Callable[..., Any]) -> None:
    ended = ask("add", "  ", "--agent", "sam")
    assert ended.code == 1
    assert "nothing to remember" in ended.err


async def test_beside_a_running_team(folder: Path, start: Callable[..., Any]) -> None:
    home = folder / ".neveridle"
    home.mkdir()

    async def run(*line: str) -> tuple[int, str, str]:
        process = start(folder, "memory", *line)
        out, err = await asyncio.to_thread(process.communicate)
        return process.returncode, out, err

    async with Board(f"sqlite:///{home / 'board.db'}") as board:
        team = Memory(board.memories, home=home, embedder=HashingEmbedder())
        await team.remember("The heron server runs Debian.", agent="sam")
        assert await team.index_pending() == 1  # the index is the team's now
        code, _, _ = await run("add", "The heron server has a lynx on it.", "--agent", "sam")
        assert code == 0
        assert "lynx" in (await team.recall("lynx", k=1, agent="sam"))[0].row.text
        code, out, _ = await run("search", "heron server", "--json")
        assert (code, len(json.loads(out))) == (0, 2)
        code, _, err = await run("reindex")
        assert code == 2
        assert "Stop the team first" in err
        await team.close()
