"""Words chosen from a list and words in pairs, with errors that say how they are written."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from neveridle.cli.failure import Misuse

E = TypeVar("E", bound=StrEnum)


def one_of(kind: type[E], given: str, what: str) -> E:
    """The one member that was named; see ``chosen``.

    Raises:
        Misuse: it is no member; the members are named.
    """
    return (chosen(kind, [given], what) or [])[0]


def chosen(kind: type[E], given: Iterable[str] | None, what: str) -> list[E] | None:
    """The members that were named, in any case, also with hyphens; None where none was.

    Raises:
        Misuse: one of them is no member; the members are named.
    """
    named = [word.strip().lower().replace("-", "_") for word in given or []]
    known = {str(member): member for member in kind}
    for word in named:
        if word not in known:
            msg = f"'{word}' is no {what}."
            raise Misuse(msg, remedy=f"Use one of {', '.join(known)}.")
    return [known[word] for word in named] or None


def pairs(given: Iterable[str] | None, option: str) -> list[tuple[str, str]]:
    """What was written as ``NAME=VALUE``.

    Raises:
        Misuse: one of them is no such pair.
    """
    found: list[tuple[str, str]] = []
    for text in given or []:
        name, equals, value = text.partition("=")
        if not (equals and name.strip() and value.strip()):
            msg = f"'{text}' is no value of {option}."
            raise Misuse(msg, remedy=f"Write {option} NAME=VALUE.")
        found.append((name.strip(), value.strip()))
    return found
