"""Groups of commands that import a command only when it is looked at."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    # Typer brought its own click along from 0.2x on; what it takes is told by its base class.
    Command = Any


class LazyGroup(TyperGroup):
    """A group whose commands are named by where they are: ``module:name``.

    Attributes:
        table: by the command's name; what is there is a function, or a ``typer.Typer`` for
            a group. ``{}``: none.
    """

    table: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the table."""
        return [*self.table, *(name for name in self.commands if name not in self.table)]

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:
        """One command, imported now; None: there is none of this name."""
        if cmd_name not in self.commands and cmd_name in self.table:
            self.add_command(_load(cmd_name, self.table[cmd_name]), cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As usual; a misspelt name is compared with all names, which takes the imports."""
        if args and args[0] not in self.table:
            for name in self.table:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


class ListingGroup(TyperGroup):
    """A group that does its first command where none is named: ``tasks`` is ``tasks list``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the first command's name in front, where the line begins with none."""
        helps = {"--help", *ctx.help_option_names}
        if not args or (args[0].startswith("-") and args[0] not in helps):
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


def _load(name: str, place: str) -> Command:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command = typer.main.get_command(found)
        command.name = name
        return command
    single = typer.Typer(add_completion=False)
    single.command(name, help=_help_of(found))(found)
    return typer.main.get_command(single)


def _help_of(command: Callable[..., Any]) -> str:
    """The docstring without the sections that are for those who read the code."""
    return re.split(r"\n\n(?=Args:|Raises:|Returns:)", inspect.getdoc(command) or "")[0]
