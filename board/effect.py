"""Effects: writes to services, and what makes each of them happen once."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MARKER = "neveridle-effect:"
"""What a marker begins with."""


class Safety(StrEnum):
    """What keeps a verb from being done twice when its answer was lost."""

    NATURAL = "natural"
    """It sets a state: done again, it changes nothing."""
    CLIENT_KEY = "client_key"
    """The service takes an id made by the client, and refuses a second object of that id."""
    MARKER = "marker"
    """What it makes carries a hidden marker, by which the service can be asked for it."""
    AT_LEAST_ONCE = "at_least_once"
    """Nothing does: where it is not known whether it was done, it is done again."""


class EffectState(StrEnum):
    """How an effect stands."""

    INTENDED = "intended"
    """It was decided on; whether it was done is not known yet."""
    DONE = "done"
    REFUSED = "refused"
    """The service said no, or a person gave it up: it was not done."""
    SUPERSEDED = "superseded"
    """A later request of the same task set the same state otherwise before this was settled."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a verb's functions are given.

    Attributes:
        key: the action's key, 64 hexadecimal digits: the same for every try.
        target: what is written to, such as ``AGT-275``.
        request: what is written, as plain JSON.
        call: which call this is, from 1; 0: the service is only asked.
    """

    key: str
    target: str
    request: Any
    call: int

    @property
    def client_key(self) -> str:
        """The id for services that take one from the client: a UUID (of version 4's form)."""
        return str(uuid.UUID(hex=self.key[:32], version=4))

    @property
    def marker(self) -> str:
        """The text that tells this action's object from all others; hide it in the object."""
        return f"{MARKER}{self.key[:32]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A write to a service as it stands on the board.

    Attributes:
        key: derived from the action; see ``action_key``.
        fence: of the attempt that last took it up.
        target: what is written to; without secrets, as request, result and error are.
        calls: how many calls were begun that may have done something, or were refused.
        result: what the service said, as plain JSON; None: it is not done.
        how: how it is known to be done: ``called``; ``found``, by its marker; ``exists``: the
            service had its client key; ``by hand``. Empty: it is not done.
        error: why it was refused, or what the last call that failed said.
        called_at: when the last call began whose outcome is not known; None: there is none.
        settled_at: when it became known whether it was done.
    """

    id: int
    key: str
    task_id: int | None
    fence: int | None
    run: str
    agent: str
    service: str
    verb: str
    target: str
    safety: Safety
    state: EffectState
    calls: int
    request: Any
    result: Any
    how: str
    error: str
    created_at: float
    called_at: float | None
    settled_at: float | None

    @property
    def open(self) -> bool:
        """Whether it is not known if it was done."""
        return self.state is EffectState.INTENDED

    @property
    def name(self) -> str:
        """The verb with its service, as ``github.comment``."""
        return f"{self.service}.{self.verb}"

    @property
    def word(self) -> str:
        """Its state for people: an intent is ``open``."""
        return "open" if self.open else str(self.state)

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return {**asdict(self), "open": self.open, "marker": self.asked().marker}

    def asked(self, *, call: int = 0) -> Asked:
        """What its verb's functions are given."""
        return Asked(self.key, self.target, self.request, call)


@dataclass(frozen=True, slots=True)
class Performed:
    """What asking for an effect gave.

    Attributes:
        effect: the effect, which is done.
        fresh: whether it was done by this asking; else it had been done before.
        differs: whether it had been done with another content, by a verb that is done once
            for a target whatever the content.
    """

    effect: Effect
    fresh: bool
    differs: bool = False

    @property
    def result(self) -> Any:
        """What the service said when it was done."""
        return self.effect.result


def canonical(value: Any) -> str:
    """One text for equal JSON.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from error


def digest(*parts: Any) -> str:
    """The SHA-256 of JSON values, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def action_key(
    task: int, born: float, *, service: str, verb: str, target: str, content: str, turn: int
) -> str:
    """The key of an action: the same whoever asks for it, however often, wherever in the graph.

    Args:
        task: the task it is done for.
        born: when that task was put on the board: ids begin again on a new board, and
            what an older one wrote must not be taken for ours.
        service: the service.
        verb: the verb.
        target: what is written to.
        content: a digest of what tells two such actions on one target apart.
        turn: for a verb that sets a state: how often the task has set it otherwise before.
    """
    return digest("effect-1", task, repr(float(born)), service, verb, target, content, turn)
