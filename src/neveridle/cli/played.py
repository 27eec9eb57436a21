"""How a played recorded task is shown: live, and as a report at its end."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from neveridle.cli.screen import clean, console, say, styled, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from neveridle.evals import Played, ScoreLine
    from neveridle.evals.expectations import ExpectedLesson
    from neveridle.graph.team import Team

COLOURS = {"completed": "green", "blocked": "red", "failed": "red", "waiting": "yellow"}


def shown(team: Team, *, quiet: bool) -> AbstractAsyncContextManager[None]:
    """Show what the team does while it runs."""
    from neveridle.cli.follower import Follower
    from neveridle.cli.live import Progress

    for notice in team.notices:
        say(f"note: {notice}", err=quiet, lines=False)
    follower = Follower(team.board, lambda: team.keeper.runs)
    return Progress(follower, team.roster.names, quiet=quiet).shown()


def print_played(facts: dict[str, Any], out: Console | None = None) -> None:
    """Print what was done by whom, from which rung, and what it cost.

    Args:
        facts: see ``facts_of``.
        out: where to; None: standard output.
    """
    out = out or console()
    rows = [
        (
            one["rung"],
            ", ".join(dict.fromkeys(line["agent"] for line in one["attempts"])),
            styled(one["state"].replace("_", " "), COLOURS.get(one["state"], "")),
            _how(one),
            one["title"],
        )
        for one in sorted(facts["tasks"], key=lambda one: RUNGS.index(one["rung"]))
    ]
    out.print()
    out.print(table("rung", "agent", "state", "how", "task", rows=rows))
    out.print()
    before, after = facts["checks"]["before"], facts["checks"]["after"]
    checks = [(name, _passed(before[name]), _passed(after[name])) for name in before]
    out.print(table("check", "before", "after", rows=checks))
    out.print()
    tokens = facts["input_tokens"] + facts["output_tokens"]
    about = "about " if facts["provenance"] == "authored" else ""
    out.print(
        f"{facts['model_calls']:,} model calls, {about}{tokens:,} tokens; "
        f"model calls while idle: {facts['idle_model_calls']}"
    )
    out.print(
        f"{facts['merged']} branches merged, {facts['refused']} refused by verify, "
        f"{len(facts['handoffs'])} handoffs, {facts['learnings']} lessons stored, "
        f"{facts['lessons_proven']} borne out; "
        f"{facts['seconds']:.0f} s, commands confined by: {facts['sandbox']}"
    )
    for one in facts["lessons_expected"]:
        out.print(clean(one))
    for agent, why in facts["stopped"].items():
        out.print(clean(f"{agent} stopped[{why['code']}]: {why['message']} {why['remedy']}"))
    for problem in facts["problems"]:
        out.print(clean(f"problem[{problem['code']}]: {problem['message']} {problem['remedy']}"))


RUNGS = ["dispatch", "backlog", "roadmap", "improvement"]


def _how(task: dict[str, Any]) -> str:
    endings = [line["ending"].replace("_", " ") for line in task["attempts"]]
    return " → ".join(endings) or "-"


def _passed(passed: bool) -> Any:
    return styled("pass", "green") if passed else styled("FAIL", "red")


def print_scores(scores: Sequence[ScoreLine]) -> None:
    """Print each expectation, and whether it holds."""
    rows = [
        (styled("ok", "green") if one.passed else styled("FAILED", "red"), one.name, one.detail)
        for one in scores
    ]
    console().print(table("", "expectation", "seen", rows=rows))


def facts_of(
    played: Played, scores: Sequence[ScoreLine], lessons: Sequence[ExpectedLesson] = ()
) -> dict[str, Any]:
    """What ``--json`` prints.

    Args:
        played: what came of it.
        scores: the expectations.
        lessons: the lessons that were to change how a later task was done.
    """
    from neveridle.evals import summary

    expectations = [
        {"name": one.name, "passed": one.passed, "detail": one.detail} for one in scores
    ]
    said = [
        f"A lesson used: {one.used_by} did {one.used_in!r} in {one.calls} model calls "
        f"({wanted.without} without memory), knowing what {one.learnt_by} learnt in "
        f"{one.learnt_in!r}: {one.lesson}"
        for wanted in lessons
        for one in played.lessons
        if (one.learnt_in, one.used_in, one.calls)
        == (wanted.learnt_in, wanted.used_in, wanted.calls)
    ]
    return {**summary(played), "expectations": expectations, "lessons_expected": said}
