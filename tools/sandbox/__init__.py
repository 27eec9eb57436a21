"""The sandbox: where commands of models, and checks of projects, are run."""

from __future__ import annotations

from neveridle.tools.sandbox.base import CommandResult, Sandbox
from neveridle.tools.sandbox.bubblewrap import BubblewrapSandbox
from neveridle.tools.sandbox.make import make_sandbox
from neveridle.tools.sandbox.unconfined import UnconfinedSandbox

__all__ = [
    "BubblewrapSandbox",
    "CommandResult",
    "Sandbox",
    "UnconfinedSandbox",
    "make_sandbox",
]
