"""``docs/commands.md``, from the command line itself."""

from __future__ import annotations

import subprocess
import sys

from reference.markdown import NOTE
from reference.markdown import page as build


def page() -> str:
    """The text of the page."""
    return build(NOTE, _typer_docs())


def _typer_docs() -> str:
    command = [sys.executable, "-P", "-m", "typer", "neveridle.cli.app", "utils", "docs"]
    return subprocess.run(
        [*command, "--name", "neveridle", "--title", "Command line"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
