"""Webhooks are believed only with GitHub's signature."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from neveridle.errors import ServiceError
from neveridle.tools.github import verified, verify
from neveridle.tools.standin.github_shapes import Shapes
from neveridle.tools.standin.github_state import GitHubState

SECRET = "It's a Secret to Everybody"


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_githubs_own_example_is_believed() -> None:
    """The values of GitHub's page on validating webhook deliveries."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert verify(SECRET, b"Hello, World!", signature)
    assert verify(SECRET, b"Hello, World!", signature.upper().replace("SHA", "sha"))


@pytest.mark.parametrize(
    ("secret", "body", "signature"),
    [
        (SECRET, b"Hello, World?", sign(b"Hello, World!")),
        ("another", b"Hello, World!", sign(b"Hello, World!")),
        ("", b"Hello, World!", sign(b"Hello, World!", "")),
        (SECRET, b"Hello, World!", ""),
        (SECRET, b"Hello, World!", sign(b"Hello, World!").removeprefix("sha256=")),
        (SECRET, b"Hello, World!", sign(b"Hello, World!").replace("sha256", "sha1")),
        (SECRET, b"Hello, World!", sign(b"Hello, World!")[:-1]),
        (SECRET, b"Hello, World!", "sha256=\xff\u20ac"),
    ],
)
def test_all_else_is_not(secret: str, body: bytes, signature: str) -> None:
    assert not verify(secret, body, signature)
    assert verified(secret, body, {"x-hub-signature-256": signature}) is None


def payload() -> dict[str, Any]:
    state = GitHubState("bot", None, lambda: 1_700_000_000.0, "main")
    shapes = Shapes("https://api.github.example", "octo/demo")
    issue = shapes.issue(state.open_issue("Flaky", user="ada"), 0)
    comment = shapes.comment(state.comment(1, "hello", user="bob"))
    return {
        "action": "created", "issue": issue, "comment": comment,
        "repository": shapes.repository("main"), "sender": shapes.user("bob"),
    }  # fmt: skip


@pytest.mark.parametrize("form", [False, True])
def test_what_a_webhook_says(form: bool) -> None:
    text = json.dumps(payload())
    body = urlencode({"payload": text}).encode() if form else text.encode()
    headers = {
        "x-hub-signature-256": sign(body), "x-github-event": "issue_comment",
        "x-github-delivery": "d-1",
    }  # fmt: skip
    event = verified(SECRET, body, headers)
    assert event is not None
    assert (event.name, event.action, event.sender) == ("issue_comment", "created", "bob")
    assert (event.repository, event.delivery, event.number) == ("octo/demo", "d-1", 1)
    assert event.issue is not None
    assert event.comment is not None
    assert (event.issue.title, event.comment.body) == ("Flaky", "hello")
    headers["x-github-event"] = "star"
    assert verified(SECRET, body, headers) is None


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"issue": {}}', b"payload=%7B", b"\xff", b"null"])
def test_what_is_signed_and_not_understood_is_said(body: bytes) -> None:
    headers = {"x-hub-signature-256": sign(body), "x-github-event": "issues"}
    with pytest.raises(ServiceError, match="github"):
        verified(SECRET, body, headers)
