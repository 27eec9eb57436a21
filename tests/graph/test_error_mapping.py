"""Every public error of the libraries below us means one of ours, or is shown as a bug."""

from __future__ import annotations

import inspect
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

import chromadb.errors
import httpx
import langchain.agents.structured_output
import langchain_core.exceptions
import openai
import psycopg
import psycopg.errors
import pytest
import sqlalchemy.exc

from neveridle.board.postgres import errors as postgres
from neveridle.board.sqlite.connection import explain, retrying
from neveridle.errors import (
    BoardUnusable,
    CredentialsRejected,
    DiskFull,
    ModelMistake,
    ModelNotConfigured,
    NeveridleError,
    RateLimited,
    ServiceError,
    ServiceUnreached,
    SettingsInvalid,
)
from neveridle.graph.nodes.guard import problem_of
from neveridle.memory.index.dense import IndexBroken
from neveridle.memory.index.embedded import EmbeddedChroma
from neveridle.tools.models import classify_model_error
from neveridle.tools.resilience import failure_of


def public(*modules: ModuleType) -> dict[str, type[Exception]]:
    """The exceptions that modules show, by name."""
    return {
        name: one
        for module in modules
        for name in dir(module)
        if not name.startswith("_")
        and inspect.isclass(one := getattr(module, name))
        and issubclass(one, Exception)
        and not issubclass(one, Warning)
    }


def made(kind: type[Exception], **facts: Any) -> Any:
    """An error as its library raises it, without what its constructor asks for."""
    error = kind.__new__(kind)
    error.args = ("said",)
    error.__dict__.update({"message": "said", "request": None, "code": None, "type": None})
    error.__dict__.update(facts)
    return error


HTTPX: dict[type[NeveridleError], set[str]] = {
    SettingsInvalid: {"InvalidURL", "UnsupportedProtocol"},
    ServiceUnreached: {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"},
    NeveridleError: {  # bugs of whoever calls httpx
        "CookieConflict", "RequestNotRead", "ResponseNotRead", "StreamClosed", "StreamConsumed",
        "StreamError",
    },
    ServiceError: {
        "CloseError", "DecodingError", "HTTPError", "HTTPStatusError", "LocalProtocolError",
        "NetworkError", "ProtocolError", "ReadError", "ReadTimeout", "RemoteProtocolError",
        "RequestError", "TimeoutException", "TooManyRedirects", "TransportError", "WriteError",
        "WriteTimeout",
    },
}  # fmt: skip


def test_httpx() -> None:
    found = {name: type(failure_of(httpx_error(one), "far")) for name, one in public(httpx).items()}
    assert found == {name: kind for kind, names in HTTPX.items() for name in names}


def httpx_error(kind: type[Exception]) -> Exception:
    """One of httpx's errors; several show their request when they are read."""
    error = kind.__new__(kind)
    error.args = ("said",)
    return error


OPENAI: dict[type[NeveridleError], set[str]] = {
    CredentialsRejected: {"AuthenticationError", "PermissionDeniedError", "OAuthError"},
    RateLimited: {"RateLimitError"},
    ModelNotConfigured: {"NotFoundError"},
    ModelMistake: {
        "BadRequestError", "UnprocessableEntityError", "ContentFilterFinishReasonError",
        "LengthFinishReasonError",
    },
    ServiceError: {
        "APIConnectionError", "APIError", "APIResponseValidationError", "APIStatusError",
        "APITimeoutError", "ConflictError", "InternalServerError",
    },
    NeveridleError: {  # of what neveridle does not use
        "OpenAIError", "WebSocketConnectionClosedError",
        "WebSocketQueueFullError",
    },
}  # fmt: skip
STATUS = {"InternalServerError": 500, "OAuthError": 401}


def test_openai() -> None:
    kinds = {
        name: one for name, one in public(openai).items() if issubclass(one, openai.OpenAIError)
    }
    found = {
        name: type(
            classify_model_error(
                made(one, **({"status_code": STATUS[name]} if name in STATUS else {}))
            )
        )
        for name, one in kinds.items()
    }
    assert found == {name: kind for kind, names in OPENAI.items() for name in names}


LANGCHAIN: dict[type[NeveridleError], set[str]] = {
    CredentialsRejected: {"ModelAuthenticationError", "ModelPermissionDeniedError"},
    RateLimited: {"ModelRateLimitError"},
    ModelNotConfigured: {"ModelNotFoundError"},
    ServiceError: {"ModelAPIError", "ModelConnectionError", "ModelTimeoutError"},
    ModelMistake: {
        "ContextOverflowError", "ModelInvalidRequestError", "OutputParserException",
        "StructuredOutputError", "StructuredOutputValidationError",
        "MultipleStructuredOutputsError",
    },
    NeveridleError: {"LangChainException", "ModelError", "TracerException"},
}  # fmt: skip


def test_langchain() -> None:
    modules = (langchain_core.exceptions, langchain.agents.structured_output)
    kinds = {n: k for n, k in public(*modules).items() if k.__module__.startswith("langchain")}
    found = {name: type(classify_model_error(made(one))) for name, one in kinds.items()}
    assert found == {name: kind for kind, names in LANGCHAIN.items() for name in names}


SQLITE = {
    "SQLITE_FULL": DiskFull,
    **dict.fromkeys(
        ("SQLITE_IOERR", "SQLITE_PROTOCOL", "SQLITE_NOLFS", "SQLITE_NOTADB", "SQLITE_CORRUPT",
         "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"),
        BoardUnusable,
    ),
}  # fmt: skip


def test_sqlite_also_wrapped_by_sqlalchemy(tmp_path: Path) -> None:
    path = tmp_path / "board.db"
    for name in (one for one in dir(sqlite3) if one.startswith(tuple(SQLITE))):
        code = getattr(sqlite3, name)
        primary = next(one for one in SQLITE if name.startswith(one))
        error = sqlite3.OperationalError("said")
        error.sqlite_errorcode = code
        assert type(explain(error, path)) is SQLITE[primary], name
        wrapped = sqlalchemy.exc.OperationalError("SELECT 1", {}, error)

        def work(wrapped: Exception = wrapped) -> None:
            raise wrapped

        with pytest.raises(SQLITE[primary]):
            retrying(work, path)


def test_what_sqlalchemy_raises_by_itself_is_shown_as_a_bug(tmp_path: Path) -> None:
    for name, kind in public(sqlalchemy.exc).items():

        def work(kind: type[Exception] = kind) -> None:
            if issubclass(kind, sqlalchemy.exc.DBAPIError):
                raise kind("SELECT 1", {}, ValueError("said"))
            raise made(kind, detail=[])

        with pytest.raises(kind) as raised:
            retrying(work, tmp_path / "board.db")
        problem = problem_of(raised.value)
        assert (problem["code"], problem["category"]) == ("bug", "recoverable"), name


def test_postgresql() -> None:
    kinds = {**public(psycopg.errors), **public(psycopg)}
    for name, kind in kinds.items():
        if not issubclass(kind, psycopg.Error):
            continue
        explained = postgres.explain(kind("said"), "postgresql://u@h/d")
        if issubclass(kind, psycopg.errors.DiskFull):
            assert isinstance(explained, DiskFull), name
        elif issubclass(kind, (psycopg.OperationalError, psycopg.InterfaceError)):
            assert isinstance(explained, BoardUnusable), name
        elif not isinstance(explained, BoardUnusable):  # what we asked was wrong
            assert problem_of(explained)["code"] == "bug", name


def test_chroma(tmp_path: Path) -> None:
    index = EmbeddedChroma(tmp_path, model="none", board="none")
    for name, kind in public(chromadb.errors).items():
        with pytest.raises(IndexBroken), index._guard():  # pyright: ignore[reportPrivateUsage] - the one place that translates
            raise made(kind)
        assert name
