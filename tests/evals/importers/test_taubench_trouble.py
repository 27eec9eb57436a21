"""What is wrong with one run is said of that run, and the others go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

GOOD = {"role": "user", "content": "Hello"}
NO_JSON = [("a", "look", '{"item": ', "x")]


def test_a_run_that_cannot_be_gone_through_is_an_error_and_the_rest_goes_on(
    talk: Any, play: Callable[..., Any]
) -> None:
    def odd(how: str) -> Any:
        return talk().call("odd", "then", how=how).stop().run(1.0)

    good = talk([("look", {"item": "pen"})]).stop().run(1.0, 4)
    no_traj = {key: value for key, value in good.items() if key != "traj"}
    orphan = talk().stop()
    orphan.messages.insert(2, {"role": "tool", "tool_call_id": "x", "content": "?"})
    bad: dict[str, Any] = {
        "run 1 is str, not a run": "nonsense",
        "has no traj": no_traj,
        "has no messages": {**good, "traj": []},
        "has no reward from 0 to 1": {**good, "reward": None},
        "has no reward from 0 to 1.": {**good, "reward": 7},
        "no info.task": {**good, "task_id": 99, "info": {}},
        "without name and kwargs": {**good, "info": {"task": {"actions": [3], "outputs": []}}},
        "tools that": talk().call("fly", "Away", to="Rome").stop().run(1.0),
        "One of the right actions is fly": talk([("fly", {})]).stop().run(1.0),
        "arguments that are no JSON": talk().raw(NO_JSON).stop().run(1.0),
        "nothing before it called for it": orphan.run(1.0),
        "has the role 'critic'": {**good, "traj": [GOOD, {"role": "critic", "content": ""}]},
        "neither text nor a list": {**good, "traj": [{"role": "user", "content": 5}]},
        "raised SystemExit": odd("exit"),
        "cannot be hashed: a object": odd("object"),
        "holds itself": odd("cycle"),
    }
    ended = play([*bad.values(), good])
    results = ended.facts["results"]
    for said, one in zip(bad, results, strict=False):
        assert (one["status"], one["reward"]) == ("error", None), said
        assert said in one["error"]
    assert {one["code"] for one in results[:-1]} == {
        "recording-invalid", "tools-unusable", "dataset-invalid",
    }  # fmt: skip
    assert results[-1]["status"] == "agreed"
    assert (ended.code, ended.facts["error"], ended.facts["agreed"]) == (1, len(bad), 1)


def test_a_tool_that_does_not_return_ends_its_run_alone(
    talk: Any, play: Callable[..., Any]
) -> None:
    hangs = talk().call("odd", "odd", how="hang").stop().run(1.0)
    two = talk().raw([("a", "odd", '{"how": "hang"}', "x"), ("b", "odd", '{"how": "hang"}', "x")])
    runs = [hangs, two.stop().run(1.0), talk().stop().run(1.0)]
    ended = play(runs, "--tool-timeout", "0.2")
    assert [one["status"] for one in ended.facts["results"]] == ["error", "error", "agreed"]
    for one in ended.facts["results"][:2]:
        assert one["error"] == "The tool odd did not return within 0.2 seconds."
        assert one["code"] == "tools-unusable"


def test_what_was_wrong_when_it_was_recorded_is_gone_through_as_it_was(
    talk: Any, play: Callable[..., Any]
) -> None:
    failed: Any = {"task_id": 3, "trial": 0, "reward": 0.0, "traj": [], "info": {"error": "no key"}}
    silent = talk().say(None, "Hello?").say("", "Is anybody there?").stop("")
    other = talk([("sell", {"item": "pen", "count": 1})]).stop().run(0.0, 5)
    runs: list[Any] = [
        failed,
        talk().call("odd", "Error: it does not work", how="raise").stop().run(1.0),
        talk().call("odd", "", how="nothing").stop().run(1.0),
        talk().call("odd", '{"config": 1}', how="table", config=1).stop().run(1.0),
        talk().call("fly", "Unknown action fly", to="Rome").stop().run(1.0),
        silent.run(1.0),
        other,
        {**other, "trial": 1, "info": {}},  # judged by what the other trial says
    ]
    ended = play(runs)
    results = ended.facts["results"]
    assert [one["status"] for one in results] == ["skipped", *["agreed"] * 7]
    assert results[0]["error"] == "It had failed when it was recorded: no key"
    assert (ended.code, ended.facts["agreement"], ended.facts["differing"]) == (0, 1.0, 0)
    nothing = play([failed])
    assert (nothing.code, nothing.facts["agreement"]) == (1, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"task_id": 0, "traj": [', "is no JSON"),
        ("{}", "holds no runs"),
        ("[]", "holds no runs"),
        ("\udcff", "is no text in UTF-8"),
    ],
)
def test_a_file_that_holds_no_runs_is_refused(
    talk: Any, invoke: Callable[..., Any], tmp_path: Any, text: str, said: str
) -> None:
    path = tmp_path / "runs.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    ended = invoke("tau-bench", path, "--tools", "x", "--json")
    assert (ended.code, json.loads(ended.out)["error"]["code"]) == (2, "recording-invalid")
    assert said in ended.out
