"""``neveridle handoff``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

GIVE = ("handoff", "give", "1", "--to", "leo", "--summary", "The data is there.")


@pytest.fixture
def given(cli: Callable[..., Any], project: Any) -> Any:
    """What giving a task by hand printed."""
    del project
    cli("dispatch", "sam", "Show the sum", "--ticket", "AGT-1")
    return cli(
        *(
            *GIVE,
            "--action",
            "Build the page.",
            "--decision",
            "JSON",
            "--question",
            "Which colour?",
        ),
        *("--criterion", "It shows 3.", "--blocker", "No design", "--file", "sum.py"),
        *("--artifact", "pr_url=https://example.org/?a=b", "--branch", "draft", "--json"),
    ).json


def test_give_hands_a_task_over(cli: Callable[..., Any], given: Any) -> None:
    assert (given["sender"], given["receiver"], given["task_id"]) == ("human", "leo", 1)
    assert given["document"]["summary"] == "The data is there."
    assert given["document"]["open_questions"] == ["Which colour?"]
    assert given["document"]["acceptance_criteria"] == ["It shows 3."]
    assert given["document"]["files_changed"] == ["sum.py"]
    assert given["document"]["artifacts"] == {"pr_url": "https://example.org/?a=b"}
    assert (given["document"]["branch"], given["ticket"]) == ("draft", "AGT-1")
    states = {task["id"]: task["state"] for task in cli("tasks", "--json").json}
    assert states == {1: "waiting", given["dispatch_id"]: "pending"}


def test_list_and_show(cli: Callable[..., Any], given: Any) -> None:
    assert cli("handoff", "--json").json == cli("handoff", "list", "--json").json == [given]
    assert cli("handoff", "show", str(given["id"]), "--json").json == given
    assert "human to leo" in cli("handoff").out
    shown = cli("handoff", "show", str(given["id"])).out
    for words in (
        "decision: JSON",
        "blocker: No design",
        "question: Which colour?",
        "goes on as #2",
        "(AGT-1)",
        "pr_url: https://example.org/?a=b",
        "file: sum.py",
    ):
        assert words in shown
    assert "Build the page." in cli("tasks", "show", "2").out


@pytest.mark.usefixtures("given")
def test_what_cannot_be_handed_over_is_refused(cli: Callable[..., Any]) -> None:
    rest = ("--summary", "s", "--action", "a", "--json")
    waiting = cli(*GIVE, "--action", "Again.", "--json")
    nobody = cli("handoff", "give", "2", "--to", "nobody", *rest)
    missing = cli("handoff", "give", "50", "--to", "leo", *rest)

    assert (waiting.code, waiting.json["error"]["code"]) == (4, "state-conflict")
    assert (nobody.code, nobody.json["error"]["code"]) == (4, "not-found")
    assert (missing.code, missing.json["error"]["code"]) == (4, "not-found")
    empty = cli("handoff", "give", "2", "--to", "leo", "--summary", " ", "--action", "a", "--json")
    assert (empty.code, empty.json["error"]["code"]) == (4, "state-conflict")
    assert "no summary" in empty.json["error"]["message"]
    assert cli("handoff", "give", "2", "--to", "leo", *rest, "--artifact", "x").code == 2
    assert cli("handoff", "show", "9").code == 4
    assert cli("handoff", "show", "nine").code == 4


def test_giving_to_the_paused_is_done_and_said(cli: Callable[..., Any], project: Any) -> None:
    cli("dispatch", "sam", "Show the sum")
    project.configure("\n[agents.leo]\npaused = true\n")
    ended = cli(*GIVE, "--action", "a", "--json")
    assert (ended.code, ended.json["receiver"]) == (0, "leo")
    assert "leo is paused" in ended.err
