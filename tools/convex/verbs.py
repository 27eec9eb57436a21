"""Writes to Convex: mutations and actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from neveridle.board.effect import Asked, Safety
from neveridle.tools.effects import Verb

if TYPE_CHECKING:
    from neveridle.tools.convex.client import Convex

TIMEOUT: Final = 180.0
"""Seconds for one call with its retries; an action may take minutes."""


def convex_verbs(client: Convex) -> tuple[Verb, ...]:
    """Mutations and actions, each with a key of ours and without.

    Without a key they are done at least once: where an answer was lost, the function is
    called again, and an event ``effect.repeated`` says so. With one (see ``keys`` in
    ``[services.convex]``) the function itself does nothing twice.

    The request holds ``args``, and ``key``: the argument that takes the key.
    """
    return tuple(
        _verb(client, kind, keyed=keyed)
        for kind in ("mutation", "action")
        for keyed in (False, True)
    )


def _verb(client: Convex, kind: Literal["mutation", "action"], *, keyed: bool) -> Verb:
    async def call(asked: Asked) -> Any:
        args = dict(asked.request["args"])
        if keyed:
            args[asked.request["key"]] = asked.client_key
        done = await client.call(kind, asked.target, args, repeatable=keyed)
        return {"value": done.value}

    return Verb(
        service="convex",
        name=f"{kind}_with_key" if keyed else kind,
        safety=Safety.CLIENT_KEY if keyed else Safety.AT_LEAST_ONCE,
        identity="content",
        call=call,
        timeout=TIMEOUT,
    )
