"""Plans of faults: what may be written, when it strikes, and that a kill forgets nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from neveridle.errors import RecordingInvalid
from neveridle.evals import load_task
from neveridle.evals.faults.acts import Act
from neveridle.evals.faults.diary import Diary
from neveridle.evals.faults.plan import Fault, Matched
from neveridle.evals.faults.planned import Plan

FAULT: TypeAdapter[Any] = TypeAdapter(Fault)
ACT: TypeAdapter[Any] = TypeAdapter(Act)
SERVICE = {"kind": "service", "service": "linear", "answer": "5xx"}


def struck(diary: Diary, fault: Matched, count: int, *, now: float = 0.0) -> list[int]:
    """With which of so many requests it goes wrong, from 1."""
    return [n for n in range(1, count + 1) if diary.strikes("f", fault, now=now)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "flood"}, "does not match any of the expected tags"),
        ({"kind": "service", "service": "linear", "answer": "bad"}, "Input should be '429'"),
        ({**SERVICE, "colour": "red"}, "Extra inputs are not permitted"),
        ({"kind": "kill"}, "give one of `node`"),
        ({"kind": "kill", "node": "work", "at": 3}, "give one of `node`"),
        ({"kind": "clock-jump", "seconds": -5}, "suspended"),
        ({"kind": "pause", "seconds": 5, "at": 1, "on": "task.added"}, "not both"),
        ({**SERVICE, "probability": 0}, "greater than 0"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FAULT.validate_python(table)


def test_a_wrong_table_is_named_with_its_file(tmp_path: Path) -> None:
    head = 'schema = 2\ntitle = "x"\nprovenance = "authored"\n[start]\nrepository = "r"\n'
    (tmp_path / "task.toml").write_text(head + '[[acts]]\nkind = "dispatch"\nto = "ada"\n')
    with pytest.raises(RecordingInvalid, match=r"task\.toml:\d+: acts\.0\.dispatch\.title"):
        load_task(tmp_path)


def test_a_step_of_work_is_a_node_with_a_number() -> None:
    assert FAULT.validate_python({"kind": "kill", "node": "work step 12"}).step == 12
    assert FAULT.validate_python({"kind": "kill", "node": "work"}).step == 0
    assert ACT.validate_python({"kind": "answer", "text": "yes"}).times == 1


def test_nth_times_and_window_decide_what_it_strikes(tmp_path: Path) -> None:
    third = FAULT.validate_python({**SERVICE, "nth": 3, "times": 2})
    assert struck(Diary(tmp_path / "a"), third, 9) == [3, 4]
    always = FAULT.validate_python({**SERVICE, "times": 0, "from": 10, "until": 20})
    diary = Diary(tmp_path / "b")
    assert struck(diary, always, 3, now=9.9) == []
    assert struck(diary, always, 3, now=10) == [1, 2, 3]
    assert struck(diary, always, 3, now=20) == []


def test_chance_is_the_seeds_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    fault = FAULT.validate_python({**SERVICE, "times": 0, "probability": 0.3})
    whole = [struck(Diary(tmp_path / "x", seed), fault, 200) for seed in (1, 1, 2)]
    assert whole[0] == whole[1] != whole[2]
    assert 30 < len(whole[0]) < 90

    first = Diary(tmp_path / "y", 1)
    begun = struck(first, fault, 100)
    first.note("x", now=1.5)
    first.due = [(3.0, "f", 0)]
    first.save()
    second = Diary.open(tmp_path / "y", 1)
    assert second == first
    assert begun + [n + 100 for n in struck(second, fault, 100)] == whole[0]


def test_what_never_happened_is_missed_unless_it_may(tmp_path: Path) -> None:
    faults = [SERVICE, {**SERVICE, "may": True}, {"kind": "pause", "seconds": 5}]
    plan = Plan([(f"{n}", FAULT.validate_python(one)) for n, one in enumerate(faults)], [])
    diary = Diary(tmp_path / "z")
    assert plan.missed(diary, simulated=True) == ["0", "2"]
    assert plan.missed(diary, simulated=False) == ["0"]
    diary.fired["0"] = 1
    assert plan.missed(diary, simulated=False) == []


def test_the_diary_is_json(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "d", 4)
    diary.save()
    assert json.loads((tmp_path / "d").read_text())["happened"] == []
