"""Pushing a branch, as an effect: a state that is set, so setting it again changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.board.effect import Safety
from neveridle.tools.effects import Verb
from neveridle.tools.workspace.remote import REMOTE_SECONDS

if TYPE_CHECKING:
    from neveridle.board.effect import Asked
    from neveridle.tools.workspace.remote import Remote

SERVICE = "git"
PUSH = "push"


def push_verb(remote: Remote) -> Verb:
    """The verb ``git.push``; its target is the branch, its request the commit.

    A branch that somebody else moved is a refusal: ``Remote.push`` overwrites nothing.
    """

    async def call(asked: Asked) -> Any:
        commit = str(asked.request["commit"])
        await remote.push(asked.target, commit)
        return {"commit": commit}

    # It looks, then pushes: two calls that each have their own limit.
    seconds = 3 * REMOTE_SECONDS
    return Verb(
        service=SERVICE, name=PUSH, safety=Safety.NATURAL, identity="content", call=call,
        timeout=seconds,
    )  # fmt: skip
