"""Several processes write one recording; nothing is torn, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.errors import DiskFull, RecordingInvalid
from neveridle.tools.recording import Recording, RecordingWriter, Scope
from neveridle.tools.recording.appender import create_once

REQUEST: dict[str, Any] = {
    "model": {"name": "m"},
    "messages": [],
    "tools": [],
    "options": {},
    "stop": [],
}
WRITER = """
import sys
from pathlib import Path
from neveridle.tools.recording import RecordingWriter, Scope

path, who = Path(sys.argv[1]), sys.argv[2]
sys.stdin.read()  # all start at once
with RecordingWriter(path, model=who) as writer:
    for number in range(40):
        request = {"model": {"name": who}, "messages": [], "tools": [], "stop": []}
        request["options"] = {"n": number}
        writer.write(Scope("t", 1, "work", who), request, {"content": who * 5000}, 0.1)
"""


def test_eight_processes_make_one_recording(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "runs.jsonl"
    command = [sys.executable, "-P", "-c", WRITER, str(path)]
    processes = [subprocess.Popen([*command, str(who)], stdin=subprocess.PIPE) for who in range(8)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(timeout=60) for process in processes] == [0] * 8

    assert Recording.load(path).calls == 8 * 40
    assert path.read_bytes().count(b"neveridle-recording") == 1
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_a_file_that_somebody_else_made_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    create_once(path, b"theirs, with a call\n")
    create_once(path, b"ours\n")

    assert path.read_bytes() == b"theirs, with a call\n"
    assert list(tmp_path.iterdir()) == [path]


def test_each_call_is_on_the_disk_when_write_returns(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r.jsonl", model="openai:x", note="why")
    writer.write(Scope("t", 1, "work", "sam"), REQUEST, {"content": "ü\ud800\u2028"}, 1.23456)

    recording = Recording.load(tmp_path / "r.jsonl")
    provenance = recording.provenance
    asked = {name: value for name, value in REQUEST.items() if name != "model"}
    answer = recording.live_answer(Scope("t", 1, "work", "sam"), asked)
    writer.close()

    assert (provenance.kind, provenance.model, provenance.note) == ("live", "openai:x", "why")
    assert provenance.recorded_at.endswith("+00:00")
    assert (answer.response, answer.seconds) == ({"content": "ü\ud800\u2028"}, 1.235)


def test_a_second_writer_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with RecordingWriter(tmp_path / "r.jsonl") as writer:
            writer.write(Scope("t", 1, "work"), REQUEST, {"content": content}, 0)

    lines = (tmp_path / "r.jsonl").read_text().splitlines()

    assert [json.loads(line)["response"]["content"] for line in lines[1:]] == ["one", "two"]


def test_other_files_are_left_alone(write_file: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder").mkdir()

    for path, says in (
        (write_file(), "authored"),
        (tmp_path / "notes.txt", "not a recording"),
        (tmp_path / "folder", "cannot be"),
        (tmp_path / "notes.txt" / "below", "cannot be"),
    ):
        with pytest.raises(RecordingInvalid, match=says) as raised:
            RecordingWriter(path)
        assert raised.value.remedy
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r.jsonl")
    writer.close()
    vars(writer)["_file"] = os.open("/dev/full", os.O_WRONLY)  # in the place of its own file
    with pytest.raises(DiskFull) as raised:
        writer.write(Scope("t", 1, "work"), REQUEST, {"content": "x"}, 0)
    writer.close()
    assert raised.value.remedy


@pytest.mark.skipif(os.name == "nt", reason="limits the size of files in the POSIX way")
def test_a_disk_that_fills_in_the_middle_of_a_line(tmp_path: Path) -> None:
    code = WRITER.replace(
        "import sys",
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (7_000, 7_000))",
        1,
    )
    command = [sys.executable, "-P", "-c", code, str(tmp_path / "r.jsonl"), "1"]

    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)

    assert ended.returncode == 1
    assert b"DiskFull: " in ended.stderr


def test_a_closed_writer_refuses(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r.jsonl")
    writer.close()
    writer.close()

    with pytest.raises(RecordingInvalid):
        writer.write(Scope("t", 1, "work"), REQUEST, {}, 0)
