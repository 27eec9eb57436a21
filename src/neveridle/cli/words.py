"""Words chosen from a list, with an error that names the list."""

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
