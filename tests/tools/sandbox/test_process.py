"""One child process and its group."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neveridle.tools.sandbox.orphans import OWNER, end_orphans, owner_mark
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


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
def test_commands_of_the_dead_are_ended_and_no_others() -> None:
    """The dead one has a child in a session of its own; ours and strangers' live on."""
    script = (
        "import os, subprocess, sys\n"
        "from neveridle.tools.sandbox.orphans import owner_mark\n"
        "child = subprocess.Popen(['sleep', '3600'], env=owner_mark(), start_new_session=True,\n"
        "    stdout=subprocess.DEVNULL)\n"  # or it would hold the pipe that is read to its end
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ours = subprocess.Popen(["sleep", "3600"], env=owner_mark())
    elsewhere = {OWNER: "1/999999999/1"}  # another PID namespace: nothing is known of it
    strangers = [subprocess.Popen(["sleep", "3600"], env=env) for env in ({}, elsewhere)]
    try:
        died = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)
        orphan = int(died.stdout)
        end_orphans()  # a team that another test opens may have been quicker
        with pytest.raises(ProcessLookupError):
            for _ in range(1000):
                os.kill(orphan, 0)
                if Path(f"/proc/{orphan}/stat").read_text().rpartition(")")[2][1] == "Z":
                    raise ProcessLookupError
                time.sleep(0.01)
        assert [process.poll() for process in (ours, *strangers)] == [None] * 3
    finally:
        for process in (ours, *strangers):
            process.kill()
            process.wait()
