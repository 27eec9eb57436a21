"""Which finders there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from neveridle.errors import SettingsInvalid
from neveridle.graph.sources.improvement.failing_tests import FailingTests
from neveridle.graph.sources.improvement.finder import Finder
from neveridle.graph.sources.improvement.linter import Linter
from neveridle.graph.sources.improvement.stale_branches import StaleBranches
from neveridle.graph.sources.improvement.todo import Todo

ENTRY_POINTS: Final = "neveridle.finders"

FINDERS: Final[Mapping[str, Callable[[], Finder]]] = {
    "failing-tests": FailingTests,
    "linter": Linter,
    "todo": Todo,
    "stale-branches": StaleBranches,
}


def finders(names: Sequence[str]) -> list[Finder]:
    """The finders with these names, each once.

    A name that is not built in is looked for among the entry points of the
    group ``neveridle.finders``; each names a callable that makes a finder.

    Raises:
        SettingsInvalid: nobody knows the name (the message gives those that are known), or
            the plug-in cannot be loaded.
    """
    return [(FINDERS.get(name) or _plugged_in(name))() for name in dict.fromkeys(names)]


def _plugged_in(name: str) -> Callable[[], Finder]:
    from importlib.metadata import entry_points  # reads the metadata of every installed package

    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name not in found:
        known = ", ".join([*FINDERS, *sorted(found)])
        msg = f"There is no finder called {name!r}; known are {known}."
        raise SettingsInvalid(
            msg,
            remedy="Correct finders in [improvement], or install the plug-in that brings it.",
        )
    try:
        factory: object = found[name].load()
    except Exception as error:  # a plug-in's import may fail in any way
        msg = f"The finder {name!r} ({found[name].value}) cannot be loaded: {error}."
        raise SettingsInvalid(msg, remedy="Repair the plug-in, or take it out.") from error
    if not callable(factory):
        msg = f"The finder {name!r} ({found[name].value}) is nothing that makes a finder."
        raise SettingsInvalid(msg, remedy="Its entry point must name a class or a function.")
    return cast("Callable[[], Finder]", factory)
