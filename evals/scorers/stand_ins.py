"""Expectations of what stand-ins for services hold: effects, each exactly once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from neveridle.evals.expectations import Expectations, ExpectedService
from neveridle.evals.play import Played
from neveridle.evals.result import ScoreLine
from neveridle.evals.scorers.amounts import counted
from neveridle.evals.scorers.scorer import line

NAMES: Final = ("identifier", "ref", "id", "number", "name", "key")
"""By which of its parts an element of a list may be named."""
WORDS: Final = ("body", "text", "comment", "message", "content")
"""Parts that hold what somebody wrote; the same words twice in a list are once too often."""
LOGS: Final = ("requests", "calls")
"""Lists of what was asked, in which the same may well stand twice."""
SHOWN: Final = 200


class Missing(LookupError):
    """There is nothing at a place."""


def services(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    """What stands in each stand-in at the end."""
    for name, wanted in expect.services.items():
        if name not in played.services:
            said = f"there are {sorted(played.services) or 'none'}"
            yield line(f"service {name}", False, f"no stand-in of this name; {said}")
        else:
            yield from _service(name, played.services[name], wanted)


def _service(name: str, state: Any, wanted: ExpectedService) -> Iterator[ScoreLine]:
    for place, value in wanted.values.items():
        try:
            seen = at(state, place)
        except Missing as error:
            yield line(f"{name} {place}", False, str(error))
        else:
            yield line(f"{name} {place}", seen == value, f"expected {value!r}, saw {_short(seen)}")
    for place, amount in wanted.counts.items():
        try:
            found = at(state, place)
        except Missing as error:
            yield line(f"how many {name} {place}", False, str(error))
        else:
            size = len(cast("Sequence[Any]", found)) if isinstance(found, list | dict) else 1
            yield counted(f"how many {name} {place}", size, amount)
    written = list(_written(state))
    for text in wanted.contains:
        times = sum(text in one for one in written)
        yield line(f"{name} holds {text}", times == 1, f"in {times} places")
    for text in wanted.lacks:
        yield line(f"{name} lacks {text}", not any(text in one for one in written), "")
    if wanted.once:
        twice = sorted(set(_twice(state, "")))
        yield line(f"{name}: nothing twice", not twice, "; ".join(twice[:5]) or "nothing twice")


def at(state: Any, place: str) -> Any:
    """What stands at a place.

    Args:
        state: plain JSON.
        place: keys with slashes between them; see ``ExpectedService``.

    Raises:
        Missing: nothing does; the message says where it ends, and what there is.
    """
    found: Any = state
    for key in filter(None, place.split("/")):
        try:
            found = _step(found, key)
        except LookupError:
            msg = f"nothing at {place}: no {key!r} among {_keys(found)}"
            raise Missing(msg) from None
    return found


def _step(found: Any, key: str) -> Any:
    if isinstance(found, dict):
        return cast("dict[str, Any]", found)[key]
    if isinstance(found, list):
        rows = cast("Sequence[Any]", found)
        for row in rows:
            if isinstance(row, dict):
                names = cast("dict[str, Any]", row)
                if any(str(names[one]) == key for one in NAMES if one in names):
                    return names
        if key.isdecimal():
            return rows[int(key)]
    raise LookupError(key)


def _keys(found: Any) -> str:
    if isinstance(found, dict):
        return _short(list(cast("dict[str, Any]", found)))
    if isinstance(found, list):
        rows = [cast("dict[str, Any]", row) for row in cast("Sequence[Any]", found)
                if isinstance(row, dict)]  # fmt: skip
        return _short([next((row[one] for one in NAMES if one in row), "…") for row in rows])
    return _short(found)


def _written(value: Any, key: str = "") -> Iterator[str]:
    """Every text of the state but those of the log of requests."""
    if key in LOGS:
        return
    if isinstance(value, dict):
        for name, one in cast("dict[str, Any]", value).items():
            yield from _written(one, name)
    elif isinstance(value, list):
        for one in cast("Sequence[Any]", value):
            yield from _written(one)
    elif isinstance(value, str):
        yield value


def _twice(value: Any, key: str) -> Iterator[str]:
    """What stands in one list more than once."""
    if key in LOGS:
        return
    if isinstance(value, dict):
        for name, one in cast("dict[str, Any]", value).items():
            yield from _twice(one, name)
    elif isinstance(value, list):
        rows = cast("Sequence[Any]", value)
        words = Counter(_said(row) for row in rows)
        for text, times in words.items():
            if text and times > 1:
                yield f"{times} times {_short(text)}"
        for row in rows:
            yield from _twice(row, "")


def _said(row: Any) -> str:
    """What somebody wrote, in an element of a list; empty: it is nothing that was written."""
    if isinstance(row, str):
        return row if " " in row else ""  # a label, a state or an id may be there for two reasons
    if isinstance(row, dict):
        names = cast("dict[str, Any]", row)
        return next((str(names[one]) for one in WORDS if isinstance(names.get(one), str)), "")
    return ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
