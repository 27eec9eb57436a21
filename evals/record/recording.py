"""Recording a live run of a team as a recorded task."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from neveridle.board.simulation import run_simulated
from neveridle.errors import RecordingInvalid, StageTaken
from neveridle.evals.case import CaseRequest
from neveridle.evals.measures import measures_of, path_of
from neveridle.evals.play import Played, play_on_stage
from neveridle.evals.record.configuration import HTTP, RECORDING, Configuration, configure
from neveridle.evals.record.expected import expected
from neveridle.evals.record.secrets import find_secrets
from neveridle.evals.record.starting import Taken, take
from neveridle.evals.record.toml_text import toml_text
from neveridle.evals.recorded_task import FILE, SCHEMA, RecordedTask, load_task
from neveridle.evals.result import CaseResult
from neveridle.evals.stage import changed_files, set_up
from neveridle.evals.suite import run_in_process
from neveridle.evals.world import World
from neveridle.settings.loader import settings_from

if TYPE_CHECKING:
    from neveridle.settings import Settings

SEED: Final = 0
TIMEOUT: Final = 3600.0
_NAME: Final = "project"
Tell = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Recorded:
    """What came of recording.

    Attributes:
        folder: the recorded task.
        model_calls: calls of models in the live run, also those that failed.
        exchanges: requests to services.
        path: the decision path: one line per attempt.
        measures: what was counted; see ``CaseResult.measures``.
        left_out: what was not taken of the project, and why.
        notices: what differs from the project's settings.
        replay: the result of replaying it once; None: that was not asked for.
    """

    folder: Path
    model_calls: int
    exchanges: int
    path: tuple[str, ...]
    measures: dict[str, float]
    left_out: list[str] = field(default_factory=list[str])
    notices: list[str] = field(default_factory=list[str])
    replay: CaseResult | None = None

    @property
    def holds(self) -> bool:
        """Whether the replay came to the same."""
        return self.replay is None or self.replay.status == "passed"

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return {
            "folder": str(self.folder),
            "model_calls": self.model_calls,
            "exchanges": self.exchanges,
            "path": list(self.path),
            "measures": self.measures,
            "left_out": self.left_out,
            "notices": self.notices,
            "replay": None if self.replay is None else self.replay.model_dump(mode="json"),
            "holds": self.holds,
        }


def record_task(
    settings: Settings,
    folder: Path,
    *,
    model: str = "",
    until: Literal["idle", "timeout"] = "idle",
    timeout: float = TIMEOUT,
    title: str = "",
    agents: tuple[str, ...] = (),
    replay: bool = True,
    tell: Tell = lambda _: None,
) -> Recorded:
    """Run a team live on a copy of its project, and make a recorded task of that.

    The project itself is only read. Time is simulated, as it is in the replay: what waits takes
    no real time, and one call is made after the other. Services are the real ones: what the team
    does there is done.

    Args:
        settings: the project's.
        folder: where the recorded task goes; empty, or not there.
        model: a live model in place of those that are set; empty: those.
        until: ``idle``: until nothing is left to do; ``timeout``: all of the time.
        timeout: simulated seconds at most.
        title: the recorded task's; empty: one is made.
        agents: who runs; empty: all.
        replay: whether it is replayed once, to see that it holds.
        tell: told what is done next, in words.

    Raises:
        StageTaken: the folder holds something.
        RecordingInvalid: a secret is left in what was recorded; there is no ``task.toml`` then.
        OperatorError: the project, its models or its services are not set up.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} holds something already."
        raise StageTaken(msg, remedy="Give a new folder, or empty this one.")
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    tell("Taking the repository, the souls and the open tasks.")
    taken = asyncio.run(take(settings, folder))
    made = configure(settings, model=model, window=_window(settings, model))
    (folder / "neveridle.toml").write_text(toml_text(made.replay), encoding="utf-8")
    _check_secrets(folder, "")  # before anything is paid for
    begins = datetime.now(UTC).replace(microsecond=0)
    about: dict[str, Any] = {
        "schema": SCHEMA,
        "title": title or f"A live run of {settings.team.name}",
        "description": f"Recorded from a live run that began at {begins.isoformat()}.",
        "provenance": "live",
        "tags": ["live"],
        "start": {"repository": "repository", "folder": _NAME, "recording": "", "http": ""},
        "run": {"timeout": timeout, "until": until, "begins": begins, "agents": list(agents)},
        "tasks": [_plain(one.model_dump()) for one in taken.tasks],
    }
    with tempfile.TemporaryDirectory(prefix="neveridle-record-") as temporary:
        stage = Path(temporary) / "stage"
        tell("Running the team.")
        played = _run_live(about, folder, stage, made)
        for name, key in ((RECORDING, "recording"), (HTTP, "http")):
            if (stage / name).is_file():
                shutil.copyfile(stage / name, folder / name)
                about["start"][key] = name
        _complete(folder, about, made)
        calls, exchanges = _count(folder / RECORDING), _count(folder / HTTP)
        about["expect"] = expected(played, asyncio.run(changed_files(stage / _NAME, "main")))
        text = toml_text(about)
        _check_secrets(folder, text)
        (folder / FILE).write_text(text, encoding="utf-8")
        load_task(folder)  # what was written can be read
        done = Recorded(
            folder=folder, model_calls=calls, exchanges=exchanges, path=path_of(played),
            measures=measures_of(played), left_out=taken.left_out, notices=_notices(made, taken),
        )  # fmt: skip
        if replay:
            tell("Replaying it once.")
            request = CaseRequest(task=folder, stage=Path(temporary) / "replay", seed=SEED)
            done.replay = asyncio.run(run_in_process(request))
    return done


class _LiveWorld(World):
    """A world in which the settings are those that record."""

    def __init__(self, task: RecordedTask, folder: Path, data: dict[str, Any]) -> None:
        super().__init__(task, folder, seed=SEED)
        self._data = data

    def settled(self, settings: Settings) -> Settings:
        """In place of those on the stage."""
        return settings_from(self._data, self.folder)


def _run_live(about: dict[str, Any], folder: Path, stage: Path, made: Configuration) -> Played:
    task = RecordedTask.model_validate({**about, "folder": folder})
    asyncio.run(set_up(task, stage))
    random.seed(SEED)
    world = _LiveWorld(task, stage, made.live)

    async def playing() -> Played:
        return await play_on_stage(task, stage, world)

    return run_simulated(playing, pace=task.run.pace)


def _complete(folder: Path, about: dict[str, Any], made: Configuration) -> None:
    """Recordings that settings name are there, also where nobody asked anything."""
    from neveridle.tools.recording import RecordingWriter
    from neveridle.tools.recording.http_writer import HttpRecordingWriter

    if not about["start"]["recording"]:
        RecordingWriter(folder / RECORDING).close()
        about["start"]["recording"] = RECORDING
    if made.replay.get("services", {}).get("replay") and not about["start"]["http"]:
        HttpRecordingWriter(folder / HTTP).close()
        about["start"]["http"] = HTTP


def _window(settings: Settings, model: str) -> int:
    """The window of the model that works, which a replay cannot know."""
    from neveridle.agents.compaction import window_of
    from neveridle.tools.models import Models
    from neveridle.tools.recording import Scope

    given = settings.with_model(model) if model else settings
    live = given.model_copy(update={"model": given.model.model_copy(update={"record": ""})})
    models = Models(live.model, live.agents, root=live.root)
    try:
        return window_of(models.for_scope(Scope("", 1, "work")), settings.compaction.window)
    finally:
        asyncio.run(models.aclose())


def _check_secrets(folder: Path, text: str) -> None:
    draft = folder / f"{FILE}.draft"
    draft.write_text(text, encoding="utf-8")
    found = find_secrets(folder)
    draft.unlink()
    if found:
        msg = f"A secret is left in {', '.join(str(folder / one) for one in found)}."
        raise RecordingInvalid(
            msg,
            remedy="Take it out of the repository, the settings or the task, and record again "
            f"to another folder; {folder} has no {FILE} and cannot be run.",
        )


def _count(path: Path) -> int:
    """Lines below the header."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return max(sum(1 for line in file if line.strip()) - 1, 0)


def _notices(made: Configuration, taken: Taken) -> list[str]:
    return [*made.notices, f"{taken.files} files and {len(taken.tasks)} open tasks were taken."]


def _plain(task: dict[str, Any]) -> dict[str, Any]:
    """What says something: all else is as usual where it is left out."""
    usual = {"priority": "normal", "needs_change": True}
    return {
        name: value
        for name, value in task.items()
        if value not in ("", (), {}) and usual.get(name) != value
    }
