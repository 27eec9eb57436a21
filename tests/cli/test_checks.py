"""Which checks ``init`` finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neveridle.cli.initial.checks import find_checks

UNITTEST = "import unittest\nclass T(unittest.TestCase):\n    def test_t(self): pass\n"
PLAIN = "def test_t(): pass\n"


def _lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("files", "checks"),
    [
        ({}, {}),
        ({"README.md": "x"}, {}),
        (
            {"pyproject.toml": "[tool.pytest]\n[tool.ruff]\n[tool.mypy]\nstrict = true\n"},
            {"tests": "python -m pytest -q", "lint": "ruff check .", "types": "mypy ."},
        ),
        ({"pyproject.toml": '[tool.mypy]\nfiles = ["src"]\n'}, {"types": "mypy"}),
        ({"mypy.ini": "[mypy]\r\nfiles = src\r\n"}, {"types": "mypy"}),
        ({"setup.cfg": "[tool:pytest]\n[flake8]\n[mypy]\n"},
         {"tests": "python -m pytest -q", "lint": "flake8", "types": "mypy ."}),
        ({"pytest.ini": "[pytest]\n"}, {"tests": "python -m pytest -q"}),
        ({"tests/conftest.py": ""}, {"tests": "python -m pytest -q"}),
        ({"tests/test_a.py": PLAIN}, {"tests": "python -m pytest -q"}),
        ({"tests/deep/a_test.py": f"import pytest\n{UNITTEST}"}, {"tests": "python -m pytest -q"}),
        ({"src/pkg/__init__.py": "", "pytest.ini": ""},
         {"tests": "PYTHONPATH=src python -m pytest -q"}),
        ({"tests/test_a.py": UNITTEST}, {"tests": "python -m unittest discover -s tests"}),
        ({"tests/test_a.py": UNITTEST, "tests/__init__.py": ""},
         {"tests": "python -m unittest discover -s tests -t ."}),
        ({"test_a.py": UNITTEST}, {"tests": "python -m unittest discover"}),
        ({"tox.ini": "[tox]\nenvlist = py\n"}, {"tests": "tox"}),
        ({"tox.ini": "[tox]\n[pytest]\n"}, {"tests": "python -m pytest -q"}),
        ({".ruff.toml": ""}, {"lint": "ruff check ."}),
        ({"package.json": '{"scripts": {"test": "vitest run", "lint": "eslint ."}}'},
         {"tests": "npm run test", "lint": "npm run lint"}),
        ({"package.json": '{"scripts": {"test": "x"}}', "pnpm-lock.yaml": ""},
         {"tests": "pnpm run test"}),
        ({"package.json": '{"scripts": {"test": "echo Error: no test specified && exit 1"}}'}, {}),
        ({"package.json": '{"scripts": {"test": "x"}}', "pytest.ini": ""},
         {"tests": "python -m pytest -q", "tests-node": "npm run test"}),
        ({"Cargo.toml": ""}, {"tests": "cargo test --quiet"}),
        ({"go.mod": ""}, {"tests": "go test ./..."}),
        ({"Makefile": "CC := x\ntest: a b\n\tdo\nlint check: all\n"},
         {"tests": "make test", "lint": "make lint"}),
        ({"Makefile": "check: all\n"}, {"check": "make check"}),
        ({"Makefile": "test:\n", "pytest.ini": ""}, {"tests": "python -m pytest -q"}),
        ({"Makefile": "test := 1\ntesting:\n.PHONY: test\n"}, {}),
        ({"pyproject.toml": "not toml ["}, {}),
        ({"package.json": "not json"}, {}),
        ({"package.json": "[1]"}, {}),
        ({"package.json": '{"scripts": "all"}'}, {}),
    ],
)  # fmt: skip
def test_checks_are_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    checks: dict[str, str],
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - a path is all it has to give

    assert find_checks(_lay(tmp_path, files)) == checks


def test_python3_where_there_is_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))

    found = find_checks(_lay(tmp_path / "project", {"pytest.ini": ""}))
    assert found == {"tests": "python3 -m pytest -q"}


@pytest.mark.parametrize(
    "files",
    [
        {"tests/test_a.py": UNITTEST},
        {"tests/test_a.py": UNITTEST, "tests/__init__.py": ""},
        {"test_a.py": UNITTEST},
        {"tests/test_a.py": PLAIN},
        {"src/pkg/__init__.py": "", "tests/test_a.py": f"import pkg\n{PLAIN}"},
    ],
)
def test_the_command_that_is_found_finds_the_tests(tmp_path: Path, files: dict[str, str]) -> None:
    """Run for real, and again with a test that fails."""
    _lay(tmp_path, files)
    (name,) = [name for name in files if name.endswith("test_a.py")]
    command = find_checks(tmp_path)["tests"].replace("python", sys.executable, 1)
    if "PYTHONPATH" in command:
        command = command.replace(sys.executable, "python").replace(" python", f" {sys.executable}")

    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def passes() -> bool:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            check=False,
            capture_output=True,
        )
        return done.returncode == 0

    assert passes()
    broken = (tmp_path / name).read_text(encoding="utf-8").replace("pass", "assert False, 'x' * 9")
    (tmp_path / name).write_text(broken, encoding="utf-8")
    assert not passes()
