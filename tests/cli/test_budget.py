"""``neveridle budget``: what was spent, what may be, and raising it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source, Task
from neveridle.board.budget import NANOS, Call, Cap
from neveridle.errors import BudgetReached

CAPS = """
[budgets]
timezone = "Asia/Kolkata"
[budgets.day]
tokens = 1000
cost = 2.0
[budgets.task]
tokens = 700
[prices."openai:mine"]
input = 1.5
output = 6.0
[model]
default = "openai:gpt-5"
"""


@pytest.fixture
def spent(project: Any) -> Any:
    """A day that is used up, and a task that waits for more."""
    project.configure(CAPS)

    async def spend(board: Board) -> None:
        await board.clock.script(1_000_000.0)
        task = await board.tasks.add(
            NewTask(source=Source.DISPATCH, title="Dear work", assignee="sam")
        )
        run = await board.runs.start("sam", role="backend", skills=())
        claim = await board.attempts.claim(
            agent="sam", run=run, skills=(), source=Source.DISPATCH, lease=600
        )
        assert claim is not None
        call = Call(
            run=run, agent="sam", purpose="work", model="openai:gpt-5", tokens=700,
            nanos=NANOS, seconds=60, task=task.id,
        )  # fmt: skip
        caps = [
            Cap(
                scope="day", window="1970-01-12", ends_at=1_017_000.0, tokens=1000, nanos=2 * NANOS
            ),
            Cap(scope="agent:sam", window="1970-01-12", ends_at=1_017_000.0),
            Cap(scope="team"),
            Cap(scope=f"task:{task.id}", tokens=700),
        ]
        held = await board.budgets.reserve(call, caps)
        assert held is not None
        await board.budgets.settle(held, tokens=600, nanos=NANOS // 2, event={})
        for some in (caps[:1], caps[3:]):
            with pytest.raises(BudgetReached):
                await board.budgets.reserve(call, some)
        action = f"raise it with `neveridle budget raise {task.id} --tokens N`"
        await board.attempts.block(claim.attempt, owner="human", action=action)

    project.on_board(spend)
    return project


def _task(project: Any) -> Task:
    async def get(board: Board) -> Task:
        return await board.tasks.get(1)

    found: Task = project.on_board(get)
    return found


def test_every_budget_is_shown_as_it_stands(spent: Any, cli: Callable[..., Any]) -> None:
    shown = cli("budget", "--json")
    assert (shown.code, shown.json["timezone"]) == (0, "Asia/Kolkata")
    scopes = {one["scope"]: one for one in shown.json["scopes"]}
    assert set(scopes) == {"day", "team", "improvement", "agent:sam", "agent:leo", "task:1"}
    day = scopes["day"]
    assert (day["tokens"], day["cost"], day["calls"]) == (600, 0.5, 1)
    assert (day["cap_tokens"], day["cap_cost"], day["share"]) == (1000, 2.0, 0.6)
    assert (day["closed"], day["closed_at"], day["resumes_at"]) == (True, 1_000_000, 1_017_000)
    assert (day["held_tokens"], day["held_cost"]) == (0, 0.0)
    task = scopes["task:1"]
    assert (task["closed"], task["resumes_at"], task["cap_tokens"]) == (True, None, 700)
    assert (scopes["agent:sam"]["tokens"], scopes["agent:sam"]["share"]) == (600, None)
    assert scopes["improvement"]["closed"] is False
    text = cli("budget").out
    assert "600 of 1,000" in text
    assert "$0.50 of $2.00" in text
    assert "60%" in text
    assert "closed until 1970-01-1" in text
    assert "neveridle budget raise 1" in " ".join(text.split())
    assert cli("budget", "show").out == text


def test_a_task_that_may_cost_more_goes_on(spent: Any, cli: Callable[..., Any]) -> None:
    nothing = cli("budget", "raise", "1", "--json")
    assert (nothing.code, nothing.json["error"]["code"]) == (4, "state-conflict")
    less = cli("budget", "raise", "1", "--tokens", "600", "--json")
    assert "used 600 tokens already" in less.json["error"]["message"]
    assert str(_task(spent).state) == "blocked"
    done = cli("budget", "raise", "#1", "--tokens", "5000", "--cost", "3")
    assert (done.code, done.out) == (
        0, "Task #1 may cost 5,000 tokens and $3.00 in all; it is pending.\n",
    )  # fmt: skip
    task = _task(spent)
    assert (str(task.state), task.budget) == ("pending", {"tokens": 5000, "cost": 3.0})
    assert cli("budget", "raise", "99", "--tokens", "1", "--json").json["error"]["code"] == (
        "not-found"
    )


def test_a_task_that_waits_for_something_else_is_left_waiting(
    project: Any, cli: Callable[..., Any]
) -> None:
    async def block(board: Board) -> None:
        await board.tasks.add(NewTask(source=Source.DISPATCH, title="Ask", assignee="sam"))
        run = await board.runs.start("sam", role="backend", skills=())
        claim = await board.attempts.claim(
            agent="sam", run=run, skills=(), source=Source.DISPATCH, lease=600
        )
        assert claim is not None
        await board.attempts.block(claim.attempt, owner="human", action="choose a colour")

    project.on_board(block)
    assert cli("budget", "raise", "1", "--cost", "3", "--json").json["state"] == "blocked"


def test_prices_say_where_they_come_from(spent: Any, cli: Callable[..., Any]) -> None:
    found = {one["model"]: one for one in cli("budget", "prices", "--json").json}
    assert (found["openai:mine"]["source"], found["openai:gpt-5"]["source"]) == (
        "settings", "genai-prices",
    )  # fmt: skip
    assert "$1.5/input MTok" in found["openai:mine"]["text"]
    asked = cli("budget", "prices", "openai:of-my-own")
    assert "unknown" in asked.out
    assert 'prices."openai:of-my-own"' in "".join(asked.out.split())


def test_the_doctor_finds_caps_without_room_and_prices_nobody_knows(
    project: Any, cli: Callable[..., Any]
) -> None:
    project.configure(
        "[budgets.agent]\ntokens = 5000\n[budgets.day]\ncost = 1.0\n"
        '[model]\ndefault = "openai:of-my-own"\n'
    )
    found = [one for one in cli("doctor", "--json").json["findings"] if one["about"] == "budgets"]
    assert [one["grade"] for one in found] == ["problem", "warning"]
    assert "budgets.agent allows 5,000 tokens" in found[0]["message"]
    assert "openai:of-my-own is not known" in found[1]["message"]


def test_without_a_board_nothing_is_shown(cli: Callable[..., Any], project: Any) -> None:
    assert Path(project.folder).is_dir()
    refused = cli("budget", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "board-unusable")


@pytest.mark.parametrize(
    "table", ["[budgets.day]\ncost = inf", '[prices."a:b"]\ninput = 1e300\noutput = 1', "x"]
)
def test_more_money_than_can_be_counted_is_refused_with_its_line(
    cli: Callable[..., Any], project: Any, table: str
) -> None:
    if table == "x":
        ended = cli("budget", "raise", "1", "--cost", "inf")
        assert (ended.code, "'--cost'" in ended.err) == (2, True), ended
        return
    file = project.folder / "neveridle.toml"
    file.write_text(f"{file.read_text()}\n{table}\n")
    ended = cli("config", "check")
    said = ended.out + ended.err
    assert (ended.code, "less than or equal to 1000000000" in said) == (2, True), ended
