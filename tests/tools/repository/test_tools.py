"""The tools as a model meets them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from neveridle.errors import DiskFull
from neveridle.settings import SandboxSettings
from neveridle.tools.repository import repository_tools
from neveridle.tools.repository.failures import told
from neveridle.tools.sandbox import make_sandbox


def everything_in(tree: Path) -> list[Path]:
    return sorted(tree.rglob("*"))


async def test_every_tool_and_argument_is_described(tools: Any) -> None:
    assert list(tools.tools) == [
        *("list_files", "read_file", "search", "edit_file"),
        *("write_file", "delete_file", "run", "diff"),
    ]
    for tool in tools.tools.values():
        assert tool.description
        for argument, schema in tool.tool_call_schema.model_json_schema()["properties"].items():
            assert schema.get("description"), (tool.name, argument)


async def test_listing(tools: Any, tree: Path) -> None:
    (tree / "node_modules" / "x").mkdir(parents=True)
    (tree / "node_modules" / "x" / "index.js").touch()
    (tree / ".git").mkdir()
    (tree / ".git" / "config").touch()
    (tree / "ünïcode name.txt").touch()
    (tree / "link").symlink_to("../outside")

    assert (await tools.ok("list_files")).split("\n") == [
        *("crlf.txt", "link [link]", "node_modules/ [not listed]", "src/app.py"),
        "ünïcode name.txt",
    ]
    assert await tools.ok("list_files", path="src") == "src/app.py"
    assert await tools.ok("list_files", path="src/app.py") == "src/app.py"
    assert await tools.ok("list_files", pattern="*.py") == "src/app.py"
    assert await tools.ok("list_files", pattern="**/app.*") == "src/app.py"
    assert await tools.ok("list_files", pattern="*.rs") == "No files."
    assert "There is no 'nosuch'" in await tools.refused("list_files", path="nosuch")
    assert "out of the repository" in await tools.refused("list_files", path="link")


async def test_a_long_listing_is_cut(tools: Any, tree: Path) -> None:
    for number in range(612):
        (tree / "src" / f"f{number}").touch()

    listed = (await tools.ok("list_files", path="src")).split("\n")

    assert len(listed) == 501
    assert listed[-1] == "[113 more files: name a folder or a pattern]"


async def test_reading(tools: Any, tree: Path) -> None:
    assert await tools.ok("read_file", path="crlf.txt") == (
        "crlf.txt, 3 lines\n     1\tone\n     2\ttwo\n     3\tthree"
    )
    assert await tools.ok("read_file", path="src/app.py", start=3, lines=1) == (
        "src/app.py, 4 lines, lines 3 to 3; go on with start=4\n     3\tprint('hello')"
    )
    (tree / "empty").touch()
    assert await tools.ok("read_file", path="empty") == "empty is empty."
    (tree / "binary").write_bytes(b"\x7fELF\0\0")
    assert await tools.ok("read_file", path="binary") == "binary is a binary file of 6 bytes."
    (tree / "wide").write_text("x" * 100_000 + "\n" + "y\n" * 50_000)
    wide = await tools.ok("read_file", path="wide", lines=100_000)
    assert "98000 more characters" in wide
    assert len(wide) < 40_000
    (tree / "huge").write_bytes(b"x" * 5_000_001)
    assert "too large" in await tools.refused("read_file", path="huge")
    assert "only 3 lines" in await tools.refused("read_file", path="crlf.txt", start=4)
    assert "There is no 'nosuch'" in await tools.refused("read_file", path="nosuch")
    assert "is a folder" in await tools.refused("read_file", path="src")
    os.mkfifo(tree / "fifo")
    assert "no regular file" in await tools.refused("read_file", path="fifo")


async def test_searching(tools: Any, tree: Path) -> None:
    (tree / "späce d.txt").write_text("print('(x')\n")
    (tree / "node_modules").mkdir()
    (tree / "node_modules" / "index.js").write_text("print\n")
    (tree / "binary").write_bytes(b"print\0")
    (tree / "out").symlink_to("../outside")

    found = await tools.ok("search", pattern="print('")
    assert found.split("\n") == [
        *("späce d.txt:1: print('(x')", "src/app.py:3: print('hello')"),
        "src/app.py:4: print('bye')",
    ]
    assert (
        await tools.ok("search", pattern=r"^p\w+\('h", regex=True) == "src/app.py:3: print('hello')"
    )
    assert await tools.ok("search", pattern="hidden") == "No matches."
    assert (
        await tools.ok("search", pattern="(x", path="späce d.txt") == "späce d.txt:1: print('(x')"
    )
    assert "no valid regular expression" in await tools.refused("search", pattern="(", regex=True)
    assert "There is no" in await tools.refused("search", pattern="x", path="nosuch")
    assert "out of the rep" in await tools.refused("search", pattern="x", path="out")
    (tree / "many").write_text("needle\n" * 1000)
    many = (await tools.ok("search", pattern="needle")).split("\n")
    assert len(many) == 201
    assert many[-1] == "[800 more matches: narrow the search]"


async def test_a_pattern_that_never_ends_is_stopped(tree: Path) -> None:
    (tree / "bait").write_text("a" * 5000 + "!\n")
    sandbox, _ = await make_sandbox(SandboxSettings.model_validate({}))
    copy: Any = SimpleNamespace(tree=tree, base="")
    quick = {tool.name: tool for tool in repository_tools(copy, sandbox, timeout=0.5)}
    call = {"name": "search", "args": {"pattern": "(a+)+$", "regex": True}, "id": "1"}

    message = await quick["search"].ainvoke({**call, "type": "tool_call"})

    assert message.status == "error"
    assert "simpler pattern" in message.content


async def test_editing(tools: Any, tree: Path) -> None:
    (tree / "src" / "app.py").chmod(0o755)

    assert await tools.ok("edit_file", path="src/app.py", old="hello", new="hi") == (
        "Edited src/app.py at line 3."
    )
    await tools.ok("edit_file", path="crlf.txt", old="two\nthree", new="2\n2½\n3")

    assert (tree / "src" / "app.py").read_bytes() == b"import os\n\nprint('hi')\nprint('bye')\n"
    assert (tree / "src" / "app.py").stat().st_mode & 0o777 == 0o755
    assert (tree / "crlf.txt").read_bytes() == "one\r\n2\r\n2½\r\n3\r\n".encode()
    assert "2 times, at lines 3, 4" in await tools.refused(
        "edit_file", path="src/app.py", old="print(", new="x"
    )
    missing = await tools.refused("edit_file", path="src/app.py", old="print('hij')", new="x")
    assert "3: print('hi')" in missing
    assert "nothing would change" in await tools.refused(
        "edit_file", path="src/app.py", old="os", new="os"
    )
    (tree / "latin").write_bytes(b"caf\xe9 x")
    assert "not UTF-8" in await tools.refused("edit_file", path="latin", old="x", new="y")
    assert (tree / "latin").read_bytes() == b"caf\xe9 x"


async def test_writing_and_deleting(tools: Any, tree: Path) -> None:
    assert await tools.ok("write_file", path="new/deep/x.txt", content="a\nb") == (
        "Made new/deep/x.txt, 2 lines."
    )
    assert (tree / "new" / "deep" / "x.txt").read_bytes() == b"a\nb"
    assert "Replaced" in await tools.ok("write_file", path="crlf.txt", content="1\n2\n")
    assert (tree / "crlf.txt").read_bytes() == b"1\r\n2\r\n"
    await tools.ok("delete_file", path="new/deep/x.txt")
    assert not (tree / "new" / "deep" / "x.txt").exists()
    assert "a folder" in await tools.refused("delete_file", path="new")
    assert "There is no" in await tools.refused("delete_file", path="nosuch")
    assert "is a folder" in await tools.refused("write_file", path=".", content="x")
    assert "a folder" in await tools.refused("write_file", path="src", content="x")
    assert "not a folder" in await tools.refused("write_file", path="crlf.txt/x", content="x")
    assert "too long" in await tools.refused("write_file", path="x" * 300, content="x")
    assert "surrogate" in await tools.refused("write_file", path="x", content="\ud800")


async def test_running(tools: Any, tree: Path) -> None:
    done = await tools.ok("run", command="cat crlf.txt; echo x > made; exit 3")
    assert done.startswith("exit code 3 after ")
    assert done.endswith("one\r\ntwo\r\nthree")
    assert (tree / "made").exists()
    assert "time was up" in await tools.ok("run", command="sleep 30", timeout=0.2)
    assert len(await tools.ok("run", command="head -c 100000 /dev/zero | tr '\\0' x")) < 31_000
    assert "NUL" in await tools.refused("run", command="a\0b")


async def test_the_difference_is_from_the_base(tools: Any) -> None:
    assert await tools.ok("diff") == "difference from base"


@pytest.mark.parametrize(
    "path",
    [
        *("../outside/secret.txt", "src/../../outside/secret.txt", "/etc/passwd", "out/secret.txt"),
        *("abs", "chain", "src/up/outside/secret.txt", ".git/config", "src/.GIT/hooks/x", "a\0b"),
        *("~/x", "loop/x", "into-git", "C:/x", ".git./config", "git~1/config", "x\ud800"),
    ],
)
async def test_no_tool_leaves_the_tree(tools: Any, tree: Path, path: str) -> None:
    (tree / "out").symlink_to("../outside")
    (tree / "abs").symlink_to(tree.parent / "outside" / "secret.txt")
    (tree / "chain").symlink_to("src/up/outside/secret.txt")
    (tree / "src" / "up").symlink_to("../..")
    (tree / "loop").symlink_to("loop")
    (tree / ".git").mkdir()
    (tree / ".git" / "config").write_text("hidden outside")
    (tree / "into-git").symlink_to(".git/config")
    before = everything_in(tree)

    for name, more in (
        ("read_file", {}),
        ("list_files", {}),
        ("search", {"pattern": "hidden"}),
        ("edit_file", {"old": "hidden", "new": "x"}),
        ("write_file", {"content": "x"}),
    ):
        said = await tools.refused(name, path=path, **more)
        assert "hidden outside" not in said
    if path not in ("abs", "chain", "into-git"):  # these links are in the tree: theirs to delete
        await tools.refused("delete_file", path=path)

    assert (tree.parent / "outside" / "secret.txt").read_text() == "hidden outside"
    assert everything_in(tree) == before


async def test_links_within_the_tree_are_followed(tools: Any, tree: Path) -> None:
    (tree / "short").symlink_to("src")
    (tree / "src" / "back").symlink_to("../crlf.txt")

    await tools.ok("edit_file", path="short/app.py", old="hello", new="hi")
    await tools.ok("write_file", path="short/back", content="1\n")

    assert "hi" in (tree / "src" / "app.py").read_text()
    assert (tree / "crlf.txt").read_bytes() == b"1\r\n"
    assert (tree / "src" / "back").is_symlink()
    await tools.ok("delete_file", path="src/back")
    assert (tree / "crlf.txt").exists()


async def test_wrong_arguments_are_told(tools: Any) -> None:
    assert "path" in await tools.refused("read_file")
    assert "valid integer" in await tools.refused("read_file", path="crlf.txt", start="x")


def test_a_full_disk_is_no_mistake_of_the_model() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")

    with pytest.raises(DiskFull), told("x"), full.open("wb", buffering=0) as file:
        file.write(b"x")


async def test_calls_made_at_once_are_done_in_their_order(tools: Any, tree: Path) -> None:
    """Two edits of one file must not undo each other; a command sees what came before it."""
    lines = [f"line {number}" for number in range(30)]
    (tree / "many.txt").write_text("\n".join(lines) + "\n")

    *edits, shown = await asyncio.gather(
        *[tools.ok("edit_file", path="many.txt", old=f"{one}\n", new=f"{one}!\n") for one in lines],
        tools.ok("run", command="grep -c '!' many.txt"),
    )

    assert len(edits) == 30
    assert (tree / "many.txt").read_text().splitlines() == [f"{one}!" for one in lines]
    assert "30" in shown
