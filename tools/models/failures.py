"""What a failed model call means: who must act."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from neveridle.errors import (
    CredentialsRejected,
    ModelMistake,
    ModelNotConfigured,
    NeveridleError,
    RateLimited,
    ServiceError,
)
from neveridle.tools.models.waits import wait_of_model
from neveridle.tools.redact import redact

# Classes by name, so that no provider's package has to be imported. They count only from
# the packages below: a class of the same name elsewhere means something else.
PACKAGES: Final = frozenset(
    {
        "aiohttp",
        "anthropic",
        "asyncio",
        "botocore",
        "builtins",
        "google",
        "groq",
        "httpcore",
        "httpx",
        "langchain",
        "langchain_core",
        "mistralai",
        "ollama",
        "openai",
        "requests",
        "socket",
        "ssl",
        "urllib3",
    }
)
_UNREACHABLE: Final = frozenset(
    {
        "APIConnectionError",
        "APITimeoutError",
        "ClientConnectionError",
        "ConnectTimeout",
        "ConnectionError",
        "EndpointConnectionError",
        "HTTPError",
        "ModelAPIError",
        "ModelConnectionError",
        "ModelTimeoutError",
        "NetworkError",
        "ProtocolError",
        "ReadTimeout",
        "SSLError",
        "ServerTimeoutError",
        "Timeout",
        "TimeoutError",
        "TimeoutException",
        "TransportError",
        "gaierror",
    }
)
_CREDENTIALS: Final = frozenset(
    {"ModelAuthenticationError", "ModelPermissionDeniedError", "NoCredentialsError"}
)
_REQUEST: Final = frozenset(
    {
        "ContentFilterFinishReasonError",
        "ContextOverflowError",
        "LengthFinishReasonError",
        "ModelInvalidRequestError",
        "OutputParserException",
        "StructuredOutputError",
    }
)
_BROKEN: Final = frozenset({"APIError", "APIResponseValidationError"})
"""The provider answered with something that is no answer."""

_SHOWN: Final = 300  # characters of the provider's own words
_LIMIT: Final = 429
UNTOLD: Final = 20.0
"""Seconds for which a provider is left alone that limits us and does not say for how long."""
_BUSY: Final = frozenset({408, 409, 425, _LIMIT})
# OpenAI answers an empty account with 429, but no waiting fills it.
_UNPAID: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def classify_model_error(error: BaseException, service: str = "") -> NeveridleError:
    """The error of ours that says who must act on a failed model call.

    Decided by status code and class, never by the text. An error of ours is returned as it
    is. Raise the result from ``error``, which keeps the cause.

    Args:
        error: what the provider's client raised.
        service: the provider, for whoever waits for it.

    Returns:
        CredentialsRejected: 401, 402, 403, or an account without credit.
        RateLimited: 429; says when to come back.
        ServiceError: 408, 409, 425, 5xx, no connection, no answer in time.
        ModelNotConfigured: 404, the provider does not know the model or the address.
        ModelMistake: any other 4xx: the request cannot be answered as it is.
        NeveridleError: none of these: a bug of ours or of the provider's client.

    Raises:
        BaseException: ``error`` itself where it is a cancellation or an exit.
    """
    if isinstance(error, NeveridleError):
        return error
    if not isinstance(error, Exception) or isinstance(error, asyncio.CancelledError):
        raise error
    said = f"{type(error).__name__}: {_words(error)}"
    status = status_of(error)
    kinds = {
        kind.__name__ for kind in type(error).__mro__ if kind.__module__.split(".")[0] in PACKAGES
    }
    if status in (401, 402, 403) or kinds & _CREDENTIALS or _unpaid(error):
        return CredentialsRejected(
            f"The model's provider refuses to serve ({said}).",
            remedy="Check the API key in the environment, its rights, and the account's credit.",
            service=service,
            health=False,
        )
    if status is None and kinds & _UNREACHABLE:
        return ServiceError(
            f"The model's provider cannot be reached or did not answer in time ({said}).",
            remedy="Check `base_url` and `timeout` in [model] if this lasts.",
            service=service,
        )
    if status == _LIMIT or (status is None and "ModelRateLimitError" in kinds):
        wait = wait_of_model(error, limited=True)
        return RateLimited(
            f"The model's provider limits the rate of requests ({said}).",
            remedy="Wait and try again.",
            service=service,
            wait=UNTOLD if wait is None else wait,
            health=False,
        )
    if status is not None and (status in _BUSY or status >= 500):
        return ServiceError(
            f"The model's provider answered {status} ({said}).",
            remedy="Wait and try again.",
            service=service,
            wait=wait_of_model(error, limited=False),
        )
    if status == 404 or "ModelNotFoundError" in kinds:
        return ModelNotConfigured(
            f"The provider does not know the model, or its address is wrong ({said}).",
            remedy="Correct the model's name or `base_url` in [model] of neveridle.toml.",
        )
    if (status is not None and status >= 400) or kinds & _REQUEST:
        return ModelMistake(f"The model's provider refused the request ({said}).")
    if kinds & _BROKEN:
        return ServiceError(f"The model's provider gave no answer ({said}).", service=service)
    return NeveridleError(f"The model call failed in an unexpected way ({said}).")


def status_of(error: BaseException) -> int | None:
    """The HTTP status an exception carries, where providers' clients put it."""
    response = getattr(error, "response", None)
    found = [
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(error, "status", None),
        getattr(error, "code", None),
    ]
    if isinstance(response, dict):  # botocore
        fields = cast("dict[str, Any]", response)
        found.append(fields.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    return next((s for s in found if isinstance(s, int) and 100 <= s <= 599), None)


def _unpaid(error: BaseException) -> bool:
    return getattr(error, "code", None) in _UNPAID or getattr(error, "type", None) in _UNPAID


def _words(error: BaseException) -> str:
    words = " ".join(redact(str(error)).split())
    return words if len(words) <= _SHOWN else words[:_SHOWN] + "…"
