"""``neveridle config``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def test_show_says_where_each_setting_comes_from(
    cli: Callable[..., Any], project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEVERIDLE_MODEL__DEFAULT", "openai:x")
    monkeypatch.setenv("neveridle_limits", '{"attempts": 7}')
    monkeypatch.setenv("NEVERIDLE_TRACEBACK", "0")
    project.configure("[limits]\nattempts = 2\nmodel_calls = 9\n[agents.sam]\npaused = true\n")
    found = cli("config", "--json").json
    text = (project.folder / "neveridle.toml").read_text(encoding="utf-8").splitlines()

    settings = found["settings"]
    assert found["file"] == str(project.folder / "neveridle.toml")
    assert settings["model.default"] == {
        "value": "openai:x", "source": "environment", "where": "NEVERIDLE_MODEL__DEFAULT",
    }  # fmt: skip
    assert settings["limits.attempts"]["source"] == "environment"
    assert settings["limits.attempts"]["value"] == 7
    assert settings["limits.model_calls"] == {
        "value": 9, "source": "file", "where": str(text.index("model_calls = 9") + 1),
    }  # fmt: skip
    assert settings["limits.tool_calls"] == {"value": 150, "source": "default", "where": ""}
    assert settings["agents.sam.paused"]["value"] is True
    assert settings["checks.tests"]["source"] == "file"
    assert settings["team.name"]["value"] == "testers"


def test_show_prints_a_table(cli: Callable[..., Any], project: Any) -> None:
    del project
    ended = cli("config")

    assert ended.code == 0
    assert "model.default" in ended.out
    assert "line 2" in ended.out
    assert cli("config", "show").out == ended.out


def test_secrets_are_not_shown(
    cli: Callable[..., Any], project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_TOKEN", "the-token-value")
    project.configure(
        '[model]\nbase_url = "https://me:hunter22@example.invalid/v1"\n'
        '[sandbox]\nenvironment = { API_KEY = "abc", PLAIN = "the-token-value", LANG = "C" }\n'
    )
    for line in (["config"], ["config", "--json"], ["config", "check"]):
        shown = cli(*line).out
        assert not [secret for secret in ("hunter22", "abc", "the-token-value") if secret in shown]
    value = cli("config", "--json").json["settings"]["sandbox.environment"]["value"]
    assert value == {"API_KEY": "<secret>", "PLAIN": "<secret>", "LANG": "C"}


def test_check_says_that_nothing_is_wrong(cli: Callable[..., Any], project: Any) -> None:
    project.record("dispatch:x")
    ended = cli("config", "check", "--json")

    assert ended.code == 0
    assert ended.json == {
        "file": str(project.folder / "neveridle.toml"), "ok": True, "problems": [],
    }  # fmt: skip
    assert "nothing is wrong" in cli("config", "check").out


def test_check_names_every_problem_with_file_and_line(
    cli: Callable[..., Any], project: Any
) -> None:
    (project.folder / "agents" / "leo.md").write_text("---\nrole: 3\n---\nx\n", encoding="utf-8")
    (project.folder / "agents" / "sam.md").write_text("no front matter\n", encoding="utf-8")
    project.git("checkout", "--quiet", "--detach")
    ended = cli("config", "check", "--json")

    assert ended.code == 2
    found = [
        (one["code"], one["file"].rpartition("/")[2], one["line"]) for one in ended.json["problems"]
    ]
    assert found == [
        ("soul-invalid", "leo.md", 2),
        ("soul-invalid", "sam.md", 1),
        ("repository-unusable", "", None),
        ("model-not-configured", "", None),
    ]
    assert all(one["remedy"] for one in ended.json["problems"])
    shown = cli("config", "check")
    assert shown.code == 2
    assert "sam.md:1: a soul starts with front matter" in shown.out


def test_check_names_every_broken_setting(cli: Callable[..., Any], project: Any) -> None:
    project.configure("[limits]\nattempts = 0\nspeed = 3\n")
    problems = cli("config", "check", "--json").json["problems"]
    count = (project.folder / "neveridle.toml").read_text(encoding="utf-8").count("\n")

    assert [(one["code"], one["line"]) for one in problems] == [
        ("settings-invalid", count - 1),
        ("settings-invalid", count),
    ]


def test_check_sees_what_a_run_would_stumble_over(cli: Callable[..., Any], project: Any) -> None:
    path = project.folder / "neveridle.toml"
    text = path.read_text(encoding="utf-8").replace("tests = ", "# tests = ")
    path.write_text(text, encoding="utf-8")
    project.configure('[model]\ndefault = "replay:missing.jsonl"\n[agents.nobody]\npaused = true\n')
    codes = [one["code"] for one in cli("config", "check", "--json").json["problems"]]

    assert codes == ["soul-invalid", "settings-invalid", "recording-invalid"]
