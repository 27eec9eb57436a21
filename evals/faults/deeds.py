"""What people and the world do in a play, done."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from neveridle.board.control import DRAINING, EVERYBODY, PAUSED
from neveridle.errors import NotFound, RepositoryUnusable
from neveridle.evals.faults.acts import (
    Act,
    AnswerAct,
    BudgetAct,
    CommitAct,
    ControlAct,
    DispatchAct,
    PostAct,
    TicketAct,
)
from neveridle.evals.faults.director import answers
from neveridle.evals.faults.trigger import fits
from neveridle.graph.team import Team

if TYPE_CHECKING:
    from neveridle.evals.faults.standins import LinearState

SOMEBODY = "somebody"
GIT_SECONDS = 30


async def done(act: Act, team: Team, services: Mapping[str, LinearState], item: int) -> str:
    """Do what an act says; what was done, in words.

    Args:
        act: the act.
        team: the team.
        services: the stand-ins.
        item: the inbox item that is answered; 0: the first that fits.

    Raises:
        NotFound: there is nothing it could be done to.
    """
    match act:
        case AnswerAct():
            return await _answer(act, team, item)
        case DispatchAct():
            made = await team.dispatch(
                act.to, act.title, description=act.description, priority=act.priority,
                acceptance=act.acceptance, needs_change=act.needs_change, services=act.services,
            )  # fmt: skip
            return f"dispatched task {made.id}"
        case TicketAct():
            return _ticket(act, services)
        case BudgetAct():
            return await _raise(act, team)
        case ControlAct():
            return await _control(act, team)
        case CommitAct():
            return await _commit(act, team)
        case PostAct():
            await team.board.messages.post(act.channel, act.by, act.text)
            return f"posted in {act.channel}"


async def _answer(act: AnswerAct, team: Team, number: int) -> str:
    if not number:
        found = sorted(await team.board.inbox.find(), key=lambda one: one.id)
        number = next((one.id for one in found if answers(act, one)), 0)
    if not number:
        msg = f"No item of the inbox fits the answer for '{act.match}'."
        raise NotFound(msg, remedy="Leave `at` and `on` out: then it waits for the item.")
    item = await team.board.inbox.get(number)
    if act.dismiss or str(item.kind) == "alert":
        await team.board.answering.dismiss(number, by=act.by)
        return f"dismissed item {number}"
    await team.board.answering.answer(number, approved=act.approved, text=act.text, by=act.by)
    return f"answered item {number}"


def _ticket(act: TicketAct, services: Mapping[str, LinearState]) -> str:
    state = services.get(act.service)
    if state is None:
        msg = f"Nothing stands in for {act.service}."
        raise NotFound(
            msg, remedy=f'Name its file in [start]: services = {{ {act.service} = "…" }}'
        )
    store = state.standin.store
    said: dict[str, Any] = {
        name: one or None if name == "assignee" else one for name, one in act.set.items()
    }
    ref = store.add(act.ticket, **said) if act.new else state.find(act.ticket)
    if ref is None:
        msg = f"There is no ticket '{act.ticket}'."
        raise NotFound(msg)
    if said and not act.new:
        store.change(ref, **said)
    if act.comment:
        state.comment(ref, act.comment, by=act.by)
    return f"worked on {ref}"


async def _raise(act: BudgetAct, team: Team) -> str:
    from neveridle.board.task_budget import raise_budget

    tasks = await team.board.tasks.find()
    found = next((one for one in tasks if fits(act.raises, one.title, one.key)), None)
    if found is None:
        msg = f"There is no task '{act.raises}'."
        raise NotFound(msg)
    await raise_budget(team.board.database, found.id, tokens=act.tokens, cost=act.cost)
    return f"raised the budget of task {found.id}"


async def _control(act: ControlAct, team: Team) -> str:
    controls = team.board.controls
    if act.do == "resume":
        if act.who == EVERYBODY:
            await controls.clear(EVERYBODY, by=SOMEBODY)
        else:
            await controls.resume([act.who], among=team.roster.names, by=SOMEBODY)
    else:
        mode = PAUSED if act.do == "pause" else DRAINING
        await controls.set(act.who, mode, reason=act.reason, by=SOMEBODY)
    team.wakeups.nudge()
    return f"{act.do} {act.who}"


async def _commit(act: CommitAct, team: Team) -> str:
    repository = team.settings.repository
    for name, text in act.files.items():
        path = repository / name
        if text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        else:
            path.unlink(missing_ok=True)
    at = datetime.fromtimestamp(int(await team.board.clock.now()), UTC).isoformat()
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": str(repository.parent),
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": SOMEBODY, "GIT_AUTHOR_EMAIL": "somebody@example.invalid",
        "GIT_COMMITTER_NAME": SOMEBODY, "GIT_COMMITTER_EMAIL": "somebody@example.invalid",
        "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at,
    }  # fmt: skip
    for arguments in (
        ("add", "--all", "--", *act.files),
        ("commit", "--quiet", "--no-verify", "--message", act.message),
    ):
        made = subprocess.run(  # noqa: ASYNC221 - in simulated time nothing else may go on
            ["git", *arguments], cwd=repository, env=environment,
            capture_output=True, timeout=GIT_SECONDS, check=False,
        )  # fmt: skip
        if made.returncode:
            said = made.stderr.decode(errors="replace").strip()
            msg = f"git {arguments[0]} failed in {repository}: {said}"
            raise RepositoryUnusable(msg)
    return f"committed {', '.join(act.files)}"
