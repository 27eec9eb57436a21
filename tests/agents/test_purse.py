"""The purse: what a call may cost is held before it, what it cost is booked after it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage
from langgraph.errors import GraphInterrupt
from sqlalchemy import select

from neveridle.agents.account import PATIENCE, Account
from neveridle.agents.purse import AROUND, MARGIN, Purse
from neveridle.board import Board, NewTask, Source
from neveridle.board.schema import budgets, reservations
from neveridle.errors import BudgetReached, NeveridleError, RateLimited, ServiceError
from neveridle.settings.loader import settings_from
from neveridle.tools.models import Models
from neveridle.tools.services import ServiceKit

MODEL = "openai:gpt-5"
PRICE = {"input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write": 1.25}
SENT = 1000
WORST = int(SENT * MARGIN) + AROUND + 100


def answer(usage: dict[str, Any] | None = None) -> AIMessage:
    """What a model said, and what it took."""
    told: Any = {"input_tokens": 1200, "output_tokens": 50, "total_tokens": 1250}
    return AIMessage(
        "Some words of an answer.",
        usage_metadata=told if usage is None else usage or None,
        response_metadata={"model_name": "gpt-5-2025"},
    )


class Bench:
    """A purse on a board, and an attempt that pays from it."""

    def __init__(self, board: Board, root: Path) -> None:
        self.board = board
        self.root = root
        self.tables: dict[str, Any] = {
            "team": {"repository": "."},
            "model": {"default": MODEL, "attempts": 3},
            "prices": {MODEL: PRICE},
            "budgets": {"output_tokens": 100},
        }

    def purse(self, *, guarded: bool = False, **caps: Any) -> Purse:
        """A purse with these budgets."""
        self.tables["budgets"] |= caps
        settings = settings_from(self.tables, self.root)
        kit = ServiceKit(self.board.breakers, self.board.clock) if guarded else None
        models = Models(settings.model, settings.agents, root=self.root, kit=kit)
        return Purse(self.board, settings, models, chance=lambda: 0.5)

    async def account(self, purse: Purse, **task: Any) -> Account:
        """Who pays: an attempt at a new task."""
        new: dict[str, Any] = {"source": Source.BACKLOG, "title": "Fix", **task}
        await self.board.tasks.add(NewTask(**new))
        run = await self.board.runs.start("sam", role="backend", skills=())
        claim = await self.board.attempts.claim(
            agent="sam", run=run, skills=(), source=new["source"], lease=600
        )
        assert claim is not None
        return purse.account(claim.task, claim.attempt)

    @staticmethod
    async def call(account: Account, work: Callable[[], Any], purpose: str = "work") -> Any:
        """A call of a model."""
        return await account.call(purpose, work, tokens=SENT, answers=lambda said: [said])

    async def team(self) -> dict[str, Any]:
        """What the team has spent and holds in all; empty: nothing was ever asked for."""

        def read(c: Any) -> dict[str, Any]:
            query = select(budgets).where(budgets.c.scope == "team")
            row = c.execute(query).mappings().first()
            return {} if row is None else dict(row)

        return await self.board.database.read(read)

    async def left(self) -> int:
        """Reservations that nobody settled."""
        return await self.board.database.read(lambda c: len(c.execute(select(reservations)).all()))

    async def events(self) -> list[dict[str, Any]]:
        """What was logged of calls."""
        return [dict(one.data) for one in await self.board.events.find(kind="model.call")]


@pytest.fixture
def sqlite_url(tmp_path: Path, project_template: Path) -> str:
    """The URL of an empty board on SQLite: a copy, for migrating takes longer."""
    shutil.copy(project_template / ".neveridle" / "board.db", tmp_path / "board.db")
    return f"sqlite:///{tmp_path / 'board.db'}"


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def board_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty board, on each database."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def bench(board_url: str, tmp_path: Path) -> AsyncGenerator[Bench]:
    """A purse's surroundings, on each database, where time stands still."""
    async with Board(board_url) as board:
        await board.clock.script(1_000_000.0)
        yield Bench(board, tmp_path)


@pytest.fixture
async def here(sqlite_url: str, tmp_path: Path) -> AsyncGenerator[Bench]:
    """The same on SQLite alone."""
    async with Board(sqlite_url) as board:
        await board.clock.script(1_000_000.0)
        yield Bench(board, tmp_path)


async def test_the_worst_is_held_while_a_call_is_made_and_what_it_cost_is_booked(
    bench: Bench,
) -> None:
    purse = bench.purse()
    account = await bench.account(purse, source=Source.IMPROVEMENT)
    seen: dict[str, Any] = {}

    async def work() -> AIMessage:
        seen.update(await bench.team())
        details = {"cache_read": 800, "ephemeral_5m_input_tokens": 100, "cache_creation": 0}
        return answer(
            {"input_tokens": 1200, "output_tokens": 50, "total_tokens": 1250,
             "input_token_details": details}
        )  # fmt: skip

    await bench.call(account, work)

    worst_nanos = (WORST - 100) * 1250 + 100 * 2000  # each token sent might be written to a cache
    assert (seen["held_tokens"], seen["held_nanos"]) == (WORST, worst_nanos)
    cost = (1200 - 800 - 100) * 1000 + 800 * 100 + 100 * 1250 + 50 * 2000
    now = await bench.team()
    assert (now["tokens"], now["nanos"], now["calls"]) == (1250, cost, 1)
    assert (now["held_tokens"], now["held_nanos"], await bench.left()) == (0, 0, 0)
    (event,) = await bench.events()
    assert event.pop("seconds") >= 0
    assert event == {
        "purpose": "work", "model": "gpt-5-2025", "name": MODEL, "input_tokens": 1200,
        "output_tokens": 50, "cache_read_tokens": 800, "cache_write_tokens": 100, "cost": cost,
        "tries": 1, "rung": "improvement",
    }  # fmt: skip
    scopes = await bench.board.database.read(lambda c: sorted(c.scalars(select(budgets.c.scope))))
    assert scopes == ["agent:sam", "day", "improvement", "task:1", "team"]


@pytest.mark.parametrize("usage", [{}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}])
async def test_where_nobody_counted_it_is_estimated_and_said_to_be(
    here: Bench, usage: dict[str, Any]
) -> None:
    account = await here.account(here.purse())

    async def work() -> AIMessage:
        return answer(usage)

    await here.call(account, work)
    (event,) = await here.events()
    assert (event["input_tokens"], event["estimated"]) == (SENT, True)
    assert 4 < event["output_tokens"] < 20
    now = await here.team()
    assert now["tokens"] == SENT + event["output_tokens"]
    assert now["nanos"] == event["cost"] == SENT * 1000 + event["output_tokens"] * 2000


async def test_without_a_price_tokens_are_counted_and_money_is_not(here: Bench) -> None:
    here.tables["prices"] = {}
    here.tables["model"] = {"default": "openai:nobody-knows-it"}
    account = await here.account(here.purse(team={"cost": 0.000001, "tokens": 10_000}))

    async def work() -> AIMessage:
        return answer()

    await here.call(account, work)
    (event,) = await here.events()
    assert event["cost"] is None
    now = await here.team()
    assert (now["tokens"], now["nanos"]) == (1250, 0)


def _status(code: int) -> Exception:
    request = httpx.Request("POST", "http://localhost/v1")
    response: Any = httpx.Response(code, request=request)
    return openai.APIStatusError("no", response=response, body=None)


def _connection(cause: Exception) -> Exception:
    request: Any = httpx.Request("POST", "http://localhost/v1")
    error = openai.APIConnectionError(request=request)
    error.__cause__ = cause
    return error


FREE: dict[str, Callable[[], BaseException]] = {
    "limited by us": lambda: RateLimited("Too many.", wait=1.0),
    "400": lambda: _status(400),
    "401": lambda: _status(401),
    "404": lambda: _status(404),
    "429": lambda: _status(429),
    "500": lambda: _status(500),
    "503": lambda: _status(503),
    "no connection": lambda: _connection(httpx.ConnectError("refused")),
    "no connection in time": lambda: _connection(httpx.ConnectTimeout("slow")),
    "paused by the graph": lambda: GraphInterrupt(()),
}
PAID: dict[str, Callable[[], BaseException]] = {
    "408": lambda: _status(408),
    "502": lambda: _status(502),
    "504": lambda: _status(504),
    "no answer in time": lambda: _connection(httpx.ReadTimeout("slow")),
    "broken off": lambda: _connection(httpx.RemoteProtocolError("gone")),
    "a timeout of ours": TimeoutError,
    "a service": lambda: ServiceError("Down."),
    "a bug": lambda: RuntimeError("?"),
}


CAUSES: dict[str, Callable[[], BaseException]] = {**FREE, **PAID}


@pytest.mark.parametrize("name", list(CAUSES))
async def test_a_failed_call_is_booked_at_its_worst_unless_it_certainly_cost_nothing(
    here: Bench, name: str
) -> None:
    account = await here.account(here.purse())
    error: BaseException = CAUSES[name]()

    async def work() -> AIMessage:
        raise error

    with pytest.raises((NeveridleError, GraphInterrupt)):
        await here.call(account, work)
    now = await here.team()
    assert (now["held_tokens"], now["held_nanos"], await here.left()) == (0, 0, 0)
    assert now["tokens"] == (WORST if name in PAID else 0)
    events = await here.events()
    if name in FREE:
        assert events == []
    else:
        (event,) = events
        assert (event["lost"], event["estimated"]) == (type(error).__name__, True)
        assert event["input_tokens"] + event["output_tokens"] == WORST
        assert event["cost"] == now["nanos"] > 0


async def test_a_cancelled_call_is_booked_and_stays_cancelled(bench: Bench) -> None:
    purse = bench.purse()
    account = await bench.account(purse)
    asked = asyncio.Event()

    async def work() -> AIMessage:
        asked.set()
        await asyncio.Event().wait()
        return answer()

    job = asyncio.create_task(bench.call(account, work))
    await asked.wait()
    job.cancel()
    await asyncio.sleep(0)
    job.cancel()  # again, while it is being booked
    with pytest.raises(asyncio.CancelledError):
        await job
    await purse.close()
    now = await bench.team()
    assert (now["tokens"], now["held_tokens"], await bench.left()) == (WORST, 0, 0)
    (event,) = await bench.events()
    assert event["lost"] == "CancelledError"


async def test_who_is_cancelled_while_it_reserves_holds_nothing(bench: Bench) -> None:
    purse = bench.purse()
    account = await bench.account(purse)
    made = 0

    async def work() -> AIMessage:
        nonlocal made
        made += 1
        return answer()

    for steps in range(12):  # at whatever point it is: before, in the middle of it, after it
        job = asyncio.create_task(bench.call(account, work))
        for _ in range(steps):
            await asyncio.sleep(0.0005)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
    await purse.close()
    now = await bench.team()
    assert (now.get("held_tokens", 0), await bench.left()) == (0, 0)
    assert now.get("calls", 0) == made == len(await bench.events())


async def test_who_finds_no_room_waits_for_a_call_that_may_turn_out_cheaper(bench: Bench) -> None:
    purse = bench.purse(team={"tokens": 2 * WORST - 1})
    account = await bench.account(purse)
    asked, go = asyncio.Event(), asyncio.Event()

    async def first() -> AIMessage:
        asked.set()
        await go.wait()
        return answer({"input_tokens": 10, "output_tokens": 5, "total_tokens": 15})

    async def second() -> AIMessage:
        assert go.is_set()
        return answer()

    one = asyncio.create_task(bench.call(account, first))
    await asked.wait()
    two = asyncio.create_task(bench.call(account, second))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not two.done()
    go.set()
    async with asyncio.timeout(60):  # nobody would wake it, and it would hang
        await asyncio.gather(one, two)  # time stands still: what woke the second was the first
    now = await bench.team()
    assert (now["tokens"], now["held_tokens"], now["closed_at"]) == (15 + 1250, 0, None)


async def test_room_that_stays_held_is_not_waited_for_for_ever(bench: Bench) -> None:
    purse = bench.purse(team={"tokens": 2 * WORST - 1})
    account = await bench.account(purse)
    asked = asyncio.Event()

    async def hangs() -> AIMessage:
        asked.set()
        await asyncio.Event().wait()
        return answer()

    async def never() -> AIMessage:
        pytest.fail("there was no room for it")

    one = asyncio.create_task(bench.call(account, hangs))
    await asked.wait()
    two = asyncio.create_task(bench.call(account, never))
    while not two.done():
        await asyncio.sleep(0.001)
        await bench.board.clock.advance(5)
    with pytest.raises(BudgetReached, match="Other calls hold") as reached:
        await two
    assert reached.value.scope == "team"
    assert reached.value.until is not None  # it is tried again, nobody has to act
    assert reached.value.until >= 1_000_000 + 2 * PATIENCE
    now = await bench.team()
    assert (now["closed_at"], await bench.left()) == (None, 1)
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    await purse.close()


async def test_a_task_whose_budget_is_raised_while_it_is_at_work_goes_on(bench: Bench) -> None:
    from neveridle.board.task_budget import raise_budget

    account = await bench.account(bench.purse(), budget={"tokens": WORST - 1})

    async def work() -> AIMessage:
        return answer()

    with pytest.raises(BudgetReached) as reached:
        await bench.call(account, work)
    assert (reached.value.scope, reached.value.until) == ("task:1", None)
    assert "`neveridle budget raise 1 --tokens N`" in reached.value.remedy
    await raise_budget(bench.board.database, 1, tokens=WORST)
    await bench.call(account, work)
    assert (await bench.team())["tokens"] == 1250


@pytest.mark.parametrize("cap", [{"tokens": 0}, {"cost": 0.0}])
async def test_a_budget_of_nothing_allows_nothing_whatever_it_would_cost(
    here: Bench, cap: dict[str, float]
) -> None:
    here.tables["prices"] = {MODEL: {"input": 0.0, "output": 0.0}}
    account = await here.account(here.purse(day=cap))

    async def work() -> AIMessage:
        pytest.fail("it was called")

    with pytest.raises(BudgetReached, match="allows no call") as reached:
        await here.call(account, work)
    assert reached.value.scope == "day"
    assert await here.team() == {}


async def test_each_try_is_paid_by_itself_and_requests_are_counted_once(here: Bench) -> None:
    account = await here.account(here.purse(guarded=True))
    tries: list[Exception | None] = [_status(503), TimeoutError(), _status(429), None]
    here.tables["model"]["attempts"] = 9
    account = await here.account(here.purse(guarded=True))

    async def work() -> AIMessage:
        error = tries.pop(0)
        if error is not None:
            raise error
        return answer()

    job = asyncio.create_task(here.call(account, work))
    while not job.done():
        await asyncio.sleep(0.001)
        await here.board.clock.advance(1)
    await job
    now = await here.team()
    assert (now["tokens"], now["held_tokens"], await here.left()) == (WORST + 1250, 0, 0)
    lost, done = await here.events()
    assert (lost["lost"], lost["tries"], done["tries"]) == ("TimeoutError", 2, 2)
    figures = await here.board.metrics.of(await here.board.metrics.window())
    assert (figures.counts.requests, figures.counts.retries) == (4, 3)


async def test_only_so_many_calls_of_a_model_are_on_their_way(bench: Bench) -> None:
    purse = bench.purse(concurrency={"openai": 2})
    account = await bench.account(purse)
    now, most, both = 0, 0, asyncio.Event()

    async def work() -> AIMessage:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == 2:
            both.set()
        await both.wait()
        await asyncio.sleep(0.005)
        now -= 1
        return answer()

    async with asyncio.timeout(60):
        await asyncio.gather(*(bench.call(account, work) for _ in range(8)))
    assert (most, (await bench.team())["calls"]) == (2, 8)
