"""``neveridle doctor``, and ``neveridle tidy``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source
from neveridle.board.aging import DAY
from neveridle.cli.doctor import PARTS, checks
from neveridle.errors import BoardUnusable
from neveridle.graph.programs import program_of
from neveridle.health import Check, Finding, Grade, examine, in_thread
from neveridle.settings import Settings

RECORDING = '{"format": "neveridle-recording", "version": 1}\n'


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files and what they hold."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        if ".git" not in path.parts
    }


def findings(ended: Any, grade: str) -> list[str]:
    """What was found of a grade, with its remedy."""
    return [
        f"{one['about']}: {one['message']} {one['remedy']}"
        for one in ended.json["findings"]
        if one["grade"] == grade
    ]


@pytest.fixture
def sound(project: Any) -> Any:
    """A project in which nothing is wrong."""
    (project.folder / "recording.jsonl").write_text(RECORDING, encoding="utf-8")
    project.configure('[model]\ndefault = "replay:recording.jsonl"\n')
    return project


def test_a_sound_team_and_nothing_is_written(cli: Callable[..., Any], sound: Any) -> None:
    before = snapshot(sound.folder)
    ended = cli("doctor", "--json")
    assert (findings(ended, "problem"), ended.code) == ([], 0)
    assert ended.json["ok"] is True
    about = {one["about"] for one in ended.json["findings"]}
    assert about >= {"settings", "repository", "sandbox", "checks", "disk", "models", "agents",
                     "branches", "finders", "board", "memory", "checkpoints", "home"}  # fmt: skip
    assert snapshot(sound.folder) == before
    out = cli("doctor").out
    assert "SAM" not in out
    assert "leo, sam" in out

    async def one(board: Board) -> None:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="x"))

    sound.on_board(one)
    before = snapshot(sound.folder)
    ended = cli("doctor", "--json")
    assert ended.code == 0
    assert {"team", "clock", "tasks", "board's size"} <= {
        one["about"] for one in ended.json["findings"]
    }
    assert snapshot(sound.folder) == before


def test_what_is_missing_is_a_problem_with_a_remedy(
    cli: Callable[..., Any], project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    text = (project.folder / "neveridle.toml").read_text(encoding="utf-8")
    text = text.replace("[checks]", "[checks]\n" + "\n".join([
        'absent = "FLAG=1 no-such-program-x --all"', 'script = "cd tests && ./gone.sh"',
        'there = "cd tests && ./test_addition.py"', 'shell = "if true; then true; fi"',
        'unknown = "$SHELL -c true"',
    ]))  # fmt: skip
    text = text.replace("enabled = false", 'enabled = true\nfinders = ["todo", "magic"]', 1)
    text += '[model]\ndefault = "openai:x"\nlearn = "ollama:y"\n'
    text += '[delivery]\nbranch_prefix = "bad..name/"\n[agents.zoe]\npaused = true\n'
    (project.folder / "neveridle.toml").write_text(text, encoding="utf-8")
    ended = cli("doctor", "--json")
    problems = "\n".join(findings(ended, "problem"))
    assert ended.code == 1
    for words in (
        "checks.absent runs no-such-program-x, which is not there",
        "checks.script runs tests/gone.sh, which is not there",
        "There is no finder called 'magic'",
        "'bad..name/', and git allows no branch",
        "openai:x needs a key",
        "[agents.zoe] has no soul",
    ):
        assert words in problems
    for words in ("checks.there", "checks.shell", "checks.unknown", "checks.tests"):
        assert words not in problems
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-value-of-the-key")
    ended = cli("doctor", "--json")
    assert "openai:x is set, with OPENAI_API_KEY. It was not called." in ended.out
    assert "sk-the-value" not in ended.out + cli("doctor").out


def test_a_branch_in_the_way_is_told(cli: Callable[..., Any], sound: Any) -> None:
    sound.git("branch", "neveridle")
    (problem,) = findings(cli("doctor", "--json"), "problem")
    assert "The branch neveridle keeps git from making branches" in problem


def test_broken_settings_are_a_problem(cli: Callable[..., Any], project: Any) -> None:
    project.configure("[retention]\nevents = 0.5\n")
    ended = cli("doctor", "--json")
    (problem,) = findings(ended, "problem")
    assert ended.code == 1
    assert "neveridle.toml:14: retention.events: at least 1 day" in problem
    assert cli("tidy").code == 2


def test_without_a_configuration_it_says_so(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli("doctor")
    assert ended.code == 2
    assert "neveridle init" in ended.err


def test_clones_of_no_task_are_told(cli: Callable[..., Any], sound: Any) -> None:
    async def one(board: Board) -> None:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="x"))

    sound.on_board(one)
    for name in ("1-1", "77-2", "look-me"):
        (sound.folder / ".neveridle" / "work" / name).mkdir(parents=True)
    (warning,) = [w for w in findings(cli("doctor", "--json"), "warning") if "home" in w]
    assert "1 clones are of tasks that are not on this board" in warning
    assert "77-2" in warning


def test_files_from_windows_are_read_as_they_are(cli: Callable[..., Any], sound: Any) -> None:
    for path in (sound.folder / "neveridle.toml", *sound.folder.glob("agents/*.md")):
        text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
        path.write_bytes(
            b"\xef\xbb\xbf" + text.encode() if path.suffix == ".toml" else text.encode()
        )
    ended = cli("doctor", "--json")
    assert (findings(ended, "problem"), ended.code) == ([], 0)
    sound.configure("[retention]\r\nevents = -1\r\n")
    (problem,) = findings(cli("doctor", "--json"), "problem")
    lines = (sound.folder / "neveridle.toml").read_text(encoding="utf-8").splitlines()
    assert f"neveridle.toml:{lines.index('events = -1') + 1}: retention.events" in problem


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns"])
def test_another_time_zone_changes_nothing(sound: Any, zone: str, cli: Callable[..., Any]) -> None:
    async def one(board: Board) -> None:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="x"))

    sound.on_board(one)
    code = "import sys; from neveridle.cli.app import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-P", "-c", code]
    import json
    import os

    def said(*line: str) -> Any:
        done = subprocess.run(
            [*command, *line, "--json"], cwd=sound.folder, capture_output=True, check=True,
            env={**os.environ, "TZ": zone},
        )  # fmt: skip
        return json.loads(done.stdout)

    (clock,) = [one for one in said("doctor")["findings"] if one["about"] == "clock"]
    assert clock["grade"] == "ok"
    assert not any(said("tidy")["removed"].values())


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap to mount read-only")
def test_a_home_that_cannot_be_written_is_told(sound: Any) -> None:
    async def one(board: Board) -> None:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="x"))

    sound.on_board(one)
    home = str(sound.folder / ".neveridle")
    code = "import sys; from neveridle.cli.app import run; sys.exit(run(sys.argv[1:]))"
    inside = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", home, home, "--"]
    if subprocess.run([*inside, "true"], check=False, capture_output=True).returncode:
        pytest.skip("bubblewrap does not work here")

    def ended(*line: str) -> tuple[int, str]:
        done = subprocess.run(
            [*inside, sys.executable, "-P", "-c", code, *line],
            cwd=sound.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    code_, said = ended("doctor", "--json")
    assert code_ == 1
    assert "cannot be written" in said
    assert '"about": "tasks"' in said  # the board was read all the same
    code_, said = ended("tidy")
    assert code_ == 2
    assert "bug" not in said
    assert "cannot be" in said


def test_tidy_says_what_goes_and_then_removes_it(cli: Callable[..., Any], sound: Any) -> None:
    assert cli("tidy").code == 2  # there is no board, and none is made
    assert not sound.board_file.parent.exists()

    async def old(board: Board) -> None:
        await board.clock.script(1_000_000.0)
        for number in (1, 2):
            await board.tasks.add(NewTask(source=Source.BACKLOG, title=f"{number}"))
            await board.tasks.cancel(number)
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="open"))
        await board.clock.advance(100 * DAY)

    sound.on_board(old)
    dry = cli("tidy", "--dry-run", "--json").json
    assert (dry["dry_run"], dry["removed"]["tasks"]) == (True, 2)
    assert "would go" in cli("tidy", "--dry-run").out

    async def count(board: Board) -> int:
        return len(await board.tasks.find())

    assert sound.on_board(count) == 3
    ended = cli("tidy", "--vacuum")
    assert ended.code == 0
    assert "tasks" in ended.out
    assert "vacuum gave" in ended.out
    assert sound.on_board(count) == 1
    assert "Nothing is old enough" in cli("tidy").out
    assert cli("tidy", "--dry-run", "--vacuum").code == 2

    async def hold(board: Board) -> None:
        await board.tasks.cancel(3)
        await board.clock.advance(100 * DAY)
        await board.syncs.hold("retention", "another", seconds=300)

    sound.on_board(hold)
    ended = cli("tidy")
    assert ended.code == 4
    assert "Another process is tidying" in ended.err


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("pytest -q", "pytest"),
        ("A=1 B='x y' python -m pytest", "python"),
        ("! grep -r TODO .", "grep"),
        ("(make test)", "make"),
        ("cd web && npm test", "npm"),
        ("cd web; ./run.sh --all", "web/run.sh"),
        ("./run.sh", "run.sh"),
        ("/usr/bin/env x", "/usr/bin/env"),
        ("cd .. && ./x", ""),
        ("$PYTHON -m pytest", ""),
        ('"my program" x', ""),
        ("[ -e x ]", ""),
        ("pytest&&ruff", "pytest"),
        ("py'te'st", ""),
        ("", ""),
    ],
)
def test_the_program_a_command_begins_with(command: str, program: str) -> None:
    assert program_of(command) == program


async def test_one_check_that_hangs_or_breaks_hides_no_other() -> None:
    dead = threading.Event()

    async def fine(settings: Settings) -> Sequence[Finding]:
        return [Finding(about="fine", message="It is.")]

    async def hangs(settings: Settings) -> Sequence[Finding]:
        await in_thread(dead.wait)
        return []

    async def raises(settings: Settings) -> Sequence[Finding]:
        msg = "gone"
        raise BoardUnusable(msg, remedy="Look for it.")

    async def breaks(settings: Settings) -> Sequence[Finding]:
        msg = "bug"
        raise KeyError(msg)

    found = await examine(
        [Check("hangs", hangs, 0.01), Check("raises", raises), Check("breaks", breaks),
         Check("fine", fine)], Settings(),
    )  # fmt: skip
    dead.set()
    assert [(one.about, one.grade) for one in found] == [
        ("hangs", Grade.PROBLEM), ("raises", Grade.PROBLEM), ("breaks", Grade.PROBLEM),
        ("fine", Grade.OK),
    ]  # fmt: skip
    assert found[1].remedy == "Look for it."
    assert "KeyError" in found[2].message


def test_every_part_registers_checks() -> None:
    names = [check.name for check in checks()]
    assert len(set(names)) == len(names) >= 12
    assert all(part.endswith(".health") for part in PARTS)
