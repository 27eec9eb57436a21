"""Prepared statements straight through libpq: whatever is sent and however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neveridle.board.postgres.wire import Statement, Wire

ECHO = Statement.named("echo", "SELECT %(text)s::text, %(words)s::text[], %(text)s::text AS again")
KINDS = Statement.named(
    "kinds",
    "SELECT %(whole)s::bigint AS whole, %(real)s::double precision AS real, %(truth)s::boolean"
    " AS truth, %(nothing)s::text AS nothing, '{\"a\": [1]}'::json AS data",
)
FAILS = Statement.named("fails", "SELECT 1 / %(by)s::integer")
SLOW = Statement.named("slow", "SELECT pg_sleep(%(seconds)s::double precision), 'slept'::text")


@pytest.fixture
async def wire(postgres_url: str) -> AsyncGenerator[Wire]:
    async with await Wire.connect(postgres_url, autocommit=True) as opened:
        yield opened


words = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)


def test_all_text_comes_back_as_it_was_sent(postgres_url: str) -> None:
    async def echo(on: Wire, text: str, listed: list[str]) -> None:
        assert await on.fetch(ECHO, {"text": text, "words": listed}) == [(text, listed, text)]

    with asyncio.Runner() as runner:
        opened = runner.run(Wire.connect(postgres_url, autocommit=True))

        @given(text=words, listed=st.lists(words, max_size=4))
        @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
        def any_text(text: str, listed: list[str]) -> None:
            runner.run(echo(opened, text, listed))

        any_text()
        runner.run(opened.close())


async def test_values_keep_their_kinds(wire: Wire) -> None:
    values = {"whole": -(2**40), "real": 1e-300, "truth": True, "nothing": None}
    for _ in range(2):
        assert await wire.fetch(KINDS, values) == [(-(2**40), 1e-300, True, None, {"a": [1]})]
    assert wire.columns(KINDS) == ("whole", "real", "truth", "nothing", "data")


async def test_a_nul_is_refused_and_not_cut_off(wire: Wire) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        await wire.fetch(ECHO, {"text": "before\0after", "words": []})
    assert await wire.fetch(ECHO, {"text": "a", "words": []}) == [("a", [], "a")]


async def test_more_than_the_socket_takes_at_once_is_sent(wire: Wire) -> None:
    long = "ä" * 8_000_000
    assert await wire.fetch(ECHO, {"text": long, "words": [long]}) == [(long, [long], long)]


async def test_an_error_is_psycopgs_own_and_the_connection_goes_on(wire: Wire) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await wire.fetch(FAILS, {"by": 0})
    with pytest.raises(psycopg.errors.SyntaxError):
        await wire.fetch(Statement.named("wrong", "SELEKT"))
    assert await wire.fetch(FAILS, {"by": 1}) == [(1,)]


async def test_it_takes_turns_with_psycopgs_cursors(wire: Wire) -> None:
    for number in range(1, 4):
        assert await wire.fetch(FAILS, {"by": 1}) == [(1,)]
        async with wire.transaction():
            row = await (await wire.execute("SELECT %s::integer", [number])).fetchone()
            assert row == (number,)
            assert await wire.fetch(FAILS, {"by": 1}) == [(1,)]


async def test_what_is_cancelled_leaves_no_answer_for_the_next(wire: Wire) -> None:
    asking = asyncio.create_task(wire.fetch(SLOW, {"seconds": 30}))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert wire.closed
    with pytest.raises(psycopg.OperationalError):
        await wire.fetch(FAILS, {"by": 1})


async def test_a_connection_that_is_cut_says_so_while_it_waits_and_while_it_rests(
    wire: Wire, postgres_url: str
) -> None:
    asking = asyncio.create_task(wire.fetch(SLOW, {"seconds": 30}))
    with psycopg.connect(postgres_url, autocommit=True) as other:
        sleeping = (  # others' databases are on the same server
            "SELECT pid FROM pg_stat_activity"
            " WHERE wait_event = 'PgSleep' AND datname = current_database()"
        )
        while not (found := other.execute(sleeping).fetchall()):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        other.execute("SELECT pg_terminate_backend(%s, 5000)", found[0])
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            await asking
        async with await Wire.connect(postgres_url, autocommit=True) as resting:
            assert await resting.fetch(FAILS, {"by": 1}) == [(1,)]
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [resting.info.backend_pid])
            while not resting.closed:  # noqa: ASYNC110 - it hears of it by itself
                await asyncio.sleep(0.01)
