"""A full disk is an operator's matter, said as such, and nothing is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neveridle.errors import SandboxMissing
from neveridle.settings import SandboxSettings
from neveridle.tools.sandbox import make_sandbox

SCRIPT = """
import asyncio, os, pathlib, subprocess
from neveridle.errors import DiskFull
from neveridle.tools.workspace import Workspaces

SAM = {"author": "Sam", "email": "s@example.org"}
home = pathlib.Path.home()  # a tmpfs of 64 MiB
repo = home / "repo"
git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-C", str(repo)]
subprocess.run(["git", "init", "-qb", "main", str(repo)], check=True)
(repo / "big").write_bytes(os.urandom(5_000_000))
subprocess.run([*git, "add", "."], check=True)
subprocess.run([*git, "commit", "-qm", "x"], check=True)

def fill():
    with (home / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)):
                pass
        except OSError:
            pass

async def attempt(name, what):
    fill()
    try:
        await what
    except DiskFull as error:
        print(name, "full:", bool(error.remedy))
    else:
        print(name, "went through")
    (home / "filler").unlink()

async def main():
    spaces = Workspaces(repo, home / "team")
    await spaces.open()
    work = await spaces.create("1", branch="b")
    (work.tree / "more").write_bytes(os.urandom(4_000_000))
    await attempt("create", spaces.create("2", branch="c"))
    await attempt("commit", work.commit("x", **SAM))
    await attempt("write", work.write("text", "x" * 1_000_000))
    await attempt("adopt", spaces.adopt("1", "3", branch="d"))
    commit = await (await spaces.find("1")).commit("x", **SAM)
    await attempt("publish", work.publish_branch())
    await attempt("merge", work.fast_forward_target(expect=work.base))
    status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True).stdout
    print("clean" if not status else status)
    print((await work.fast_forward_target(expect=work.base)).result, await spaces.head() == commit)

asyncio.run(main())
"""


async def test_a_full_disk(tmp_path: Path) -> None:
    """In a sandbox, where a disk can really be filled."""
    root = Path(__file__).parents[3]
    kinds = {"kind": "bubblewrap", "memory_mb": 64, "readable": [root]}
    try:
        sandbox, _ = await make_sandbox(SandboxSettings.model_validate(kinds))
    except SandboxMissing as missing:
        pytest.skip(f"bubblewrap does not work here: {missing}")
    (tmp_path / "script.py").write_text(SCRIPT)

    # The sandbox's own memory limit is too small for an interpreter with threads.
    result = await sandbox.run(f"{sys.executable} script.py", tree=tmp_path)

    assert result.output.splitlines() == [
        "create full: True",
        "commit full: True",
        "write full: True",
        "adopt full: True",
        "publish full: True",
        "merge full: True",
        "clean",
        "done True",
    ]
