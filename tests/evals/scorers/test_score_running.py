"""Scorers of others: whatever one does, the others are asked."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from neveridle.evals import Played, ScoreLine
from neveridle.evals.recorded_task import RecordedTask
from neveridle.evals.scorers.running import Scored, score_all

Made = Callable[..., Played]

PLUGIN = """\
import asyncio, threading
from pydantic_evals.evaluators import Evaluator
from dataclasses import dataclass
from neveridle.evals import Measure, ScoreLine
from neveridle.evals.scorers import line

released = threading.Event()

def good(played, task, *, least=1):
    yield line("attempts enough", len(played.report.attempts) >= least, task.title)
    yield Measure("lines_read", 7)

async def waits(played, task):
    await asyncio.sleep(0)
    return [ScoreLine(name="half", value=0.5, passed=False)]

def one(played, task):
    return ScoreLine(name="alone", value=1, passed=True)

def raises(played, task):
    raise ValueError("no such column, key ghp_" + "a1B2" * 8)

def leaves(played, task):
    raise SystemExit(3)

def hangs(played, task):
    released.wait()
    return []

def endless(played, task):
    while True:
        yield ScoreLine(name="x", value=1, passed=True)

def nonsense(played, task):
    return [True]

def nothing(played, task):
    return 1

def takes(played, task):
    return [Measure("model_calls", 1)]

def nan(played, task):
    return [Measure("mine", float("nan"))]

number = 3

@dataclass
class Calls(Evaluator):
    most: int = 5
    def evaluate(self, ctx):
        return ctx.metrics["model_calls"] <= self.most and ctx.output.path[0].startswith("kim")
"""
NAMES = "good waits one raises leaves hangs endless nonsense nothing takes nan number Calls missing"


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package with scorers, as entry points are found."""
    root = tmp_path / "site"
    info = root / "some_scorers-1.0.dist-info"
    info.mkdir(parents=True)
    (root / "some_scorers_of_tests.py").write_text(PLUGIN, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-scorers\nVersion: 1.0\n")
    points = "\n".join(f"{name} = some_scorers_of_tests:{name}" for name in NAMES.split())
    (info / "entry_points.txt").write_text(f"[neveridle.scorers]\n{points}\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(root), *sys.path])
    yield
    module = sys.modules.pop("some_scorers_of_tests", None)
    if module is not None:
        module.released.set()


def task(*scorers: dict[str, Any], **expect: Any) -> RecordedTask:
    return RecordedTask.model_validate(
        {
            "schema": 2, "title": "T", "provenance": "authored", "start": {"repository": "r"},
            "scorers": scorers, "expect": expect,
        }
    )  # fmt: skip


def lines(scored: Scored, scorer: str) -> list[ScoreLine]:
    return [one for one in scored.lines if one.scorer == scorer]


@pytest.mark.usefixtures("plugins")
def test_scorers_say_lines_and_measures(made: Made) -> None:
    scored = score_all(
        made(),
        task(
            {"name": "good", "with": {"least": 3}}, {"name": "waits"}, {"name": "one"},
            {"name": "pydantic-evals:MaxDuration", "with": {"seconds": 5}},
            {"name": "Calls", "with": {"most": 0}},
            measures={"lines_read": 7, "model_calls": 0},
        ),
    )  # fmt: skip

    assert [(one.name, one.passed, one.detail) for one in lines(scored, "good")] == [
        ("attempts enough", False, "T")
    ]
    assert [(one.name, one.value) for one in lines(scored, "waits")] == [("half", 0.5)]
    assert [one.name for one in lines(scored, "one")] == ["alone"]
    assert [one.passed for one in lines(scored, "pydantic-evals:MaxDuration")] == [True]
    assert [one.passed for one in lines(scored, "Calls")] == [True]
    assert scored.measures["lines_read"] == 7
    ours = {one.name: one.passed for one in lines(scored, "expectations")}
    assert ours["measure lines_read"] and ours["measure model_calls"]
    assert scored.status == "failed"


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "ValueError: no such column"),
        ("leaves", "SystemExit"),
        ("endless", "more than 1000 lines"),
        ("nonsense", "bool"),
        ("nothing", "not iterable"),
        ("takes", "model_calls"),
        ("nan", "mine"),
        ("number", "can be called"),
        ("missing", "cannot be loaded"),
        ("no-such", "known are rubric, Calls"),
        ("pydantic-evals:NoSuch", "NoSuch"),
    ],
)
def test_a_scorer_that_fails_is_named_and_the_others_go_on(
    name: str, said: str, made: Made
) -> None:
    scored = score_all(made(), task({"name": name}, {"name": "good"}))

    (line,) = lines(scored, name)
    assert (line.passed, line.value, line.unscored) == (None, None, "error")
    assert said in line.detail
    assert "ghp_" not in line.detail
    assert [one.passed for one in lines(scored, "good")] == [True]
    assert scored.status == "error"


@pytest.mark.usefixtures("plugins")
def test_a_scorer_that_hangs_is_stopped(made: Made) -> None:
    scored = score_all(made(), task({"name": "hangs", "timeout": 0.05}, {"name": "good"}))

    (line,) = lines(scored, "hangs")
    assert line.passed is None
    assert "longer than 0.05 seconds" in line.detail
    assert [one.passed for one in lines(scored, "good")] == [True]
    left = [one for one in threading.enumerate() if one.name == "scorer hangs"]
    assert all(one.daemon for one in left)


@pytest.mark.parametrize("what", [{"mismatches": 2}, {"lenient": 2}, {"faults": ("a kill",)}])
def test_how_a_run_went_by_its_plan_is_said_once(made: Made, what: dict[str, Any]) -> None:
    planned = task().model_dump(by_alias=True) | {"faults": [{"kind": "pause", "seconds": 1}]}

    scored = score_all(made(differences="+ more", **what), RecordedTask.model_validate(planned))

    names = [one.name for one in scored.lines]
    assert sorted(names) == sorted(set(names))
    assert "faults happened" in names
    assert ("requests as recorded" in names) == ("faults" not in what)


def test_the_status_of_a_run() -> None:
    good = ScoreLine(name="a", value=1, passed=True)
    bad = ScoreLine(name="b", value=0, passed=False)
    grader = ScoreLine(name="c", unscored="grader")
    skipped = ScoreLine(name="d", unscored="skipped")
    broken = ScoreLine(name="e", unscored="error")
    unsaid = ScoreLine(name="f")

    assert Scored(lines=[good, grader, skipped]).status == "passed"
    assert Scored(lines=[good, grader, bad]).status == "failed"
    assert Scored(lines=[good, broken, bad]).status == "error"
    assert Scored(lines=[good, unsaid]).status == "error"


async def test_scorers_that_wait_are_asked_from_within_a_loop_too(made: Made) -> None:
    scored = await asyncio.to_thread(
        score_all, made(), task({"name": "rubric", "with": {"rubric": "x"}})
    )

    (line,) = lines(scored, "rubric")
    assert line.unscored == "skipped"
    assert scored.status == "passed"
