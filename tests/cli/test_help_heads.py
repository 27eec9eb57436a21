"""``neveridle --help`` shows every command under a head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neveridle.cli.app import COMMANDS, PANELS


def test_every_command_stands_under_one_head(cli: Callable[..., Any]) -> None:
    under = [name for names in PANELS.values() for name in names]
    out = cli("--help").out

    assert len(under) == len(set(under))
    assert set(COMMANDS) <= set(under)
    places = [out.index(f" {head} ") for head, names in PANELS.items() if {*names} & {*COMMANDS}]
    assert places == sorted(places)
    assert " Commands " not in out
