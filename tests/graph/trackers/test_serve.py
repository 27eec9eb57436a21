"""Webhooks, over real HTTP, tell the team that its tracker changed."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest

from neveridle.tools.standin.linear import LinearStandin

SECRET = "whsec_of_the_test"
MAIN = "from neveridle.cli import main; main()"


@pytest.fixture
def served(
    tracked: Any, write_settings: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> Generator[str]:
    """``neveridle serve`` as a process of its own; where it listens."""
    monkeypatch.setenv("LINEAR_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    linear = tracked.settings["services"]["linear"]
    tracked.use("services", github={"repository": "octo/demo"}, linear=linear)
    write_settings(tracked)
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", MAIN, "serve", "--port", "0", "--json"],
        cwd=tracked.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=60)
    assert complaints == ""


def signed(body: bytes) -> str:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


async def test_a_webhook_makes_the_team_look_at_once(
    served: str, tracked: Any, hands: Any, linear: LinearStandin
) -> None:
    async with tracked.team(worker=hands) as team, httpx.AsyncClient(base_url=served) as client:
        await team.sources.hear()
        team.sources.stale = False
        asked = linear.asked()
        body, headers = linear.webhook(SECRET)

        said = await client.get("/health")
        assert (said.status_code, said.json()["status"]) == (200, "ok")
        wrong = body.replace(b"update", b"remove")
        assert (
            await client.post("/webhooks/linear", content=wrong, headers=headers)
        ).status_code == 401
        unsigned = await client.post("/webhooks/linear", content=body)
        assert unsigned.status_code == 401
        await team.sources.hear()
        assert not team.sources.stale  # nobody of those was believed

        first = await client.post("/webhooks/linear", content=body, headers=headers)
        assert (first.status_code, first.json()) == (202, {"again": False})
        await team.sources.hear()
        assert team.sources.stale

        team.sources.stale = False
        again = await client.post("/webhooks/linear", content=body, headers=headers)
        assert (again.status_code, again.json()) == (202, {"again": True})
        await team.sources.hear()
        assert not team.sources.stale  # what is sent again says nothing new

        await team.board.clock.script(await team.board.clock.now() + 6)
        team.sources.stale = True
        await team.sources.refresh()
        assert linear.asked() == asked + 1  # a minute early


async def test_what_is_old_too_large_or_not_for_us_is_refused(
    served: str, tracked: Any, linear: LinearStandin
) -> None:
    async with httpx.AsyncClient(base_url=served) as client:
        old, headers = linear.webhook(SECRET, {"webhookTimestamp": 1_000_000_000_000})
        assert (
            await client.post("/webhooks/linear", content=old, headers=headers)
        ).status_code == 401
        large = await client.post("/webhooks/github", content=b"x" * (5 * 1024 * 1024 + 1))
        assert large.status_code == 413
        assert (await client.get("/webhooks/linear")).status_code == 405
        assert (await client.post("/webhooks/slack", content=b"{}")).status_code == 404

        body = b'{"action": "opened"}'
        good = {"X-Hub-Signature-256": f"sha256={signed(body)}", "X-GitHub-Event": "issues"}
        bad = {**good, "X-Hub-Signature-256": f"sha256={'0' * 64}"}
        forged = await client.post("/webhooks/github", content=body, headers=bad)
        assert forged.status_code == 401
        async with tracked.board() as board:
            assert await board.syncs.nudged_at("backlog") is None
            said = await client.post("/webhooks/github", content=body, headers=good)
            assert (said.status_code, said.json()) == (202, {"again": False})
            assert await board.syncs.nudged_at("backlog") is not None
