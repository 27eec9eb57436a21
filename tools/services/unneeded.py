"""Tokens that nobody needs: services that are answered from a recording look at none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from neveridle.settings.services import ServicesSettings

REPLAYED: Final = "no-token"
"""What stands for a token; no service gets it."""


def replayed_environ(settings: ServicesSettings, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of services that are replayed: each has a token, and none is a real one."""
    from neveridle.tools.services.services import MAKERS

    tables = [getattr(settings, name) for name in MAKERS] + list(settings.mcp.values())
    names = {one.token_env for one in tables if one is not None and one.token_env}
    return {**environ, **dict.fromkeys(names, REPLAYED)}
