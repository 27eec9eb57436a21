"""``neveridle graph``."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NODES = (
    "heartbeat", "check_dispatch", "check_backlog", "check_roadmap", "check_improvement",
    "claim", "work", "verify", "deliver", "reflect", "hand_off", "park", "recover", "rest",
)  # fmt: skip


def test_it_prints_mermaid_without_a_project(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli("graph")

    assert ended.code == 0
    assert ended.out.count("graph TD;") == 1
    for name in NODES:
        assert f"{name}({name})" in ended.out
    assert list(tmp_path.iterdir()) == []
    assert cli("graph", "--mermaid").out == ended.out


def test_it_prints_json(cli: Callable[..., Any], project: Any) -> None:
    found = cli("graph", "--json").json

    assert set(NODES) < set(found["nodes"])
    assert {"source": "rest", "target": "__end__", "conditional": False} in found["edges"]
    assert not project.board_file.exists()


def _pixels(path: Path) -> tuple[int, int, bytes]:
    """Width, height and the decompressed rows of a PNG, after its checksums are checked."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, rows, size = 8, b"", (0, 0)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length :][:4])[0]
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        elif kind == b"IDAT":
            rows += body
        at += 12 + length
    return (*size, zlib.decompress(rows))


def test_it_draws_a_png(cli: Callable[..., Any], project: Any) -> None:
    ended = cli("graph", "--png", "tree of decisions.png", "--json")
    width, height, rows = _pixels(project.folder / "tree of decisions.png")

    assert ended.json["png"] == "tree of decisions.png"
    assert width > 400
    assert height > 600
    assert len(set(rows)) > 20  # not an empty sheet


def test_it_draws_without_a_network(project: Any) -> None:
    """Whatever would open a connection fails."""
    program = """
import socket, sys
def refuse(*_, **__):
    raise AssertionError("a connection was asked for")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from neveridle.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "graph", "--png", "x.png"],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (project.folder / "x.png").is_file()


def test_a_place_that_cannot_be_written_is_said(cli: Callable[..., Any], project: Any) -> None:
    ended = cli("graph", "--png", str(project.folder / "no" / "x.png"), "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")


def test_without_pillow_it_says_what_to_install(
    cli: Callable[..., Any], project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    ended = cli("graph", "--png", "x.png", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "extra-missing")
    assert "pip install pillow" in ended.json["error"]["remedy"]
    assert not (project.folder / "x.png").exists()
