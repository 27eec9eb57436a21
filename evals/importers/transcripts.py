"""Plain transcripts, as OpenAI writes messages: read, recorded, and gone through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from neveridle.board.task import slug
from neveridle.errors import NeveridleError, RecordingInvalid, StageTaken
from neveridle.evals.importers.authored import RESPOND, entries_of, write_recording
from neveridle.evals.importers.conversation import Conversation, read_conversation
from neveridle.evals.importers.reading import parsed, read_text
from neveridle.evals.importers.task_folder import TaskOf, write_task_folder

TITLE: Final = 60
"""Characters of a title made from what the user said first."""
_FORMAT: Final = (
    'Expected are messages as OpenAI writes them: a list, {"messages": […]}, a list of '
    "either, or one of them per line (JSONL)."
)


@dataclass(slots=True, kw_only=True)
class Transcript:
    """One conversation of a file, and what became of it.

    Attributes:
        number: its place in the file, from 1.
        title: what the user said first, shortened.
        key: the key of the task that the recording answers for.
        steps: answers of the model in the recording.
        tools: how often each tool is called.
        foreign: tools that an agent of neveridle does not have, and how often they are called.
        replayed: whether the worker came to its end with the recording.
        error: why it could not be read, or did not come to its end; empty: it did.
    """

    number: int
    title: str = ""
    key: str = ""
    steps: int = 0
    tools: dict[str, int] = field(default_factory=dict[str, int])
    foreign: dict[str, int] = field(default_factory=dict[str, int])
    replayed: bool = False
    code: str = ""
    error: str = ""
    remedy: str = ""

    def troubled(self, error: NeveridleError) -> None:
        """Note why it failed."""
        self.code, self.error, self.remedy = error.code, error.message, error.remedy

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return asdict(self)


def read_transcripts(path: Path) -> list[Conversation | RecordingInvalid]:
    """The conversations of a file; one that cannot be read is there as its error.

    Raises:
        RecordingInvalid: the file holds none.
    """
    found: list[Conversation | RecordingInvalid] = []
    for number, raw in enumerate(_conversations(path), start=1):
        where = f"{path.name}, conversation {number}"
        try:
            if isinstance(raw, RecordingInvalid):
                raise raw
            one = read_conversation(_messages(raw), where)
            if not one.turns:
                msg = f"{where} has no answer of an assistant."
                raise RecordingInvalid(msg, remedy=_FORMAT)
            found.append(one)
        except RecordingInvalid as error:
            found.append(error)
    return found


def _conversations(path: Path) -> list[Any]:
    text = read_text(path)
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > 1 and lines[0].rstrip().endswith(("]", "}")):
        try:
            parsed(lines[0], "")
        except RecordingInvalid:
            pass  # one JSON value on several lines
        else:
            return _together([_line(line, path, at) for at, line in enumerate(lines, start=1)])
    data = parsed(text, str(path))
    if isinstance(data, list) and not _is_conversation(cast("Sequence[Any]", data)):
        several = list(cast("Sequence[Any]", data))
        if not several:
            msg = f"{path} holds no conversation."
            raise RecordingInvalid(msg, remedy=_FORMAT)
        return several
    return [data]


def _line(line: str, path: Path, at: int) -> Any:
    try:
        return parsed(line, f"{path.name}, line {at}")
    except RecordingInvalid as error:
        return error


def _together(values: list[Any]) -> list[Any]:
    """Lines that are messages are one conversation."""
    return [values] if _is_conversation(values) else values


def _is_conversation(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(one, dict) and "role" in one for one in values)


def _messages(raw: Any) -> Any:
    if isinstance(raw, dict):
        known = cast("Mapping[str, Any]", raw)
        return next((known[key] for key in ("messages", "traj") if key in known), None)
    return raw


class Transcripts:
    """Makes a recorded task of conversations, and lets the worker go through its recording.

    Args:
        into: the recorded task's folder; made when it is missing.
        own: names of tools that an agent of neveridle has.
    """

    def __init__(self, into: Path, own: Sequence[str]) -> None:
        self._into = into
        self._own = frozenset(own)

    def record(
        self,
        conversations: Sequence[Conversation | RecordingInvalid],
        *,
        model: str,
        source: str,
        repository: Path | None = None,
    ) -> list[Transcript]:
        """Write the recorded task; what became of each conversation so far.

        Args:
            conversations: as read.
            model: what the recording names as its model.
            source: the name of the file they are of.
            repository: files that the tasks start from; None: nearly none.

        Raises:
            StageTaken: the folder is in use, or cannot be written.
            RecordingInvalid: not one conversation could be read; as of the first.
        """
        from neveridle.evals.importers.workbench import RECORDING

        good = [one for one in conversations if isinstance(one, Conversation)]
        if not good:
            raise next(one for one in conversations if isinstance(one, RecordingInvalid))
        made: list[Transcript] = []
        entries: list[dict[str, Any]] = []
        for number, one in enumerate(conversations, start=1):
            transcript = Transcript(number=number)
            made.append(transcript)
            if isinstance(one, RecordingInvalid):
                transcript.troubled(one)
                continue
            transcript.title, transcript.key = self._named(one, made)
            lines = entries_of(one, transcript.key, closing=True)
            entries += lines
            transcript.steps = len(lines)
            calls = [call["name"] for line in lines[:-1] for call in line["tool_calls"]]
            transcript.tools = dict(Counter(calls))
            transcript.foreign = {
                name: times for name, times in transcript.tools.items() if name not in self._own
            }
        self._make_folder()
        tasks = [
            TaskOf(transcript.title, "\n\n".join(filter(None, (one.system, one.opening))))
            for transcript, one in zip(made, conversations, strict=True)
            if isinstance(one, Conversation)
        ]
        steps = max(one.steps for one in made)
        write_task_folder(self._into, tasks, steps=steps, source=source, repository=repository)
        write_recording(self._into / RECORDING, entries, model=model)
        return made

    def _make_folder(self) -> None:
        try:
            self._into.mkdir(parents=True, exist_ok=True)
            taken = next(self._into.iterdir(), None)
        except OSError as error:
            msg = f"{self._into} cannot be made: {error.strerror or error}."
            raise StageTaken(msg, remedy="Choose another folder with --into.") from error
        if taken is not None:
            msg = f"{self._into} is in use: {taken.name} is there."
            raise StageTaken(msg, remedy="Choose a new or empty folder with --into.")

    def _named(self, one: Conversation, made: Sequence[Transcript]) -> tuple[str, str]:
        """A title and a key that no other conversation of the file has."""
        first = " ".join(one.opening.split()) or "A recorded conversation"
        title = first if len(first) <= TITLE else first[:TITLE].rsplit(" ", 1)[0]
        taken = {other.key for other in made}
        wanted, number = title, 1
        while (key := f"dispatch:{slug(wanted)}") in taken:
            number += 1
            wanted = f"{number} {title}"
        return wanted, key

    async def replay(
        self,
        conversations: Sequence[Conversation | RecordingInvalid],
        made: Sequence[Transcript],
        folder: Path,
    ) -> None:
        """Let the worker go through the recording: every tool says what it said then.

        Args:
            conversations: as read.
            made: of ``record``; whether each came to its end is noted there.
            folder: where board and checkpoints are made.
        """
        import shutil

        from neveridle.evals.importers.scripted import Script
        from neveridle.evals.importers.workbench import RECORDING, Workbench

        shutil.copyfile(self._into / RECORDING, folder / RECORDING)
        async with Workbench(folder) as bench:
            for one, transcript in zip(conversations, made, strict=True):
                if isinstance(one, RecordingInvalid):
                    continue
                script = Script.of(one)
                try:
                    await bench.work(_job(one, transcript, script))
                    transcript.replayed = True
                except NeveridleError as error:
                    transcript.troubled(script.trouble or error)


def _job(one: Conversation, transcript: Transcript, script: Any) -> Any:
    from neveridle.evals.importers.scripted import langchain_tools
    from neveridle.evals.importers.workbench import Job

    answers: dict[str, list[str]] = {}
    for call in one.calls:
        answers.setdefault(call.name, []).append(call.result or "")

    def invoke(name: str, _: dict[str, Any]) -> str:
        return answers[name].pop(0)  # the script makes the calls in the recorded order

    functions = [{"name": name} for name in answers if name != RESPOND]
    return Job(
        key=transcript.key,
        title=transcript.title,
        steps=transcript.steps,
        calls=len(script.calls),
        policy=one.system,
        prompt=one.opening,
        tools=langchain_tools(functions, script, invoke, seconds=30.0),
    )
