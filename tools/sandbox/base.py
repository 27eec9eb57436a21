"""What a sandbox is, and what one command in it came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How one command ended.

    Attributes:
        command: the command as it was given.
        exit_code: the shell's exit code (128 + n after signal n); None when the
            command was killed because its time was up.
        output: stdout and stderr as they came, UTF-8 with replacement; where it
            was longer than the limit, a line in the middle says how much was cut.
        seconds: wall-clock time from start to the end of its last process.
        timed_out: whether the time limit ended it.
        truncated: whether something was cut out of ``output``.
        silent: whether it was ended because it printed nothing for too long; it then has
            ``timed_out`` as well.
    """

    command: str
    exit_code: int | None
    output: str
    seconds: float
    timed_out: bool
    truncated: bool
    silent: bool = False

    @property
    def ok(self) -> bool:
        """Whether the command ended by itself with exit code 0."""
        return self.exit_code == 0


class Sandbox(Protocol):
    """Runs shell commands on a working tree.

    ``confines`` is True only where a command really cannot reach beyond its tree.
    """

    @property
    def name(self) -> str:
        """``bubblewrap`` or ``none``."""
        ...

    @property
    def confines(self) -> bool:
        """Whether commands are really confined."""
        ...

    async def run(
        self,
        command: str,
        *,
        tree: Path,
        timeout: float | None = None,  # noqa: ASYNC109 - the result says that time was up
        writable: bool = True,
        silence: float | None = None,
    ) -> CommandResult:
        """Run ``command`` by ``/bin/sh -c`` in ``tree``; no process of it survives.

        Args:
            command: one shell command line.
            tree: the working tree: current folder and, if ``writable``, the only
                place outside ``/tmp`` and ``HOME`` that can be written.
            timeout: seconds; None takes the settings' limit.
            writable: False makes the tree read-only where commands are confined.
            silence: seconds without output after which it is ended; None: it may be silent.

        Raises:
            SandboxMissing: the sandbox itself could not be set up.
            DiskFull: no space for its temporary files.
        """
        ...
