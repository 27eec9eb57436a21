"""A connection that asks prepared statements straight through libpq.

psycopg's cursors are made for any statement and any type. The hot paths ask a dozen
statements with a handful of types, thousands of times: what a cursor costs for each would be
more than all else that this side does for a claim. All the rest goes through psycopg.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from psycopg import AsyncConnection, DataError, abc, adapt, errors, pq

T = TypeVar("T")

DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


@dataclass(frozen=True)
class Statement:
    """One statement to prepare, with numbered parameters.

    Attributes:
        name: what it is prepared as.
        text: the statement.
        parameters: the names of ``$1``, ``$2``, ….
        binary: whether its rows come as the server holds them, which spares much where they
            hold bytes.
    """

    name: str
    text: str
    parameters: tuple[str, ...]
    binary: bool = False

    @classmethod
    def named(cls, name: str, text: str, *, binary: bool = False) -> Statement:
        """From a statement whose parameters are named, as psycopg writes them: ``%(x)s``."""
        parameters: list[str] = []

        def number(found: re.Match[str]) -> str:
            if found[1] not in parameters:
                parameters.append(found[1])
            return f"${parameters.index(found[1]) + 1}"

        numbered = re.sub(r"%\((\w+)\)s", number, text)
        return cls(f"neveridle_{name}", numbered, tuple(parameters), binary)


@dataclass
class _Asked:
    """A statement as one connection knows it; ``loads``: whether its types are known."""

    name: bytes
    transformer: abc.Transformer
    columns: tuple[str, ...] = ()
    loads: bool = False


@dataclass
class _Awaited:
    """Who waits for an answer, and what has come of it."""

    answer: asyncio.Future[None]
    results: list[pq.abc.PGresult] = field(default_factory=list["pq.abc.PGresult"])


class Wire(AsyncConnection[tuple[Any, ...]]):
    """A psycopg connection with one more way to ask. One thing is asked at a time."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._asked: dict[str, _Asked] = {}
        self._listens: tuple[asyncio.AbstractEventLoop, int] | None = None
        self._awaited: _Awaited | None = None

    async def fetch(
        self, statement: Statement, values: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows of a statement, which is prepared when it is asked for the first time.

        Args:
            statement: what to ask.
            values: its parameters: text, bytes, numbers, truth, None, or lists of these.

        Raises:
            psycopg.Error: as psycopg's cursors do.
        """
        given = [text_of(values[name]) for name in statement.parameters] if values else []
        known = self._asked.get(statement.name)
        if known is None:
            name, text = statement.name.encode(), statement.text.encode()
            await self._answer(lambda: self.pgconn.send_prepare(name, text))
            known = self._asked[statement.name] = _Asked(name, adapt.Transformer(self))
        name, form = known.name, pq.Format.BINARY if statement.binary else pq.Format.TEXT
        result = await self._answer(
            lambda: self.pgconn.send_query_prepared(name, given, result_format=form)
        )
        if not known.loads:  # the types of a prepared statement's columns stay what they are
            names = (result.fname(at) or b"" for at in range(result.nfields))
            known.columns = tuple(name.decode() for name in names)
        known.transformer.set_pgresult(result, set_loaders=not known.loads)
        known.loads = True
        try:
            return known.transformer.load_rows(0, result.ntuples, tuple)
        finally:
            known.transformer.set_pgresult(None, set_loaders=False)

    def columns(self, statement: Statement) -> tuple[str, ...]:
        """The names of the columns of a statement that was asked on this connection."""
        return self._asked[statement.name].columns

    async def _answer(self, send: Callable[[], None]) -> pq.abc.PGresult:
        """The answer to what ``send`` sends."""
        loop = asyncio.get_running_loop()
        awaited = _Awaited(loop.create_future())
        try:
            self._listen(loop)
            send()
            self._awaited = awaited
            while self.pgconn.flush():  # the socket takes no more for now
                await self._writable(loop)
            await awaited.answer
        except BaseException:  # hung up, then raised on
            # What is under way goes on on the server; its answer would be taken for the next.
            self._hush()
            self.pgconn.finish()
            raise
        finally:
            self._awaited = None
        result = awaited.results[-1]
        if result.status not in DONE:
            raise errors.error_from_result(result, encoding=self.info.encoding)
        return result

    def _read(self) -> None:
        """Take what the server has sent; the event loop calls this when there is something."""
        awaited, connection = self._awaited, self.pgconn
        try:
            connection.consume_input()
            while awaited is not None and not connection.is_busy():
                result = connection.get_result()
                if result is None:
                    _tell(awaited)
                    return
                awaited.results.append(result)
        except errors.Error as error:  # the connection is gone, which who waits has to hear
            self._hush()
            if awaited is not None:  # the server may have said why
                _tell(awaited, None if awaited.results else error)

    async def _writable(self, loop: asyncio.AbstractEventLoop) -> None:
        ready = loop.create_future()
        socket = self.pgconn.socket
        loop.add_writer(socket, lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            loop.remove_writer(socket)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear what the server sends: once for many answers, as each time costs two calls."""
        if self._listens is None or self._listens[0] is not loop:
            self._hush()
            socket = self.pgconn.socket
            loop.add_reader(socket, self._read)
            self._listens = loop, socket

    def _hush(self) -> None:
        """Leave the socket to psycopg, which listens itself while it waits."""
        listens, self._listens = self._listens, None
        if listens is not None and not listens[0].is_closed():
            listens[0].remove_reader(listens[1])

    async def wait(self, gen: abc.PQGen[T], *given: Any, **more: Any) -> T:
        """As psycopg's own, which does all but ``fetch``."""
        self._hush()
        return await super().wait(gen, *given, **more)

    async def close(self) -> None:
        """Disconnect."""
        self._hush()
        await super().close()


def _tell(awaited: _Awaited, error: errors.Error | None = None) -> None:
    if awaited.answer.done():
        return
    if error is None:
        awaited.answer.set_result(None)
    else:
        awaited.answer.set_exception(error)


def text_of(value: object) -> bytes | None:
    """A parameter as PostgreSQL reads it.

    Raises:
        psycopg.DataError: it holds a NUL, at which libpq would cut it off.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if "\0" in value:
            msg = "PostgreSQL text fields cannot contain NUL (0x00) bytes"
            raise DataError(msg)
        return value.encode()
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    if isinstance(value, (bool, float)):
        return repr(value).encode()
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, list):
        return b"{" + b",".join(map(_element, cast("list[object]", value))) + b"}"
    msg = f"cannot send a {type(value).__name__}"
    raise TypeError(msg)


def _element(value: object) -> bytes:
    text = text_of(value)
    if text is None:
        return b"NULL"
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
