"""What a provider's errors mean: real clients, real statuses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from neveridle.errors import (
    CredentialsRejected,
    ModelMistake,
    ModelNotConfigured,
    NeveridleError,
    RateLimited,
    ServiceError,
)
from neveridle.settings import ModelSettings
from neveridle.tools.models import Models, classify_model_error
from neveridle.tools.recording import Scope

SCOPE = Scope("dispatch:1", 1, "work")


async def fail(base_url: str, **settings: Any) -> NeveridleError:
    """The error of ours for what a call through the provider's real client raises."""
    made = Models(
        ModelSettings(default="openai:tiny", base_url=base_url, **settings), {}, root=Path()
    )
    with pytest.raises(Exception) as raised:
        await made.for_scope(SCOPE).ainvoke("hi")
    return classify_model_error(raised.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ModelMistake),
        (401, CredentialsRejected),
        (402, CredentialsRejected),
        (403, CredentialsRejected),
        (404, ModelNotConfigured),
        (409, ServiceError),
        (413, ModelMistake),
        (422, ModelMistake),
        (429, RateLimited),
        (500, ServiceError),
        (503, ServiceError),
        (529, ServiceError),
    ],
)
async def test_a_status(status: int, kind: type[NeveridleError], provider: Any) -> None:
    provider.status = status
    # The text says something else: it must not be what decides.
    provider.answer = {"error": {"message": "401 rate limit: key a-key-of-the-test-1 timeout"}}

    error = await fail(provider.base_url)

    assert type(error) is kind
    assert "a-key-of-the-test-1" not in str(error)


async def test_an_empty_account_is_no_rate_limit(provider: Any) -> None:
    provider.status = 429
    provider.answer = {"error": {"message": "pay", "code": "insufficient_quota"}}

    assert type(await fail(provider.base_url)) is CredentialsRejected


async def test_no_answer_in_time(provider: Any) -> None:
    provider.silent = 1.0

    assert type(await fail(provider.base_url, timeout=0.05)) is ServiceError


async def test_nobody_there() -> None:

    assert type(await fail("http://127.0.0.1:1/v1")) is ServiceError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), ServiceError),
        (ConnectionResetError(), ServiceError),
        (httpx.ReadTimeout("x"), ServiceError),
        (httpx.ConnectError("x"), ServiceError),
        (httpx.RemoteProtocolError("x"), ServiceError),
        (ValueError("401 Unauthorized"), NeveridleError),
        (KeyError("429"), NeveridleError),
    ],
)
def test_without_a_status_the_class_decides(error: Exception, kind: type[NeveridleError]) -> None:
    assert type(classify_model_error(error)) is kind


def test_a_class_of_the_same_name_from_elsewhere_means_nothing() -> None:
    class NetworkError(Exception):
        """One of somebody else's."""

    assert type(classify_model_error(NetworkError())) is NeveridleError


def test_errors_of_ours_stay_and_cancellation_goes_on() -> None:
    ours = ModelMistake("no")

    assert classify_model_error(ours) is ours
    for error in (asyncio.CancelledError(), KeyboardInterrupt(), SystemExit()):
        with pytest.raises(type(error)):
            classify_model_error(error)
