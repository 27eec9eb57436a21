"""neveridle: a team of LLM agents that always has something worth doing.

``from neveridle import Team`` is the front door. Importing this package does
nothing and is quick: every public name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neveridle.graph.team import Team
    from neveridle.settings import Settings

    __version__: str

__all__ = ["Settings", "Team", "__version__"]

_LAZY = {"Settings": "neveridle.settings", "Team": "neveridle.graph.team"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("neveridle")
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    msg = f"module 'neveridle' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
