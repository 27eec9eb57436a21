from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from neveridle.tools.workspace import Workspace, Workspaces

WHO = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")


class PersonsRepository:
    """A repository as a person has it, handled by plain git."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, check: bool = True) -> str:
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") and name != "HOME"
        }
        done = subprocess.run(
            ["git", *WHO, *arguments],
            cwd=self.path,
            env={**env, "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            check=False,
            capture_output=True,
        )
        if check and done.returncode:
            raise AssertionError(done.stderr.decode())
        return done.stdout.decode().strip()

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(text.encode())

    def commit(self, **files: str) -> str:
        """Commit files (``a__b`` for ``a.b``) and return the commit."""
        for name, text in files.items():
            self.write(name.replace("__", "."), text)
        self.git("add", "-A")
        self.git("commit", "-qm", "by a person")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> PersonsRepository:
    path = tmp_path / "a répo of mine"
    path.mkdir()
    made = PersonsRepository(path)
    made.git("init", "-q", "-b", "main")
    made.write("src/app.py", "print('hello')\n")
    made.write(".gitignore", "ignored/\n")
    made.commit(a__txt="one\ntwo\nthree\n", crlf__txt="one\r\ntwo\r\n")
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home of the téam"


@pytest.fixture
async def spaces(repo: PersonsRepository, home: Path) -> Workspaces:
    made = Workspaces(repo.path, home)
    await made.open()
    return made


@pytest.fixture
async def work(spaces: Workspaces) -> Workspace:
    return await spaces.create("1-1", branch="neveridle/1-task")


@pytest.fixture
def files() -> Callable[[Path], dict[str, str]]:
    """What a folder holds: path to text (a link's target), leaving folders out."""

    def listed(folder: Path) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            elif path.is_file():
                found[name] = path.read_bytes().decode("utf-8", "surrogateescape")
        return found

    return listed
