"""What holds in every sandbox, confined or not."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from neveridle.errors import SandboxMissing
from neveridle.settings import SandboxSettings
from neveridle.tools.sandbox import Sandbox, make_sandbox

Make = Callable[..., Awaitable[Sandbox]]


def alive(mark: str) -> list[str]:
    """Command lines of processes, in whatever namespace, that contain ``mark``."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if mark in line:
            found.append(line)
    return found


def names_in(tree: Path) -> set[str]:
    return {path.name for path in tree.rglob("*")}


async def test_runs_in_the_tree_and_reports_code_and_output(either: Make, tree: Path) -> None:
    sandbox = await either()

    result = await sandbox.run("pwd; echo oops >&2; echo new > made.txt; exit 7", tree=tree)

    assert (result.exit_code, result.ok) == (7, False)
    assert result.output == f"{tree}\noops\n"
    assert (tree / "made.txt").read_text() == "new\n"
    assert not result.timed_out
    assert not result.truncated
    assert result.seconds > 0
    assert (await sandbox.run("true", tree=tree)).ok


async def test_nothing_of_our_environment_is_seen(
    either: Make, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    sandbox = await either(environment={"COLOUR": "blue"})

    result = await sandbox.run("env; cat", tree=tree)

    assert "COLOUR=blue" in result.output
    names = {line.split("=")[0] for line in result.output.splitlines()}
    ours = {"PATH", "HOME", "TMPDIR", "LANG", "TERM", "PYTHONDONTWRITEBYTECODE", "COLOUR"}
    assert names - ours <= {"PWD", "OLDPWD", "_", "SHLVL", "NEVERIDLE_COMMAND", "NEVERIDLE_OWNER"}


async def test_python_runs_the_tests_of_a_project(either: Make, tree: Path) -> None:
    (tree / "test_sum.py").write_text(
        "import unittest, ssl, sqlite3, multiprocessing\n"
        "class T(unittest.TestCase):\n"
        "    def test(self):\n"
        "        multiprocessing.Lock()\n"
        "        self.assertEqual(1 + 1, 2)\n"
    )
    sandbox = await either()

    result = await sandbox.run("python3 -m unittest && python -m unittest -q", tree=tree)

    assert result.ok, result.output
    assert "OK" in result.output
    assert "__pycache__" not in names_in(tree)


async def test_a_thing_that_daemonises_does_not_survive(either: Make, tree: Path) -> None:
    sandbox = await either()
    mark = f"30.{secrets.randbelow(10**9)}"

    command = f"setsid sleep {mark} & (setsid setsid sleep {mark} >/dev/null 2>&1 &) ; echo up"
    result = await sandbox.run(command, tree=tree)

    assert result.output == "up\n"
    assert result.ok
    assert alive(f"sleep {mark}") == []


async def test_time_limit_kills_the_whole_tree(either: Make, tree: Path) -> None:
    sandbox = await either()
    mark = f"30.{secrets.randbelow(10**9)}"

    command = f"echo before; setsid sleep {mark} & trap '' TERM; sleep {mark}"
    for timeout in (0.3, 3.0, 20.0):
        result = await sandbox.run(command, tree=tree, timeout=timeout)
        assert (result.exit_code, result.timed_out, result.ok) == (None, True, False)
        assert alive(f"sleep {mark}") == []
        if result.output:  # else the machine was slow: it was ended before it could begin
            break

    assert result.output == "before\n"


async def test_cancelling_kills_the_whole_tree(either: Make, tree: Path) -> None:
    sandbox = await either()
    mark = f"30.{secrets.randbelow(10**9)}"
    task = asyncio.create_task(
        sandbox.run(f"setsid sleep {mark} & echo > started; sleep {mark}", tree=tree)
    )
    while "started" not in names_in(tree):  # noqa: ASYNC110 - made by another process
        await asyncio.sleep(0.005)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert alive(f"sleep {mark}") == []
    assert (await sandbox.run("echo usable", tree=tree)).output == "usable\n"


async def test_endless_output_is_cut_in_the_middle(either: Make, tree: Path) -> None:
    sandbox = await either(output_bytes=1000)
    before = _peak_memory()

    result = await sandbox.run(
        "echo first; head -c 200000000 /dev/zero | tr '\\0' x; echo; echo last", tree=tree
    )

    assert result.ok
    assert result.truncated
    assert result.output.startswith("first\nxxx")
    assert result.output.endswith("xxx\nlast\n")
    assert "[... 199999012 bytes cut out ...]" in result.output
    assert len(result.output) < 1100
    assert _peak_memory() - before < 50_000_000


async def test_output_that_is_not_utf8_is_shown_with_replacement(either: Make, tree: Path) -> None:
    sandbox = await either()

    result = await sandbox.run(r"printf 'a\377b\303\244'", tree=tree)

    assert result.output == "a\ufffdbä"


async def test_memory_and_file_size_are_limited(either: Make, tree: Path) -> None:
    sandbox = await either(memory_mb=512)

    memory = await sandbox.run("python3 -c 'x = bytearray(1 << 30)'", tree=tree)
    size = await sandbox.run("ulimit -f; ulimit -c", tree=tree)

    assert memory.exit_code == 1
    assert "MemoryError" in memory.output
    assert size.output.split() == ["2097152", "0"]


async def test_a_command_killed_by_a_signal_has_the_shells_code(either: Make, tree: Path) -> None:
    sandbox = await either()

    assert (await sandbox.run("kill -9 $$", tree=tree)).exit_code == 137


async def test_auto_without_bubblewrap_says_so(
    tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    sandbox, notice = await make_sandbox(SandboxSettings.model_validate({"kind": "auto"}))

    assert (sandbox.name, sandbox.confines) == ("none", False)
    assert "bubblewrap is not available" in notice
    assert "unconfined" in notice
    with pytest.raises(SandboxMissing, match="Install bubblewrap"):
        await make_sandbox(SandboxSettings.model_validate({"kind": "bubblewrap"}))


async def test_a_bubblewrap_that_does_not_work_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed, but user namespaces are forbidden: the usual state of a container."""
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    sandbox, notice = await make_sandbox(SandboxSettings.model_validate({}))

    assert sandbox.name == "none"
    assert "No permissions to create new namespace" in notice
    with pytest.raises(SandboxMissing, match="No permissions"):
        await make_sandbox(SandboxSettings.model_validate({"kind": "bubblewrap"}))


async def test_the_chosen_none_says_so_too() -> None:
    _, notice = await make_sandbox(SandboxSettings.model_validate({"kind": "none"}))

    assert "unconfined" in notice


def _peak_memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
