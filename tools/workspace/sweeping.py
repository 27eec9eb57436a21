"""Taking git directories out of a tree."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from neveridle.tools.sandbox.removal import remove_tree

if TYPE_CHECKING:
    from pathlib import Path


def sweep_git(tree: Path) -> list[str]:
    """Remove every ``.git`` (folder, file or link) from ``tree``; returns their paths.

    A command may have made one in good faith (``cargo new``, ``git init``) or to
    have its configuration run by whoever uses git there next, a person included.
    The files beside it stay and are then files like any other. No process may be
    at work in the tree meanwhile.
    """
    swept: list[str] = []
    folders = [str(tree)]
    while folders:
        folder = folders.pop()
        # What cannot be opened (locked, or too deep for a path) git cannot open either.
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.casefold() == ".git":
                    swept.append(entry.path)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    for path in swept:
        remove_tree(tree / path)
    return sorted(os.path.relpath(path, tree) for path in swept)
