"""A recorded task's plan, as the seams of a play need it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from neveridle.evals.faults.acts import Act
from neveridle.evals.faults.diary import Diary
from neveridle.evals.faults.plan import (
    ClockJump,
    DiskFull,
    Fault,
    KillFault,
    ModelFault,
    Pause,
    ServiceFault,
    StaleLock,
)
from neveridle.evals.faults.trigger import fits

if TYPE_CHECKING:
    from neveridle.evals.faults.director import Planned
    from neveridle.evals.faults.service_faults import ServiceFaults
    from neveridle.evals.recorded_task import RecordedTask
    from neveridle.evals.world import World
    from neveridle.graph.state import TickState
    from neveridle.graph.team import Team
    from neveridle.tools.models.models import ModelSeam

REPLAY = "replay"
"""The provider that an authored recording counts as while its model has faults."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned, each with its key: the place in the file and the kind."""

    faults: Sequence[tuple[str, Fault]]
    acts: Sequence[tuple[str, Act]]

    @classmethod
    def of(cls, task: RecordedTask) -> Plan:
        """The plan of a recorded task."""
        return cls(
            [(f"fault {n} {one.kind}", one) for n, one in enumerate(task.faults, start=1)],
            [(f"act {n} {one.kind}", one) for n, one in enumerate(task.acts, start=1)],
        )

    @property
    def kills(self) -> list[tuple[str, KillFault]]:
        """All kills."""
        return [(key, one) for key, one in self.faults if isinstance(one, KillFault)]

    @property
    def nodes(self) -> list[tuple[str, KillFault]]:
        """Kills at nodes."""
        return [(key, one) for key, one in self.kills if one.node and not one.step]

    def missed(self, diary: Diary, *, simulated: bool) -> list[str]:
        """The keys of faults that should have happened, and did not.

        Args:
            diary: what happened.
            simulated: whether time is: else it cannot jump.
        """
        return [
            key
            for key, one in self.faults
            if not (one.may or diary.fired.get(key))
            and (simulated or not isinstance(one, ClockJump | Pause))
        ]

    def service_faults(self, world: World) -> ServiceFaults:
        """What goes wrong with services."""
        from neveridle.evals.faults.service_faults import ServiceFaults

        return ServiceFaults(
            faults=[(key, one) for key, one in self.faults if isinstance(one, ServiceFault)],
            kills=[(key, one) for key, one in self.kills if one.service],
            diary=world.diary, elapsed=world.elapsed, now=world.now, kill=world.kill,
            armed=world.armed,
        )  # fmt: skip

    def model_seam(self, world: World) -> ModelSeam | None:
        """What stands around the models; None: nothing goes wrong there."""
        faults = [(key, one) for key, one in self.faults if isinstance(one, ModelFault)]
        kills = [(key, one) for key, one in self.kills if one.step]
        if not faults and not kills:
            return None
        from neveridle.evals.faults.model_faults import ModelFaults
        from neveridle.tools.models.models import ModelSeam

        made = ModelFaults(
            faults=faults, kills=kills, diary=world.diary, elapsed=world.elapsed,
            title=world.title, kill=world.kill, armed=world.armed,
        )  # fmt: skip
        return ModelSeam(wrap=made.wrap, replay=REPLAY if faults else "")

    def killing(self, world: World, when: str, node: str, state: TickState) -> None:
        """Kill the process, if that is planned for a node."""
        job = None
        team = world.team
        if team is not None:
            job = team.desk.find(state.get("task", 0), state.get("fence", 0))
        names = (state.get("title", ""), "" if job is None else job.task.key)
        for key, fault in self.nodes if world.armed() else ():
            if (fault.node, fault.when) != (node, when) or not fits(fault.task, *names):
                continue
            if fits(fault.agent, state.get("agent", "")) and world.diary.strikes(
                key, fault, now=world.elapsed()
            ):
                world.kill(f"kill {when} {node} of {names[0] or state.get('agent', '')}")

    def planned(self, world: World, team: Team) -> list[Planned]:
        """What happens at a time, or once the log says something."""
        from neveridle.evals.faults import machine
        from neveridle.evals.faults.deeds import done
        from neveridle.evals.faults.director import Planned

        found: list[Planned] = []
        for key, one in self.faults:
            match one:
                case KillFault() if one.at is not None or one.on:
                    found.append(_kill(key, one, world))
                case ClockJump() | Pause():
                    if world.time is not None:
                        found.append(_jump(key, one, world))
                case StaleLock():
                    end = partial(machine.take_lock, one, team) if one.seconds else None
                    do = _ignoring(partial(machine.leave_lock, one, team))
                    found.append(
                        Planned(key=key, when=one, do=do, fault=True, end=end, lasts=one.seconds)
                    )
                case DiskFull():
                    found.append(
                        Planned(
                            key=key,
                            when=one,
                            do=_ignoring(partial(machine.fill_disk, one, team)),
                            fault=True,
                            end=partial(machine.free_disk, one, team),
                            lasts=one.seconds,
                        )
                    )
                case _:
                    pass  # happens at its seam
        for key, act in self.acts:
            found.append(
                Planned(key=key, when=act, do=partial(done, act, team, world.services), fault=False)
            )
        return found


def _kill(key: str, fault: KillFault, world: World) -> Planned:
    from neveridle.evals.faults.director import Planned

    async def do(item: int) -> str:
        world.kill(f"kill at {fault.on or f'{fault.at:g} s'}")

    return Planned(key=key, when=fault.trigger, do=do, fault=True)


def _jump(key: str, fault: ClockJump | Pause, world: World) -> Planned:
    from neveridle.evals.faults.director import Planned
    from neveridle.evals.faults.machine import jump

    async def do(item: int) -> str:
        return jump(fault, world.time, world.diary)

    return Planned(key=key, when=fault, do=do, fault=True)


def _ignoring(do: Callable[[], Awaitable[str]]) -> Callable[[int], Awaitable[str]]:
    """The same for a director, who names an item of the inbox."""

    async def called(item: int) -> str:
        return await do()

    return called
