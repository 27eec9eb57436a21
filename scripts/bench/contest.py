"""Several processes at one queue: ours, the floor and the peers, round by round in turn.

All rows of a contest show the same rounds: the first row asks for them, the others read what
was measured. Each side has a database and processes of its own, which stay for all rounds.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from bench.harness import Pair, Sampler, Skipped


@dataclass(frozen=True)
class Outcome:
    """What one side did in one round.

    Attributes:
        rate: tasks per second, from the word to the last one's end.
        shares: how many tasks each process did.
        slow: the seconds that all but one in a thousand tasks took at most.
    """

    rate: float
    shares: tuple[int, ...]
    slow: float


@dataclass(frozen=True)
class Side:
    """One side of a contest.

    Attributes:
        tasks: how many tasks it gets per round.
        fill: puts them where its processes look.
        commands: its processes.
        restless: whether they never cease to look for work, and so are there only for their
            own turn: nobody else is to pay for it.
    """

    tasks: int
    fill: Callable[[], None]
    commands: Sequence[Sequence[str]]
    restless: bool = False


Sides = dict[str, Side]
Measure = Callable[[Outcome], float]


class Contest:
    """Rounds in which sides do the same in turn.

    Args:
        prepare: makes the sides; what it holds is let go when the first row is done.
    """

    def __init__(self, prepare: Callable[[], AbstractContextManager[Sides]]) -> None:
        self._prepare = prepare
        self._rounds: list[dict[str, Outcome]] = []

    @contextmanager
    def pair(self, ours: tuple[str, Measure], floor: tuple[str, Measure]) -> Generator[Pair]:
        """Samplers of a side's measure each; the n-th call of either is of round n."""
        with ExitStack() as stack:
            teams: dict[str, Team] = {}

            def play() -> None:
                if not teams:
                    for name, side in stack.enter_context(self._prepare()).items():
                        teams[name] = stack.enter_context(Team(side))
                self._rounds.append({name: team.play() for name, team in teams.items()})

            def sampler(side: str, measure: Measure) -> Sampler:
                calls = iter(range(1 << 30))

                def sample() -> float:
                    at = next(calls)
                    while len(self._rounds) <= at:
                        play()
                    if side not in self._rounds[at]:
                        msg = f"{side} is not there"
                        raise Skipped(msg)
                    return measure(self._rounds[at][side])

                return sample

            yield Pair(ours=sampler(*ours), floor=sampler(*floor))


class Team(AbstractContextManager["Team"]):
    """The processes of a side."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Team:
        if not self._side.restless:
            self._start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._end()

    def _start(self) -> None:
        pipe = subprocess.PIPE
        for command in self._side.commands:
            self._processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
        for process in self._processes:
            assert self._hear(process) == "ready"

    def _end(self) -> None:
        while self._processes:
            with self._processes.pop():  # its stdin is closed, which tells it to end
                pass

    def play(self) -> Outcome:
        """One round, after as many tasks as it takes were put there.

        Raises:
            RuntimeError: a task was done twice, or not at all.
        """
        if self._side.restless:
            self._start()
        self._side.fill()
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [json.loads(self._hear(process)) for process in self._processes]
        if self._side.restless:
            self._end()
        took = sorted(seconds for one in said for seconds in one["took"])
        if len(took) != self._side.tasks:
            msg = f"{len(took)} of {self._side.tasks} tasks were done"
            raise RuntimeError(msg)
        elapsed = max(one["end"] for one in said) - min(one["begin"] for one in said)
        shares = tuple(len(one["took"]) for one in said)
        return Outcome(len(took) / elapsed, shares, took[int(len(took) * 0.999)])

    @staticmethod
    def _hear(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line:
            msg = f"{process.args!r} ended with {process.wait()}"
            raise RuntimeError(msg)
        return line


def rate(outcome: Outcome) -> float:
    """Tasks per second."""
    return outcome.rate


def least(outcome: Outcome) -> float:
    """Tasks of the process that did the fewest."""
    return min(outcome.shares)


def most(outcome: Outcome) -> float:
    """Tasks of the process that did the most."""
    return max(outcome.shares)


def slow(outcome: Outcome) -> float:
    """Seconds that all but one in a thousand took at most."""
    return outcome.slow
