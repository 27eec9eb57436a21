"""What a command works on: the configuration, its board, its agents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from neveridle.errors import NotFound, SettingsInvalid

if TYPE_CHECKING:
    from neveridle.agents.roster import Roster
    from neveridle.board import Board
    from neveridle.settings import Settings

T = TypeVar("T")


def config_path(given: Path | None) -> Path:
    """The configuration file.

    Args:
        given: a file, or the folder of one; None: the nearest one, here or above.

    Raises:
        SettingsInvalid: there is none.
    """
    from neveridle.settings import CONFIG_NAME, find_config

    if given is not None:
        return given / CONFIG_NAME if given.is_dir() else given
    found = find_config(Path.cwd())
    if found is None:
        msg = f"There is no {CONFIG_NAME} in {Path.cwd()} or above."
        raise SettingsInvalid(
            msg, remedy="`neveridle init` writes one; --config PATH names one elsewhere."
        )
    return found


def load(given: Path | None) -> Settings:
    """The settings; see ``config_path``.

    Raises:
        SettingsInvalid: there is no file, or it is broken.
    """
    from neveridle.settings import load_settings

    return load_settings(config_path(given))


def roster_of(settings: Settings) -> Roster:
    """The agents of the team.

    Raises:
        SoulInvalid: a soul is broken, or there are none.
    """
    from neveridle.agents.roster import Roster

    return Roster.load(settings.path(settings.team.souls), settings.agents)


def agent_name(settings: Settings, name: str) -> str:
    """The name of an agent there is.

    Raises:
        NotFound: naming those there are.
        SoulInvalid: a soul is broken, or there are none.
    """
    return roster_of(settings).get(name).name


def on_board(settings: Settings, work: Callable[[Board], Awaitable[T]], *, create: bool) -> T:
    """What ``work`` returns, given the open board.

    Args:
        settings: where it is.
        work: what to do with it.
        create: whether it is made where it is not there: by commands that put something
            on it, not by those that look.

    Raises:
        BoardUnusable: it cannot be opened, or is not there.
    """
    from neveridle.board import Board

    async def whole() -> T:
        async with Board(settings.board_url, create=create) as board:
            return await work(board)

    return asyncio.run(whole())


def task_number(text: str) -> int:
    """The id of a task as a person writes it: ``12`` or ``#12``.

    Raises:
        NotFound: it is no number.
    """
    return number_of(text, "task", "`neveridle tasks` lists them.")


def number_of(text: str, what: str, where: str) -> int:
    """A number that names something on the board.

    Args:
        text: as a person writes it.
        what: what it names.
        where: a sentence that says where to find them.

    Raises:
        NotFound: it is no number.
    """
    digits = text.strip().removeprefix("#")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
        msg = f"'{text}' is no {what}."
        raise NotFound(msg, remedy=f"It is named by its number; {where}")
    return int(digits)
