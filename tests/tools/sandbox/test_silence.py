"""A command that prints nothing for too long is ended, with all its processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any


async def test_silence_ends_a_command_and_talk_does_not(either: Any, tree: Path) -> None:
    sandbox = await either()
    for silence in (0.4, 4.0, 20.0):
        command = "echo a; sleep 352.5 & sleep 352.5"
        result = await sandbox.run(command, tree=tree, silence=silence)
        assert (result.exit_code, result.timed_out, result.silent) == (None, True, True)
        assert not result.ok
        if result.output:  # else the machine was slow: it was ended before it could begin
            break
    assert result.output == "a\n"
    for pause in (0.2, 2.0):
        talk = f"for i in 1 2 3 4 5 6; do sleep {pause}; echo $i; done"
        result = await sandbox.run(talk, tree=tree, silence=5 * pause)
        if not result.silent:
            break
    assert (result.exit_code, result.silent) == (0, False)


async def test_the_time_in_all_counts_whatever_is_said(either: Any, tree: Path) -> None:
    sandbox = await either()
    talk = "while true; do echo x; sleep 0.05; done"
    result = await sandbox.run(talk, tree=tree, timeout=0.5, silence=30)
    assert (result.timed_out, result.silent) == (True, False)


async def test_without_a_limit_it_may_be_silent(either: Any, tree: Path) -> None:
    sandbox = await either()
    result = await sandbox.run("sleep 0.6; exit 3", tree=tree)
    assert (result.exit_code, result.timed_out, result.silent) == (3, False, False)
