"""What comes of running recorded tasks: the file that runs are compared by.

The shape is written down in ``docs/evals.md``. A file of another version is refused: results
are made anew by running the suite again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Final = "neveridle-eval-results"
VERSION: Final = 1


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreLine(_Line):
    """What one scorer said of one run.

    Attributes:
        name: what was looked at; the same name in each run of the same recorded task.
        value: from 0 (as bad as can be) to 1; 1 or 0 where it holds or does not.
        passed: whether it is good enough. None: the scorer itself failed, so that nothing is
            known of the work.
        detail: what was expected and what was seen, or how the scorer failed.
        scorer: the name of the scorer that said it.
        unscored: where ``passed`` is None, why: ``error``: the scorer failed. ``grader``: the
            model that grades failed, which says nothing of the run. ``skipped``: it was not
            asked.
    """

    name: str
    value: float | None = Field(default=None, ge=0, le=1)
    passed: bool | None = None
    detail: str = ""
    scorer: str = "expectations"
    unscored: Literal["", "error", "grader", "skipped"] = ""


class Trouble(_Line):
    """Why a recorded task could not be run to its end."""

    code: str
    message: str
    remedy: str = ""


class CaseResult(_Line):
    """One run of one recorded task.

    Attributes:
        task: the recorded task's name.
        repeat: which run of it this is, from 1.
        seed: what chance was seeded with.
        status: ``passed``: all scores are good enough. ``failed``: one is not. ``error``: it
            could not be run, or a scorer failed (a grader that failed, or a scorer that was
            skipped, is named in ``scores`` and changes nothing). ``skipped``: it was left out;
            ``trouble`` says why.
        scores: what the scorers said.
        measures: what was counted, by name: ``model_calls``, ``input_tokens``,
            ``output_tokens``, ``cost`` (US dollars), ``retries``, ``escalations``,
            ``learnings``, ``attempts``, ``idle_model_calls``, ``simulated_seconds`` (by the
            board's clock), ``seconds`` (real) and what scorers add.
        path: the decision path: one line per attempt, ``agent rung ending: title``.
        events: a digest of the board's log without what differs between any two runs; the
            same seed gives the same.
        provenance: of the model's answers: ``live`` or ``authored``.
        lenient: how many requests were matched leniently; 0: all were the recorded ones.
    """

    task: str
    title: str = ""
    repeat: int = Field(default=1, ge=1)
    seed: int = 0
    status: Literal["passed", "failed", "error", "skipped"]
    trouble: Trouble | None = None
    scores: tuple[ScoreLine, ...] = ()
    measures: dict[str, float] = Field(default_factory=dict[str, float])
    path: tuple[str, ...] = ()
    events: str = ""
    provenance: str = ""
    lenient: int = Field(default=0, ge=0)


class SuiteResult(_Line):
    """All runs of one ``neveridle eval run``.

    Attributes:
        suite: what was run: ``shipped``, or the folder.
        version_of: the versions of neveridle, Python and the model libraries.
        started_at: ISO 8601 with offset.
        model: the live model; empty: the recordings.
        matching: ``exact``, or ``lenient`` where requests might differ from the recorded.
        seconds: real seconds from start to end.
    """

    format: Literal["neveridle-eval-results"] = FORMAT
    version: Literal[1] = VERSION
    suite: str = "shipped"
    version_of: dict[str, str] = Field(default_factory=dict[str, str])
    started_at: str = ""
    model: str = ""
    matching: Literal["exact", "lenient"] = "exact"
    seconds: float = 0.0
    results: tuple[CaseResult, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed; what was skipped does not count."""
        return all(one.status in ("passed", "skipped") for one in self.results)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        draft = path.with_name(f".{path.name}.tmp")
        draft.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
