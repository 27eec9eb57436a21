"""GitHub's stand-in on a real git repository: branches are its branches, merging merges."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import httpx
import pytest

from neveridle.tools.standin.github import GitHubStandin

Commit = Callable[..., str]
REPO = "/repos/octo/demo"


def git(folder: Path, *arguments: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True,
        env={**env, "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    return tmp_path / "origin.git"


@pytest.fixture
def commit(bare: Path, tmp_path: Path) -> Commit:
    """Commits a file to a branch, and pushes it."""
    clone = tmp_path / "clone"

    def make(branch: str, name: str, text: str, *, start: str = "") -> str:
        if start:
            git(clone, "checkout", "-q", "-B", branch, start)
        (clone / name).write_text(text)
        git(clone, "add", "-A")
        git(clone, "commit", "-qm", name)
        git(clone, "push", "-q", "origin", f"HEAD:{branch}")
        return git(clone, "rev-parse", "HEAD")

    make("main", "a.txt", "a\n")
    return make


@pytest.fixture
def standin(bare: Path) -> Generator[GitHubStandin]:
    with GitHubStandin(git=bare) as one:
        yield one


@pytest.fixture
def http(standin: GitHubStandin) -> Generator[httpx.Client]:
    with httpx.Client(base_url=standin.url + REPO) as one:
        yield one


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1)])
def test_merging_merges(
    bare: Path, commit: Commit, http: httpx.Client, method: str, parents: int
) -> None:
    sha = commit("feature/x", "b.txt", "b\n", start="main")
    commit("main", "c.txt", "c\n", start="origin/main")
    pull = {"title": "P", "head": "feature/x", "base": "main"}
    made = http.post("/pulls", json=pull).json()
    assert (made["head"]["sha"], made["mergeable"], made["base"]["ref"]) == (sha, True, "main")
    branches = {one["name"]: one["commit"]["sha"] for one in http.get("/branches").json()}
    assert branches["feature/x"] == sha
    moved = commit("feature/x", "d.txt", "d\n", start="origin/feature/x")
    assert http.get("/pulls/1").json()["head"]["sha"] == moved
    asked = {"sha": sha, "merge_method": method}
    assert http.put("/pulls/1/merge", json=asked).status_code == 409
    done = http.put("/pulls/1/merge", json={**asked, "sha": moved}).json()
    assert git(bare, "rev-parse", "main") == done["sha"]
    assert git(bare, "ls-tree", "--name-only", "main").split() == [
        "a.txt", "b.txt", "c.txt", "d.txt",
    ]  # fmt: skip
    assert len(git(bare, "log", "-1", "--format=%P", "main").split()) == parents
    assert http.put("/pulls/1/merge", json=asked).status_code == 405
    after = http.get("/pulls/1").json()
    assert (after["merged"], after["state"], after["merge_commit_sha"]) == (
        True, "closed", done["sha"],
    )  # fmt: skip


def test_rebasing_makes_the_commits_anew(bare: Path, commit: Commit, http: httpx.Client) -> None:
    commit("feature", "b.txt", "b\n", start="main")
    sha = commit("feature", "c.txt", "c\n", start="origin/feature")
    http.post("/pulls", json={"title": "P", "head": "feature", "base": "main"})
    done = http.put("/pulls/1/merge", json={"sha": sha, "merge_method": "rebase"}).json()
    assert git(bare, "rev-parse", "main") == done["sha"] != sha
    assert git(bare, "rev-parse", "main^{tree}") == git(bare, "rev-parse", f"{sha}^{{tree}}")
    assert git(bare, "log", "--format=%s %P", "main").count("\n") == 2
    assert git(bare, "rev-list", "--merges", "main") == ""


def test_what_conflicts_is_not_merged(bare: Path, commit: Commit, http: httpx.Client) -> None:
    sha = commit("feature", "a.txt", "one\n", start="main")
    main = commit("main", "a.txt", "two\n", start="origin/main")
    http.post("/pulls", json={"title": "P", "head": "feature", "base": "main"})
    shown = http.get("/pulls/1").json()
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    assert http.put("/pulls/1/merge", json={"sha": sha}).status_code == 405
    assert git(bare, "rev-parse", "main") == main


def test_a_pull_request_needs_something_to_pull(commit: Commit, http: httpx.Client) -> None:
    commit("feature", "b.txt", "b\n", start="main")
    asked = {"title": "P", "head": "feature", "base": "main"}
    for wrong in ({"head": "none"}, {"base": "none"}, {"head": "main"}):
        answer = http.post("/pulls", json={**asked, **wrong})
        assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")
    assert http.post("/pulls", json=asked).status_code == 201
    again = http.post("/pulls", json=asked)
    assert again.status_code == 422
    assert "already exists" in again.json()["errors"][0]["message"]


def test_the_primary_limit(http: httpx.Client, standin: GitHubStandin, commit: Commit) -> None:
    del commit  # which gives the repository a branch
    standin.limit = standin.remaining = 2
    first = http.get("/branches")
    assert first.headers["x-ratelimit-remaining"] == "1"
    same = http.get("/branches", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["x-ratelimit-remaining"] == "1"
    assert http.get("/issues").status_code == 200
    limited = http.get("/issues")
    assert (limited.status_code, limited.headers["x-ratelimit-remaining"]) == (403, "0")
