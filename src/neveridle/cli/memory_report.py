"""``neveridle memory report``: what the team's memory is like, and what it is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.memory.learning.effect import Effect
    from neveridle.memory.learning.report import MemoryReport
    from neveridle.settings import Settings


def report_command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Layers, growth, use, effect on success, junk and duplicates of the team's memory.

    Nothing is changed. Effects compare tries that were shown a memory with the same agents'
    other tries: a comparison, no experiment.
    """
    import asyncio

    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json

    found = asyncio.run(_report(load(config)))
    if json:
        print_json(found.as_dict())
    else:
        print_report(found)


async def _report(settings: Settings) -> MemoryReport:
    from neveridle.board import Board
    from neveridle.memory import embedder_for
    from neveridle.memory.learning.report import report_on

    async with Board(settings.board_url, create=False) as board:
        return await report_on(
            board, embedder_for(settings.memory.embedding), short_days=settings.memory.short_days
        )


def print_report(found: MemoryReport) -> None:
    """Print it for people."""
    from neveridle.cli.screen import console, moment, say, table

    out = console()
    worthless = ", ".join(f"{why} {count}" for why, count in found.junk.items())
    rows: list[tuple[object, object]] = [
        ("live", f"{found.states.get('live', 0):,}"),
        *((name, f"{found.layers.get(name, 0):,}") for name in ("working", "short", "long")),
        ("learnt in 7 days", f"{found.learnt[0]:,} (in the 7 before: {found.learnt[1]:,})"),
        ("trusted", f"{found.trusted:,}"),
        ("unproven lessons", f"{found.quarantined:,}"),
        ("of tools and trackers", f"{found.untrusted_origin:,}"),
        *((name, f"{found.states.get(name, 0):,}") for name in ("superseded", "retired")),
        ("shown to attempts", f"{found.shown[0]:,}, {found.shown[1]:,} times in all"),
        ("never shown", f"{found.never_shown:,}"),
        ("junk", f"{sum(found.junk.values()):,} ({found.junk_share:.1%}) {worthless}".rstrip()),
        ("duplicates", f"{found.duplicates:,} ({found.duplicates_share:.1%})"),
    ]
    out.print(table("memory", "", rows=rows))
    if found.agents:
        agents = [(name, f"{count:,}") for name, count in found.agents]
        out.print(table("agent", "memories", rows=agents))
    for title, effects in (("helps", found.helpful), ("harms", found.harmful)):
        if effects:
            out.print(table(title, "with it", "without", "difference", rows=map(_row, effects)))
    if found.unsure:
        say(f"{found.unsure} memories were shown in too few of {found.tries} tries to say "
            "anything of their effect.")  # fmt: skip
    if found.consolidations:
        done = [
            (one["id"], one["agent"] or "team", one["cause"], one["changed"], moment(one["at"]),
             "undone" if one["undone_at"] is not None else "")
            for one in found.consolidations
        ]  # fmt: skip
        out.print(table("consolidation", "of", "cause", "changed", "when", "", rows=done))


def _row(one: Effect) -> tuple[object, ...]:
    with_it = f"{one.succeeded} of {one.shown}"
    return (f"#{one.memory}", with_it, f"{one.usual:.0%}", f"{one.difference:+.0%}")
