"""Writes to Vercel: there are none. Deployments are made by pushing, which is git's matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neveridle.tools.effects import Verb
    from neveridle.tools.vercel.client import Vercel


def vercel_verbs(client: Vercel) -> tuple[Verb, ...]:
    """None: a team only reads there."""
    del client
    return ()
