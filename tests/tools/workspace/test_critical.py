"""Programs that must not be cut short."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from neveridle.tools.workspace.critical import run_to_end

ENV = {"PATH": os.environ["PATH"]}


async def test_cancelled_a_critical_program_comes_to_its_end(tmp_path: Path) -> None:
    done = tmp_path / "done"
    script = f"echo > '{tmp_path}/up'; sleep 0.2; echo > '{done}'"
    task = asyncio.create_task(run_to_end(["sh", "-c", script], ENV, tmp_path, 20))
    while "up" not in os.listdir(tmp_path):  # noqa: ASYNC110, PTH208 - made by another process
        await asyncio.sleep(0.005)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert "done" in os.listdir(tmp_path)  # noqa: PTH208 - names only


async def test_a_critical_program_that_hangs_is_ended_at_its_limit(tmp_path: Path) -> None:
    code, output = await run_to_end(["sh", "-c", "echo up; exec sleep 30"], ENV, tmp_path, 0.2)

    assert (code, output) == (None, b"up\n")
