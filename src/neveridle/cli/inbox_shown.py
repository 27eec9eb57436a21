"""Items of the inbox, as they are printed: each in a block that fits into 80 columns."""

from __future__ import annotations

from typing import Any

from neveridle.board.inbox_item import Item, ItemKind, ItemState


def as_dict(item: Item, now: float) -> dict[str, Any]:
    """As printed by ``--json``, with its ``age`` in seconds and what to type."""
    import dataclasses

    return {**dataclasses.asdict(item), "age": now - item.created_at, "type": to_type(item)}


def to_type(item: Item) -> list[str]:
    """The commands that close an item; none where it is closed."""
    if item.state is not ItemState.OPEN:
        return []
    if item.kind is ItemKind.QUESTION:
        return [f'neveridle approve {item.id} --answer "…"']
    if item.kind is ItemKind.APPROVAL:
        return [
            f"neveridle approve {item.id}",
            f'neveridle approve {item.id} --deny --answer "why"',
        ]
    return [f"neveridle inbox dismiss {item.id}"]


def print_items(found: list[Item], now: float) -> None:
    """Each item in a few lines."""
    from rich.padding import Padding
    from rich.text import Text

    from neveridle.cli.screen import clean, console

    out = console()
    for number, item in enumerate(found):
        if number:
            out.print()
        out.print(Text(_head(item, now), style="bold"))
        out.print(Padding(Text(clean(item.title)), (0, 0, 0, 4)))
        for line in to_type(item):
            out.print(Padding(Text(line, style="cyan"), (0, 0, 0, 4)))


def print_item(item: Item, now: float) -> None:
    """All of one item."""
    import json

    from rich.text import Text

    from neveridle.cli.screen import clean, console, moment, say

    out = console()
    out.print(Text(_head(item, now), style="bold"))
    say(item.title, lines=False)
    if item.body.strip() and item.body.strip() != item.title:
        say(f"\n{item.body.strip()}")
    if item.evidence:
        say()
        for name, value in item.evidence.items():
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            say(f"{clean(name)}: {said}")
    if item.count > 1:
        say(f"\nAsked {item.count} times.")
    if item.state is not ItemState.OPEN:
        who = f" by {item.answered_by}" if item.answered_by else ""
        say(f"\n{item.state.capitalize()}{who} at {moment(item.closed_at)}.", lines=True)
        if item.answer is not None:
            no = "" if item.approved else "(no) "
            say(f"{no}{item.answer.get('text', '')}")
    for number, line in enumerate(to_type(item)):
        if not number:
            say()
        out.print(Text(line, style="cyan"))


def _head(item: Item, now: float) -> str:
    from neveridle.cli.screen import ago, clean

    what = f"{item.kind} ({item.action})" if item.action else str(item.kind)
    parts = [f"#{item.id}", what, f"{ago(now - item.created_at)} old"]
    if item.level != "HUMAN_ALERT":
        parts.insert(1, item.level)
    if item.agent:
        parts.append(clean(item.agent))
    if item.task is not None:
        parts.append(f"task #{item.task}")
    if item.state is not ItemState.OPEN:
        parts.append(str(item.state))
    return "  ".join(parts)
