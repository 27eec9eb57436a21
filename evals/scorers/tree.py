"""Expectations of the files and commits on the target branch."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from neveridle.evals.expectations import Expectations, FileHolds
from neveridle.evals.play import Played
from neveridle.evals.result import ScoreLine
from neveridle.evals.scorers.amounts import counted
from neveridle.evals.scorers.scorer import line

LONGEST = 60.0
"""Real seconds that git may take to answer."""


def tree(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    """What the target branch holds at the end, compared with the first commit."""
    if not expect.files and expect.files_changed is None and expect.commits is None:
        return
    changed = changes(played)
    for path, wanted in expect.files.items():
        yield _file(played, path, wanted, changed)
    if expect.files_changed is not None:
        missing = sorted(set(expect.files_changed) - changed)
        more = sorted(changed - set(expect.files_changed))
        said = f"{len(changed)} files"
        if missing or more:
            said = f"not changed: {missing or 'none'}; changed besides: {more or 'none'}"
        yield line("files changed", not missing and not more, said)
    if expect.commits is not None:
        span = f"{first(played)}..{played.branch}"
        commits = int(git(played, "rev-list", "--count", "--no-merges", span))
        yield counted("commits", commits, expect.commits)


def first(played: Played) -> str:
    """The first commit of the target branch: the repository as it was."""
    return git(played, "rev-list", "--max-parents=0", played.branch).split()[-1]


def changes(played: Played) -> set[str]:
    """The paths that differ from the first commit; of one that moved, both."""
    found = git(played, "diff", "--name-only", "--no-renames", "-z", first(played), played.branch)
    return set(filter(None, found.split("\0")))


def content(played: Played, path: str) -> str | None:
    """A file of the target branch; None: there is none."""
    listed = git(played, "ls-tree", "-z", "--name-only", played.branch, "--", f":(literal){path}")
    return git(played, "show", f"{played.branch}:{path}") if listed.strip("\0") == path else None


def git(played: Played, *arguments: str) -> str:
    """What git says of the repository.

    Raises:
        RuntimeError: git failed.
    """
    command = ["git", "-C", str(played.repository), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=LONGEST)
    if done.returncode:
        msg = f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace').strip()}"
        raise RuntimeError(msg)
    return done.stdout.decode("utf-8", "replace")


def _file(played: Played, path: str, wanted: str | FileHolds, changed: set[str]) -> ScoreLine:
    name, text = f"file {path}", content(played, path)
    if isinstance(wanted, FileHolds):
        if text is None:
            return line(name, False, "there is no such file")
        missing = [one for one in _texts(wanted.contains) if one not in text]
        unwanted = [one for one in _texts(wanted.lacks) if one in text]
        said = f"lacks {missing}" if missing else f"holds {unwanted}" if unwanted else "as expected"
        return line(name, not missing and not unwanted, said)
    seen = "absent" if text is None else "changed" if path in changed else "unchanged"
    return line(name, seen == wanted, f"expected {wanted}, is {seen}")


def _texts(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else given
