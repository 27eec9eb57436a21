"""One child process and its group."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

import pytest

from neveridle.tools.sandbox.output import CappedOutput
from neveridle.tools.sandbox.process import run_process

ENV = {"PATH": os.environ["PATH"]}


def alive(mark: str) -> bool:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in entry.read_bytes():
                return True
        except OSError:
            continue
    return False


async def test_what_a_program_leaves_in_its_group_is_killed() -> None:
    output, errors, mark = CappedOutput(100), CappedOutput(100), f"300.{secrets.randbelow(10**9)}"

    ended = await run_process(
        ["sh", "-c", f"sleep {mark} & echo out; echo err >&2; exit 3"],
        env=ENV,
        stdout=output,
        stderr=errors,
        time_limit=20,
    )

    assert (ended.code, output.text(), errors.text()) == (3, "out\n", "err\n")
    for _ in range(400):  # killed, but the kernel may take a moment
        if not alive(mark):
            break
        await asyncio.sleep(0.005)
    assert not alive(mark)


async def test_given_grace_a_program_may_tidy_up() -> None:
    script = "trap 'echo tidy; exit' TERM; echo up; while :; do :; done"
    output = CappedOutput(100)

    ended = await run_process(
        ["sh", "-c", script], env=ENV, stdout=output, time_limit=0.2, grace=10
    )

    assert (ended.timed_out, output.text()) == (True, "up\ntidy\n")


async def test_a_program_that_cannot_be_started_leaves_nothing_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - how many
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            await run_process(["/no/such"], env=ENV, stdout=CappedOutput(10), time_limit=1)

    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - how many
