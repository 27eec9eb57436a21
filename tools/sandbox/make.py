"""Choosing the sandbox for this machine, by trying it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.errors import SandboxMissing
from neveridle.tools.sandbox.bubblewrap import BubblewrapSandbox
from neveridle.tools.sandbox.environment import toolchains
from neveridle.tools.sandbox.output import CappedOutput
from neveridle.tools.sandbox.process import run_process
from neveridle.tools.sandbox.unconfined import UnconfinedSandbox

if TYPE_CHECKING:
    from neveridle.settings import SandboxSettings
    from neveridle.tools.sandbox.base import Sandbox

PROBE_SECONDS = 10.0
UNCONFINED = "commands run unconfined, with everything this user may read and write"


async def make_sandbox(settings: SandboxSettings) -> tuple[Sandbox, str]:
    """The sandbox of these settings, and the notice to show at start.

    The notice is empty where commands are confined, else one sentence.

    Raises:
        SandboxMissing: ``kind`` is bubblewrap, and it does not work here.
    """
    tools = toolchains()
    if settings.kind == "none":
        return UnconfinedSandbox(settings, toolchains=tools), f"No sandbox is set: {UNCONFINED}."
    try:
        return await _bubblewrap(settings, tools), ""
    except SandboxMissing as missing:
        if settings.kind == "bubblewrap":
            raise
        notice = f"bubblewrap is not available ({missing.message.rstrip('.')}): {UNCONFINED}."
        return UnconfinedSandbox(settings, toolchains=tools), notice


async def _bubblewrap(settings: SandboxSettings, tools: list[Path]) -> BubblewrapSandbox:
    """Bubblewrap, proved by running ``true`` in it."""
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxMissing(
            "bwrap is not on PATH.",
            remedy="Install bubblewrap, or set kind in [sandbox] to auto or none.",
        )
    usage = CappedOutput(65_536)
    try:
        await run_process([program, "--help"], env={}, stdout=usage, time_limit=PROBE_SECONDS)
    except OSError as error:
        raise SandboxMissing(f"{program} could not be started: {error}.") from error
    sandbox = BubblewrapSandbox(program, settings, toolchains=tools, sized="--size" in usage.text())
    # A folder that is there: one made for this would stay where we are killed meanwhile.
    folder = Path(tempfile.gettempdir())
    result = await sandbox.run("true", tree=folder, timeout=PROBE_SECONDS, writable=False)
    if not result.ok:
        raise SandboxMissing(
            f"a trial command ended with {result.exit_code}: {result.output.strip()}."
        )
    return sandbox
