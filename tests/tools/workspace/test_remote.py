"""The remote: pushed to without force, fetched without touching anything, asked without secrets."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from neveridle.errors import (
    AccessRefused,
    MergeConflict,
    NeveridleError,
    RepositoryUnusable,
    ServiceError,
    ServiceUnreached,
)
from neveridle.tools.workspace import Workspaces
from neveridle.tools.workspace.remote import Remote
from neveridle.tools.workspace.remote_failures import remote_failure

TOKEN = "github_pat_of_the_test_0123456789"


@pytest.fixture
def bare(repo: Any, tmp_path: Path) -> Path:
    """A bare repository, which the person's repository has as its origin."""
    path = tmp_path / "the origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
    repo.git("remote", "add", "origin", str(path))
    repo.git("push", "-q", "origin", "main")
    return path


@pytest.fixture
def remote(spaces: Workspaces, bare: Path) -> Remote:
    del bare
    return Remote(spaces.target, "origin")


def there(bare: Path, branch: str) -> str:
    """The commit of a branch of the bare repository; empty: there is none."""
    asked = ["git", "-C", str(bare), "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"]
    return subprocess.run(asked, check=False, capture_output=True, text=True).stdout.strip()


def somebody_pushes(bare: Path, clone: Path) -> None:
    """A commit arrives on the remote's main, which is not in the person's repository."""
    subprocess.run(["git", "clone", "-q", str(bare), str(clone)], check=True)
    git = ["git", "-C", str(clone), "-c", "user.name=B", "-c", "user.email=b@example.org"]
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "push", "-q", "origin", "HEAD:main"], check=True)


async def test_a_branch_is_pushed_once_and_then_forward(
    repo: Any, remote: Remote, bare: Path
) -> None:
    first = repo.git("rev-parse", "main")
    assert await remote.tip("work") is None
    await remote.push("work", first)
    await remote.push("work", first)
    second = repo.commit(b__txt="b\n")
    await remote.push("work", second)
    assert (there(bare, "work"), await remote.tip("work")) == (second, second)


async def test_commits_of_somebody_else_are_not_overwritten(
    repo: Any, remote: Remote, bare: Path
) -> None:
    base = repo.git("rev-parse", "main")
    theirs = repo.commit(theirs__txt="x\n")
    repo.git("push", "-q", "origin", f"{theirs}:refs/heads/work")
    repo.git("reset", "-q", "--hard", base)
    ours = repo.commit(ours__txt="x\n")
    with pytest.raises(MergeConflict, match="holds commits of somebody else"):
        await remote.push("work", ours)
    assert there(bare, "work") == theirs


async def test_a_branch_that_moves_between_the_look_and_the_push_is_left_alone(
    repo: Any, remote: Remote, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the lease protects it here: what is there is an ancestor of neither."""
    base = repo.git("rev-parse", "main")
    theirs = repo.commit(theirs__txt="x\n")
    repo.git("reset", "-q", "--hard", base)
    ours = repo.commit(ours__txt="x\n")

    async def looks(branch: str) -> str | None:
        repo.git("push", "-q", "origin", f"{theirs}:refs/heads/{branch}")
        return None

    monkeypatch.setattr(remote, "tip", looks)
    with pytest.raises(MergeConflict):
        await remote.push("work", ours)
    assert there(bare, "work") == theirs


async def test_the_target_branch_is_never_pushed_to(repo: Any, remote: Remote, bare: Path) -> None:
    before = there(bare, "main")
    with pytest.raises(RepositoryUnusable, match="target branch"):
        await remote.push("main", repo.commit(b__txt="b\n"))
    assert there(bare, "main") == before


async def test_fetching_changes_nothing_of_the_person_s(
    repo: Any, remote: Remote, bare: Path, tmp_path: Path
) -> None:
    somebody_pushes(bare, tmp_path / "other")
    before = repo.git("for-each-ref", "refs/heads"), repo.git("status", "--porcelain")

    fetched = await asyncio.gather(*(remote.fetch() for _ in range(4)))

    assert set(fetched) == {there(bare, "main")}
    assert (repo.git("for-each-ref", "refs/heads"), repo.git("status", "--porcelain")) == before
    assert repo.git("rev-parse", "refs/remotes/origin/main") == fetched[0]
    assert not (repo.path / ".git" / "FETCH_HEAD").exists()
    assert await remote.holds(repo.git("rev-parse", "main"))


async def test_no_hook_of_the_repository_runs(repo: Any, remote: Remote, tmp_path: Path) -> None:
    for name in ("pre-push", "reference-transaction"):
        hook = repo.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
        hook.chmod(0o755)
    await remote.push("work", repo.git("rev-parse", "main"))
    await remote.fetch("work")
    assert not (tmp_path / "ran").exists()


async def test_a_remote_that_is_not_there_is_named(repo: Any, spaces: Workspaces) -> None:
    with pytest.raises(RepositoryUnusable, match="no remote 'upstream'") as caught:
        await Remote(spaces.target, "upstream").push("work", repo.git("rev-parse", "main"))
    assert "git remote add upstream URL" in caught.value.remedy


async def test_a_branch_that_is_not_there_cannot_be_fetched(remote: Remote) -> None:
    with pytest.raises(RepositoryUnusable, match="no branch 'nowhere'"):
        await remote.fetch("nowhere")


class Host:
    """A host of git over HTTP that answers one status, and keeps what it was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 401
        self.authorizations: list[str | None] = []


@pytest.fixture
def host() -> Generator[Host]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.authorizations.append(self.headers["Authorization"])
            self.send_response(state.status)
            if state.status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Host(f"http://127.0.0.1:{server.server_port}/octo/demo.git")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AccessRefused),
        (403, AccessRefused),
        (404, RepositoryUnusable),
        (500, ServiceError),
        (502, ServiceError),
        (429, ServiceError),
    ],
)
async def test_what_a_host_answers_is_told_apart(
    repo: Any, spaces: Workspaces, host: Host, status: int, kind: type[NeveridleError]
) -> None:
    host.status = status
    repo.git("remote", "add", "origin", host.url)
    with pytest.raises(kind) as caught:
        await Remote(spaces.target, "origin", token=TOKEN, token_host="127.0.0.1").tip("work")
    assert type(caught.value) is kind
    assert TOKEN not in f"{caught.value.message}{caught.value.remedy}"


async def test_a_host_that_is_not_there_was_not_reached(
    repo: Any, spaces: Workspaces, host: Host
) -> None:
    del host
    repo.git("remote", "add", "origin", "http://127.0.0.1:1/octo/demo.git")
    with pytest.raises(ServiceUnreached):
        await Remote(spaces.target, "origin").push("work", repo.git("rev-parse", "main"))


async def test_the_token_goes_to_its_host_alone_and_stands_nowhere(
    repo: Any, spaces: Workspaces, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git in front of the real one keeps the arguments it was called with."""
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    seen = tmp_path / "argv"
    script = f'#!/bin/sh\nprintf \'%s\\n\' "$@" >> "{seen}"\nexec {real} "$@"\n'
    (tmp_path / "bin" / "git").write_text(script)
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    repo.git("remote", "add", "origin", host.url)
    said = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()

    ours = Remote(spaces.target, "origin", token=TOKEN, token_host="127.0.0.1")
    with pytest.raises(AccessRefused):
        await ours.tip("work")
    assert set(host.authorizations) == {f"Basic {said}"}
    assert seen.exists()

    host.authorizations.clear()
    with pytest.raises(AccessRefused):
        await Remote(spaces.target, "origin", token=TOKEN, token_host="github.com").tip("work")
    assert set(host.authorizations) == {None}

    kept = [seen, *(path for path in repo.path.rglob("*") if path.is_file())]
    for path in kept:
        data = path.read_bytes()
        assert TOKEN.encode() not in data, path
        assert said.encode() not in data, path


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("! [rejected] a -> a (stale info)", MergeConflict),
        ("! [rejected] a -> a (fetch first)", MergeConflict),
        ("! [rejected] a -> a (non-fast-forward)", MergeConflict),
        ("git@github.com: Permission denied (publickey).", AccessRefused),
        ("fatal: could not read Username for 'https://github.com'", AccessRefused),
        ("remote: Permission to o/r.git denied to bot.", AccessRefused),
        ("remote: error: GH013: Repository rule violations found", AccessRefused),
        ("fatal: unable to access: Could not resolve host: github.com", ServiceUnreached),
        ("ssh: connect to host github.com port 22: Connection refused", ServiceUnreached),
        ("fatal: the remote end hung up unexpectedly", ServiceError),
        ("error: RPC failed; curl 56 Recv failure: Connection reset by peer", ServiceError),
        ("remote: Repository not found.", RepositoryUnusable),
        ("something nobody has heard of", RepositoryUnusable),
    ],
)
def test_gits_words_are_classified(said: str, kind: type[NeveridleError]) -> None:
    error = remote_failure("push", "origin", f"{said}\nhttps://me:secret-word@github.com/o/r")
    assert type(error) is kind
    assert "secret-word" not in error.message
