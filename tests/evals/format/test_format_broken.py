"""A broken recorded task is said to be so, and the rest of the suite goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neveridle.errors import RecordingInvalid, StageTaken
from neveridle.evals import find_tasks, load_task
from neveridle.evals.checking import check_task
from neveridle.evals.migration import migrate_task
from neveridle.evals.scaffold import new_task
from neveridle.evals.suite import run_suite

Broken = Callable[[Path], object]


def text(name: str, old: str, new: str) -> Broken:
    def change(folder: Path) -> None:
        said = (folder / name).read_text(encoding="utf-8")
        assert old in said
        (folder / name).write_text(said.replace(old, new, 1), encoding="utf-8")

    return change


def start(line: str) -> Broken:
    return text("task.toml", "[start]\n", f"[start]\n{line}\n")


def expect(line: str) -> Broken:
    return text("task.toml", "[expect]\n", f"[expect]\n{line}\n")


BROKEN: dict[str, tuple[Broken, str]] = {
    "cut-toml": (lambda f: (f / "task.toml").write_bytes(b'schema = 2\ntitle = "x'), "task.toml:2"),
    "no-utf-8": (lambda f: (f / "task.toml").write_bytes(b"schema = 2\n# \xff"), "task.toml:2"),
    "newer": (text("task.toml", "schema = 2", "schema = 9"), "Update neveridle"),
    "no-version": (text("task.toml", "schema = 2", ""), "Begin the file with"),
    "cut-recording": (
        lambda f: (f / "recording.jsonl").write_text(
            (f / "recording.jsonl").read_text(encoding="utf-8")[:-40], encoding="utf-8"
        ),
        "recording.jsonl:4",
    ),
    "no-recording": (lambda f: (f / "recording.jsonl").unlink(), "no recording.jsonl"),
    "binary-recording": (lambda f: (f / "recording.jsonl").write_bytes(b"\xff\xfe"), "UTF-8"),
    "no-repository": (lambda f: shutil.rmtree(f / "repository"), "start.repository"),
    "no-souls": (lambda f: shutil.rmtree(f / "agents"), "start.souls"),
    "no-team": (lambda f: (f / "neveridle.toml").unlink(), "start.team"),
    "broken-team": (text("neveridle.toml", "[team]", "[team"), "neveridle.toml"),
    "absolute": (start('http = "/etc/passwd"'), "absolute"),
    "outside": (start('http = "../../x.jsonl"'), "leaves the suite's folder"),
    "link-outside": (lambda f: (f / "repository" / "l").symlink_to("/etc"), "a link that leaves"),
    "stage-outside": (text("task.toml", '"greeter"', '"../greeter"'), "start.folder"),
    "service-state": (
        lambda f: (
            (f / "s.json").write_text("{", encoding="utf-8"),
            start('services = { linear = "s.json" }')(f),
        ),
        "s.json: not valid JSON",
    ),
    "event": (expect('events = { "task.complete" = 1 }'), "did you mean 'task.completed'"),
    "check": (text("task.toml", "{ tests = true }", "{ test = true }"), "did you mean 'tests'"),
    "title": (text("task.toml", '{ "Greet by name" =', '{ "Greet by nmae" ='), "Greet by nmae"),
    "service": (expect("services = { github = {} }"), "no stand-in 'github'"),
    "secret-name": (start('secrets = { PATH = "something" }'), "start.secrets.PATH"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_is_wrong_is_said_with_its_place(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "suite" / name
    new_task(folder)
    check_task(load_task(folder))
    breaking, said = BROKEN[name]
    breaking(folder)

    with pytest.raises(RecordingInvalid) as raised:
        check_task(load_task(folder))

    assert said in str(raised.value)
    assert raised.value.remedy
    assert str(folder) in raised.value.message or "recording" in raised.value.message


@pytest.mark.parametrize("name", ["event", "check", "title", "secret-name"])
def test_the_line_is_the_right_one(name: str, tmp_path: Path) -> None:
    new_task(tmp_path / "suite" / "one")
    BROKEN[name][0](tmp_path / "suite" / "one")
    lines = (tmp_path / "suite" / "one" / "task.toml").read_text(encoding="utf-8").splitlines()

    with pytest.raises(RecordingInvalid) as raised:
        check_task(load_task(tmp_path / "suite" / "one"))

    place = raised.value.message.partition("task.toml:")[2].partition(":")[0]
    words = {"event": "task.complete", "check": "{ test =", "title": "nmae", "secret-name": "PATH"}
    assert words[name] in lines[int(place) - 1], place


@pytest.mark.slow
async def test_broken_ones_are_reported_and_the_good_one_passes(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    chosen = ("cut-toml", "cut-recording", "no-repository", "event")
    for name in chosen:
        new_task(suite / name)
        BROKEN[name][0](suite / name)
    new_task(suite / "good")
    # As an editor on Windows saves it, with a byte order mark.
    good = (suite / "good" / "task.toml").read_bytes().replace(b"\n", b"\r\n")
    (suite / "good" / "task.toml").write_bytes(b"\xef\xbb\xbf" + good)

    result = await run_suite(find_tasks([str(suite)]), workers=2)

    found = {one.task: one for one in result.results}
    assert found["good"].status == "passed", found["good"]
    for name in chosen:
        assert found[name].status == "error"
        trouble = found[name].trouble
        assert trouble is not None
        assert trouble.code == "recording-invalid"
        assert BROKEN[name][1] in f"{trouble.message} {trouble.remedy}"


def test_what_is_shared_lies_beside(tmp_path: Path) -> None:
    folder = tmp_path / "suite" / "one"
    new_task(folder)
    (folder / "repository").rename(folder.parent / "_repository")
    text("task.toml", '"repository"', '"../_repository"')(folder)

    check_task(load_task(folder))


@pytest.mark.parametrize("run", ["", "[run]\ntimeout = 5\n", "[run] # how\n"])
def test_version_1_is_read_and_can_be_rewritten(run: str, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    new_task(folder)
    text("task.toml", "schema = 2", "schema = 1 # the first")(folder)
    text("task.toml", "[[tasks]]", f"{run}\n[[tasks]]")(folder)
    before = load_task(folder)

    changed = migrate_task(folder)

    after = load_task(folder)
    said = (folder / "task.toml").read_text(encoding="utf-8")
    assert after == before
    assert (after.run.clock, after.run.timeout) == ("real", 5 if "5" in run else 300)
    assert "schema = 2 # the first" in said
    assert changed[0] == "schema = 2"
    assert migrate_task(folder) == []
    assert (folder / "task.toml").read_text(encoding="utf-8") == said


def test_nothing_is_written_over(tmp_path: Path) -> None:
    new_task(tmp_path / "one")

    with pytest.raises(StageTaken):
        new_task(tmp_path / "one")
