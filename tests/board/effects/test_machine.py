"""Any sequence of faults, deaths and takeovers, against a model of the service."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.board import Asked, Attempt, Board, Effect, EffectState, NewTask, Safety, Source
from neveridle.board.database import Database
from neveridle.board.effects import Effects
from neveridle.errors import EffectRefused, EffectUnsettled, LeaseLost, ServiceUnreached
from neveridle.tools.effects import AlreadyThere, Verb, Verbs

Fault = Literal[
    "", "lost before", "lost after", "no", "unreached", "dies before", "dies after", "dies answered"
]
FAULTS: tuple[Fault, ...] = (
    "", "lost before", "lost after", "no", "unreached", "dies before", "dies after",
    "dies answered",
)  # fmt: skip

Step = tuple[Literal["ask", "wake"], str, str, Fault, bool]

steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "wake"]),
        st.sampled_from([str(one) for one in Safety]),
        st.sampled_from(["one", "two"]),
        st.sampled_from(FAULTS),
        st.booleans(),
    ),
    max_size=10,
)


class Killed(BaseException):
    """kill -9: nothing of the process runs any more."""


class Service:
    """What the service holds, and what goes wrong next.

    Attributes:
        objects: per safety, the texts of what was made, each with key and marker.
        states: per target.
        fault: what goes wrong with the next call.
    """

    def __init__(self) -> None:
        self.objects: list[dict[str, str]] = []
        self.states: dict[str, str] = {}
        self.fault: Fault = ""
        self.die: Callable[[], None] = lambda: None
        self.calls = 0
        self.verbs = Verbs(
            *(
                Verb(
                    service="s", name=str(safety), safety=safety, identity="content",
                    call=self._caller(safety), find=self._find, settles=0.0,
                )
                for safety in Safety
            )
        )  # fmt: skip

    def _caller(self, safety: Safety) -> Callable[[Asked], Any]:
        async def call(asked: Asked) -> Any:
            self.calls += 1
            fault, self.fault = self.fault, ""
            if fault == "dies before":
                self.die()
                raise Killed
            if fault == "lost before":
                raise TimeoutError
            if fault == "no":
                raise EffectRefused("no")
            if fault == "unreached":
                self.calls -= 1
                raise ServiceUnreached("nobody there")
            result = self._write(safety, asked)
            if fault == "dies after":
                self.die()
                raise Killed
            if fault == "dies answered":
                self.die()
            if fault == "lost after":
                raise TimeoutError
            return result

        return call

    def _write(self, safety: Safety, asked: Asked) -> Any:
        if safety is Safety.NATURAL:
            self.states[asked.target] = asked.request
            return {"id": "state"}
        key = asked.client_key if safety is Safety.CLIENT_KEY else ""
        if key and any(one["key"] == key for one in self.objects):
            raise AlreadyThere({"id": key})
        marker = asked.marker if safety is Safety.MARKER else ""
        made = {"id": key or str(len(self.objects)), "key": key, "marker": marker}
        self.objects.append({**made, "verb": str(safety), "text": asked.request})
        return {"id": made["id"]}

    async def _find(self, asked: Asked) -> Any:
        found = [one for one in self.objects if one["marker"] == asked.marker]
        return {"id": found[0]["id"]} if found else None


class Mortal:
    """A process's way to the board, which ends with it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dead = False

    async def read(self, work: Any) -> Any:
        return await self._reach(self._database.read, work)

    async def write(self, work: Any) -> Any:
        return await self._reach(self._database.write, work)

    async def _reach(self, way: Any, work: Any) -> Any:
        if self.dead:
            raise Killed
        return await way(work)


class Life:
    """One process with one attempt."""

    def __init__(self, board: Board, service: Service, attempt: Attempt) -> None:
        self.attempt = attempt
        self.service = service
        self.database = Mortal(board.database)
        self.effects = Effects(cast("Database", self.database), board.clock)

    def _die(self) -> None:
        self.database.dead = True

    async def ask(self, safety: str, text: str, fault: Fault) -> bool:
        """Ask for an effect; whether the process still lives."""
        verb = self.service.verbs.find("s", safety)
        assert verb is not None
        self.service.fault, self.service.die = fault, self._die
        try:
            await self.effects.once(self.attempt, verb, "target", text, again=True)
        except Killed:
            return False
        except (EffectRefused, EffectUnsettled, ServiceUnreached):
            pass
        finally:
            self.service.fault = ""
        return not self.database.dead

    async def settle(self) -> None:
        await self.effects.reconcile(self.attempt, self.service.verbs)


async def play(url: str, played: list[Step]) -> None:
    service = Service()
    asked: dict[str, list[str]] = {str(one): [] for one in Safety}
    async with Board(url) as board:
        await board.clock.script(1_000_000.0)
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="work"))
        names = (f"run-{number}" for number in itertools.count(1))

        async def begin() -> Life:
            claim = await board.attempts.claim(
                agent="sam", run=next(names), skills=[], source=Source.BACKLOG, lease=60
            )
            assert claim is not None
            return Life(board, service, claim.attempt)

        async def take_over(*, settles: bool) -> Life:
            await board.clock.advance(100)
            await board.sweep(expirations=100)
            new = await begin()
            if settles:
                await new.settle()
            return new

        life = await begin()
        zombies: list[Life] = []
        for kind, safety, text, fault, over in played:
            if kind == "wake":
                before = (list(service.objects), dict(service.states), service.calls)
                for zombie in zombies:
                    with pytest.raises(LeaseLost):
                        await zombie.ask(safety, text, "")
                assert before == (service.objects, service.states, service.calls)
                continue
            asked[safety].append(text)
            alive = await life.ask(safety, text, fault)
            if over or not alive:
                if alive:
                    zombies.append(life)
                life = await take_over(settles=True)
        # Whatever happened, the next attempt does what is left, and finds the rest.
        life = await take_over(settles=True)
        for safety, texts in asked.items():
            for text in texts if safety == str(Safety.NATURAL) else set(texts):
                await life.ask(safety, text, "")
        effects = await board.effects.find()
        events = Counter(
            (one.kind, one.data.get("effect")) for one in await board.events.find(limit=10_000)
        )
    judge(service, asked, effects, events)


def judge(
    service: Service, asked: dict[str, list[str]], effects: list[Effect], events: Counter[Any]
) -> None:
    """One of each, or it was said openly."""
    for effect in effects:
        # A state that was refused, or not known, when another was asked for stays so.
        past = () if effect.safety is not Safety.NATURAL else (
            EffectState.SUPERSEDED, EffectState.REFUSED
        )  # fmt: skip
        assert effect.state in (EffectState.DONE, *past)
    made = Counter((one["verb"], one["text"]) for one in service.objects)
    for safety in (Safety.CLIENT_KEY, Safety.MARKER):
        for text in set(asked[str(safety)]):
            assert made[str(safety), text] == 1
    for text in set(asked[str(Safety.AT_LEAST_ONCE)]):
        (effect,) = [
            one
            for one in effects
            if one.safety is Safety.AT_LEAST_ONCE and one.request == text
        ]  # fmt: skip
        count = made[str(Safety.AT_LEAST_ONCE), text]
        assert 1 <= count <= 1 + events["effect.repeated", effect.id]
    states = asked[str(Safety.NATURAL)]
    assert service.states == ({"target": states[-1]} if states else {})
    for effect in effects:
        if effect.safety in (Safety.CLIENT_KEY, Safety.MARKER):
            assert effect.result["id"] in {one["id"] for one in service.objects}
    assert sum(one.calls for one in effects) == service.calls


@settings(max_examples=30, deadline=None)
@given(steps)
def test_each_action_is_done_once_whatever_dies(
    empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, played: list[Step]
) -> None:
    path = tmp_path_factory.mktemp("machine") / "board.db"
    shutil.copy(empty_sqlite, path)
    asyncio.run(play(f"sqlite:///{path}", played))
