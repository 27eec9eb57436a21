"""``neveridle status --watch``: the status as it changes, through one connection."""

from __future__ import annotations

import asyncio
import json as jsons
import os
import signal
import sys
from contextlib import AsyncExitStack
from time import monotonic
from typing import TYPE_CHECKING, Any

from neveridle.board.glance import Glances
from neveridle.cli.cells import wrap
from neveridle.cli.facts import status_of
from neveridle.cli.printed import as_text, print_lines, screen_width
from neveridle.cli.sayings import SHOWN
from neveridle.cli.screen import console
from neveridle.cli.sections import fitted, stacked
from neveridle.cli.status_view import sections
from neveridle.errors import BoardUnusable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from neveridle.cli.cells import Line
    from neveridle.settings import Settings

FRESH = 10.0
"""Seconds after which everything is read again, also where no event says that it changed."""
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Watched:
    """What is known of the board, read again only where something changed.

    Args:
        settings: the team's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._glances: Glances | None = None
        self._numbers: dict[str, Any] = {}
        self._seen: tuple[int, int] | None = None
        self._read_at = 0.0
        self.error: BoardUnusable | None = None
        self.reads = 0

    async def open(self) -> None:
        """Connect, and read everything once.

        Raises:
            BoardUnusable: there is no board, or it cannot be used.
        """
        self._glances = await self._stack.enter_async_context(
            Glances(self._settings.board_url, SHOWN)
        )
        await self._read(self._glances)

    async def close(self) -> None:
        """Disconnect."""
        self._glances = None
        await self._stack.aclose()

    async def look(self) -> None:
        """Take in what changed; a board that cannot be read is noted, and tried again."""
        try:
            if self._glances is None:
                await self.open()
            else:
                await self._read(self._glances)
            self.error = None
        except BoardUnusable as error:
            self.error = error
            await self.close()

    async def _read(self, glances: Glances) -> None:
        now, version, event = await glances.stamp()
        if self._seen != (version, event) or monotonic() - self._read_at >= FRESH:
            self._numbers = await glances.look()
            self._seen, self._read_at = (version, event), monotonic()
            self.reads += 1
        else:
            self._numbers["now"] = now

    @property
    def facts(self) -> dict[str, Any]:
        """As ``neveridle status --json`` prints them."""
        lease = self._settings.leases.lease
        found = status_of(self._numbers, lease=lease, settings=self._settings)
        return {"team": self._settings.team.name, **found}


def watch(settings: Settings, *, every: float, json: bool) -> None:
    """Show the status until a signal ends it; after SIGTERM and SIGHUP, that is the exit code.

    Args:
        settings: the team's.
        every: real seconds between two looks.
        json: whether it is printed as JSON, one object in each line.

    Raises:
        BoardUnusable: there is no board to begin with, or it cannot be used.
    """
    import typer

    number = asyncio.run(_whole(settings, every, json=json))
    if number not in (0, signal.SIGINT):
        raise typer.Exit(128 + number)


async def _whole(settings: Settings, every: float, *, json: bool) -> int:
    out = console()
    full = out.is_terminal and not out.is_dumb_terminal and not json
    loop = asyncio.get_running_loop()
    woken, ends = asyncio.Event(), list[int]()

    def end(number: int) -> None:
        ends.append(number)
        woken.set()

    for number in ENDS:
        loop.add_signal_handler(number, end, number)
    if full:
        loop.add_signal_handler(signal.SIGWINCH, woken.set)
    watched = Watched(settings)
    try:
        await watched.open()
        if full:
            await _live(watched, out, settings.team.name, every, woken, ends)
        else:
            await _plain(watched, settings.team.name, every, woken, ends, json=json)
    finally:
        await watched.close()
        for number in (*ENDS, *((signal.SIGWINCH,) if full else ())):
            loop.remove_signal_handler(number)
    return ends[0] if ends else 0


async def _live(
    watched: Watched,
    out: Console,
    team: str,
    every: float,
    woken: asyncio.Event,
    ends: list[int],
) -> None:
    """The whole screen, drawn again at each look and whenever its size changes."""
    from rich.live import Live

    with Live(console=out, screen=True, auto_refresh=False) as live:
        while not ends:
            _draw(live, watched, out, team)
            await _pause(woken, every)
            await watched.look()


def _draw(live: Live, watched: Watched, out: Console, team: str) -> None:
    size = _size()
    out.size = size
    width, height = size
    found = sections(watched.facts, team=team, width=width, brief=True)
    found[0].head[1:1] = _trouble(watched, width)
    live.update(as_text(fitted(found, height)), refresh=True)


def _size() -> tuple[int, int]:
    """The terminal's, now: what the environment says of it was true when it was opened."""
    try:
        found = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except (OSError, ValueError):  # it has just gone
        return 80, 24
    return (found.columns or 80, found.lines or 24)


async def _plain(
    watched: Watched,
    team: str,
    every: float,
    woken: asyncio.Event,
    ends: list[int],
    *,
    json: bool,
) -> None:
    """One status after the other, for files and other programs."""
    first = True
    while not ends:
        if json:
            said = watched.facts if watched.error is None else {"error": _error(watched.error)}
            sys.stdout.write(jsons.dumps(said, default=str) + "\n")
        else:
            if not first:
                print_lines([[]])
            width = screen_width()
            found = sections(watched.facts, team=team, width=width)
            found[0].head[1:1] = _trouble(watched, width)
            print_lines(stacked(found))
        sys.stdout.flush()
        first = False
        await _pause(woken, every)
        await watched.look()


def _error(error: BoardUnusable) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "remedy": error.remedy}


def _trouble(watched: Watched, width: int) -> list[Line]:
    if watched.error is None:
        return []
    text = f"The board cannot be read now, and is tried again: {watched.error}"
    return [[(line, "red")] for line in wrap(text, width, 2)]


async def _pause(woken: asyncio.Event, seconds: float) -> None:
    """Until something wants the screen drawn again, or some real seconds have passed."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return
    woken.clear()
