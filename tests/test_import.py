"""What is loaded, and when: importing neveridle costs next to nothing and does nothing."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from neveridle.board import Board, NewTask, Source

ROOT = Path(__file__).parents[1]
SOURCES: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "tool"
]["hatch"]["build"]["targets"]["wheel"]["sources"]

HEAVY = {
    *("langgraph", "langchain", "langchain_core", "chromadb", "torch", "sqlalchemy", "psycopg"),
    *("pydantic", "numpy", "alembic", "sentence_transformers", "onnxruntime", "transformers"),
    *("structlog", "opentelemetry"),
}
# What a command may not load that needs no model, no embedding and no migration.
COMMAND_FREE_OF = HEAVY - {"pydantic", "numpy"} | {"langchain_openai", "openai"}

RUN_COMMAND = """
import sys
sys.argv = ["neveridle", *sys.argv[1:]]
from neveridle.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
else:
    code = 0
print("exit code:", code or 0, file=sys.stderr)
print("modules:", *sys.modules, file=sys.stderr)
"""


def _packages() -> list[str]:
    """Every package of ours, by its dotted name."""
    names: list[str] = []
    for source, target in SOURCES.items():
        for folder, folders, files in os.walk(ROOT / source):
            here = Path(folder)
            folders[:] = [
                name
                for name in folders
                if name != "tasks" and not (here / name).is_symlink()  # data; linked: listed once
            ]
            if "__init__.py" in files:
                inside = Path(target) / here.relative_to(ROOT / source)
                names.append(".".join(inside.parts))
    return sorted(names)


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, str]:
    """An environment whose HOME, caches and temporary folder are new and empty."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "NEVERIDLE_"))}
    return {**kept, "HOME": str(home), "USERPROFILE": str(home), "TMPDIR": str(home)}


def _python(environment: dict[str, str], folder: Path, *arguments: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.stdout, done.stderr


def _loaded(modules: str) -> set[str]:
    return {name.partition(".")[0] for name in modules.split()}


def test_import_does_nothing(fresh: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    before = set(tmp_path.rglob("*"))

    printed = _python(fresh, folder, "-c", "import neveridle")
    modules, _ = _python(fresh, folder, "-c", "import neveridle, sys; print(*sys.modules)")

    assert printed == ("", "")
    assert set(tmp_path.rglob("*")) == before
    assert not HEAVY & _loaded(modules)


@pytest.mark.parametrize("name", _packages())
def test_all_names_what_the_package_exports(name: str) -> None:
    module = importlib.import_module(name)
    named: list[str] = getattr(module, "__all__", [])

    assert len(set(named)) == len(named)
    for public in named:
        assert getattr(module, public) is not None, public
    assert _exported(module) <= set(named)


def _exported(module: ModuleType) -> set[str]:
    """Names a package took from its own modules to hand them on."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and str(getattr(value, "__module__", "")).startswith(f"{module.__name__}.")
    }


@pytest.fixture
def team_folder(tmp_path: Path) -> Path:
    """A git repository with a configuration and a board on which one task waits."""
    folder = tmp_path / "a team's föld"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)
    (folder / "neveridle.toml").write_text("", encoding="utf-8")
    (folder / ".neveridle").mkdir()

    async def seed() -> None:
        async with Board(f"sqlite:///{folder / '.neveridle' / 'board.db'}") as board:
            await board.tasks.add(NewTask(source=Source.DISPATCH, title="Fix the login test"))

    asyncio.run(seed())
    return folder


def test_status_loads_nothing_heavy(fresh: dict[str, str], team_folder: Path) -> None:
    """Also on a board that is there and up to date: it is read without SQLAlchemy."""
    out, err = _python(fresh, team_folder, "-c", RUN_COMMAND, "status", "--json")
    code, _, modules = err.partition("modules:")

    assert "exit code: 0" in code
    assert "dispatch" in json.dumps(json.loads(out))
    assert "neveridle.board.sqlite.hot" in modules.split()
    assert not COMMAND_FREE_OF & _loaded(modules)


def test_status_where_nothing_is_set_up_loads_nothing_heavy(
    fresh: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    _, err = _python(fresh, folder, "-c", RUN_COMMAND, "status")

    assert "neveridle init" in err
    assert not COMMAND_FREE_OF & _loaded(err.partition("modules:")[2])


def test_help_loads_nothing_heavy(fresh: dict[str, str], tmp_path: Path) -> None:
    out, err = _python(fresh, tmp_path, "-c", RUN_COMMAND, "--help")
    code, _, modules = err.partition("modules:")

    assert "exit code: 0" in code
    assert "dispatch" in out
    assert not COMMAND_FREE_OF & _loaded(modules)
