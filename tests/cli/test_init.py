"""``neveridle init``."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from neveridle.agents.roster import Roster
from neveridle.cli.initial.repository import find_roadmap
from neveridle.cli.initial.souls import NAMES
from neveridle.settings import load_settings

Make = Callable[[Path, Mapping[str, str]], Path]

PROJECT = {
    "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[tool.ruff]\n',
    "tests/test_x.py": "def test_x(): pass\n",
    "docs/Roadmap.md": "- [ ] more\n",
}


@pytest.fixture
def repository(make_repository: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a repository without anything of ours."""
    folder = make_repository(tmp_path / 'my "own" föld', PROJECT)
    monkeypatch.chdir(folder)
    return folder


def test_init_writes_a_team_that_loads(cli: Callable[..., Any], repository: Path) -> None:
    ended = cli("init", "--json")

    assert ended.code == 0
    done = ended.json
    settings = load_settings(repository / "neveridle.toml")
    assert settings.team.name == repository.name
    assert settings.team.branch == "main"
    assert settings.team.roadmap == done["roadmap"] == "docs/Roadmap.md"
    assert settings.checks == done["checks"]
    assert sorted(settings.checks) == ["lint", "tests"]
    roster = Roster.load(settings.path(settings.team.souls), settings.agents)
    assert {agent.name: agent.role for agent in roster} == {
        "sam": "backend", "leo": "frontend", "quinn": "qa", "max": "pm",
    }  # fmt: skip
    assert all(len(agent.soul.text) > 500 and agent.skills for agent in roster)
    assert done["wrote"] == [
        "neveridle.toml",
        *(f"agents/{n}.md" for n in NAMES),
        ".git/info/exclude",
    ]
    assert done["kept"] == []
    assert any("[model]" in step for step in done["next"])


def test_what_it_wrote_passes_its_own_check_but_for_the_model(
    cli: Callable[..., Any], repository: Path
) -> None:
    del repository
    cli("init")
    problems = cli("config", "check", "--json").json["problems"]

    assert [one["code"] for one in problems] == ["model-not-configured"]


def test_the_board_is_excluded_by_git_s_own_list(cli: Callable[..., Any], repository: Path) -> None:
    cli("init")
    cli("dispatch", "sam", "Look")
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout

    assert (repository / ".neveridle" / "board.db").is_file()
    assert ".neveridle" not in status
    assert not (repository / ".gitignore").exists()


def test_twice_changes_nothing(cli: Callable[..., Any], repository: Path) -> None:
    cli("init")
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    done = cli("init", "--json").json

    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == before
    assert done["wrote"] == []
    assert done["kept"][0] == "neveridle.toml"


def test_what_is_there_is_kept_unless_forced(cli: Callable[..., Any], repository: Path) -> None:
    (repository / "neveridle.toml").write_text('[team]\nname = "mine"\n', encoding="utf-8")
    (repository / "agents").mkdir()
    mine = repository / "agents" / "ada.md"
    mine.write_text("---\nrole: all\n---\nMe.\n", encoding="utf-8")

    assert cli("init", "--json").json["kept"] == ["neveridle.toml", "agents/ada.md"]
    assert load_settings(repository / "neveridle.toml").team.name == "mine"
    assert not (repository / "agents" / "sam.md").exists()

    forced = cli("init", "--force", "--json").json
    assert "agents/sam.md" in forced["wrote"]
    assert load_settings(repository / "neveridle.toml").team.name == repository.name
    assert mine.exists()


@pytest.mark.parametrize(
    ("name", "text"), [("agents/__init__.py", ""), ("agents/other.md", "# Not a soul\n")]
)
def test_a_folder_agents_of_another_kind_is_left_alone(
    cli: Callable[..., Any], repository: Path, name: str, text: str
) -> None:
    (repository / name).parent.mkdir()
    (repository / name).write_text(text, encoding="utf-8")

    assert "souls/sam.md" in cli("init", "--json").json["wrote"]
    assert load_settings(repository / "neveridle.toml").team.souls == Path("souls")
    assert [one["code"] for one in cli("config", "check", "--json").json["problems"]] == [
        "model-not-configured"
    ]


def test_from_a_folder_inside_it_writes_at_the_top(
    cli: Callable[..., Any], repository: Path
) -> None:
    assert cli("init", "tests").code == 0
    assert (repository / "neveridle.toml").is_file()


def test_outside_of_a_repository_it_says_what_to_do(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    ended = cli("init", str(tmp_path), "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "repository-unusable")
    assert "git init" in ended.json["error"]["remedy"]
    assert not (tmp_path / "neveridle.toml").exists()


def test_a_broken_repository_is_said(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n", encoding="utf-8")
    ended = cli("init", str(tmp_path), "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "repository-unusable")


def test_a_repository_without_a_commit(
    cli: Callable[..., Any], make_repository: Make, tmp_path: Path
) -> None:
    folder = make_repository(tmp_path / "new", {})
    done = cli("init", str(folder), "--json").json

    assert done["branch"] == ""
    assert done["next"][0].startswith("Commit something")
    assert "[checks]" in done["next"][1]
    assert load_settings(folder / "neveridle.toml").checks == {}


def test_the_remote_s_default_branch_wins_over_the_one_checked_out(
    cli: Callable[..., Any], make_repository: Make, tmp_path: Path
) -> None:
    folder = make_repository(tmp_path / "forked", {"a": "b"})
    for line in (
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
        ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"],
        ["checkout", "--quiet", "-b", "topic"],
    ):
        subprocess.run(["git", *line], cwd=folder, check=True)

    assert cli("init", str(folder), "--json").json["branch"] == "main"


def test_a_detached_head_is_no_reason_to_fail(
    cli: Callable[..., Any], make_repository: Make, tmp_path: Path
) -> None:
    folder = make_repository(tmp_path / "detached", {"a": "b"})
    subprocess.run(["git", "checkout", "--quiet", "--detach"], cwd=folder, check=True)

    assert cli("init", str(folder), "--json").json["branch"] == "main"


def test_a_folder_that_cannot_be_written_is_said(cli: Callable[..., Any], repository: Path) -> None:
    (repository / "agents").mkdir()
    cli("init")
    (repository / "neveridle.toml").unlink()
    (repository / "neveridle.toml").mkdir()
    ended = cli("init", "--force", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "repository-unusable")
    assert not list(repository.glob(".neveridle.toml.*"))


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["ROADMAP.md", "docs/ROADMAP.md"], "ROADMAP.md"),
        (["docs/roadmap.md"], "docs/roadmap.md"),
        ([".github/Roadmap.markdown"], ".github/Roadmap.markdown"),
        (["src/ROADMAP.md", "ROADMAP.txt"], ""),
    ],
)
def test_roadmaps_are_found_in_the_usual_places(
    tmp_path: Path, files: list[str], found: str
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")

    assert find_roadmap(tmp_path) == found


def test_the_file_is_commented(cli: Callable[..., Any], repository: Path) -> None:
    cli("init")
    text = (repository / "neveridle.toml").read_text(encoding="utf-8")

    assert '\n# default = ""\n' in text
    assert "\n# [agents.sam]\n" in text
    assert max(map(len, text.splitlines())) <= 100
    assert list(tomllib.loads(text)) == [
        *("team", "model", "checks", "tracker", "delivery", "sandbox", "limits", "leases"),
        *("fleet", "improvement", "memory", "compaction", "retention", "budgets", "escalation"),
        *("approvals", "observability"),
    ]
