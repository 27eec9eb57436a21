"""What the file system says no to, told to the model."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neveridle.errors import DiskFull, ModelMistake

if TYPE_CHECKING:
    from collections.abc import Generator

REASONS = {
    errno.ENOENT: "There is no {path}.",
    errno.ENOTDIR: "A part of {path} is not a folder.",
    errno.EISDIR: "{path} is a folder.",
    errno.EEXIST: "{path} exists already.",
    errno.EACCES: "{path} may not be accessed.",
    errno.EPERM: "{path} may not be changed.",
    errno.EROFS: "{path} is read-only.",
    errno.ELOOP: "{path} became a link while it was opened.",
    errno.ENAMETOOLONG: "The name {path} is too long.",
    errno.EINVAL: "{path} cannot be used so.",
    errno.EILSEQ: "{path} is no file name here.",
    errno.ENXIO: "{path} is no regular file.",
    errno.EFBIG: "{path} would be too large.",
}


@contextmanager
def told(path: str) -> Generator[None]:
    """Turns the system's refusals into :class:`ModelMistake`, a full disk into DiskFull.

    Anything else (an input/output error, too many open files) is passed on: no
    model can do anything about it.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                "No space is left on the disk of the workspaces.",
                remedy="Free some; the team goes on from where it was.",
            ) from error
        if error.errno not in REASONS:
            raise
        raise ModelMistake(REASONS[error.errno].format(path=repr(path))) from error
