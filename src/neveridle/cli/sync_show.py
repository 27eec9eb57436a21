"""Sync points as people write them on a command line, and as they read them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from neveridle.cli.failure import Misuse
from neveridle.cli.screen import console, moment, say, styled, table

if TYPE_CHECKING:
    from rich.table import Table

    from neveridle.board import Place, SyncPoint

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def point_key(text: str) -> str | int:
    """A point as a person names it: ``merge``, ``12`` or ``#12``."""
    digits = text.strip().removeprefix("#")
    if digits.isascii() and digits.isdigit() and len(digits) <= 15:
        return int(digits)
    return " ".join(text.split())


def seconds_of(text: str) -> float:
    """A stretch of time as a person writes it: ``90``, ``45s``, ``90m``, ``1.5h``, ``2d``.

    Raises:
        Misuse: it is none, or not longer than nothing.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)\s*(s|m|min|h|d|)", text.strip().lower())
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if seconds <= 0:
        msg = f"'{text}' is no stretch of time."
        raise Misuse(msg, remedy="Write 45s, 90m, 8h or 2d.")
    return seconds


def time_of(text: str) -> float:
    """A time as a person writes it, in this machine's zone where none is named.

    Raises:
        Misuse: it is none.
    """
    from datetime import datetime

    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        msg = f"'{text}' is no time."
        raise Misuse(
            msg, remedy="Write 2026-03-01T18:00, or with a zone 2026-03-01T18:00+01:00."
        ) from None


def points_table(points: Iterable[SyncPoint]) -> Table:
    """Sync points, a line each."""
    rows = [
        (
            point.id,
            point.name,
            point.state,
            f"{len(point.places) - len(point.missing)} of {len(point.places)}",
            point.lead,
            moment(point.deadline),
            ", ".join(_short(place) for place in point.missing),
        )
        for point in points
    ]
    return table("id", "name", "state", "ready", "lead", "deadline", "missing", rows=rows)


def _short(place: Place) -> str:
    return place.agent if place.status == "expected" else f"{place.agent} ({place.status})"


def print_point(point: SyncPoint) -> None:
    """Print a sync point for people."""
    out = console()
    out.print(styled(f"Sync point {point.id} '{point.name}': {point.state}", "bold"))
    stand_ins = ", ".join(f"{other} for {one}" for one, other in point.substitutes.items())
    facts = (
        ("expected", point.description),
        ("deadline", moment(point.deadline)),
        ("then", f"{point.policy.replace('_', ' ')}{f': {stand_ins}' if stand_ins else ''}"),
        ("next", f"{point.lead}: {point.next_phase.title}"),
        ("task", "" if point.dispatch_id is None else f"#{point.dispatch_id}"),
        ("why", point.reason),
        ("closed", moment(point.closed_at)),
    )
    out.print(table("", "", rows=[fact for fact in facts if fact[1]]))
    say()
    rows = [
        (
            place.participant,
            place.agent if place.agent != place.participant else "",
            place.status,
            ", ".join(f"#{task}" for task in place.tasks),
            place.reason,
        )
        for place in point.places
    ]
    out.print(table("place", "stands in", "status", "tasks", "why", rows=rows))
