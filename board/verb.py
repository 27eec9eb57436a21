"""What the board asks of a verb; ``neveridle.tools.effects`` has the one to use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol, TypeAlias

from neveridle.board.effect import Asked, Safety

Identity: TypeAlias = Literal["content", "target"] | tuple[str, ...]
"""What tells two actions on one target apart: the whole request, nothing, or these fields."""

Call: TypeAlias = Callable[[Asked], Awaitable[Any]]
Find: TypeAlias = Callable[[Asked], Awaitable[Any]]
Retract: TypeAlias = Callable[[Asked, Any], Awaitable[None]]


class EffectVerb(Protocol):
    """One way of writing to a service."""

    @property
    def service(self) -> str:
        """The service, such as ``github``."""
        ...

    @property
    def name(self) -> str:
        """The verb, such as ``comment``."""
        ...

    @property
    def safety(self) -> Safety:
        """What keeps it from being done twice."""
        ...

    @property
    def identity(self) -> Identity:
        """What tells two actions on one target apart."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds after which a call is given up; whether it was done is then not known."""
        ...

    @property
    def settles(self) -> float:
        """Seconds after a call began, until asking for its marker is believed."""
        ...

    @property
    def call(self) -> Call:
        """Does the write; what it gives is the result.

        It raises ``EffectRefused`` (or another ``ModelMistake``) where the service said no,
        ``ServiceUnreached`` or ``AccessRefused`` where certainly nothing was done,
        ``AlreadyThere`` where the service has this client key. After anything else it is
        not known whether it was done.
        """
        ...

    @property
    def find(self) -> Find | None:
        """Asks the service for what was made; None where there is nothing."""
        ...

    @property
    def retract(self) -> Retract | None:
        """Takes back a second object; None: that is not possible."""
        ...

    def clean(self, value: Any) -> Any:
        """JSON without secrets."""
        ...


class AlreadyThere(Exception):
    """Raised by a call: the service has an object of this client key, so it is done.

    Args:
        result: what the call would have given; None: it is asked for with ``find``.
    """

    def __init__(self, result: Any = None) -> None:
        super().__init__("the service has it already")
        self.result = result
