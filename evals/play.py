"""Playing a recorded task: everything real but the model."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neveridle.board import Event, NewTask, Priority, Source, Task, TaskState
from neveridle.board.inbox_item import Item
from neveridle.board.simulation import simulated_loop
from neveridle.evals.attempt_log import ATTEMPTS, AttemptLog
from neveridle.evals.meeting import put_on_board
from neveridle.evals.recorded_task import RecordedTask
from neveridle.evals.seams import Seams, differences
from neveridle.evals.stage import known_before, remember_before, set_up
from neveridle.evals.used_lessons import UsedLesson, used_lessons
from neveridle.evals.world import World
from neveridle.graph.report import RunReport
from neveridle.graph.team import Team
from neveridle.settings import Settings, load_settings

EVENTS = 100_000
"""Events of a play that are looked at."""
MEMORIES = 1_000
"""Memories of a play that are looked at."""

Shown = Callable[[Team], AbstractAsyncContextManager[None]]
"""Shows what happens while the team runs."""


@dataclass(slots=True, kw_only=True)
class Played:
    """What came of playing a recorded task.

    Attributes:
        folder: where it was played.
        report: what the run reported.
        tasks: the board's tasks at the end.
        events: the board's log.
        handoffs: sender and receiver of each handoff.
        learnings: how many lessons are in memory.
        lessons: lessons of one task that stood in the prompt of another.
        proven: how many lessons a second attempt bore out.
        before: by name, whether each check passed before the run.
        after: the same after it.
        roadmap: the roadmap on the target branch at the end.
        seconds: real seconds from start to end.
        provenance: of the recording, or ``live``.
        sandbox: what confined the commands.
        inbox: what people were asked and told.
        services: by name, what each stand-in holds at the end.
        faults: which faults of the plan happened, in order.
        branch: the target branch.
        missed: which did not, though they should have.
        lenient: how many requests the nearest recorded one answered.
        mismatches: how many requests nothing answered, as none like them was recorded.
        differences: what differed, of both, shortened.
    """

    folder: Path
    repository: Path
    report: RunReport
    tasks: list[Task]
    events: list[Event]
    handoffs: list[tuple[str, str]]
    learnings: int
    lessons: list[UsedLesson]
    proven: int
    before: dict[str, bool]
    after: dict[str, bool]
    roadmap: str
    seconds: float
    provenance: str
    sandbox: str
    titles: dict[int, str] = field(default_factory=dict[int, str])
    inbox: list[Item] = field(default_factory=list[Item])
    services: dict[str, Any] = field(default_factory=dict[str, Any])
    faults: list[str] = field(default_factory=list[str])
    branch: str = "main"
    missed: list[str] = field(default_factory=list[str])
    lenient: int = 0
    mismatches: int = 0
    differences: str = ""


async def play(
    task: RecordedTask,
    folder: Path,
    *,
    model: str = "",
    shown: Shown | None = None,
) -> Played:
    """Set the stage, run the team until it rests, and look at what came of it; in real time.

    Args:
        task: the recorded task.
        folder: where to play it.
        model: a live model in place of the recording; empty: the recording.
        shown: shows what happens meanwhile; None: nothing is shown.

    Raises:
        StageTaken: the folder holds something else.
        OperatorError: something must be configured first.
    """
    await set_up(task, folder)
    return await play_on_stage(task, folder, World(task, folder), model=model, shown=shown)


async def play_on_stage(
    task: RecordedTask,
    folder: Path,
    world: World,
    *,
    model: str = "",
    lenient: bool = False,
    shown: Shown | None = None,
) -> Played:
    """The same where the stage is set; a run that a killed process began is gone on with.

    Args:
        task: the recorded task.
        folder: where the stage is.
        world: what surrounds the team: its clock, services and faults.
        model: see ``play``.
        lenient: whether requests may differ from the recorded ones.
        shown: see ``play``.
    """
    started = time.monotonic()
    settings = world.settled(load_settings(folder / "neveridle.toml"))
    if model:
        settings = live(settings, model)
    log = AttemptLog(folder / ATTEMPTS)
    made = Team(settings)
    wait = world.think if simulated_loop() is not None else None
    seams = Seams(made, lenient=lenient, wait=wait)
    world.surround(made)
    async with seams, world.around(settings), made as team:
        before = known_before(folder)
        if before is None:
            before = await run_all_checks(team)
            await seed(team, task)
            remember_before(folder, before)
        async with world.acting(team), shown(team) if shown is not None else nullcontext():
            while True:
                report = await team.run(
                    until="idle" if task.run.until == "idle" else "forever",
                    timeout=await world.left(team),
                    agents=list(task.run.agents) or None,
                    listener=log,
                )
                if not await world.again(report.reason):
                    break
        report.attempts[:] = log.lines()
        head = await team.workspaces.head()
        roadmap = await team.workspaces.read_at(head, settings.team.roadmap)
        tasks = await team.board.tasks.find()
        lessons = await team.board.memories.get(range(1, MEMORIES))
        return Played(
            folder=folder,
            repository=settings.repository,
            report=report,
            tasks=tasks,
            events=await team.board.events.find(limit=EVENTS),
            inbox=await team.board.inbox.find(state=None, limit=1_000),
            services=world.states(),
            faults=list(world.happened),
            missed=world.missed,
            lenient=sum(one.lenient_matches for one in seams.strays()),
            mismatches=sum(one.mismatches for one in seams.strays()),
            differences=differences(seams.strays()),
            branch=settings.team.branch or "main",
            handoffs=[(h.sender, h.receiver) for h in await team.board.handoffs.latest()],
            learnings=sum(row.kind == "learning" for row in lessons),
            lessons=await used_lessons(team.board, lessons, {one.id: one.title for one in tasks}),
            proven=sum(row.trusted for row in lessons),
            before=before,
            after=await run_all_checks(team),
            roadmap=roadmap or "",
            seconds=time.monotonic() - started,
            provenance="live" if model else task.provenance,
            sandbox=team.sandbox.name,
            titles={one.id: one.title for one in tasks},
        )


def live(settings: Settings, model: str) -> Settings:
    """The settings with a live model in place of the recording.

    What a recording may do is known; a live model's work is merged only from a sandbox.
    """
    delivery = settings.delivery.model_copy(update={"unsandboxed_merge": False})
    return settings.with_model(model).model_copy(update={"delivery": delivery})


async def seed(team: Team, task: RecordedTask) -> None:
    """Put the recorded task's own tasks on the board."""
    for point in task.sync_points:
        await put_on_board(team.board, point)
    ids: dict[str, int] = {}
    for one in task.tasks:
        made = await team.board.tasks.add(
            NewTask(
                source=Source(one.source),
                title=one.title,
                description=one.description,
                ticket=one.ticket,
                priority=Priority.parse(one.priority),
                assignee=team.roster.get(one.agent).name if one.agent else None,
                skills=one.skills,
                after=tuple(ids[title] for title in one.after),
                acceptance=one.acceptance,
                needs_change=one.needs_change,
                budget=one.budget,
                services=one.services,
                sync=one.sync,
            )
        )
        ids[one.title] = made.id
    for lesson in task.lessons:
        await team.memory.remember(
            f"{lesson.context}: {lesson.observation} {lesson.lesson}".replace("  ", " "),
            agent=lesson.agent,
            kind="learning",
            tags=lesson.tags,
            trusted=lesson.trusted,
        )


async def run_all_checks(team: Team) -> dict[str, bool]:
    """Whether each check passes on the target branch, in a clone of its own."""
    key = "eval-checks"
    prefix = team.settings.delivery.branch_prefix
    workspace = await team.workspaces.create(key, branch=f"{prefix}eval-checks")
    commands = {**team.settings.checks, **team.settings.improvement.checks}
    try:
        return {
            name: (await team.sandbox.run(command, tree=workspace.tree)).ok
            for name, command in commands.items()
        }
    finally:
        await team.workspaces.remove(key)


def open_tasks(played: Played) -> list[Task]:
    """Tasks that are neither completed nor cancelled."""
    over = (TaskState.COMPLETED, TaskState.CANCELLED)
    return [task for task in played.tasks if task.state not in over]


def summary(played: Played) -> dict[str, Any]:
    """What was done by whom, from which rung: for people and for ``--json``."""
    by_task: dict[int, list[dict[str, Any]]] = {}
    for line in played.report.attempts:
        by_task.setdefault(line.task, []).append(
            {"agent": line.agent, "ending": line.ending, "path": list(line.path)}
        )
    return {
        "folder": str(played.folder),
        "repository": str(played.repository),
        "provenance": played.provenance,
        "sandbox": played.sandbox,
        "reason": played.report.reason,
        "seconds": round(played.seconds, 2),
        "tasks": [
            {
                "id": task.id,
                "title": task.title,
                "rung": str(task.source),
                "state": str(task.state),
                "failures": task.failures,
                "attempts": by_task.get(task.id, []),
            }
            for task in played.tasks
        ],
        "handoffs": [{"from": sender, "to": receiver} for sender, receiver in played.handoffs],
        "checks": {"before": played.before, "after": played.after},
        "merged": sum(event.kind == "branch.merged" for event in played.events),
        "refused": sum(event.kind == "verify.refused" for event in played.events),
        "learnings": played.learnings,
        "lessons_proven": played.proven,
        "lessons_used": [asdict(one) for one in played.lessons],
        "model_calls": played.report.model_calls,
        "input_tokens": played.report.input_tokens,
        "output_tokens": played.report.output_tokens,
        "idle_model_calls": played.report.idle_model_calls,
        "problems": [dict(problem) for problem in played.report.problems],
        "stopped": {agent: dict(why) for agent, why in played.report.stopped.items()},
        "notices": played.report.notices,
    }
