"""The command line."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, and leave with its exit code."""
    import sys

    from neveridle.cli.app import run

    sys.exit(run())
