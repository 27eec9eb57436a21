"""How the command line says that something went wrong, and with which exit code it ends."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from neveridle.cli.screen import print_json, say
from neveridle.errors import DOCS, NeveridleError, OperatorError

FAILED = 1
USAGE = 2
INTERRUPTED = 130
TRACEBACK = "NEVERIDLE_TRACEBACK"
"""Set to anything but 0, this variable makes the traceback of a bug be printed."""


class Misuse(OperatorError):
    """The command line was not understood."""

    code = "usage"

    @property
    def docs(self) -> str:
        """Usage is explained by ``--help``, not by the page of errors."""
        return ""


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether ``--json`` was asked for, also where the line cannot be parsed."""
    before = arguments[: list(arguments).index("--")] if "--" in arguments else arguments
    return "--json" in before


def report(error: BaseException, *, as_json: bool) -> int:
    """Say what went wrong; the exit code.

    An error of ours goes to stderr with its remedy, and as JSON to stdout where that was
    asked for. Anything else is a bug, and is called one.
    """
    if isinstance(error, KeyboardInterrupt):
        say("Interrupted.", err=True)
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone. What is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    known = _known(error)
    if known is not None:
        _show(known.code, known.message, known.remedy, known.docs, as_json=as_json)
        return known.exit_code
    return _bug(error, as_json=as_json)


def _known(error: BaseException) -> NeveridleError | None:
    if isinstance(error, NeveridleError):
        return error
    said: Any = getattr(error, "format_message", None)
    if said is None:
        return None
    # Click's errors, by what they can do: typer brings its own copy of click, or does not.
    context: Any = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "neveridle"
    return Misuse(str(said()), remedy=f"`{where} --help` shows what can be said.")


def _show(code: str, message: str, remedy: str, docs: str, *, as_json: bool) -> None:
    from neveridle.tools.redact import redact

    message, remedy = redact(message), redact(remedy)
    if as_json:
        print_json({"error": {"code": code, "message": message, "remedy": remedy, "docs": docs}})
    for line in (f"error[{code}]: {message}", remedy, docs):
        if line:
            say(line, err=True)


def _bug(error: BaseException, *, as_json: bool) -> int:
    from neveridle.tools.redact import redact

    trace = redact("".join(traceback.format_exception(error)))
    message = f"This is a bug in neveridle: {type(error).__name__}: {error}"
    if os.environ.get(TRACEBACK, "0") not in ("", "0"):
        say(trace, err=True)
        remedy = "Please report it with the traceback above."
    else:
        place = _keep(trace)
        remedy = f"Please report it with the traceback, which {place}."
    _show("bug", message[:2000], remedy, f"{DOCS}#bug", as_json=as_json)
    return FAILED


def _keep(trace: str) -> str:
    """Write the traceback to a file only this user can read; where it is."""
    import tempfile

    try:
        handle, path = tempfile.mkstemp(prefix="neveridle-traceback-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(trace)
    except OSError:  # no place for it: then it is printed on request
        return f"{TRACEBACK}=1 in the environment shows"
    return f"is in {path} ({TRACEBACK}=1 in the environment shows it)"
