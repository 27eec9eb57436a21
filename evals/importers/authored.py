"""Conversations as an authored recording: what the model said, step by step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from neveridle.errors import StageTaken
from neveridle.evals.importers.conversation import Conversation, Turn
from neveridle.tools.recording import Provenance

RESPOND: Final = "respond"
"""The tool that speaks to the user; its result is what the user says to it."""
SAID: Final = "content"
"""Its one argument."""
OUTCOME: Final = "TaskOutcome"


def entries_of(
    conversation: Conversation, task: str, *, agent: str = "", closing: bool = False
) -> list[dict[str, Any]]:
    """The lines of an authored recording for one conversation.

    An answer with calls is a step with these calls; one of text alone is a step that calls
    ``respond``. The last step ends the attempt.

    Args:
        conversation: what was recorded.
        task: the key of the task that it answers for.
        agent: whose answers these are, for the reader.
        closing: whether a last answer of text alone is the summary that ends the attempt,
            in place of one more ``respond``.
    """
    turns = list(conversation.turns)
    summary = "The recorded conversation ended here."
    if closing and turns and not turns[-1].calls and turns[-1].reply is None:
        summary = turns.pop().text or summary
    steps = [{"content": _content(turn), "tool_calls": calls_of(turn)} for turn in turns]
    ending = {"name": OUTCOME, "args": {"status": "completed", "summary": summary}}
    steps.append({"content": "", "tool_calls": [ending]})
    return [
        {"task": task, "step": number, **({"agent": agent} if agent else {}), **step}
        for number, step in enumerate(steps, start=1)
    ]


def calls_of(turn: Turn) -> list[dict[str, Any]]:
    """What a step calls."""
    if not turn.calls:
        return [{"name": RESPOND, "args": {SAID: turn.text}}]
    return [{"name": call.name, "args": call.args} for call in turn.calls]


def _content(turn: Turn) -> str:
    return turn.text if turn.calls else ""


def write_recording(path: Path, entries: Iterable[dict[str, Any]], *, model: str) -> None:
    """Write an authored recording, whole or not at all.

    Raises:
        StageTaken: it cannot be written.
    """
    note = "made from recorded conversations; the words are the recorded model's"
    provenance = Provenance(kind="authored", model=model, note=note)
    head = {"format": "neveridle-recording", "version": 1, "provenance": provenance.model_dump()}
    draft = path.with_name(f".{path.name}.tmp")
    try:
        with draft.open("w", encoding="ascii", newline="\n") as file:
            for line in (head, *entries):
                file.write(json.dumps(line) + "\n")  # in ASCII: lone surrogates stay legal
        draft.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise StageTaken(msg, remedy="Choose a folder that can be written.") from error
