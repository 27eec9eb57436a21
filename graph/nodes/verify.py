"""Done is evidence, not a claim: run the checks, look at the diff."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from neveridle.board import Phase
from neveridle.errors import WorkRefused
from neveridle.graph.checks import defining
from neveridle.graph.delivery.rounds import left_conflicts
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
        base = await root_base(team, job)
        commands = await team.checks.at(base)
        commands |= {f"acceptance {n}": c for n, c in enumerate(job.task.acceptance, start=1)}
        whole = await workspace.changed_files(base)
        problem = await left_conflicts(team, workspace, whole)
        problem = problem or await run_checks(team, workspace, commands, evidence)
        problem = problem or _guarded(team, whole)
        if not problem:
            problem = await _as_before(team, workspace, base, whole, commands, evidence)
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


def _guarded(team: Team, changed: list[str]) -> str:
    touched = team.checks.guarded(changed)
    if not touched:
        return ""
    return (
        f"Only people change the team's settings and souls: leave {', '.join(touched)} as it was."
    )


async def _as_before(
    team: Team,
    workspace: Workspace,
    base: str,
    changed: list[str],
    commands: dict[str, str],
    evidence: dict[str, Any],
) -> str:
    """Run the checks again with the files that define them as they were before the work.

    A check called ``make test`` is only as good as the Makefile: work that changes what its
    checks do has to pass what they did before as well.
    """
    files = [
        path for path in defining(changed, commands.values())
        if await team.workspaces.read_at(base, path) is not None
    ]  # fmt: skip
    if not files:
        return ""
    evidence["changed_definitions"] = files[:CHANGED]
    await workspace.checkout_paths(base, files)
    before: dict[str, Any] = {"checks": {}}
    try:
        wrong = await run_checks(team, workspace, commands, before, clean=False)
    finally:
        await workspace.clean()
    evidence["checks_as_before"] = before["checks"]
    said = f"With {', '.join(files[:5])} as it was before the work, it does not pass."
    return f"{said}\n\n{wrong}" if wrong else ""


async def run_checks(
    team: Team,
    workspace: Workspace,
    commands: dict[str, str],
    evidence: dict[str, Any],
    *,
    clean: bool = True,
) -> str:
    """Run each check in the sandbox; what is wrong, empty when all pass.

    Args:
        team: whose sandbox is used.
        workspace: the clone.
        commands: by name.
        evidence: where each check's result is noted.
        clean: whether to begin with exactly what the commit holds.
    """
    if not commands:
        return "There are no checks, so nothing proves the work: set [checks] in neveridle.toml."
    wrong: list[str] = []
    if clean:
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
