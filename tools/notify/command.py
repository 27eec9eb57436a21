"""A command: started for a notice, which it reads on its standard input."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from neveridle.errors import ServiceError, SettingsInvalid
from neveridle.tools.notify.expanding import expand
from neveridle.tools.redact import redact
from neveridle.tools.sandbox.orphans import owner_mark
from neveridle.tools.sandbox.output import CappedOutput
from neveridle.tools.sandbox.process import run_process
from neveridle.tools.sandbox.unconfined import MARK, hunt, ticks_now

LIMIT: Final = 30.0
"""Real seconds it may take."""
OUTPUT: Final = 4_096
"""Bytes of its output that are kept."""
SHOWN: Final = 200
"""Characters of its output in an error."""
KEPT: Final = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""Variables it gets from our environment; all others only where they are written before it."""
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


class Command:
    """Starts one program, without a shell and outside the sandbox: it is the operator's own.

    Args:
        line: as it is configured: words as a shell splits them, before them ``NAME=VALUE`` for
            its environment; ``${NAME}`` stands for variables of ours.
        setting: where.
        folder: where it is started.
        environ: the environment.
        limit: real seconds it may take; then it is killed, with all that it started.
    """

    def __init__(
        self,
        line: str,
        *,
        setting: str,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        limit: float = LIMIT,
    ) -> None:
        self._line = line
        self._setting = setting
        self._folder = folder
        self._environ = os.environ if environ is None else environ
        self._limit = limit

    def parsed(self) -> tuple[list[str], dict[str, str]]:
        """Program with arguments, and its whole environment.

        Raises:
            SettingsInvalid: a variable is not set, a quote is not closed, or no program is
                named or there.
        """
        try:
            words = shlex.split(self._line)
        except ValueError as error:
            msg = f"{self._setting} cannot be split into words: {error}."
            raise SettingsInvalid(msg, remedy="Close its quotes.") from None
        # Split first: what a variable holds is never more than one word.
        words = [expand(one, self._environ, setting=self._setting) for one in words]
        environment = {name: self._environ[name] for name in KEPT if name in self._environ}
        while words and (said := _ASSIGNMENT.fullmatch(words[0])):
            environment[said[1]] = said[2]
            del words[0]
        if not words:
            msg = f"{self._setting} names no program."
            raise SettingsInvalid(msg, remedy="Write the program after its variables.")
        if "/" in words[0]:
            words[0] = str(self._folder / words[0])  # an absolute one stays
        found = shutil.which(words[0], path=environment.get("PATH"))
        if found is None:
            msg = f"{self._setting} starts {redact(words[0])}, which is not there."
            raise SettingsInvalid(msg, remedy="Install it, make it executable, or correct it.")
        return [found, *words[1:]], environment

    async def send(self, payload: Mapping[str, Any], *, key: str) -> None:
        """Start it for a notice, and wait for its end.

        Args:
            payload: plain JSON, on its standard input.
            key: the same for each try, in the variable ``NEVERIDLE_KEY``.

        Raises:
            SettingsInvalid: see ``parsed``.
            ServiceError: it failed, or took too long.
        """
        argv, environment = self.parsed()
        mark, since = secrets.token_hex(16), ticks_now()
        environment |= {"NEVERIDLE_KEY": key, MARK: mark, **owner_mark()}
        output = CappedOutput(OUTPUT)
        try:
            with tempfile.TemporaryFile() as given:  # no pipe that it could leave full
                given.write(json.dumps(dict(payload)).encode())
                given.seek(0)
                ended = await run_process(
                    argv, env=environment, cwd=self._folder, stdin=given, stdout=output,
                    time_limit=self._limit, reap=lambda: hunt(mark, since),
                )  # fmt: skip
        except OSError as error:
            msg = f"{self._setting} could not be started: {error.strerror or type(error).__name__}."
            raise ServiceError(msg, service=self._setting) from None
        if ended.code == 0:
            return
        said = redact(output.text()).strip()[:SHOWN]
        how = f"took more than {self._limit:g} s" if ended.timed_out else f"ended with {ended.code}"
        raise ServiceError(f"{self._setting} {how}: {said}".rstrip(" :"), service=self._setting)

    async def aclose(self) -> None:
        """Nothing is kept open."""
