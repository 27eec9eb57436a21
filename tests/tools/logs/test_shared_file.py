"""A log file keeps five of its size, whoever writes it, and every line once."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from neveridle.tools.logs.shared_file import SharedFile

WRITER = """
import logging, sys
from pathlib import Path
from neveridle.tools.logs.shared_file import SharedFile
handler = SharedFile(Path(sys.argv[1]), largest=3_000, files=500)
logger = logging.getLogger("w")
logger.addHandler(handler)
logger.setLevel("INFO")
print("ready", flush=True)
sys.stdin.readline()
for number in range(3000):
    logger.info("%s %d %s", sys.argv[2], number, "x" * (number % 97))
"""


def writing(handler: SharedFile, *lines: str) -> None:
    for line in lines:
        handler.handle(logging.LogRecord("a", logging.INFO, "f", 1, line, (), None))


def test_five_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "team.log"
    handler = SharedFile(path, largest=100)
    writing(handler, *(f"{number:03d} {'x' * 35}" for number in range(30)))
    handler.close()

    names = ["team.log", *(f"team.log.{number}" for number in range(1, 5))]
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([*names, "team.log.lock"])
    kept = [
        line[:3] for name in reversed(names) for line in (tmp_path / name).read_text().split("\n")
    ]
    assert [one for one in kept if one] == [f"{number:03d}" for number in range(20, 30)]
    assert all((tmp_path / name).stat().st_size <= 100 for name in names)
    assert path.stat().st_mode & 0o077 == 0


def test_a_line_larger_than_a_file_is_written(tmp_path: Path) -> None:
    handler = SharedFile(tmp_path / "log", largest=10)
    writing(handler, "a" * 50, "b" * 50)
    handler.close()

    assert (tmp_path / "log").read_text() == "b" * 50 + "\n"
    assert (tmp_path / "log.1").read_text() == "a" * 50 + "\n"


def test_several_processes_lose_no_line_and_mix_none(tmp_path: Path) -> None:
    path = tmp_path / "team.log"
    writers = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", WRITER, str(path), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("one", "two", "three")
    ]  # fmt: skip
    for one in writers:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in writers:
        one.communicate("go\n")
        assert one.returncode == 0

    files = [one for one in tmp_path.iterdir() if one.suffix != ".lock"]
    assert len(files) > 10
    lines = [line for one in files for line in one.read_text().splitlines()]
    assert sorted(lines) == sorted(
        f"{name} {number} {'x' * (number % 97)}"
        for name in ("one", "two", "three")
        for number in range(3000)
    )


def test_who_rotates_waits_for_the_lock_and_looks_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    handler = SharedFile(path, largest=12)
    writing(handler, "first file")
    lock = os.open(tmp_path / "log.lock", os.O_WRONLY | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    late = threading.Thread(target=writing, args=(handler, "late"))
    late.start()
    late.join(0.5)
    assert late.is_alive()  # whoever did not wait would have ended by now
    path.rename(tmp_path / "log.1")
    path.write_text("other\n")
    os.close(lock)
    late.join()
    handler.close()

    assert path.read_text() == "other\nlate\n"
    assert (tmp_path / "log.1").read_text() == "first file\n"
    assert not (tmp_path / "log.2").exists()


def test_a_file_that_somebody_removed_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    handler = SharedFile(path)
    writing(handler, "first")
    path.unlink()
    writing(handler, "second")
    handler.close()

    assert path.read_text() == "second\n"


def test_a_full_disk_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = SharedFile(tmp_path / "log")

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        writing(handler, "a", "b", "c")
    writing(handler, "d")
    handler.close()

    assert capsys.readouterr().err.count("No space left on device") == 1
    assert (tmp_path / "log").read_text() == "d\n"
