"""How often services were called, counted in memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """The requests to one service since they were last taken.

    Attributes:
        calls: requests that were made, repeats among them.
        retries: how many of them repeated one that had failed.
    """

    calls: int = 0
    retries: int = 0

    def take(self) -> Tally:
        """What was counted; from now on it is counted anew."""
        taken = Tally(self.calls, self.retries)
        self.give_back(Tally(-self.calls, -self.retries))
        return taken

    def give_back(self, taken: Tally) -> None:
        """Count again what was taken, and could not be kept."""
        self.calls += taken.calls
        self.retries += taken.retries


class Tallies:
    """The tallies of a process's services, one for each."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def of(self, service: str) -> Tally:
        """A service's tally, the same each time."""
        return self._tallies.setdefault(service, Tally())

    @property
    def called(self) -> dict[str, Tally]:
        """The services that were called since their tallies were last taken."""
        return {name: one for name, one in sorted(self._tallies.items()) if one.calls}
