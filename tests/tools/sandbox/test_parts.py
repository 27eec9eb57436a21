"""The pure parts of the sandbox, and removing what commands leave."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.tools.sandbox.environment import toolchains
from neveridle.tools.sandbox.limits import processes_are_counted_per_namespace
from neveridle.tools.sandbox.output import CappedOutput
from neveridle.tools.sandbox.removal import remove_tree


@given(st.lists(st.binary(max_size=300)), st.integers(2, 500), st.booleans())
def test_capped_output_keeps_both_ends(chunks: list[bytes], limit: int, head_only: bool) -> None:
    output, whole = CappedOutput(limit, head_only=head_only), b"".join(chunks)
    for chunk in chunks:
        output.feed(chunk)

    assert output.total == len(whole)
    assert output.cut == max(0, len(whole) - limit)
    if output.cut == 0:
        assert output.data() == whole
        assert output.text() == whole.decode("utf-8", "replace")
    else:
        head = limit if head_only else limit // 2
        assert output.data() == whole[:head] + whole[len(whole) - (limit - head) :]
        assert f"[... {output.cut} bytes cut out ...]" in output.text()


@given(st.text(min_size=200), st.integers(10, 100))
def test_a_cut_leaves_no_broken_characters(text: str, limit: int) -> None:
    text = text.replace("\ufffd", "?")
    output = CappedOutput(limit)
    output.feed(text.encode())

    assert "\ufffd" not in output.text()


@pytest.mark.parametrize(
    ("release", "counted"),
    [("6.18.44-fc", True), ("5.14.0", True), ("5.13.19", False), ("4.18.0", False), ("?", False)],
)
def test_process_limit_needs_a_kernel_that_counts_per_namespace(
    release: str, counted: bool
) -> None:
    assert processes_are_counted_per_namespace(release) is counted


def test_toolchains_never_show_a_home_folder_or_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in ~/.local/bin or ~/bin must not make the key rings beside it readable."""
    home = tmp_path / "home"
    for folder in (home / ".local" / "bin", home / "bin", home / "node-20" / "bin"):
        folder.mkdir(parents=True)
    (home / ".local" / "bin" / "make").touch(0o755)
    (home / "bin" / "git").touch(0o755)
    (home / "node-20" / "bin" / "node").touch(0o755)
    monkeypatch.setenv("HOME", str(home))
    folders = [home / ".local" / "bin", home / "bin", home / "node-20" / "bin"]
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))

    found = toolchains()

    assert {home / ".local" / "bin", home / "bin", home / "node-20"} <= set(found)
    assert not {home, home / ".local", tmp_path, Path("/")} & set(found)


def test_removal_opens_locked_folders_and_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    mode = outside.stat().st_mode
    root = tmp_path / "root"
    (root / "a" / "b" / "c").mkdir(parents=True)
    (root / "a" / "b" / "file").write_text("x")
    (root / "a" / "link").symlink_to(outside)
    (root / ".removed-1").mkdir()
    os.mkfifo(root / "fifo")
    (root / "a" / "b").chmod(0)
    (root / "a").chmod(0)

    remove_tree(root)
    remove_tree(root)

    assert not root.exists()
    assert (outside / "kept").exists()
    assert outside.stat().st_mode == mode


def test_removal_copes_with_folders_nested_deeper_than_any_path(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("deep", dir_fd=here)
        there = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = there
    os.close(here)

    remove_tree(root)

    assert not root.exists()


def test_removal_of_a_link_leaves_its_target(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")

    remove_tree(tmp_path / "link")

    assert (tmp_path / "target").exists()
    assert not (tmp_path / "link").is_symlink()


def test_several_who_remove_the_same_folder_all_succeed(tmp_path: Path) -> None:
    """As when an attempt clears up after itself while somebody's janitor looks round."""
    for number in range(20):
        root = tmp_path / str(number)
        for name in ("a/b/c", "a/d", "e/f", "g"):
            (root / name).mkdir(parents=True)
            (root / name / "file").write_text("x")
        with ThreadPoolExecutor(3) as several:
            for done in [several.submit(remove_tree, root) for _ in range(3)]:
                done.result()
        assert not root.exists()
