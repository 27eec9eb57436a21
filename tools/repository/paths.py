"""Paths as models write them: which of them may be used at all."""

from __future__ import annotations

from neveridle.errors import PathEscape

_REMEDY = "Give a path relative to the repository's top folder, such as src/app.py."


def split_path(path: str) -> tuple[str, ...]:
    """The components of a relative path; ``.`` and the empty path have none.

    Links are not looked at here: see :class:`ConfinedTree`.

    Raises:
        PathEscape: absolute, with ``..``, ``~``, NUL or ``.git``, or not encodable.
    """
    if "\0" in path:
        raise PathEscape("A path cannot contain NUL.", remedy=_REMEDY)
    if path.startswith(("/", "\\\\", "~/")) or path == "~" or path[1:3] in (":/", ":\\"):
        raise PathEscape(f"{path!r} is absolute.", remedy=_REMEDY)
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    for part in parts:
        if part == "..":
            raise PathEscape(f"{path!r} goes up with '..'.", remedy=_REMEDY)
        if is_git(part):
            raise PathEscape(f"{path!r} is a git directory, which is not part of the work.")
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise PathEscape(f"{path!r} is no file name.", remedy=_REMEDY) from error
    return parts


def is_git(name: str) -> bool:
    """Whether some system would take ``name`` for ``.git``."""
    plain = "".join(c for c in name if c not in "\u200c\u200d\u200e\u200f\u2060\ufeff")
    return plain.casefold().rstrip(". ").split(":")[0] in (".git", "git~1")
