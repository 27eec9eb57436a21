"""The verbs a team knows."""

from __future__ import annotations

from collections.abc import Iterator

from neveridle.tools.effects.verb import Verb


class Verbs:
    """``team.verbs``: what recovery finds the verb of a recorded effect in."""

    def __init__(self, *verbs: Verb) -> None:
        self._verbs: dict[tuple[str, str], Verb] = {}
        self.add(*verbs)

    def add(self, *verbs: Verb) -> None:
        """Make verbs known; one of the same service and name is replaced."""
        for verb in verbs:
            self._verbs[verb.service, verb.name] = verb

    def find(self, service: str, name: str) -> Verb | None:
        """A verb; None: nobody knows it."""
        return self._verbs.get((service, name))

    def __iter__(self) -> Iterator[Verb]:
        return iter(self._verbs.values())

    def __len__(self) -> int:
        return len(self._verbs)
