"""A recording: read once, asked by all the models of a process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neveridle.errors import RecordingInvalid, RecordingMismatch
from neveridle.tools.recording.difference import difference, nearest
from neveridle.tools.recording.format import AuthoredEntry, Header, LiveEntry, Provenance
from neveridle.tools.recording.reader import read_entry, read_header, read_lines
from neveridle.tools.recording.request import key_of, with_model, without_model
from neveridle.tools.recording.scope import Scope
from neveridle.tools.recording.strays import Strays

_LISTED = 20  # steps that a message lists


class Recording:
    """The calls of a JSONL file.

    Attributes:
        path: the file.
        provenance: where it comes from: ``live`` with the model's name, or ``authored``.
        calls: how many model calls it holds.
        lenient: whether the nearest call of the same task, purpose and step answers where none
            fits exactly; an authored recording is looked up by those alone.
        strays: requests that it did not hold exactly; what a report must name.
    """

    def __init__(self, path: Path, header: Header, *, lenient: bool = False) -> None:
        self.path = path
        self.lenient = lenient
        self.strays = Strays()
        self.provenance: Provenance = header.provenance
        self.calls = 0
        self._authored: dict[tuple[str, int, str, int], dict[str, tuple[AuthoredEntry, int]]] = {}
        self._live: list[LiveEntry] = []
        self._by_request: dict[str, list[LiveEntry]] = {}
        self._answered: dict[tuple[Scope, str], int] = {}
        self._lock = threading.Lock()  # a sync model call runs in a thread of its own

    @classmethod
    def load(cls, path: Path, *, lenient: bool = False) -> Recording:
        """Read a recording.

        Args:
            path: the file.
            lenient: see the class.

        Raises:
            RecordingInvalid: with file, line (from 1) and remedy.
        """
        lines = read_lines(path)
        recording = cls(path, read_header(path, lines), lenient=lenient)
        for number, data in lines[1:]:
            recording._add(number, data)
        return recording

    @property
    def authored(self) -> bool:
        """Whether answers are looked up by task and step, not by the request."""
        return self.provenance.kind == "authored"

    def authored_answer(self, scope: Scope, step: int, prompt: str = "") -> AuthoredEntry:
        """The answer written for a step, the one whose ``when`` stands in the prompt first.

        Raises:
            RecordingMismatch: there is none; says which there are.
        """
        written = self._authored.get((scope.task, scope.attempt, scope.purpose, step), {})
        for when, (entry, _) in written.items():
            if when and when in prompt:
                return entry
        if "" in written:
            return written[""][0]
        there = sorted(key[1:] for key in self._authored if key[0] == scope.task)
        listed = ", ".join(f"attempt {a} {p} step {s}" for a, p, s in there[:_LISTED])
        more = f" and {len(there) - _LISTED} more" if len(there) > _LISTED else ""
        tasks = ", ".join(sorted({repr(key[0]) for key in self._authored})[:_LISTED])
        held = (
            f"For this task it holds: {listed}{more}."
            if there
            else f"It holds nothing for this task, only for: {tasks or 'none'}."
        )
        msg = f"{self.path}: holds no answer for {scope}, step {step}. {held}"
        self.strays.refused(msg)
        raise RecordingMismatch(
            msg, remedy="Add the entry to the recording, or find out why the model was asked."
        )

    def live_answer(
        self, scope: Scope, request: Mapping[str, Any], model: Mapping[str, Any] | None = None
    ) -> LiveEntry:
        """The answer recorded for a request.

        Where one scope asked the same several times, its answers come in their order, and
        the last one stays. Scopes do not touch each other, so the order in which several
        agents ask does not matter. A scope that never asked this gets the answer of the
        nearest one that did.

        Args:
            scope: who asks.
            request: the canonical request, without its model.
            model: sampling parameters that must be those of the recorded call.

        Raises:
            RecordingMismatch: with the difference to the nearest recorded request.
        """
        wanted = dict(model or {})
        same = [
            entry
            for entry in self._by_request.get(key_of(request), ())
            if all(entry.request["model"].get(name) == value for name, value in wanted.items())
        ]
        if not same:
            same = self._instead(scope, request, wanted)
        first = max(same, key=lambda entry: _likeness(scope, entry.scope.scope()))
        answers = [e for e in same if e.scope == first.scope and e.key == first.key]
        with self._lock:
            given = self._answered.get((scope, first.key), 0)
            self._answered[scope, first.key] = given + 1
        return answers[min(given, len(answers) - 1)]

    def _add(self, number: int, data: Any) -> None:
        where = f"{self.path}:{number}"
        self.calls += 1
        if self.authored:
            entry = read_entry(AuthoredEntry, where, data)
            written = self._authored.setdefault(entry.key, {})
            known = written.get(entry.when)
            if known:
                msg = f"{where}: the same task, attempt, purpose and step as line {known[1]}."
                raise RecordingInvalid(msg, remedy="Delete one of the two, or correct its step.")
            written[entry.when] = (entry, number)
            return
        live = read_entry(LiveEntry, where, data)
        if live.key != key_of(live.request) or not {"model", "messages"} <= set(live.request):
            msg = f"{where}: the key does not belong to the request; it was edited by hand."
            raise RecordingInvalid(
                msg, remedy="Delete the line and record the call again, or write an authored one."
            )
        self._live.append(live)
        self._by_request.setdefault(key_of(without_model(live.request)), []).append(live)

    def _instead(
        self, scope: Scope, request: Mapping[str, Any], wanted: Mapping[str, Any]
    ) -> list[LiveEntry]:
        """The nearest calls, which ask the same, where they may answer."""
        asked = f"{self.path}: holds no call that asks what {scope} asks."
        remedy = "Undo the change, or record again with `record` in [model]."
        alike = [e for e in self._live if self.lenient and _same_step(e, scope, request)]
        entries = alike or [e for e in self._live if e.scope.scope() == scope] or self._live
        best = nearest(request, [entry.request for entry in entries])
        if best is None:
            self.strays.refused(asked)
            raise RecordingMismatch(f"{asked} It holds no call at all.", remedy=remedy)
        shown = difference(best, with_model(request, {**best["model"], **wanted}))
        said = f"{asked} The difference to the nearest:\n{shown}\n"
        if not alike:
            self.strays.refused(said)
            raise RecordingMismatch(said, remedy=remedy)
        self.strays.accepted(said)
        return [entry for entry in alike if entry.key == key_of(best)]


def _same_step(entry: LiveEntry, scope: Scope, request: Mapping[str, Any]) -> bool:
    asked, there = (scope.task, scope.purpose), (entry.scope.task, entry.scope.purpose)
    return asked == there and _step(entry.request) == _step(request)


def _step(request: Mapping[str, Any]) -> int:
    """1 + the number of the model's messages that a request holds."""
    return 1 + sum(1 for message in request["messages"] if message.get("role") == "ai")


def _likeness(one: Scope, other: Scope) -> tuple[bool, ...]:
    return (
        one == other,
        (one.task, one.attempt, one.purpose) == (other.task, other.attempt, other.purpose),
        (one.task, one.purpose) == (other.task, other.purpose),
        one.purpose == other.purpose,
    )
