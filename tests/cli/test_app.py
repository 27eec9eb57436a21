"""Help, version, completion, and how every kind of error ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from neveridle.cli import failure, status
from neveridle.cli.app import COMMANDS, app
from neveridle.errors import ServiceError

MAIN = "from neveridle.cli import main; main()"


def test_help_names_every_command(cli: Callable[..., Any]) -> None:
    ended = cli("--help")

    assert ended.code == 0
    for name in COMMANDS:
        assert name in ended.out


def test_alone_it_shows_the_help(cli: Callable[..., Any]) -> None:
    assert cli().out == cli("--help").out


def _lines(group: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words that name each command, those in groups too."""
    with group.make_context("neveridle", [], resilient_parsing=True) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if hasattr(command, "list_commands"):
                yield from _lines(command, (*above, name))
            else:
                yield (*above, name)


@pytest.mark.parametrize("line", list(_lines(typer.main.get_command(app))), ids=" ".join)
def test_every_command_has_help_and_json(cli: Callable[..., Any], line: tuple[str, ...]) -> None:
    ended = cli(*line, "--help")

    assert ended.code == 0
    assert "--json" in ended.out
    assert "Raises" not in ended.out
    assert all(len(one) <= 80 for one in ended.out.splitlines())


def test_version(cli: Callable[..., Any]) -> None:
    from neveridle import __version__

    assert cli("--version").out == f"neveridle {__version__}\n"


def test_a_misspelt_command_is_a_usage_error(cli: Callable[..., Any]) -> None:
    ended = cli("statsu")

    assert ended.code == 2
    assert "error[usage]" in ended.err
    assert "'status'" in ended.err
    assert not ended.out


def test_a_usage_error_as_json(cli: Callable[..., Any]) -> None:
    ended = cli("tasks", "show", "--json")

    assert ended.code == 2
    assert ended.json["error"]["code"] == "usage"
    assert "neveridle tasks show --help" in ended.json["error"]["remedy"]


def test_an_unknown_subcommand_is_a_usage_error(cli: Callable[..., Any]) -> None:
    assert cli("tasks", "frobnicate").code == 2


def test_without_a_configuration_it_says_what_to_do(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli("status", "--json")

    assert ended.code == 2
    assert ended.json["error"]["code"] == "settings-invalid"
    assert "neveridle init" in ended.json["error"]["remedy"]
    lines = ended.err.splitlines()
    assert lines[0].startswith("error[settings-invalid]: ")
    assert "neveridle init" in lines[1]
    assert lines[2].endswith("#settings-invalid")


def test_a_broken_configuration_names_file_and_line(cli: Callable[..., Any], project: Any) -> None:
    project.configure("[limits]\nattempts = 0\n")
    ended = cli("status")

    number = (project.folder / "neveridle.toml").read_text(encoding="utf-8").count("\n")
    assert ended.code == 2
    assert f"neveridle.toml:{number}: limits.attempts" in ended.err


def test_config_names_a_file_elsewhere(
    cli: Callable[..., Any], project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    file = cli("config", "--json", "--config", str(project.folder / "neveridle.toml"))
    folder = cli("config", "--json", "-c", str(project.folder))

    assert file.json == folder.json
    assert file.json["settings"]["team.name"]["value"] == "testers"


def _raise(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let ``status`` fail with an error, at the place where its numbers become a table."""

    def fail(numbers: dict[str, Any], **given: Any) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(status, "status_of", fail)


@pytest.fixture
def with_board(project: Any) -> Any:
    async def nothing(board: Any) -> None:
        del board

    project.on_board(nothing)
    return project


@pytest.mark.usefixtures("with_board")
def test_a_service_s_failure_ends_with_3(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _raise(monkeypatch, ServiceError("The provider is down.", remedy="Wait a little."))
    ended = cli("status")

    assert ended.code == 3
    assert ended.err.splitlines()[:2] == [
        "error[service]: The provider is down.",
        "Wait a little.",
    ]


@pytest.mark.usefixtures("with_board")
def test_ctrl_c_ends_with_130(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    _raise(monkeypatch, KeyboardInterrupt())

    assert cli("status").code == 130


@pytest.mark.usefixtures("with_board")
def test_a_bug_is_called_one_and_keeps_its_traceback(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("SOME_API_KEY", "hidden-value-123")
    _raise(monkeypatch, RuntimeError("unforeseen hidden-value-123"))
    ended = cli("status", "--json")

    assert ended.code == 1
    assert ended.json["error"]["code"] == "bug"
    assert "RuntimeError: unforeseen <secret>" in ended.json["error"]["message"]
    assert "Traceback" not in ended.err
    (kept,) = tmp_path.glob("neveridle-traceback-*.txt")
    assert str(kept) in ended.err
    text = kept.read_text(encoding="utf-8")
    assert "Traceback" in text
    assert "hidden-value-123" not in text + ended.err + ended.out


@pytest.mark.usefixtures("with_board")
def test_the_traceback_of_a_bug_is_shown_on_request(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(failure.TRACEBACK, "1")
    _raise(monkeypatch, RuntimeError("unforeseen"))

    assert "Traceback" in cli("status").err


def test_json_is_asked_for_before_two_hyphens_only() -> None:
    assert failure.wants_json(["tasks", "--json"])
    assert not failure.wants_json(["tasks", "add", "--", "--json"])


def test_the_shell_is_told_the_commands(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", MAIN],
        env={
            **os.environ,
            "_NEVERIDLE_COMPLETE": "complete_bash",
            "COMP_WORDS": "neveridle sta",
            "COMP_CWORD": "1",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == ["status"]


def test_odd_terminals_get_what_they_can_show(project: Any) -> None:
    """Neither a terminal that knows ASCII only, nor half a character, is a reason to fail."""
    project.configure('[agents.leo]\nskills = ["snow ☃"]\n')
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for line in (["config"], ["config", "--json"], ["--help"]):
        done = subprocess.run(
            [sys.executable, "-P", "-c", MAIN, *line],
            env=environment,
            cwd=project.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        if "--json" in line:
            shown = json.loads(done.stdout)["settings"]["agents.leo.skills"]["value"]
            assert shown == ["snow ☃"]


def test_a_reader_that_goes_away_is_no_bug(project: Any) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as nobody_reads:  # noqa: PTH123 - a file descriptor, not a path
        done = subprocess.run(
            [sys.executable, "-P", "-c", MAIN, "config", "--json"],
            cwd=project.folder,
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (1, "")
