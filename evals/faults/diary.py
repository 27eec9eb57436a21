"""What has happened in a play so far: kept in a file, as a fault may kill the process."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neveridle.evals.faults.plan import Matched

FILE = ".neveridle-faults.json"


@dataclass(slots=True)
class Diary:
    """What has happened so far.

    Attributes:
        path: the file.
        seed: what chance is drawn from.
        happened: in words, in order.
        matches: by fault, how many requests fitted it.
        fired: by fault or act, how often it happened.
        heard: by fault or act, how many of the events it waits for came.
        due: what is still to happen: when, in seconds since the start, and with what.
        begun: what was planned for a time, so as not to be planned again.
        shifted: by how many seconds the board's clock was set.
        seen: the newest event of the log that was looked at.
        began: the board's time at the start where it is real; 0: where it is simulated.
        answered: items of the inbox that somebody answers, or has.
    """

    path: Path
    seed: int = 0
    happened: list[str] = field(default_factory=list[str])
    matches: dict[str, int] = field(default_factory=dict[str, int])
    fired: dict[str, int] = field(default_factory=dict[str, int])
    heard: dict[str, int] = field(default_factory=dict[str, int])
    due: list[tuple[float, str, int]] = field(default_factory=list[tuple[float, str, int]])
    begun: list[str] = field(default_factory=list[str])
    shifted: float = 0.0
    seen: int = 0
    began: float = 0.0
    answered: list[int] = field(default_factory=list[int])

    @classmethod
    def open(cls, path: Path, seed: int) -> Diary:
        """The diary of a play; a killed process may have begun it."""
        try:
            known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(path, seed)
        known["due"] = [tuple(one) for one in known["due"]]
        return cls(path, seed, **known)

    def save(self) -> None:
        """Write the file, whole or not at all."""
        kept = {name: one for name, one in asdict(self).items() if name not in ("path", "seed")}
        draft = self.path.with_name(f"{self.path.name}.tmp")
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(self.path)

    def strikes(self, key: str, fault: Matched, *, now: float) -> bool:
        """Whether it goes wrong with a request that fits; counted.

        Args:
            key: the fault's.
            fault: the fault.
            now: seconds since the start.
        """
        if now < fault.begins or (fault.until is not None and now >= fault.until):
            return False
        seen = self.matches[key] = self.matches.get(key, 0) + 1
        if seen < fault.nth or (fault.times and self.fired.get(key, 0) >= fault.times):
            return False
        # A draw of its own for each request: what other faults draw does not move it.
        if random.Random(f"{self.seed}/{key}/{seen}").random() >= fault.probability:
            return False
        self.fired[key] = self.fired.get(key, 0) + 1
        return True

    def note(self, said: str, *, now: float) -> None:
        """Note in words what happened."""
        self.happened.append(f"{now:.2f} {said}")
