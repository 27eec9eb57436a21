"""Reading recorded runs of tau-bench."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from neveridle.errors import RecordingInvalid
from neveridle.evals.importers.authored import RESPOND, SAID
from neveridle.evals.importers.conversation import Call, Conversation, Turn, read_conversation
from neveridle.evals.importers.reading import parsed, read_text, table

STOP: Final = "###STOP###"
"""What the user says when the conversation is over."""
TERMINATING: Final = ("transfer_to_human_agents",)
"""Tools that end the conversation, in both domains."""
_FORMAT: Final = (
    "A list of runs is expected, as tau-bench writes them: "
    '[{"task_id": 0, "trial": 0, "reward": 1.0, "info": {"task": {"actions": […], '
    '"outputs": […]}}, "traj": [messages]}, …].'
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a run is judged by.

    Attributes:
        actions: what should have been done, in order.
        outputs: what the assistant should have said.
    """

    actions: tuple[Call, ...]
    outputs: tuple[str, ...]

    @property
    def key(self) -> str:
        """The same for the same actions."""
        return json.dumps([(one.name, one.args) for one in self.actions], sort_keys=True)


@dataclass(frozen=True, slots=True)
class TauRun:
    """One recorded run.

    Attributes:
        number: its place in the file, from 1.
        task_id, trial: as recorded.
        reward: as recorded, from 0 to 1; None: it could not be read.
        gt_hash: the hash of the database after the right actions; empty: not recorded.
        failed: the harness's own error, where the run ended by one before it began.
        trouble: why it cannot be read; None: it can.
        raw: all of it.
    """

    number: int
    task_id: int | str = ""
    trial: int = 0
    reward: float | None = None
    gt_hash: str = ""
    failed: str = ""
    trouble: RecordingInvalid | None = None
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return f"task {self.task_id}, trial {self.trial}"


def load_runs(path: Path) -> list[TauRun]:
    """The runs in a file; one that cannot be read is there with its trouble.

    Raises:
        RecordingInvalid: the file holds no list of runs.
    """
    return [_run(one, number) for number, one in enumerate(_json(path), start=1)]


def _json(path: Path) -> Sequence[Any]:
    data = parsed(read_text(path), str(path))
    if isinstance(data, dict) and "traj" in data:
        data = [cast("dict[str, Any]", data)]
    if not isinstance(data, list) or not data:
        msg = f"{path} holds no runs."
        raise RecordingInvalid(msg, remedy=_FORMAT)
    return cast("Sequence[Any]", data)


def _run(raw: Any, number: int) -> TauRun:
    run = table(raw)
    reward, trial, task_id = run.get("reward"), run.get("trial", 0), run.get("task_id", number - 1)
    wrong = ""
    if not isinstance(raw, dict):
        wrong = f"is {type(raw).__name__}, not a run"
    elif not isinstance(reward, (int, float)) or not 0 <= reward <= 1:
        wrong, reward = "has no reward from 0 to 1", None
    elif "traj" not in run:
        wrong = "has no traj, its messages"
    if not isinstance(trial, int) or trial < 0 or not isinstance(task_id, (int, str)):
        wrong = wrong or "has a task_id or trial that is no number"
        trial, task_id = 0, number - 1
    info = table(run.get("info"))
    reward_info = table(table(info.get("reward_info")).get("info"))
    msg = f"run {number} {wrong}."
    return TauRun(
        number=number,
        task_id=task_id,
        trial=trial,
        reward=None if reward is None else float(reward),
        gt_hash=str(reward_info.get("gt_data_hash") or ""),
        failed="" if run.get("traj") else str(info.get("error") or ""),
        trouble=RecordingInvalid(msg, remedy=_FORMAT) if wrong else None,
        raw=run,
    )


def goal_of(run: TauRun, others: Sequence[TauRun]) -> Goal:
    """What the run is judged by; where it says nothing of it, what another trial says.

    Raises:
        RecordingInvalid: nobody says it, or it is malformed.
    """
    for one in (run, *(other for other in others if other.task_id == run.task_id)):
        task = table(table(one.raw.get("info")).get("task"))
        actions: Any = task.get("actions")
        if isinstance(actions, list):
            outputs: Any = task.get("outputs") or []
            if not isinstance(outputs, list):
                break
            calls = tuple(_action(action, one) for action in cast("Sequence[Any]", actions))
            return Goal(calls, tuple(str(text) for text in cast("Sequence[Any]", outputs)))
    msg = f"run {run.number} has no info.task with the actions it is judged by."
    raise RecordingInvalid(msg, remedy=_FORMAT)


def _action(raw: Any, run: TauRun) -> Call:
    action = table(raw)
    name, kwargs = action.get("name"), action.get("kwargs", action.get("arguments", {}))
    if not isinstance(name, str) or not isinstance(kwargs, dict):
        msg = f"run {run.number} has an action without name and kwargs in info.task."
        raise RecordingInvalid(msg, remedy=_FORMAT)
    return Call(name, cast("dict[str, Any]", kwargs))


def conversation_of(run: TauRun, terminating: Sequence[str]) -> tuple[Conversation, bool]:
    """The recorded conversation up to its end, and whether it came to one.

    It ends when the user says so, or with a terminating tool; without, the harness had cut it
    off at its limit of steps.

    Raises:
        RecordingInvalid: the messages cannot be read.
    """
    read = read_conversation(run.raw["traj"], f"run {run.number}")
    if not any(turn.calls for turn in read.turns):
        read = Conversation(read.system, read.opening, tuple(map(_textual, read.turns)))
    turns: list[Turn] = []
    for turn in read.turns:
        turns.append(turn)
        replies = [call.result or "" for call in turn.calls if call.name == RESPOND]
        replies += [] if turn.calls else [turn.reply or ""]
        if any(call.name in terminating for call in turn.calls) or any(
            STOP in reply for reply in replies
        ):
            return Conversation(read.system, read.opening, tuple(turns)), True
    return Conversation(read.system, read.opening, tuple(turns)), False


def _textual(turn: Turn) -> Turn:
    """A turn of the strategies ``act`` and ``react``, which write calls as text.

    What follows ``Action:`` is the call; where that is no JSON, it is said to the user.
    """
    before, mark, text = turn.text.rpartition("Action:")
    if not mark:
        return turn
    try:
        action: Any = json.loads(text.strip())
    except (ValueError, RecursionError):
        return Turn(text.strip(), (), turn.reply)
    said = table(action)
    name, args = said.get("name"), said.get("arguments")
    if not isinstance(name, str) or not isinstance(args, dict):
        return Turn(text.strip(), (), turn.reply)
    known = cast("dict[str, Any]", args)
    if name == RESPOND:
        return Turn(str(known.get(SAID) or ""), (), turn.reply)
    result = None if turn.reply is None else turn.reply.removeprefix("API output: ")
    return Turn(before.strip(), (Call(name, known, result),), None)
