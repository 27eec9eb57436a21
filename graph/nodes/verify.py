"""Done is evidence, not a claim: run the checks, look at the diff."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from neveridle.board import Phase
from neveridle.errors import WorkRefused
from neveridle.graph.desk import Job
from neveridle.graph.nodes.chain import root_base
from neveridle.graph.nodes.clones import open_workspace
from neveridle.graph.nodes.reflect import CHANGED
from neveridle.graph.state import TickState
from neveridle.graph.team import Team

if TYPE_CHECKING:
    from neveridle.tools.sandbox import CommandResult
    from neveridle.tools.workspace import Workspace

TESTS = re.compile(r"(^|/)(tests?|spec|__tests__)/|(^|/)(test_[^/]*|[^/]*[._-](test|spec)\.[^/]+)$")
SHOWN = 4_000
"""Characters of a failed check's output that the next attempt sees."""


async def verify(team: Team, state: TickState) -> TickState:
    """Refuse work whose checks do not pass, or that changed nothing where it should.

    A handoff may carry work that does not pass yet: it says so.
    """
    job = team.desk.of(state)
    workspace = await open_workspace(team, job)
    handed_off = state.get("status") == "handed_off"
    changed = await workspace.changed_files(job.attempt.base)
    evidence: dict[str, Any] = {
        "commit": job.attempt.commit,
        "changed": changed[:CHANGED],
        "changed_tests": [path for path in changed if TESTS.search(path)][:CHANGED],
        "checks": {},
    }
    marks_only = set(changed) <= {team.settings.team.roadmap}
    if marks_only and not handed_off and await change_asked(team, job):
        problem = "A change was asked for, and no file was changed."
    else:
        commands = await team.checks_at(await root_base(team, job))
        commands |= {f"acceptance {n}": c for n, c in enumerate(job.task.acceptance, start=1)}
        problem = await run_checks(team, workspace, commands, evidence)
    evidence["passed"] = not problem
    job.attempt = await team.board.attempts.record(job.attempt, evidence=evidence)
    if problem and not handed_off:
        await team.board.events.append(
            "verify.refused", {"why": problem[:500]}, agent=job.attempt.agent,
            run=job.attempt.run, task=job.task.id, fence=job.attempt.fence,
        )  # fmt: skip
        raise WorkRefused(problem)
    job.attempt = await team.board.attempts.record(job.attempt, phase=Phase.VERIFIED)
    return {"phase": str(Phase.VERIFIED)}


async def change_asked(team: Team, job: Job) -> bool:
    """Whether work that changes no file cannot be right."""
    if not job.task.needs_change or job.task.handoff is None:
        return job.task.needs_change
    handoff = await team.board.handoffs.get(job.task.handoff)
    return handoff.document.artifacts.get("changes") != "none"


async def run_checks(
    team: Team, workspace: Workspace, commands: dict[str, str], evidence: dict[str, Any]
) -> str:
    """Run each check in the sandbox; what is wrong, empty when all pass.

    Args:
        team: whose sandbox is used.
        workspace: the clone.
        commands: by name.
        evidence: where each check's result is noted.
    """
    if not commands:
        return "There are no checks, so nothing proves the work: set [checks] in neveridle.toml."
    wrong: list[str] = []
    await workspace.clean()  # what git ignores is not in the work, so it proves nothing
    for name, command in commands.items():
        result = await team.sandbox.run(command, tree=workspace.tree)
        evidence["checks"][name] = {
            "command": command,
            "exit_code": result.exit_code,
            "seconds": round(result.seconds, 2),
            "output": tail(result.output, SHOWN),
        }
        if not result.ok:
            wrong.append(_say(name, command, result))
    return "\n\n".join(wrong)


def _say(name: str, command: str, result: CommandResult) -> str:
    how = "ran out of time" if result.timed_out else f"ended with {result.exit_code}"
    return f"The check {name} (`{command}`) {how}:\n{tail(result.output, SHOWN)}"


def tail(text: str, limit: int) -> str:
    """The end of a text, where test runners say what went wrong."""
    return text if len(text) <= limit else f"…\n{text[-limit:]}"
