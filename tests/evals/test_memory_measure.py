"""What is measured: shares of evidence that are found, and what it took to find them."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from neveridle.cli.app import run
from neveridle.cli.evals import app
from neveridle.errors import DatasetInvalid
from neveridle.evals.memory import (
    Asked,
    Bm25,
    Conversation,
    Dense,
    Question,
    Recaller,
    Session,
    Stopwatch,
    Turn,
    by_category,
    measure,
    milliseconds,
    read_locomo,
    remembered,
    scores,
)
from neveridle.memory import HashingEmbedder

SHARED = Path(os.environ.get("NEVERIDLE_SHARED", Path(__file__).parents[2].parent / "shared"))
LOCOMO = SHARED / "data" / "locomo" / "locomo_dev.json"

SAID = [
    ("Ada", "The lighthouse lamp broke on Tuesday."),
    ("Bo", "I baked seven loaves of rye bread."),
    ("Ada", "My sister moved to Lisbon in spring."),
    ("Bo", "The ferry costs nine crowns now."),
    ("Ada", "We painted the kitchen yellow."),
    ("Bo", "My telescope needs a new mirror."),
]


def conversation(name: str = "harbour", *, prefix: str = "D1:") -> Conversation:
    turns = tuple(
        Turn(f"{prefix}{number}", author, text)
        for number, (author, text) in enumerate(SAID, start=1)
    )
    questions = (
        Question("What broke in the lighthouse?", "4", (f"{prefix}1",)),
        Question("Where did the sister move?", "4", (f"{prefix}3",)),
        Question("Which colour did the kitchen get painted, what costs the ferry?", "1",
                 (f"{prefix}5", f"{prefix}4")),
    )  # fmt: skip
    return Conversation(name, (Session("session_1", 1.7e9, turns),), questions)


def opened(make: Callable[[], Recaller]) -> Callable[[], Any]:
    @asynccontextmanager
    async def opening() -> AsyncGenerator[Recaller]:
        yield make()

    return opening


def asked(found: str, evidence: str, category: str = "1") -> Asked:
    question = Question("?", category, tuple(evidence.split()))
    return Asked("talk", question, tuple(found.split()), seconds=0.002, embedding=0.001)


def test_recall_is_the_share_of_the_evidence_among_the_first_k() -> None:
    found = scores([asked("a b c", "a"), asked("x y a", "a z"), asked("", "q")], k=10)
    assert found["questions"] == 3
    assert found["evidence"] == 4
    assert found["recall@1"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["recall@5"] == pytest.approx((1 + 0.5 + 0) / 3, abs=1e-4)
    assert found["hit@10"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["all@10"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["mrr"] == pytest.approx((1 + 1 / 3) / 3, abs=1e-4)
    assert "recall@20" not in found  # only ten were asked for


def test_categories_are_told_apart() -> None:
    groups = by_category(
        [asked("a", "a", "10"), asked("b", "a", "9"), asked("a", "a", "none")], k=5
    )
    assert [(name, group["recall@5"]) for name, group in groups.items()] == [
        ("9", 0.0),
        ("10", 1.0),
        ("none", 1.0),
    ]


def test_times_are_medians_and_percentiles_in_milliseconds() -> None:
    assert milliseconds([number / 1000 for number in range(1, 101)]) == {"median": 50.5, "p95": 96}
    assert milliseconds([]) == {"median": 0.0, "p95": 0.0}


async def test_the_real_memory_finds_what_was_said() -> None:
    watch = Stopwatch(HashingEmbedder(), lambda: 0.0)
    report = await measure([conversation()], lambda: remembered(watch, mode="dense"), watch=watch)
    facts = report.facts
    assert facts["overall"]["recall@1"] == pytest.approx(2.5 / 3, abs=1e-4)
    assert facts["overall"]["recall@5"] == 1.0
    assert facts["turns"] == len(SAID)
    assert (facts["settings"]["recall"], facts["settings"]["mode"]) == ("memory", "dense")
    assert facts["categories"]["1"]["evidence"] == 2


async def test_conversations_in_one_store_are_searched_apart() -> None:
    talks = [conversation("one"), conversation("two", prefix="E1:")]
    watch = Stopwatch(HashingEmbedder(), lambda: 0.0)
    stores: list[str] = []

    @asynccontextmanager
    async def opening() -> AsyncGenerator[Recaller]:
        stores.append("opened")
        async with remembered(watch, mode="dense") as recaller:
            yield recaller

    report = await measure(talks, opening, together=True, k=10)
    assert len(stores) == 1
    assert report.facts["overall"]["recall@1"] == pytest.approx(2.5 / 3, abs=1e-4)
    prefixes = {"one": "D1:", "two": "E1:"}
    for one in report.asked:
        assert len(one.found) == len(SAID)
        assert all(turn.startswith(prefixes[one.conversation]) for turn in one.found)


async def test_each_conversation_has_a_store_of_its_own() -> None:
    stores: list[str] = []

    @asynccontextmanager
    async def opening() -> AsyncGenerator[Recaller]:
        stores.append("opened")
        yield Bm25()

    await measure([conversation("one"), conversation("two")], opening)
    assert len(stores) == 2


async def test_the_embedders_time_is_told_apart() -> None:
    seconds = iter(range(100))
    watch = Stopwatch(HashingEmbedder(), lambda: float(next(seconds)))
    await watch.embed(["a"])
    await watch.encode(["a", "b"])
    assert watch.seconds == 2.0


async def test_rare_words_say_more_than_common_ones() -> None:
    texts = ["boat boat boat", "boat harbour", "boat anchor", "lantern rope"]
    turns = tuple(Turn(str(number), "", text) for number, text in enumerate(texts))
    words = Bm25()
    talk = Conversation("boats", (Session("session_1", None, turns),), ())
    await words.ingest(talk)
    assert await words.search(talk, "the boat, a lantern", 2) == ["3", "0"]
    assert await words.search(talk, "nothing of it", 2) == []


@pytest.mark.parametrize("make", [Bm25, lambda: Dense(HashingEmbedder(4096))])
async def test_the_baselines_find_what_shares_words(make: Callable[[], Recaller]) -> None:
    report = await measure([conversation()], opened(make))
    assert report.facts["overall"]["recall@5"] == 1.0
    assert report.facts["overall"]["recall@1"] == pytest.approx(2.5 / 3, abs=1e-4)


async def test_without_evidence_nothing_can_be_measured() -> None:
    silent = Conversation("empty", conversation().sessions, ())
    with pytest.raises(DatasetInvalid, match="evidence"):
        await measure([silent], opened(Bm25))


def written(folder: Path) -> Path:
    turns = [
        {"speaker": author, "dia_id": f"D1:{number}", "text": text}
        for number, (author, text) in enumerate(SAID, start=1)
    ]
    qa = [
        {"question": "What broke in the lighthouse?", "evidence": ["D1:1"], "category": 4},
        {"question": "Who?", "evidence": ["D"], "category": 5},
    ]
    path = folder / "talks.json"
    path.write_text(json.dumps({"conversation": {"session_1": turns}, "qa": qa}), encoding="utf-8")
    return path


def test_the_command_reports_as_json(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["memory", str(written(tmp_path)), "--embedder", "hashing", "--k", "3", "--json"]
    )
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert facts["overall"]["questions"] == 1
    assert facts["settings"]["mode"] == "hybrid"
    assert facts["skipped"] == {"evidence that is no turn": 1, "a question without evidence": 1}
    assert facts["settings"]["k"] == 3
    assert facts["versions"]["neveridle"]
    assert "6 turns stored" in done.stderr


def test_odd_characters_are_no_obstacle(tmp_path: Path) -> None:
    odd = [" \u200b\u0000 ", "half \ud83d a pair", "a\u0000b", "ليلة هادئة 🌙", "x" * 20_000]
    turns = [{"speaker": "\ud83d", "dia_id": 5 + n, "text": text} for n, text in enumerate(odd)]
    qa = [{"question": "half \ud83d pair?", "evidence": 6}, {"question": "🌙?", "evidence": "8"}]
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"conversation": {"session_1": turns}, "qa": qa}), encoding="utf-8")
    for more in (
        ["--embedder", "hashing"],
        ["--baseline", "bm25"],
        ["--embedder", "hashing", "--baseline", "dense"],
    ):
        done = CliRunner().invoke(app, ["memory", str(path), "--json", *more])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["overall"]["questions"] == 2


def test_a_file_that_is_not_there_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["eval", "memory", str(tmp_path / "none.json"), "--json"]) == 2
    assert "dataset-invalid" in capsys.readouterr().err


def test_the_command_reports_as_a_table(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["memory", str(written(tmp_path)), "--baseline", "bm25"])
    assert done.exit_code == 0, done.output
    assert "1 of a question without evidence" in " ".join(done.stdout.split())


@pytest.mark.skipif(not LOCOMO.is_file(), reason="LoCoMo is not here; set NEVERIDLE_SHARED")
async def test_words_alone_find_as_much_of_locomo_as_they_always_did() -> None:
    talks = read_locomo(LOCOMO)
    assert [len(talk.turns) for talk in talks] == [419, 369, 663, 629]
    unmatched = [skip.detail for talk in talks for skip in talk.skipped if skip.detail]
    assert unmatched == ["D10:19", "D"]
    report = await measure(talks[:1], opened(Bm25))
    assert report.facts["overall"]["questions"] == 197
    assert report.facts["overall"]["recall@10"] == pytest.approx(0.604, abs=0.005)
