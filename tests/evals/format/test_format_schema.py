"""The schemas that are shipped, and the list of events, are those of the code."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import neveridle
from neveridle.cli.evals import app
from neveridle.evals import shipped_tasks
from neveridle.evals.event_kinds import KINDS
from neveridle.evals.json_schema import FILES, FOLDER, schema_text, task_schema
from neveridle.evals.scaffold import FILES as SCAFFOLD

DOCS = Path(__file__).parents[3] / "docs"
NO_EVENTS = {"inbox.id", "improvement.lint", "memory.lock", "model.safetensors"}
"""Words of the same form that name files and columns."""


@pytest.mark.parametrize("what", sorted(FILES))
def test_the_shipped_schema_is_current(what: str) -> None:
    shipped = (FOLDER / FILES[what]).read_text(encoding="utf-8")

    assert shipped == schema_text(what), "run: python -m neveridle.evals.json_schema"


def test_the_command_prints_them() -> None:
    runner = CliRunner()

    assert json.loads(runner.invoke(app, ["schema"]).stdout)["properties"].keys() >= {"expect"}
    assert "results" in json.loads(runner.invoke(app, ["schema", "--results"]).stdout)["properties"]


def test_the_schema_fits_what_is_shipped() -> None:
    schema = pytest.importorskip("jsonschema")
    checker = schema.Draft202012Validator(task_schema())
    for folder in shipped_tasks().values():
        data = tomllib.loads((folder / "task.toml").read_text(encoding="utf-8"))
        assert list(checker.iter_errors(json.loads(json.dumps(data, default=str)))) == []
    wrong = {**tomllib.loads(SCAFFOLD["task.toml"]), "no_such": 1}
    assert list(checker.iter_errors(wrong)) != []


def test_every_kind_of_event_is_known() -> None:
    nouns = {kind.partition(".")[0] for kind in KINDS}
    found: set[str] = set()
    root = Path(neveridle.__file__).parent
    for package in ("board", "graph", "agents", "memory"):
        for path in (root / package).resolve().rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= set(re.findall(r"^[a-z_]+\.[a-z_]+$", node.value))

    unknown = {one for one in found if one.partition(".")[0] in nouns} - KINDS - NO_EVENTS
    assert unknown == set(), "add them to evals/event_kinds.py"


def test_the_walk_through_of_the_docs_is_the_one_that_is_tested() -> None:
    page = (DOCS / "evals_format.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"`([^`\n]+)`:\n\n```[a-z]*\n(.*?)```\n", page, re.DOTALL))

    for name in ("task.toml", "neveridle.toml", "agents/kim.md", "repository/greeter.py"):
        assert shown[name] == SCAFFOLD[name], name
    assert shown["repository/tests/test_greeter.py"] == SCAFFOLD["repository/tests/test_greeter.py"]
    assert shown["recording.jsonl"] == SCAFFOLD["recording.jsonl"]


def test_the_docs_name_every_expectation() -> None:
    from neveridle.evals.expectations import Expectations

    page = (DOCS / "evals_format.md").read_text(encoding="utf-8")
    assert [name for name in Expectations.model_fields if f"`{name}`" not in page] == []
