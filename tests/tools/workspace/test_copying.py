"""Copying what somebody else is still writing to."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from neveridle.tools.workspace.copying import copy_tree

Files = Callable[[Path], dict[str, str]]


def copy(source: Path, target: Path) -> None:
    copy_tree(source, target, stop=threading.Event(), skip=lambda name: name == "skipped")


def test_files_links_and_modes_are_copied_and_nothing_else(tmp_path: Path, files: Files) -> None:
    source = tmp_path / "source"
    (source / "empty").mkdir(parents=True)
    (source / "a").write_text("a")
    (source / "a").chmod(0o4755)
    os.utime(source / "a", ns=(0, 1_000_000_000))
    (source / "link").symlink_to("/etc")
    (source / "skipped").write_text("x")
    os.mkfifo(source / "fifo")

    copy(source, tmp_path / "copy")

    assert files(tmp_path / "copy") == {"a": "a", "link": "-> /etc"}
    assert (tmp_path / "copy" / "empty").is_dir()
    assert (tmp_path / "copy" / "a").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "copy" / "a").stat().st_mtime == 1


@pytest.mark.parametrize("what", ["file", "folder", "vanishing"])
def test_what_is_swapped_while_it_is_copied_is_left_out(
    tmp_path: Path, files: Files, what: str
) -> None:
    """A link put in a folder's place must not bring the outside into the copy."""
    source, out = tmp_path / "source", tmp_path / "outside"
    (source / "d").mkdir(parents=True)
    (out / "d").mkdir(parents=True)
    (out / "secret").write_text("hidden")
    (source / "kept").write_text("kept")
    (source / "d" / "f").write_text("x")
    victim = source / "d" if what == "folder" else source / "d" / "f"
    armed = [victim.name]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and armed and arguments[0] == armed[0]:
            armed.clear()
            victim.rename(tmp_path / "aside")
            if what != "vanishing":
                victim.symlink_to(out if what == "folder" else out / "secret")

    sys.addaudithook(hook)

    copy(source, tmp_path / "copy")

    assert armed == []
    assert files(tmp_path / "copy") == {"kept": "kept"}


def test_a_cancelled_copy_ends_early(tmp_path: Path, files: Files) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").touch()
    stop = threading.Event()
    stop.set()

    copy_tree(tmp_path / "source", tmp_path / "copy", stop=stop, skip=lambda name: False)

    assert files(tmp_path / "copy") == {}
