"""Writes to services: verbs that say what makes them safe, and how tools perform them."""

from __future__ import annotations

from neveridle.board.verb import AlreadyThere
from neveridle.tools.effects.answers import error_of
from neveridle.tools.effects.performer import Performer, ToolMaker, service_tool
from neveridle.tools.effects.verb import Verb
from neveridle.tools.effects.verbs import Verbs

__all__ = [
    "AlreadyThere",
    "Performer",
    "ToolMaker",
    "Verb",
    "Verbs",
    "error_of",
    "service_tool",
]
