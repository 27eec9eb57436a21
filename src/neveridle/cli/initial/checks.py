"""Which commands a repository is checked with, by what lies in it."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any, cast

TEXT_LIMIT = 1_000_000
"""Bytes of one file that are looked at."""
TESTS_READ = 200
"""Test files looked into, to tell pytest from unittest."""
SKIPPED = {".git", ".venv", "venv", "node_modules", ".tox", "build", "dist"}


def find_checks(top: Path) -> dict[str, str]:
    """Commands by name, in the order they should run; empty where nothing is recognised.

    Only files are read: nothing of the repository is run.

    Args:
        top: the repository's top folder.
    """
    found: dict[str, str] = {}
    for more in (_python(top), _node(top), _cargo(top), _go(top)):
        for kind, name, command in more:
            found[kind if kind not in found else name] = command
    for name, targets in {"tests": ("test", "tests"), "lint": ("lint",)}.items():
        target = next((one for one in targets if one in _make_targets(top)), None)
        if target is not None:
            found.setdefault(name, f"make {target}")
    if not found and "check" in _make_targets(top):  # tests, or linters, or all of it
        found["check"] = "make check"
    return found


def _python(top: Path) -> list[tuple[str, str, str]]:
    project = _toml(top / "pyproject.toml")
    tools = _table(project.get("tool"))
    python = "python" if shutil.which("python") or not shutil.which("python3") else "python3"
    # In a clone an editable install still leads to the original: the clone's code goes first.
    ahead = "PYTHONPATH=src " if _has(top / "src", "*/__init__.py") else ""
    found: list[tuple[str, str, str]] = []
    tests = _python_tests(top, tools)
    if tests:
        command = tests if tests == "tox" else f"{ahead}{python} -m {tests}"
        found.append(("tests", "tests-python", command))
    if "ruff" in tools or _any(top, "ruff.toml", ".ruff.toml"):
        found.append(("lint", "lint-python", "ruff check ."))
    elif _any(top, ".flake8") or "[flake8]" in _text(top / "setup.cfg"):
        found.append(("lint", "lint-python", "flake8"))
    config = "\n".join(_text(top / name) for name in ("mypy.ini", ".mypy.ini", "setup.cfg"))
    if "mypy" in tools or re.search(r"^\[mypy\]", config, re.MULTILINE):
        named = "files" in _table(tools.get("mypy")) or re.search(
            r"^files\s*=", config, re.MULTILINE
        )
        found.append(("types", "types-python", "mypy" if named else "mypy ."))
    return found


def _python_tests(top: Path, tools: dict[str, Any]) -> str:
    """The module that runs the tests, with its arguments; ``tox``; or nothing."""
    configured = (
        "pytest" in tools
        or _any(top, "pytest.ini", ".pytest.ini", "conftest.py")
        or "[tool:pytest]" in _text(top / "setup.cfg")
        or "[pytest]" in _text(top / "tox.ini")
    )
    files = _test_files(top)
    if configured or any(
        path.name == "conftest.py" or re.search(r"^\s*(import|from) pytest\b", text, re.MULTILINE)
        for path, text in files
    ):
        return "pytest -q"
    if re.search(r"^\[(tox|testenv)", _text(top / "tox.ini"), re.MULTILINE):
        return "tox"
    if not files:
        return ""
    if not any("unittest" in text for _, text in files):
        return "pytest -q"  # plain functions, which unittest would not find
    folders = {path.relative_to(top).parts[0] for path, _ in files if path.parent != top}
    if len(folders) == 1 and not any(path.parent == top for path, _ in files):
        folder = folders.pop()
        inside = f" -s {folder}"
        return f"unittest discover{inside}{' -t .' if _any(top / folder, '__init__.py') else ''}"
    return "unittest discover"


def _test_files(top: Path) -> list[tuple[Path, str]]:
    found: list[Path] = []
    for pattern in ("test_*.py", "*_test.py", "conftest.py"):
        found += sorted(top.glob(pattern))
        for folder in ("test", "tests"):
            found += sorted((top / folder).rglob(pattern))
    chosen = [path for path in found if not SKIPPED & set(path.relative_to(top).parts)]
    return [(path, _text(path)) for path in chosen[:TESTS_READ]]


def _node(top: Path) -> list[tuple[str, str, str]]:
    text = _text(top / "package.json")
    try:
        data: object = json.loads(text) if text else {}
    except json.JSONDecodeError:
        return []
    scripts = _table(_table(data).get("scripts"))
    runner = next(
        (
            name
            for name, lock in (
                ("pnpm", "pnpm-lock.yaml"),
                ("yarn", "yarn.lock"),
                ("bun", "bun.lock"),
            )
            if (top / lock).is_file()
        ),
        "npm",
    )
    found: list[tuple[str, str, str]] = []
    test = str(scripts.get("test", ""))
    if test and "no test specified" not in test:
        found.append(("tests", "tests-node", f"{runner} run test"))
    if scripts.get("lint"):
        found.append(("lint", "lint-node", f"{runner} run lint"))
    return found


def _cargo(top: Path) -> list[tuple[str, str, str]]:
    if not (top / "Cargo.toml").is_file():
        return []
    return [("tests", "tests-rust", "cargo test --quiet")]


def _go(top: Path) -> list[tuple[str, str, str]]:
    if not (top / "go.mod").is_file():
        return []
    return [("tests", "tests-go", "go test ./...")]


def _make_targets(top: Path) -> set[str]:
    name = next((n for n in ("GNUmakefile", "makefile", "Makefile") if _any(top, n)), "")
    rules = re.findall(r"^([\w.\- ]+):(?![:=])", _text(top / name) if name else "", re.MULTILINE)
    return {target for rule in rules for target in rule.split()}


def _any(folder: Path, *names: str) -> bool:
    return any((folder / name).is_file() for name in names)


def _has(folder: Path, pattern: str) -> bool:
    return next(folder.glob(pattern), None) is not None


def _text(path: Path) -> str:
    """The file's text, or nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(TEXT_LIMIT).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    except OSError:
        return ""


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:  # somebody else's file: what it means is not ours to say
        return {}


def _table(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
