"""Peers of the board and of memory, in virtual environments of their own.

Their scripts are run by that environment's interpreter, so they import nothing of ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bench.harness import Skipped

NEEDS = ("procrastinate==3.10.0", "dbos==3.4.0", "psycopg[binary]==3.3.9")
HERE = Path(__file__).parent


@cache
def interpreter(needs: Sequence[str] = NEEDS, name: str = "bench-peers") -> Path:
    """The interpreter that has the peers; installed when first asked for.

    Args:
        needs: what is installed, as pip is told.
        name: of the folder in the user's cache.

    Raises:
        Skipped: they cannot be installed.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "neveridle" / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}"
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not (stamp.is_file() and stamp.read_text("utf-8").split() == list(needs)):
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", *needs],
        ):
            ran = subprocess.run(command, check=False, capture_output=True, text=True)
            if ran.returncode:
                said = (ran.stderr.strip() or "no reason given").splitlines()[-1]
                msg = f"the peers cannot be installed: {said}"
                raise Skipped(msg)
        stamp.write_text("\n".join(needs), encoding="utf-8")
    return python


def command(peer: str, *words: str) -> list[str]:
    """How a peer's script is called."""
    return [str(interpreter()), str(HERE / f"{peer}_worker.py"), *words]


def run(peer: str, *words: str) -> None:
    """Call a peer's script, and wait for its end.

    Raises:
        RuntimeError: it failed.
    """
    ran = subprocess.run(command(peer, *words), check=False, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(ran.stderr)
