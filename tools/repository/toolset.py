"""The tools a model works with in its working copy."""

from __future__ import annotations

import asyncio
import functools
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from neveridle.errors import EditRejected, ModelMistake
from neveridle.tools.progress import at_command
from neveridle.tools.repository import searching
from neveridle.tools.repository.confined import ConfinedTree
from neveridle.tools.repository.display import (
    BULKY,
    command_report,
    cut_middle,
    is_binary,
    listing,
    numbered,
)
from neveridle.tools.repository.editing import edit_text, with_endings_of
from neveridle.tools.repository.paths import split_path
from neveridle.tools.threads import to_its_end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_core.tools import BaseTool

    from neveridle.tools.sandbox.base import Sandbox

FILE_BYTES = 5_000_000
SEARCH_SECONDS = 60.0


class WorkingCopy(Protocol):
    """What the tools need of a workspace."""

    @property
    def tree(self) -> Path:
        """The working tree."""
        ...

    @property
    def base(self) -> str:
        """The commit the work started from."""
        ...

    async def diff(self, since: str, *, limit: int = ...) -> str:
        """The difference from a commit, as a patch."""
        ...


class RepositoryTools:
    """The tools as plain methods, for one working copy.

    Args:
        workspace: the working copy.
        sandbox: where commands run.
        timeout: seconds one command may take at most.
        silence: seconds without output after which a command is ended; None: no limit.
    """

    def __init__(
        self,
        workspace: WorkingCopy,
        sandbox: Sandbox,
        *,
        timeout: float,
        silence: float | None = None,
    ) -> None:
        self._workspace = workspace
        self._sandbox = sandbox
        self._timeout = timeout
        self._silence = silence
        self._files = ConfinedTree(workspace.tree)

    async def list_files(self, path: str = ".", pattern: str | None = None) -> str:
        """List the files of the repository below a folder, one path per line.

        Args:
            path: The folder, relative to the top of the repository.
            pattern: Only files that fit, such as *.py or src/*.ts.
        """

        def work() -> str:
            return listing(self._files.entries(path, skip=BULKY), pattern)

        return await asyncio.to_thread(work)

    async def read_file(self, path: str, start: int = 1, lines: int = 400) -> str:
        """Read lines of a text file; each is shown with its number.

        Args:
            path: The file, relative to the top of the repository.
            start: The first line to read, counted from 1.
            lines: How many lines to read.
        """

        def work() -> str:
            data = self._files.read(path, limit=FILE_BYTES)
            return numbered(path, data, max(1, start), max(1, lines))

        return await asyncio.to_thread(work)

    async def search(self, pattern: str, path: str = ".", regex: bool = False) -> str:
        """Find the lines that contain a text, in all text files below a folder.

        Args:
            pattern: The text, or a Python regular expression where regex is true.
            path: The folder or file, relative to the top of the repository.
            regex: Whether the pattern is a regular expression.
        """
        if await asyncio.to_thread(self._files.kind, path) is None:
            raise ModelMistake(f"There is no {path!r}.")
        below = "/".join((".", *split_path(path)))
        request = {"pattern": pattern, "path": below, "regex": regex, "skip": [*BULKY, ".git"]}
        words = [sys.executable, "-I", "-c", _search_program(), json.dumps(request)]
        result = await self._sandbox.run(
            shlex.join(words),
            tree=self._workspace.tree,
            timeout=min(self._timeout, SEARCH_SECONDS),
            writable=False,
        )
        if result.timed_out:
            raise ModelMistake(
                f"The search was stopped after {result.seconds:.0f} seconds.",
                remedy="Use a simpler pattern or a smaller folder.",
            )
        if result.exit_code == 1 and not result.output:
            return "No matches."
        if not result.ok:
            raise ModelMistake(cut_middle(result.output.strip(), 2_000))
        return cut_middle(result.output.rstrip("\n"))

    async def edit_file(self, path: str, old: str, new: str) -> str:
        """Replace one piece of a text file; the piece must occur exactly once.

        Args:
            path: The file, relative to the top of the repository.
            old: The text to replace, copied exactly, without line numbers.
            new: The text to put in its place.
        """

        def work() -> str:
            data = self._files.read(path, limit=FILE_BYTES)
            text, line = edit_text(_decoded(path, data), old, new)
            self._files.write(path, _encoded(text))
            return f"Edited {path} at line {line}."

        return await to_its_end(work)

    async def write_file(self, path: str, content: str) -> str:
        """Make a file or replace all of it; missing folders are made.

        Args:
            path: The file, relative to the top of the repository.
            content: The whole content.
        """

        def work() -> str:
            before = self._files.read_if_there(path, limit=FILE_BYTES)
            text = content
            if before is not None and not is_binary(before):
                text = with_endings_of(content, before.decode("utf-8", "replace"))
            new = self._files.write(path, _encoded(text))
            lines = text.count("\n") + (not text.endswith("\n") and text != "")
            return f"{'Made' if new else 'Replaced'} {path}, {lines} lines."

        return await to_its_end(work)

    async def delete_file(self, path: str) -> str:
        """Delete one file.

        Args:
            path: The file, relative to the top of the repository.
        """
        await to_its_end(lambda: self._files.delete(path))
        return f"Deleted {path}."

    async def run(self, command: str, timeout: float | None = None) -> str:  # noqa: ASYNC109 - the model names it
        """Run a shell command in the top folder of the repository, such as its tests.

        There is no terminal, no input and no git history; what is changed in the
        repository's folder stays.

        Args:
            command: The command line, for /bin/sh.
            timeout: Seconds it may take; by default as many as are allowed.
        """
        if "\0" in command:
            raise ModelMistake("A command cannot contain NUL.")
        limit = self._timeout if timeout is None or timeout <= 0 else min(timeout, self._timeout)
        with at_command():
            result = await self._sandbox.run(
                command, tree=self._workspace.tree, timeout=limit, silence=self._silence
            )
        return command_report(result)

    async def diff(self) -> str:
        """Show all that has been changed so far in this task, as a patch."""
        patch = await self._workspace.diff(self._workspace.base, limit=30_000)
        return patch or "Nothing has been changed."


def repository_tools(
    workspace: WorkingCopy, sandbox: Sandbox, *, timeout: float, silence: float | None = None
) -> list[BaseTool]:
    """The repository tools for LangChain: asynchronous, bounded, confined to the tree.

    Calls that a model makes at once are done one after the other, in its order: two edits
    of one file must not undo each other, and a command sees the edit named before it.
    A :class:`ModelMistake` is answered to the model as a tool message with status
    ``error``; every other error propagates.

    Args:
        workspace: the working copy they work in.
        sandbox: where commands run.
        timeout: seconds one command may take at most.
        silence: seconds without output after which a command is ended; None: no limit.
    """
    from langchain_core.tools import StructuredTool

    tools = RepositoryTools(workspace, sandbox, timeout=timeout, silence=silence)
    methods = (
        tools.list_files,
        tools.read_file,
        tools.search,
        tools.edit_file,
        tools.write_file,
        tools.delete_file,
        tools.run,
        tools.diff,
    )
    turn = asyncio.Lock()  # waiters get it in the order in which they came
    return [
        StructuredTool.from_function(
            coroutine=_in_turn(_mistakes_told(method), turn),
            name=method.__name__,
            parse_docstring=True,
            handle_tool_error=True,
            handle_validation_error=_arguments_told,
        )
        for method in methods
    ]


def _arguments_told(error: Any) -> str:
    """Which arguments were wrong, and how; ``error`` is pydantic's, of either version."""
    wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return f"The arguments do not fit. {'; '.join(wrong)}."


def _mistakes_told(method: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    """``method``, its mistakes in the form that LangChain answers to the model."""
    from langchain_core.tools import ToolException

    @functools.wraps(method)
    async def answered(**arguments: object) -> str:
        try:
            return await method(**arguments)
        except ModelMistake as mistake:
            raise ToolException(str(mistake)) from mistake

    return answered


def _in_turn(
    method: Callable[..., Awaitable[str]], turn: asyncio.Lock
) -> Callable[..., Awaitable[str]]:
    """``method``, done when the calls before it are done."""

    @functools.wraps(method)
    async def waited(**arguments: object) -> str:
        async with turn:
            return await method(**arguments)

    return waited


@functools.cache
def _search_program() -> str:
    return Path(searching.__file__).read_text(encoding="utf-8")


def _decoded(path: str, data: bytes) -> str:
    if is_binary(data):
        raise EditRejected(f"{path} is a binary file.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EditRejected(
            f"{path} is not UTF-8 (byte {error.start}).", remedy="Change it with a command."
        ) from error


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EditRejected("The text contains half a character (a lone surrogate).") from error
