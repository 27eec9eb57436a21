"""A recorded task: where a run starts from, and what must hold at its end."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

from pydantic import AwareDatetime, Field, ValidationError

from neveridle.errors import RecordingInvalid
from neveridle.evals.expectations import Expectations, Table
from neveridle.evals.faults.acts import Act
from neveridle.evals.faults.plan import Fault
from neveridle.evals.meeting import StartSyncPoint
from neveridle.settings.loader import line_of

SCHEMA = 2
"""The version of the format; a file with a higher one is refused, not guessed at."""

FILE = "task.toml"
OLD_RUN: Final[dict[str, Any]] = {"clock": "real", "timeout": 300}
"""What version 1 did where it was not said otherwise."""


SecretName: TypeAlias = Annotated[
    str, Field(pattern=r"^[A-Z][A-Z0-9_]*_(KEY|TOKEN|SECRET|PASSWORD)$", max_length=80)
]
"""A variable whose value counts as secret; no other one may be set by a recorded task."""
SecretValue: TypeAlias = Annotated[str, Field(min_length=8, max_length=1000)]


class Start(Table):
    """What a run starts from; paths are relative to the recorded task's folder.

    Attributes:
        repository: the files of the repository's first commit.
        folder: what the repository's folder is called in a run.
        team: the team's settings.
        souls: the folder of its souls.
        recording: what the model answered; empty: it is never asked.
        http: what services answered; empty: no service is replayed.
        services: stand-ins for services, by name (``linear``), each with the JSON file of the
            state it starts from.
        secrets: made-up secrets, by the name of the environment variable that holds each of
            them in the run; with ``expect.no_secret`` none may be found afterwards.
    """

    repository: str
    folder: str = Field(default="project", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")
    team: str = "neveridle.toml"
    souls: str = "agents"
    recording: str = "recording.jsonl"
    http: str = ""
    services: dict[str, str] = Field(default_factory=dict[str, str])
    secrets: dict[SecretName, SecretValue] = Field(
        default_factory=dict["SecretName", "SecretValue"]
    )


class StartTask(Table):
    """A task on the board when the run starts.

    Attributes:
        after: titles of tasks, named before it, that must be completed first.
        agent: whom it is addressed to; empty: whoever has the skills.
        sync: the sync point at which its completion checks its agent in; empty: none.
    """

    source: Literal["dispatch", "backlog"]
    title: str
    description: str = ""
    agent: str = ""
    ticket: str = ""
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    skills: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    needs_change: bool = True
    budget: dict[str, float] = Field(default_factory=dict[str, float])
    services: tuple[str, ...] = ()
    sync: str = ""


class StartLesson(Table):
    """A lesson in memory when the run starts."""

    agent: str
    context: str
    lesson: str
    observation: str = ""
    tags: tuple[str, ...] = ()
    trusted: bool = True


class Run(Table):
    """How it is run.

    Attributes:
        timeout: seconds by the board's clock.
        until: ``idle``: until nothing is left that could be done; ``timeout``: all of it, as
            a day in which little happens.
        clock: ``simulated``: waiting takes no time; ``real``: it does.
        begins: the board's time at the start of a simulated run, ISO 8601 with offset.
        pace: by how much polls are stretched that only look for what another process did, in
            simulated time; a whole day wants a high one.
        agents: who runs; empty: all.
        live: whether it makes sense with a live model.
        longest: real seconds after which the run is given up.
    """

    timeout: float = Field(default=3600.0, gt=0)
    until: Literal["idle", "timeout"] = "idle"
    clock: Literal["simulated", "real"] = "simulated"
    begins: AwareDatetime = datetime(2026, 1, 5, 9, tzinfo=UTC)
    pace: float = Field(default=4.0, ge=1, le=10_000)
    agents: tuple[str, ...] = ()
    live: bool = True
    longest: float = Field(default=120.0, gt=0)


class AskedScorer(Table):
    """A scorer that is asked besides ``expect``.

    Attributes:
        name: of a built-in one (``rubric``), of an installed one (entry points of the group
            ``neveridle.scorers``), or ``pydantic-evals:`` and the name of its evaluator.
        options: what it is called with; ``with`` in the file.
        timeout: real seconds after which it is stopped.
    """

    name: str = Field(min_length=1, max_length=200)
    options: dict[str, Any] = Field(default_factory=dict[str, Any], alias="with")
    timeout: float = Field(default=60.0, gt=0, le=600)


class RecordedTask(Table):
    """A recorded task, read from the ``task.toml`` of its folder.

    Attributes:
        provenance: ``live`` or ``authored``: where the model's answers come from.
        tags: for choosing some of many.
        faults: what goes wrong; see ``neveridle.evals.faults``.
        acts: what people and the world do meanwhile; see ``neveridle.evals.faults``.
        scorers: what looks at the outcome besides ``expect``; see ``neveridle.evals.scorers``.
        folder: where it lies.
    """

    schema_version: Literal[2] = Field(alias="schema")
    title: str
    description: str = ""
    provenance: Literal["live", "authored"]
    tags: tuple[str, ...] = ()
    start: Start
    run: Run = Run()
    sync_points: tuple[StartSyncPoint, ...] = ()
    tasks: tuple[StartTask, ...] = ()
    lessons: tuple[StartLesson, ...] = ()
    faults: tuple[Fault, ...] = ()
    acts: tuple[Act, ...] = ()
    scorers: tuple[AskedScorer, ...] = ()
    expect: Expectations = Expectations()
    folder: Path = Path()

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name


def load_task(folder: Path) -> RecordedTask:
    """Read a recorded task.

    Raises:
        RecordingInvalid: with file, line and remedy.
    """
    path = folder / FILE
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        data: dict[str, Any] = tomllib.loads(text)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})."
        raise RecordingInvalid(msg, remedy=f"A recorded task is a folder with {FILE}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        msg = f"{path}:{line}: not UTF-8: {error.reason}."
        raise RecordingInvalid(msg, remedy="Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        msg = f"{path}:{line}: not valid TOML: {error}."
        raise RecordingInvalid(msg, remedy="Correct that line.") from error
    data = migrated(data, path)
    if "folder" in data:
        msg = f"{path}:{line_of(text, ['folder']) or 1}: folder: it belongs under [start]."
        raise RecordingInvalid(msg, remedy="Write it after the line [start].")
    try:
        task = RecordedTask.model_validate({**data, "folder": folder.resolve()})
    except ValidationError as error:
        wrong: list[str] = []
        for problem in error.errors():
            where = [str(part) for part in problem["loc"]]
            place = f"{path}:{line_of(text, where) or 1}"
            said = problem["msg"].removeprefix("Value error, ")
            wrong.append(f"{place}: {'.'.join(where)}: {said}.")
        raise RecordingInvalid(
            "\n".join(dict.fromkeys(wrong)), remedy="docs/evals_format.md describes the format."
        ) from None
    known: set[str] = set()
    for one in task.tasks:
        missing = [title for title in one.after if title not in known]
        if missing:
            msg = f"{path}: '{one.title}' comes after '{missing[0]}', which is not named before it."
            raise RecordingInvalid(msg, remedy="Name it first, with exactly this title.")
        known.add(one.title)
        if one.sync and one.sync not in {point.name for point in task.sync_points}:
            msg = f"{path}: '{one.title}' names the sync point '{one.sync}', which is not there."
            raise RecordingInvalid(msg, remedy="Add it as a table [[sync_points]].")
    return task


def migrated(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """The data of a file of any known version, as of this one.

    Version 2 only added to version 1; what was of version 1 ran in real time.

    Raises:
        RecordingInvalid: it says no version, or one that is not known here.
    """
    version = data.get("schema")
    if version == SCHEMA:
        return data
    if version != 1:
        msg = (
            f"{path}:1: schema: {version!r} is no version that is known here, only 1 and {SCHEMA}."
        )
        newer = isinstance(version, int) and version > SCHEMA
        remedy = (
            "Update neveridle: a newer one wrote this." if newer
            else f"Begin the file with: schema = {SCHEMA}"
        )  # fmt: skip
        raise RecordingInvalid(msg, remedy=remedy)
    run: object = data.get("run", {})
    if isinstance(run, dict):
        run = {**OLD_RUN, **cast("dict[str, Any]", run)}
    return {**data, "schema": SCHEMA, "run": run}


def shipped_tasks() -> dict[str, Path]:
    """The recorded tasks that come with the package, by name."""
    root = Path(__file__).parent / "tasks"
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*/{FILE}"))}


def find_tasks(names: Sequence[str], *, keyword: str = "") -> list[Path]:
    """The folders of recorded tasks.

    Args:
        names: names of shipped ones, folders of recorded tasks, or folders that hold such
            folders; none: all that are shipped.
        keyword: only those in whose name, or one of whose tags, it stands; empty: all.

    Raises:
        RecordingInvalid: there is none of that name, none that fits, or two of one name.
    """
    found: list[Path] = []
    for name in names:
        inside = sorted(path.parent for path in Path(name).glob(f"*/{FILE}"))
        whole = name not in shipped_tasks() and not (Path(name) / FILE).is_file()
        found += inside if whole and inside else [find_task(name)]
    if not names:
        found = list(shipped_tasks().values())
    chosen = [path.resolve() for path in found if not keyword or keyword in _words(path)]
    if not chosen:
        msg = f"No recorded task fits '{keyword}'."
        raise RecordingInvalid(msg, remedy="`neveridle eval list` shows their names and tags.")
    chosen = list(dict.fromkeys(chosen))
    named: dict[str, Path] = {}
    for path in chosen:
        other = named.setdefault(path.name, path)
        if other != path:  # results are told apart by it, and paired by it in comparisons
            msg = f"Two recorded tasks are called '{path.name}': {other} and {path}."
            raise RecordingInvalid(msg, remedy="Rename one of the folders, or run them apart.")
    return chosen


def _words(folder: Path) -> str:
    """What a keyword is looked for in: also of one that cannot be read."""
    try:
        return " ".join([folder.name, *load_task(folder).tags])
    except RecordingInvalid:
        return folder.name


def find_task(name: str) -> Path:
    """The folder of a recorded task: the name of a shipped one, or a path.

    Raises:
        RecordingInvalid: there is none.
    """
    shipped = shipped_tasks()
    if name in shipped:
        return shipped[name]
    if (Path(name) / FILE).is_file():
        return Path(name)
    msg = f"There is no recorded task '{name}'."
    if Path(name).is_dir():
        msg = f"The folder '{name}' holds no {FILE}, nor does one right inside it."
    near = get_close_matches(name, shipped, n=3)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    remedy = f"Give a folder with {FILE}, or a name that `neveridle eval list` shows.{meant}"
    raise RecordingInvalid(msg, remedy=remedy)
