"""What ``neveridle run`` prints at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.cli.screen import console, moment, say, styled, table

if TYPE_CHECKING:
    from neveridle.graph.report import RunReport

REASONS = {
    "idle": "There is nothing left that could be done now.",
    "ticks": "The ticks that were asked for are over.",
    "timeout": "The time that was asked for is over.",
    "stopped": "Every agent stopped.",
    "drained": "Asked to end: what was at work is finished, and nothing new was begun.",
    "paused": "Everybody is paused, so nothing new was begun: `neveridle resume` lifts that.",
    "gave up": "No process is left that could be started again.",
    "interrupted": "Interrupted: what was at work is back on the board.",
}
COLOURS = {"completed": "green", "failed": "red", "blocked": "red", "handed_off": "cyan"}


def print_report(report: RunReport) -> None:
    """Print it for people."""
    out = console()
    if report.attempts:
        rows = [
            (
                line.agent,
                line.rung,
                styled(line.ending.replace("_", " "), COLOURS.get(line.ending, "")),
                f"#{line.task} {line.title}",
            )
            for line in report.attempts
        ]
        say()
        out.print(table("agent", "rung", "ending", "task", rows=rows))
        say()
    for problem in report.problems:
        say(f"problem[{problem['code']}]: {problem['message']} {problem['remedy']}".rstrip())
    for agent, problem in report.stopped.items():
        say(
            f"{agent} stopped[{problem['code']}]: {problem['message']} {problem['remedy']}".rstrip()
        )
    say(REASONS.get(report.reason, report.reason))
    say(
        f"{report.endings.get('completed', 0)} of {sum(report.endings.values())} attempts "
        "completed their task; "
        f"{report.model_calls:,} model calls, {report.input_tokens:,} tokens in, "
        f"{report.output_tokens:,} out, {_cost(report)}; "
        f"model calls while idle: {report.idle_model_calls}"
    )
    if report.resumes_at is not None:
        say(f"A budget is used up: work resumes at {moment(report.resumes_at)}.")


def _cost(report: RunReport) -> str:
    """What the run has cost, as far as prices are known."""
    dollars = f"${report.cost:,.4f}"
    if not report.unpriced_calls:
        return dollars
    return f"{dollars} and {report.unpriced_calls:,} calls whose price is not known"
