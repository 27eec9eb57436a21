"""``neveridle memory``: what the agents remember."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import typer

from neveridle.cli.lazy import LazyGroup

COMMANDS = {
    "search": "neveridle.cli.memory_search:search_command",
    "list": "neveridle.cli.memory_list:list_command",
    "add": "neveridle.cli.memory_add:add_command",
    "explain": "neveridle.cli.memory_explain:explain_command",
    "forget": "neveridle.cli.memory_forget:forget_command",
    "export": "neveridle.cli.memory_export:export_command",
    "import": "neveridle.cli.memory_import:import_command",
    "reindex": "neveridle.cli.memory_reindex:reindex_command",
    "consolidate": "neveridle.cli.memory_consolidate:consolidate_command",
    "undo": "neveridle.cli.memory_undo:undo_command",
    "report": "neveridle.cli.memory_report:report_command",
}


class MemoryGroup(LazyGroup):
    """``neveridle memory`` itself."""

    table: ClassVar[Mapping[str, str]] = COMMANDS


app = typer.Typer(cls=MemoryGroup, add_completion=False)


@app.callback()
def memory() -> None:
    """Add to what the agents remember, search it, and say why a memory was found."""
