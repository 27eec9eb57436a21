"""``neveridle eval compaction``: what it reports, and what it says of files it cannot read."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from neveridle.cli.app import run
from neveridle.evals.compaction import evaluate, load_recorded
from neveridle.evals.compaction.checks import misordered, summaries, unpaired
from neveridle.evals.compaction.needs import needs_of

SHARED = Path(os.environ.get("NEVERIDLE_SHARED", Path(__file__).parents[2].parent / "shared"))
Ended = tuple[int, str]
RUNS = SHARED / "data" / "taubench" / "gpt-4o-airline-dev.json"


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run ``neveridle eval compaction``: its exit code, and what it said."""

    def invoke(*arguments: str | Path) -> Ended:
        code = run(["eval", "compaction", *map(str, arguments)])
        said = capfd.readouterr()
        return code, said.out + said.err

    return invoke


def call(number: int, name: str, **args: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(args)}
    return {"id": f"call-{number}", "type": "function", "function": function}


def warehouse(seed: int) -> list[dict[str, Any]]:
    """A clerk moves parcels between depots: every id comes from a result, much earlier."""
    rng = random.Random(seed)
    messages: list[dict[str, Any]] = [{"role": "system", "content": "You move parcels."}]
    parcels = [f"PX-{rng.randrange(10**7):07}" for _ in range(24)]
    number = 0
    messages.append({"role": "user", "content": "Move the parcels of order 4417, one by one."})

    def ask(name: str, result: Any, **args: Any) -> None:
        nonlocal number
        number += 1
        one = call(number, name, **args)
        messages.append({"role": "assistant", "content": None, "tool_calls": [one]})
        said = {"role": "tool", "tool_call_id": one["id"], "name": name}
        messages.append({**said, "content": json.dumps(result)})

    depots = {f"depot_{rng.randrange(1000, 9999)}": {"shelves": rng.randrange(90)} for _ in "abcd"}
    ask("list_parcels", {"order": 4417, "parcels": parcels}, order=4417)
    ask("list_depots", depots, near="Lyon")
    for parcel in parcels:
        due = f"2026-11-{rng.randrange(10, 29)}"
        ask(
            "read_parcel",
            {"parcel": parcel, "due": due, "note": "handle with care " * 30},
            id=parcel,
        )
        ask("move", {"ok": True}, parcel=parcel, depot=rng.choice(list(depots)), due=due)
        messages.append({"role": "assistant", "content": f"{parcel} is on its way. The next?"})
        messages.append({"role": "user", "content": "Yes, the next parcel, to any depot."})
    return messages


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "runs.json"
    file.write_text(json.dumps([{"task_id": at, "traj": warehouse(at)} for at in range(4)]))
    return file


def test_tools_never_seen_before_find_their_identifiers(
    path: Path, cli: Callable[..., Ended]
) -> None:
    code, said = cli(path, "--json")
    assert code == 0, said
    report = json.loads(said)
    assert (report["runs"], report["passed"]) == (4, True)
    assert report["compactions"] > 50
    assert report["needed"] > 500
    assert not any(report["violations"].values())
    assert report["reachable"] >= 0.99
    assert report["in_context"] >= 0.95
    assert [one["budget"] for one in report["budgets"]] == [1000, 1500, 2500, 4000]
    code, said = cli(path, "--budget", "1500")
    assert code == 0
    assert "4 runs: of " in said


def test_the_recorded_runs_reach_what_is_asked_for() -> None:
    if not RUNS.exists():
        pytest.skip(f"{RUNS} is not there")
    report = evaluate(load_recorded(RUNS)[::3], budgets=(1000, 2000))
    assert not any(report["violations"].values())
    assert report["needed"] > 300
    assert report["reachable"] >= 0.95
    assert report["budgets"][1]["in_context"] >= 0.95


def test_a_ledger_that_forgets_is_seen(
    path: Path, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object, **__: object) -> str:
        return ""

    def no_lines(*_: object, **__: object) -> list[str]:
        return []

    monkeypatch.setattr("neveridle.memory.compaction.ledger.Ledger.lines", no_lines)
    monkeypatch.setattr("neveridle.memory.compaction.searching.Searcher.search", nothing)
    code, said = cli(path, "--json", "--budget", "1500")
    report = json.loads(said)
    assert code == 1
    assert report["passed"] is False
    assert report["reachable"] < 0.95
    assert report["budgets"][0]["missing"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("3", "holds int, not a list of runs"),
        ("[]", "holds no runs"),
        ("[3]", "run 1 has no list of messages"),
        ('[{"traj": [7]}]', "run 1, message 1 is int, not a message"),
        ('[{"traj": [{"role": "robot"}]}]', "message 1 has the role 'robot'"),
        ('[{"traj": [{"role": "tool", "content": "x"}]}]', "result without tool_call_id"),
        ('[{"traj": [{"role": "user", "content": 5}]}]', "neither text nor a list of parts"),
        ('[{"traj": [{"role": "assistant", "tool_calls": [{}]}]}]', "call without id or function"),
        ("\xff", "is no JSON"),
    ],
)
def test_a_file_that_is_no_recording_is_named_with_what_is_wrong(
    tmp_path: Path, cli: Callable[..., Ended], text: str, said: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(text.encode("latin-1"))
    code, shown = cli(file)
    assert code == 2
    assert said in " ".join(shown.split())


def test_what_is_not_there_is_said(tmp_path: Path, cli: Callable[..., Ended]) -> None:
    for name in (tmp_path / "none.json", tmp_path):
        code, said = cli(name)
        assert code == 2
        assert name.name in said.replace("\n", "")


def test_arguments_that_are_no_json_and_empty_contents_are_read(tmp_path: Path) -> None:
    broken = {"id": "c", "function": {"name": "f", "arguments": "{oops"}}
    run = [
        {"role": "user", "content": None},
        {"role": "assistant", "content": None, "tool_calls": [broken]},
        {"role": "tool", "tool_call_id": "c", "content": None},
        {"role": "assistant", "content": [{"type": "text", "text": "hm"}]},
    ]
    file = tmp_path / "odd.json"
    file.write_text(json.dumps([{"messages": run}, run]))
    report = evaluate(load_recorded(file), budgets=(300,))
    assert (report["runs"], report["messages"], report["passed"]) == (2, 8, True)
    assert report["reachable"] is None


def test_needs_are_identifiers_and_no_words() -> None:
    args = {"id": "#W1234567", "city": "Lyon", "sum": "12 + 340 * 2", "on": "2026-11-22", "n": 3}
    message = AIMessage("", tool_calls=[{"name": "f", "args": args, "id": "c"}])
    assert {need.value for need in needs_of(message)} == {
        *("#W1234567", "2026-11-22", "3", "12", "340", "2")
    }


def test_the_checks_see_what_is_wrong() -> None:
    calls: list[Any] = [{"name": "f", "args": {}, "id": one} for one in ("a", "b")]
    asked, person = AIMessage("", tool_calls=calls), HumanMessage("x", id="1")
    first, second = (ToolMessage("r", tool_call_id=one) for one in ("a", "b"))
    assert unpaired([person, asked, second, first]) == 0
    assert unpaired([person, asked, first]) == 1
    assert unpaired([person, first]) == 1
    assert unpaired([person, asked, first, AIMessage(""), second]) == 2
    assert misordered([person, asked, first, second]) == 0
    assert misordered([asked, first, second]) == 1
    assert misordered([]) == 1
    other = HumanMessage("y", id="2")
    assert misordered([person, other]) == 1
    assert misordered([person, other], [person, other]) == 0
    assert summaries([HumanMessage("# S\n"), HumanMessage("# S")], "# S") == 2
