"""What memory gives to an attempt, and where its notes are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.agents.notebook import Notebook
from neveridle.agents.recollection import Recollection, Remembered, memory_section
from neveridle.board import Attempt
from neveridle.board.memories.uses import Use
from neveridle.board.memory_row import MemoryRow
from neveridle.graph.desk import Job
from neveridle.graph.nodes.chain import resumed
from neveridle.graph.nodes.guard import problem_of
from neveridle.graph.team import Team
from neveridle.tools.workspace.staging import NOTES

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from neveridle.tools.workspace import Workspace

LAST = 3
"""Tasks done last that a prompt names."""
OVER = 4
"""Times as many memories are looked for as may be shown: some are not proven, or merged."""
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Help:
    """What memory gives to an attempt.

    Attributes:
        section: the section of its prompt; empty: none.
        lessons: the texts in it.
        notebook: its working memory; None: memory is off.
        tools: its memory tools.
    """

    section: str = ""
    lessons: tuple[str, ...] = ()
    notebook: Notebook | None = None
    tools: tuple[BaseTool, ...] = ()


async def remembered_for(
    team: Team, job: Job, history: list[Attempt], workspace: Workspace
) -> Help:
    """What memory holds for a task; what it shows is noted before it is shown.

    An attempt that goes on with a conversation was shown its memories already: they count as
    shown to it.

    Raises:
        LeaseLost: the attempt does not own its task any more.
    """
    from neveridle.agents.memory_tools import MemoryTools

    if not team.settings.memory.enabled:
        return Help()
    attempt = job.attempt
    theirs = await team.workspaces.read_at(attempt.base, NOTES) if attempt.base else None
    notebook = Notebook(team.board, attempt, None if theirs is not None else workspace.tree)
    working = await notebook.begin(before=job.task.continues)
    tools = tuple(MemoryTools(team.board, team.memory, team.embedder, attempt).tools())
    uses = team.board.memories.uses
    if await team.checkpoints.exists(attempt.thread):
        await uses.carry(attempt, [one.fence for one in resumed(attempt, history)])
        return Help(notebook=notebook, tools=tools)
    found = await _recalled(team, job, working)
    await uses.record(
        attempt, [Use(row.id, "prompt", rank) for rank, row in enumerate(found.shown, start=1)]
    )
    lessons = tuple(dict.fromkeys(row.text for row in found.shown))
    return Help(found.text, lessons, notebook, tools)


async def end_notes(given: Help) -> None:
    """Keep an attempt's notes, and take their file out of the clone.

    Raises:
        LeaseLost: the attempt does not own its task any more.
    """
    if given.notebook is not None:
        await given.notebook.end()


async def _recalled(team: Team, job: Job, working: str) -> Remembered:
    settings = team.settings.memory
    rows: list[MemoryRow] = []
    last: list[MemoryRow] = []
    if settings.recall:
        try:
            rows, last = await _searched(team, job)
        except Exception as error:  # noqa: BLE001 - work goes on without memory; somebody is told
            await team.note_problem(problem_of(error), where="recall")
    return memory_section(
        Recollection(rows, last, working),
        budget=settings.budget_tokens,
        lessons=settings.recall,
        unproven=settings.unproven,
    )


async def _searched(team: Team, job: Job) -> tuple[list[MemoryRow], list[MemoryRow]]:
    from neveridle.memory.learning.wording import wording

    settings, agent = team.settings.memory, job.attempt.agent
    query = f"{job.task.title}\n{job.task.description}"[:2_000]
    hits = await team.memory.recall(query, k=settings.recall * OVER, agent=agent)
    rows = [hit.row for hit in hits]
    newest = await team.board.memories.newest(5 * settings.short_tasks, agent=agent)
    since = await team.board.clock.now() - settings.short_days * DAY
    tasks: dict[int, MemoryRow] = {}
    for row in newest:
        if row.kind == "learning" and row.task is not None and row.at >= since:
            tasks.setdefault(row.task, row)
    recent = [row for task, row in tasks.items() if task != job.task.id][: settings.short_tasks]
    asked = wording(query).stems

    def fits(place: int) -> float:
        shared = len(asked & wording(recent[place].text).stems)
        return shared / (len(asked) or 1) + 0.5 / (1 + place)

    best = sorted(range(len(recent)), key=fits, reverse=True)[:LAST]
    return rows, [recent[place] for place in best]
