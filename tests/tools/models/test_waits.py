"""When a provider wants to be asked again, and what a guarded call does with that."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerState
from neveridle.errors import CredentialsRejected, RateLimited, ServiceError, ServiceUnavailable
from neveridle.settings import ModelSettings
from neveridle.tools.models import Models, call_model, classify_model_error
from neveridle.tools.models.failures import UNTOLD
from neveridle.tools.recording import Scope
from neveridle.tools.services import ServiceKit

SCOPE = Scope("dispatch:1", 1, "work")
DATE = {"date": "Sun, 22 Nov 2026 10:00:00 GMT"}


def refused(status: int, headers: dict[str, str]) -> httpx.HTTPStatusError:
    """What a provider's client raises, as far as it matters."""
    request = httpx.Request("POST", "http://provider/v1")
    answer = httpx.Response(status, headers=headers, request=request)
    return httpx.HTTPStatusError("refused", request=request, response=answer)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({**DATE, "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT"}, 30),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-reset-requests": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-reset-requests": "1s"}, 0.02),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "40s",
                "x-ratelimit-remaining-tokens": "17",
                "x-ratelimit-reset-tokens": "1s",
            },
            40,
        ),
        ({**DATE, "anthropic-ratelimit-requests-reset": "2026-11-22T10:01:15Z"}, 75),
        (
            {
                **DATE,
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-22T10:00:09+00:00",
                "anthropic-ratelimit-requests-reset": "2026-11-22T11:00:00Z",
            },
            9,
        ),
        ({"anthropic-ratelimit-requests-reset": "2026-11-22T10:01:15Z"}, UNTOLD),  # no date
        ({"x-ratelimit-reset-requests": "soon"}, UNTOLD),
        ({"retry-after": "nan"}, UNTOLD),
        ({}, UNTOLD),
    ],
)
def test_a_limit_says_when_to_come_back(headers: dict[str, str], wait: float) -> None:
    error = classify_model_error(refused(429, headers), "openai")
    assert isinstance(error, RateLimited)
    assert error.wait == pytest.approx(wait)
    assert (error.health, error.service) == (False, "openai")


def test_a_server_that_is_down_has_no_reset_time_but_may_ask_for_a_pause() -> None:
    asked = classify_model_error(refused(503, {"retry-after": "3"}))
    plain = classify_model_error(refused(500, {"x-ratelimit-reset-requests": "6m0s"}))
    assert isinstance(asked, ServiceError)
    assert isinstance(plain, ServiceError)
    assert (asked.wait, plain.wait, plain.health) == (3, None, True)


@pytest.fixture
async def board(tmp_path: Path) -> AsyncGenerator[Board]:
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as one:
        yield one


def models(board: Board, base_url: str, **settings: Any) -> Models:
    """Models behind the guard of the board."""
    given = ModelSettings(default="openai:tiny", base_url=base_url, **settings)
    return Models(given, {}, root=Path(), kit=ServiceKit(board.breakers, board.clock))


async def test_a_call_is_one_request_and_the_breaker_has_the_next_one_refused(
    board: Board, provider: Any
) -> None:
    provider.status = 429
    made = models(board, provider.base_url, attempts=1)
    model, guard = made.for_scope(SCOPE), made.guard_for("work", "")
    assert guard is not None
    with pytest.raises(RateLimited):
        await call_model(guard, lambda: model.ainvoke("hi"))
    with pytest.raises(ServiceUnavailable):
        await call_model(guard, lambda: model.ainvoke("hi"))
    assert len(provider.asked) == 1
    assert (await board.breakers.get("openai")).state is BreakerState.OPEN
    await made.aclose()


async def test_rejected_credentials_are_tried_once_and_are_no_failure_of_the_provider(
    board: Board, provider: Any
) -> None:
    provider.status = 401
    made = models(board, provider.base_url)
    model, guard = made.for_scope(SCOPE), made.guard_for("work", "")
    with pytest.raises(CredentialsRejected):
        await call_model(guard, lambda: model.ainvoke("hi"))
    assert len(provider.asked) == 1
    assert (await board.breakers.get("openai")).failures == 0
    await made.aclose()


async def test_a_recording_has_no_breaker(board: Board, tmp_path: Path) -> None:
    kit = ServiceKit(board.breakers, board.clock)
    made = Models(ModelSettings(default="replay:x.jsonl"), {}, root=tmp_path, kit=kit)
    assert made.guard_for("work", "sam") is None
    assert made.provider_for("work", "sam") == ""


async def test_langgraphs_own_pause_passes_through(board: Board) -> None:
    from langgraph.errors import GraphInterrupt

    async def pause() -> None:
        raise GraphInterrupt

    guard = models(board, "http://127.0.0.1:1/v1").guard_for("work", "")
    for one in (guard, None):
        with pytest.raises(GraphInterrupt):
            await call_model(one, pause)
    assert (await board.breakers.get("openai")).failures == 0
