"""What a fleet costs while there is nothing to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.harness import Pair, row

AGENTS = 100
TEAM = 10
TOKEN = "lin_api_of_the_bench"
SETTLE = 20.0
SPAN = 60.0
POLL = 0.25

BARE = f"""
import asyncio
async def loop():
    while True:
        await asyncio.sleep({POLL})
asyncio.run(loop())
"""
CLI = "from neveridle.cli import main; main()"
HEADER = (
    '{"format":"neveridle-recording","version":1,"provenance":{"kind":"authored","model":"a"}}\n'
)


@row(
    f"idle fleet of {AGENTS} agents in one process, share of a core",
    floor="a bare asyncio loop that polls as often",
    compare="share",
    limit=0.02,
    rounds=1,
)
def idle_fleet() -> Generator[Pair]:
    """User and system time of a real `neveridle run`, after it has settled."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _project(folder)
        with _running("-c", CLI, "run", cwd=folder) as ours, _running("-c", BARE) as floor:
            time.sleep(SETTLE)
            shares: list[float] = []

            def both() -> float:
                shares[:] = _shares([ours, floor])
                return shares[0]

            yield Pair(ours=both, floor=lambda: shares[1])  # of the very same minute


@row(
    f"idle team of {TEAM} agents, every rung and a tracker configured, share of a core",
    floor="a bare asyncio loop that polls as often",
    compare="share",
    limit=0.01,
    rounds=1,
)
def idle_team() -> Generator[Pair]:
    """The same for a team that asks a tracker (the stand-in, over HTTP) every minute."""
    from neveridle.tools.standin.linear import LinearStandin

    with tempfile.TemporaryDirectory() as name, LinearStandin(token=TOKEN) as linear:
        folder = Path(name)
        everything = (
            f'\n[tracker]\nkind = "linear"\n\n[services.linear]\nurl = "{linear.url}"\n'
            'team = "AGT"\n\n[budgets.day]\ncost = 20.0\n\n[escalation]\nalert_command = "true"\n'
        )
        _project(folder, TEAM, everything)
        with (
            _running("-c", CLI, "run", cwd=folder, LINEAR_API_KEY=TOKEN) as ours,
            _running("-c", BARE) as floor,
        ):
            time.sleep(SETTLE)
            shares: list[float] = []

            def both() -> float:
                shares[:] = _shares([ours, floor])
                return shares[0]

            yield Pair(ours=both, floor=lambda: shares[1])


def _project(folder: Path, agents: int = AGENTS, more: str = "") -> None:
    (folder / "agents").mkdir()
    for number in range(agents):
        text = "---\nrole: backend\nskills: [python]\n---\n\nYou wait.\n"
        (folder / "agents" / f"agent{number}.md").write_text(text, encoding="utf-8")
    (folder / "recording.jsonl").write_text(HEADER, encoding="utf-8")
    (folder / "neveridle.toml").write_text(
        '[model]\ndefault = "replay:recording.jsonl"\n\n[checks]\ntests = "true"\n' + more,
        encoding="utf-8",
    )
    git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run([*git, *arguments], cwd=folder, check=True)


@contextmanager
def _running(*arguments: str, cwd: Path | None = None, **environment: str) -> Generator[int]:
    """A process that does nothing; its id."""
    command: Sequence[str] = (sys.executable, "-P", *arguments)
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _shares(pids: Sequence[int]) -> list[float]:
    """The share of a core that each process uses for ``SPAN`` seconds."""
    before, begin = [_used(pid) for pid in pids], time.monotonic()
    time.sleep(SPAN)
    passed = time.monotonic() - begin
    return [(_used(pid) - used) / passed for pid, used in zip(pids, before, strict=True)]


def _used(pid: int) -> float:
    """Seconds of user and system time so far."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
