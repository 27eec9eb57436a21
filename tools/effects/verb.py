"""A verb: one way of writing to a service, and what makes it safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neveridle.board.effect import Safety
from neveridle.board.storable import storable
from neveridle.board.verb import Call, Find, Identity, Retract
from neveridle.tools.redact import redact


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One way of writing to a service.

    A secret that a verb has to send is named in the request, and looked up by ``call``:
    what is stored is what is sent, and secrets are taken out of it.

    Args:
        service: the service, such as ``github``.
        name: the verb, such as ``comment``.
        safety: what keeps it from being done twice when its answer was lost.
        identity: what tells two actions on one target apart, for one task. ``content``: the
            whole request, so that two comments are two. ``target``: nothing, so that there
            is one pull request for a branch, however it was worded. Or the names of the
            fields of the request that do.
        call: does the write with what it is given, and gives what the service said, as
            plain JSON. See ``EffectVerb.call`` for what it raises.
        find: asks the service for what was made by this action; None: it is not there.
            With a marker it must be given.
        settles: with a marker it must be given: seconds after a call began, from which on
            ``find`` sees what the call did. A request may be on its way for so long, and a
            search index may lag.
        timeout: seconds after which a call is given up; whether it was done is then not known.
        retract: takes back what a second call made; None: that is not possible, and it is
            said that there are two.

    Raises:
        ValueError: a marker without ``find`` or ``settles``, or a state that is not told
            apart by its content.
    """

    service: str
    name: str
    safety: Safety
    identity: Identity
    call: Call
    find: Find | None = None
    settles: float = -1.0
    timeout: float = 30.0
    retract: Retract | None = None

    def __post_init__(self) -> None:
        if self.safety is Safety.MARKER and (self.find is None or self.settles < 0):
            msg = f"{self.service}.{self.name} has a marker, so it needs find and settles."
            raise ValueError(msg)
        if self.safety is Safety.NATURAL and self.identity != "content":
            msg = f"{self.service}.{self.name} sets a state, so its identity is its content."
            raise ValueError(msg)

    def clean(self, value: Any) -> Any:
        """JSON without secrets, and without what no database takes."""
        if isinstance(value, str):
            return redact(storable(value))
        if isinstance(value, dict):
            fields: dict[Any, Any] = {**value}
            return {self.clean(str(name)): self.clean(one) for name, one in fields.items()}
        if isinstance(value, (list, tuple)):
            items: list[Any] = [*value]
            return [self.clean(one) for one in items]
        return value
