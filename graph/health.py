"""What can be checked of the graph: what it would run, how it names things, its clones."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.board.inspection import reading
from neveridle.errors import NeveridleError, SandboxMissing
from neveridle.graph.programs import program_of
from neveridle.health import Check, Finding, Grade, in_thread

if TYPE_CHECKING:
    from neveridle.settings import Settings
    from neveridle.tools.sandbox import Sandbox
    from neveridle.tools.workspace.repository import Repository

WALK = 5.0
"""Real seconds for which the sizes of clones are added up."""
FOUND = "found:"


async def look_at_checks(settings: Settings) -> Sequence[Finding]:
    """Whether the programs of the checks are there, where checks run; none of them is run."""
    from neveridle.tools.sandbox import make_sandbox
    from neveridle.tools.workspace.repository import Repository

    if not settings.checks:
        msg = "[checks] is empty, so no work could ever be proven."
        remedy = 'Set the commands that must pass, such as tests = "python -m pytest -q".'
        return [Finding(about="checks", grade=Grade.PROBLEM, message=msg, remedy=remedy)]
    commands = {f"checks.{name}": command for name, command in settings.checks.items()}
    if settings.improvement.enabled:
        more = settings.improvement.checks
        commands |= {f"improvement.checks.{name}": command for name, command in more.items()}
        if settings.improvement.lint:
            commands["improvement.lint"] = settings.improvement.lint
    programs = {name: program_of(command) for name, command in commands.items()}
    try:
        sandbox, _ = await make_sandbox(settings.sandbox)
    except SandboxMissing:  # the sandbox's own check says so
        return []
    plain = {one for name, one in programs.items() if one and not _is_path(one, commands[name])}
    there = await _there(sandbox, plain)
    repository = Repository(settings.repository, settings.team.branch)
    found: list[Finding] = []
    for name, program in programs.items():
        missing = program and program not in there
        if missing and _is_path(program, commands[name]):
            missing = not await _in_repository(repository, program)
        if missing:
            msg = f"{name} runs {program}, which is not there: {commands[name]}"
            remedy = "Install it, correct the command, or make its folder readable in [sandbox]."
            found.append(
                Finding(about="checks", grade=Grade.PROBLEM, message=msg, remedy=remedy,
                        facts={"setting": name, "program": program})
            )  # fmt: skip
    said = f"The programs of all {len(commands)} commands are there. None was run."
    return found or [Finding(about="checks", message=said, facts={"programs": programs})]


def _is_path(program: str, command: str) -> bool:
    """Whether a program is named by where it is: ``./run`` is then called ``run`` here."""
    return "/" in program or f"./{program}" in command


async def _there(sandbox: Sandbox, programs: set[str]) -> set[str]:
    """Those of these programs that a command finds."""
    if not programs:
        return set()
    asked = " ".join(f"'{one}'" for one in sorted(programs))  # program_of lets no quote through
    command = f'for p in {asked}; do command -v -- "$p" >/dev/null && echo "{FOUND}$p"; done; true'
    with tempfile.TemporaryDirectory(prefix="neveridle-doctor-") as folder:
        result = await sandbox.run(command, tree=Path(folder), timeout=10, writable=False)
    lines = result.output.splitlines()
    return {line.removeprefix(FOUND) for line in lines if line.startswith(FOUND)}


async def _in_repository(repository: Repository, program: str) -> bool:
    """Whether a program with a path is there: in the target branch, or on this machine."""
    if program.startswith("/"):
        return os.access(program, os.X_OK)
    try:
        if not repository.branch:
            await repository.open()
        return await repository.read_at(repository.ref, program) is not None
    except NeveridleError:  # the repository's own check says so
        return True


async def look_at_names(settings: Settings) -> Sequence[Finding]:
    """Whether branches can be named as set."""
    from neveridle.tools.workspace.repository import Repository

    prefix = settings.delivery.branch_prefix
    repository = Repository(settings.repository, settings.team.branch)
    await repository.open()
    name = f"refs/heads/{prefix}1-task"
    legal = await repository.git.run("check-ref-format", name, accept=(0, 1))
    if legal.code:
        msg = f"delivery.branch_prefix is {prefix!r}, and git allows no branch {prefix}1-task."
        remedy = "Use letters, digits, - and /, such as neveridle/."
        return [Finding(about="branches", grade=Grade.PROBLEM, message=msg, remedy=remedy)]
    names = {branch.name for branch in await repository.branches()}
    parts = prefix.split("/")
    for end in range(1, len(parts)):
        folder = "/".join(parts[:end])
        if folder in names:
            msg = f"The branch {folder} keeps git from making branches {prefix}…"
            remedy = "Rename it, or set branch_prefix in [delivery] to something else."
            return [Finding(about="branches", grade=Grade.PROBLEM, message=msg, remedy=remedy)]
    return [Finding(about="branches", message=f"Branches are named {prefix}<task>-<slug>.")]


async def look_at_finders(settings: Settings) -> Sequence[Finding]:
    """Whether the finders of improvements are known."""
    if not settings.improvement.enabled:
        return [Finding(about="finders", message="Improvement mode is off.")]
    from neveridle.graph.sources.improvement.registry import finders

    names = settings.improvement.finders
    await in_thread(lambda: finders(names))
    said = f"Improvements are looked for by {', '.join(names) or 'nobody'}."
    return [Finding(about="finders", message=said, facts={"finders": list(names)})]


async def look_at_clones(settings: Settings) -> Sequence[Finding]:
    """What the clones take, and whether they are of tasks on this board."""
    return await in_thread(lambda: _clones(settings))


def _clones(settings: Settings) -> Sequence[Finding]:
    from neveridle.graph.janitor import NAME

    work = settings.home / "work"
    keys = sorted(entry.name for entry in work.iterdir()) if work.is_dir() else []
    tasks = {int(found[1]): key for key in keys if (found := NAME.fullmatch(key))}
    size, whole = size_of(settings.home, seconds=WALK)
    facts = {"clones": len(keys), "home_bytes": size, "whole": whole}
    about = "home"
    said = f"{'' if whole else 'At least '}{size / 1e6:.1f} MB in {settings.home}"
    strays = [tasks[one] for one in sorted(set(tasks) - _known(settings))] if tasks else []
    if strays:
        msg = f"{said}; {len(strays)} clones are of tasks that are not on this board."
        remedy = f"If no other board has this home, remove them: {work / strays[0]} …"
        return [
            Finding(about=about, grade=Grade.WARNING, message=msg, remedy=remedy,
                    facts={**facts, "strays": strays})
        ]  # fmt: skip
    return [Finding(about=about, message=f"{said}, with {len(tasks)} clones.", facts=facts)]


def _known(settings: Settings) -> set[int]:
    try:
        with reading(settings.board_url) as reader:
            return {int(row[0]) for row in reader.rows("SELECT id FROM tasks")}
    except NeveridleError:  # the board's own check says so
        return set()


def size_of(folder: Path, *, seconds: float) -> tuple[int, bool]:
    """Bytes in a folder, and whether all of it was looked at.

    Args:
        folder: the folder.
        seconds: real seconds after which what was added up so far has to do.
    """
    until, total = time.monotonic() + seconds, 0
    for here, _, names in os.walk(folder):
        if time.monotonic() > until:
            return total, False
        for name in names:
            try:
                total += (Path(here) / name).lstat().st_size
            except OSError:  # gone meanwhile
                continue
    return total, True


async def look_at_delivery(settings: Settings) -> Sequence[Finding]:
    """Whether work can be delivered as set."""
    from neveridle.graph.delivery import health

    return await health.look_at_delivery(settings)


CHECKS = (
    Check("checks", look_at_checks, seconds=30),
    Check("branches", look_at_names),
    Check("finders", look_at_finders),
    Check("home", look_at_clones),
    Check("delivery", look_at_delivery, seconds=60),
)
