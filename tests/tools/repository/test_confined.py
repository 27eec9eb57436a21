"""No path and no layout of links leads out of a confined tree."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.errors import ModelMistake, PathEscape
from neveridle.tools.repository import ConfinedTree, split_path

NAMES = ("a", "b", "c", "..", ".", "", "outside", "tree", ".git", "ä ö")
paths = st.lists(st.sampled_from(NAMES), max_size=7).map("/".join) | st.text(max_size=20)
targets = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map("/".join)
layouts = st.lists(
    st.tuples(
        st.lists(st.sampled_from(("a", "b", "c")), min_size=1, max_size=3).map("/".join),
        st.just("folder") | st.just("file") | targets.map(lambda t: f"-> {t}"),
    ),
    max_size=8,
)


@contextlib.contextmanager
def laid_out(layout: list[tuple[str, str]]) -> Generator[Path]:
    """A tree of folders, files and links; beside it, and above, what must not change."""
    top = Path(tempfile.mkdtemp())
    try:
        (top / "outside" / "a").mkdir(parents=True)
        for name in ("secret", "outside/secret", "outside/a/b", "b"):
            (top / name).write_text("hidden")
        (top / "tree").mkdir()
        for name, what in layout:
            path = top / "tree" / name
            # What does not fit what is there already is left out of the layout.
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                if not path.parent.resolve().is_relative_to(top / "tree"):
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                if what == "folder":
                    path.mkdir()
                elif what == "file":
                    path.write_text("shown")
                else:
                    target = what.removeprefix("-> ")
                    path.symlink_to(str(top / "outside") if target == ".git" else target)
        yield top
    finally:
        shutil.rmtree(top)


def outside(top: Path) -> dict[str, str]:
    return {
        str(path.relative_to(top)): path.read_text() if path.is_file() else ""
        for path in top.rglob("*")
        if not path.is_relative_to(top / "tree")
    }


@settings(max_examples=100, deadline=None)
@given(layouts, paths)
def test_nothing_outside_is_read_or_changed(layout: list[tuple[str, str]], path: str) -> None:
    with laid_out(layout) as top:
        tree, before = ConfinedTree(top / "tree"), outside(top)
        with contextlib.suppress(ModelMistake):
            assert tree.read(path, limit=100) != b"hidden"
        with contextlib.suppress(ModelMistake):
            for entry in tree.entries(path, skip=frozenset()):
                assert entry.path.split("/")[-1] != "secret"
        with contextlib.suppress(ModelMistake):
            tree.write(path, b"new")
        assert outside(top) == before
        with contextlib.suppress(ModelMistake):
            tree.delete(path)
        assert outside(top) == before
        with contextlib.suppress(ModelMistake):
            tree.remove(path)
        assert outside(top) == before


@settings(max_examples=100, deadline=None)
@given(layouts, paths)
def test_what_the_system_finds_inside_is_found_too(
    layout: list[tuple[str, str]], path: str
) -> None:
    """Confinement must not refuse what is really in the tree."""
    with laid_out(layout) as top:
        try:
            parts = split_path(path)
        except PathEscape:
            return
        root = top / "tree"
        walked = [root.joinpath(*parts[:n]) for n in range(len(parts) + 1)]
        found = walked[-1]
        try:
            is_file = found.is_file()
        except (OSError, ValueError):
            return
        # A way that leaves the tree and comes back is refused: compare direct ways only.
        if any(p.is_symlink() for p in walked) or not is_file:
            return
        tree = ConfinedTree(root)
        assert tree.read(path, limit=100) == found.read_bytes()
        assert tree.kind(path) == "file"
        assert tree.write(path, b"new") is False
        assert found.read_bytes() == b"new"
        assert sorted(p.name for p in found.parent.glob(".neveridle-*")) == []


@given(paths)
def test_split_path_gives_plain_components_or_refuses(path: str) -> None:
    try:
        parts = split_path(path)
    except PathEscape as error:
        assert str(error)
    else:
        assert not path.startswith("/")
        assert not {"", ".", ".."} & set(parts)
        assert not any("/" in part or "\0" in part or part.casefold() == ".git" for part in parts)
        assert parts == split_path("/".join(parts))


class Swap:
    """Swaps things for links to the outside at the worst moment: just before they are opened.

    An audit hook sees every open before it happens; it cannot be taken away again,
    so it is disarmed.
    """

    def __init__(self) -> None:
        self.before_opening: dict[str, Callable[[], object]] = {}
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and arguments[0] in self.before_opening:
            self.before_opening.pop(str(arguments[0]))()


@pytest.fixture(scope="module")
def swap() -> Swap:
    return Swap()


@pytest.mark.parametrize("how", ["read", "write", "entries", "delete", "remove"])
def test_a_folder_swapped_for_a_link_is_not_followed(swap: Swap, tmp_path: Path, how: str) -> None:
    """The race a check-then-open loses: here there is no moment in between."""
    root, out = tmp_path / "tree", tmp_path / "outside"
    for folder, text in ((root / "top" / "swapped", "shown"), (out / "swapped", "hidden")):
        folder.mkdir(parents=True)
        (folder / "file").write_text(text)
    (out / "file").write_text("hidden")

    def change() -> None:
        (root / "top" / "swapped").rename(root / "top" / "aside")
        (root / "top" / "swapped").symlink_to(out)

    swap.before_opening = {"swapped": change}
    tree = ConfinedTree(root)
    with contextlib.suppress(ModelMistake):
        if how == "read":
            assert tree.read("top/swapped/file", limit=100) != b"hidden"
        elif how == "write":
            tree.write("top/swapped/file", b"new")
        elif how == "entries":
            found = [entry.path for entry in tree.entries("top/swapped", skip=frozenset())]
            assert found == []
        elif how == "delete":
            tree.delete("top/swapped/file")
        else:
            tree.remove("top/swapped/file")

    assert swap.before_opening == {}
    assert (out / "file").read_text() == "hidden"


def test_a_file_swapped_for_a_link_is_not_followed(swap: Swap, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "secret").write_text("hidden")
    (tmp_path / "tree" / "swapped").write_text("shown")

    def change() -> None:
        (tmp_path / "tree" / "swapped").unlink()
        (tmp_path / "tree" / "swapped").symlink_to("../secret")

    swap.before_opening = {"swapped": change}
    with pytest.raises(ModelMistake, match="became a link"):
        ConfinedTree(tmp_path / "tree").read("swapped", limit=100)


def test_modes_limits_and_drafts(tmp_path: Path) -> None:
    tree = ConfinedTree(tmp_path)
    assert tree.write("x", b"12345") is True
    with pytest.raises(ModelMistake, match="5 bytes"):
        tree.read("x", limit=4)
    assert tree.read("x", limit=5) == b"12345"
    assert tree.read_if_there("nosuch/at/all", limit=5) is None
    with pytest.raises(ModelMistake, match="too deep"):
        tree.write("d/" * 200 + "x", b"")
    tree.remove("d")
    tree.remove("nosuch")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x"]
