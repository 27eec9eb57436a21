"""Recorded runs drive the real worker, and the final database decides as tau-bench does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neveridle.evals.result import SuiteResult

SPOKEN = [("respond", {"content": "77"}), ("transfer_to_human_agents", {"summary": "write"})]
SOLD = [("sell", {"item": "pen", "count": 3})]


def test_the_verdict_is_tau_benchs_own(talk: Any, play: Callable[..., Any]) -> None:
    sold = {"item": "pen", "count": 3}
    right = talk(SOLD).call("look", '{"left": 9, "price": 2}', item="pen")
    runs = [
        right.call("sell", "6 left", **sold).stop().run(1.0, 0),
        # The wrong thing is sold, or nothing.
        talk(SOLD).call("sell", "3 left", item="cup", count=1).stop().run(0.0, 1),
        talk(SOLD).stop().run(0.0, 2),
        # Cut off by the harness before the user had said that it is over.
        talk(SOLD).call("sell", "6 left", **sold).say("Well?", "Hm.").run(0.0, 3),
        # A tool that ends the conversation; what comes after it does not count.
        talk(SOLD).call("sell", "6 left", **sold)
        .call("transfer_to_human_agents", "Transfer successful", summary="s")
        .call("sell", "3 left", **sold).run(1.0, 4),
        # What had to be said: in any case, commas left out; in a tool's arguments it is not said.
        talk([], ["1234", "yes"]).say("YES, 1,234 in all", "Good.").stop().run(1.0, 5),
        talk([], ["1234"]).call("look", "Error: no such item", item="1234").stop().run(0.0, 6),
        # What the right actions say counts as said; ending the conversation is no right action.
        talk(SPOKEN, ["77"]).stop().run(1.0, 7),
        # The recording breaks off before the user answered.
        talk([]).say("Goodbye", None).run(0.0, 9),
        # A right action that fails changes nothing, and is no error.
        talk([("sell", {"item": "hat", "count": 1})]).stop().run(1.0, 8),
    ]  # fmt: skip
    ended = play(runs)
    results = ended.facts["results"]
    assert [(one["task_id"], one["status"], one["reward"]) for one in results] == [
        (run["task_id"], "agreed", run["reward"]) for run in runs
    ]
    assert (ended.code, ended.facts["agreement"]) == (0, 1.0)
    assert [one["ended"] for one in results] == [*[True] * 3, False, *[True] * 4, False, True]
    assert [one["database"] for one in results] == [True, False, False, *[True] * 7]
    assert results[6]["outputs"] == {"1234": False}
    # A model call for each recorded answer, and one that ends the attempt: from the board.
    assert [one["model_calls"] for one in results[:2]] == [4, 3]
    assert results[0]["tool_calls"] == 3
    assert ended.facts["differing"] == 0


def test_runs_that_disagree_fail_the_command_unless_few(
    talk: Any, play: Callable[..., Any]
) -> None:
    wrong = talk(SOLD).stop()
    runs = [wrong.run(1.0, 0), wrong.run(0.0, 0, 1), wrong.run(0.0, 1)]
    ended = play(runs)
    assert (ended.code, ended.facts["agreed"], ended.facts["disagreed"]) == (1, 2, 1)
    assert ended.facts["results"][0] | {} != ended.facts["results"][1]
    assert (ended.facts["results"][0]["recorded"], ended.facts["results"][0]["reward"]) == (
        1.0,
        0.0,
    )
    assert play(runs, "--agree", "0.6").code == 0
    assert [one["number"] for one in play(runs, "--task", "1").facts["results"]] == [3]
    assert play(runs, "--limit", "1").facts["runs"] == 1
    unknown = play(runs, "--task", "7")
    assert unknown.code == 2
    assert "There are runs of 0, 1." in unknown.err + unknown.out


def test_what_tools_say_otherwise_than_then_is_counted_and_shown(
    talk: Any, play: Callable[..., Any], tmp_path: Path
) -> None:
    one = talk([("odd", {"how": "fine"})]).call("look", '{"left": 8}', item="pen")
    one.call("look", "Error: no such item", item="hat").stop()
    good = hashlib.sha256(
        b"(('sales', ()), ('stock', (('cup', (('left', 4), ('price', 7))), "
        b"('pen', (('left', 9), ('price', 2))))))"
    ).hexdigest()
    first, second = one.run(1.0), one.run(1.0)
    first["info"]["reward_info"] = {"info": {"gt_data_hash": good}}
    second["info"] = {**second["info"], "reward_info": {"info": {"gt_data_hash": "0" * 64}}}
    file = tmp_path / "results.json"
    ended = play([first, second], "--output", str(file))
    assert ended.code == 0
    assert ended.facts["goals"] == {"recorded": 2, "same": 1}
    assert ended.facts["differing_tools"] == {"look": 2}
    (different,) = ended.facts["results"][0]["different"]
    assert different == {
        "tool": "look", "args": {"item": "pen"}, "recorded": '{"left": 8}',
        "now": '{"left": 9, "price": 2}',
    }  # fmt: skip
    suite = SuiteResult.model_validate_json(file.read_text())
    assert [(case.task, case.status) for case in suite.results] == [("tau-bench-0", "passed")] * 2
    assert suite.results[0].measures["differing_results"] == 1
    assert suite.results[0].measures["reward"] == 1


def test_calls_at_once_are_made_in_order_and_only_those_that_were_made_then(
    talk: Any, play: Callable[..., Any]
) -> None:
    want = [("sell", {"item": "pen", "count": 2}), ("sell", {"item": "pen", "count": 1})]
    two, one = json.dumps(want[0][1]), json.dumps(want[1][1])
    runs = [
        talk(want).raw([("same", "sell", two, "7 left"), ("same", "sell", one, "6 left")]).stop()
        .run(1.0),
        # The harness performs the first alone, and records the others' calls.
        talk(want[:1]).raw([("a", "sell", two, "7 left"), ("b", "sell", one, None)]).stop()
        .run(1.0),
        # The same again and again is what was recorded; it is no reason to stop.
        _again(talk(), 20).stop().run(1.0),
    ]  # fmt: skip
    ended = play(runs)
    assert [one["status"] for one in ended.facts["results"]] == ["agreed"] * 3
    assert ended.facts["differing"] == 0
    assert ended.facts["results"][2]["tool_calls"] == 21


def _again(talk: Any, times: int) -> Any:
    for _ in range(times):
        talk.call("look", "Error: no such item", item="hat")
    return talk


def test_strategies_that_write_calls_as_text_are_read_as_well(
    talk: Any, play: Callable[..., Any]
) -> None:
    sell = json.dumps({"name": "sell", "arguments": SOLD[0][1]})
    speak = json.dumps({"name": "respond", "arguments": {"content": "It is 6"}})
    one = talk(SOLD, ["6"]).say(f"Thought:\nI sell.\nAction:\n{sell}", "API output: 6 left")
    one.say(f"Thought:\n9\nAction:\n{speak}", "Fine.").stop("Action: Goodbye, then")
    ended = play([one.run(1.0)])
    assert ended.facts["agreed"] == 1
    assert (ended.facts["differing"], ended.facts["results"][0]["tool_calls"]) == (0, 3)
