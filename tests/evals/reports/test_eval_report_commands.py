"""``neveridle eval compare`` and ``report``: what they print, write, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.cli.app import run
from neveridle.cli.cells import cells
from neveridle.cli.evals_shown import print_gate, print_results
from neveridle.evals.report import check_baseline, write_baseline
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult

Make = Callable[..., CaseResult]
Suite = Callable[..., SuiteResult]
Cli = Callable[..., tuple[int, str, str]]
EVIL = "\x1b[2J\u202e titles are data 中文" * 4


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run ``neveridle eval``: its exit code, and what it said, at 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def invoke(*arguments: str | Path) -> tuple[int, str, str]:
        code = run(["eval", *map(str, arguments)])
        said = capfd.readouterr()
        return code, said.out, said.err

    return invoke


@pytest.fixture
def files(make: Make, suite: Suite, tmp_path: Path) -> tuple[Path, Path]:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    line = ScoreLine(name=EVIL, value=0.0, passed=False, detail=EVIL)
    suite(make("a", model_calls=4), make("b", model_calls=4), make("old")).write(before)
    suite(
        make("a", "failed", title=EVIL, model_calls=4, scores=[line]),
        make("b", model_calls=5, cost=0.25, input_tokens=1200, output_tokens=34), make("new"),
        make(EVIL, "error", trouble=EVIL), make("left", "skipped", trouble="no sandbox"),
        seconds=12,
    ).write(after)  # fmt: skip
    return before, after


def test_a_comparison_says_what_got_better_and_worse(cli: Cli, files: tuple[Path, Path]) -> None:
    code, out, _ = cli("compare", *files)
    assert code == 0
    rows = {line.split()[0]: line.split()[-1] for line in out.splitlines() if line.strip()}
    assert (rows["a"], rows["old"], rows["new"]) == ("worse", "gone", "new")
    assert "· model_calls" in out
    assert "a difference is a difference" in out
    assert "\x1b" not in out
    table = [line for line in out.splitlines() if line.endswith(("worse", "gone", "new", "same"))]
    assert all(cells(line) <= 80 for line in table)


def test_a_comparison_as_json_and_page(cli: Cli, files: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, out, _ = cli("compare", *files, "--json", "--html", page)
    data: dict[str, Any] = json.loads(out)
    assert code == 0
    assert {one["task"]: one["verdict"] for one in data["tasks"]}["a"] == "worse"
    assert data["sides"][0]["name"] == "before"
    assert "<svg" not in page.read_text("utf-8")  # replays have no intervals to be drawn
    assert "before → after" in page.read_text("utf-8")


def test_worse_ends_with_1_only_where_that_was_asked_for(
    cli: Cli, files: tuple[Path, Path]
) -> None:
    before, after = files
    assert cli("compare", before, after)[0] == 0
    assert cli("compare", before, after, "--fail-on-worse")[0] == 1
    assert cli("compare", before, after, "--fail-on-worse", "--json")[0] == 1
    assert cli("compare", before, before, "--fail-on-worse")[0] == 0


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(
    cli: Cli, files: tuple[Path, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_bytes(files[0].read_bytes()[:100])
    for command in (("compare", files[0], broken), ("report", broken)):
        code, _, err = cli(*command)
        assert code == 2
        assert "results-invalid" in err
        assert "broken.json stops in the middle" in err
    code, out, _ = cli("compare", files[0], tmp_path / "none.json", "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "results-invalid"


def test_a_report_is_made_from_a_file(cli: Cli, files: tuple[Path, Path], tmp_path: Path) -> None:
    page, junit = tmp_path / "page.html", tmp_path / "junit.xml"
    code, out, _ = cli("report", files[1], "--html", page, "--junit", junit)
    assert code == 0
    assert "2 passed, 1 failed, 1 error, 1 skipped: 5 runs of 5 tasks in 12 s" in out
    assert "no sandbox" in out
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert junit.read_text("utf-8").startswith("<?xml")
    table = out.split("\n\n", 1)[0].splitlines()
    assert len(table) == 6
    assert all(cells(line) <= 80 for line in table)
    assert table[2].split() == ["b", "1/1", "passed", "1/1", "5", "1,234", "$0.2500", "-"]
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert cli("report", files[1], "--json")[1] == cli("report", files[1], "--json")[1]


def test_the_gate_says_what_regressed_and_what_was_not_run(
    make: Make, suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(suite(make("a", model_calls=4), make("b"), make("c", "failed")), path)
    now = suite(make("a", model_calls=8), make("c"), make("d"))
    print_results(now)
    print_gate(check_baseline(now, path, partial=True), path)
    out = capsys.readouterr().out
    assert f"1 regressions against {path}:" in out
    assert "a: model_calls: 4 before, 8 now (+100%)" in out
    assert "Not run, and not compared: b" in out
    assert "Not in the baseline: d" in out
    assert "Better than the baseline, which can be written anew: c" in out
    print_gate(check_baseline(suite(make("a", model_calls=4), make("b"), make("c")), path), path)
    assert "No regression against" in capsys.readouterr().out
    assert [one.name for one in tmp_path.iterdir()] == ["baseline.json"]


@pytest.mark.parametrize("option", ["--output", "--junit", "--html", "--write-baseline"])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_run(
    cli: Cli, tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")

    code, out, err = cli("run", "demo", option, tmp_path / "file" / "out")

    assert (code, out) == (2, "")
    assert "error[results-invalid]" in err
    assert "cannot be written" in err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_what_the_command_line_alone_shows_to_be_wrong_runs_nothing(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for name in ("one", "two"):
        (tmp_path / name / "same").mkdir(parents=True)
        (tmp_path / name / "same" / "task.toml").write_text("schema = 2\n", encoding="utf-8")

    kept = cli("run", "demo", "--folder", tmp_path / "file")
    model = cli("run", "demo", "--model", "nonsense")
    typed = cli("run", "rate-limit")
    empty = cli("run", tmp_path / "empty")
    twice = cli("run", tmp_path / "one", tmp_path / "two" / "same")

    assert [one[:2] for one in (kept, model, typed, empty, twice)] == [(2, "")] * 5
    assert "Two recorded tasks are called 'same'" in twice[2]
    assert "Nothing can be kept in" in kept[2]
    assert "provider:model" in model[2]
    assert "Did you mean rate-limited?" in typed[2]
    assert "holds no task.toml" in empty[2]


def test_what_to_do_is_said_once(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "newer"
    folder.mkdir()
    (folder / "task.toml").write_text("schema = 99\n", encoding="utf-8")

    code, out, _ = cli("run", folder, "--output", tmp_path / "out.json")

    said = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["results"][0]["trouble"]
    assert code == 1
    assert said["remedy"].startswith("Update neveridle")
    assert said["remedy"] not in said["message"]
    assert said["remedy"] in out


def test_a_difference_of_many_lines_keeps_them(
    make: Make, suite: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    detail = "asked something else:\n- old\n+ new\n" + "line\n" * 100
    line = ScoreLine(name="requests", value=0.0, passed=False, detail=detail)

    print_results(suite(make("a", "failed", scores=[line])))

    out = capsys.readouterr().out.splitlines()
    start = out.index("  requests: asked something else:")
    assert out[start + 1 : start + 3] == ["    - old", "    + new"]
    assert "    and 63 more lines" in out
