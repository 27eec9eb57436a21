"""A stand-in for a service: a real HTTP server with faults by plan, for tests and trials.

``python -m neveridle.tools.standin FILE`` starts it as a process; it keeps what it was told
in a SQLite file, so that it survives whatever is killed around it.

``HttpStandin`` is the base of those that speak as a real service does: give ``handle``.
"""

from __future__ import annotations

from neveridle.tools.standin.client import StandinClient
from neveridle.tools.standin.exchange import Answer, Exchange, StandinRequest
from neveridle.tools.standin.fault import Fault
from neveridle.tools.standin.http import HttpStandin
from neveridle.tools.standin.http_fault import HttpFault
from neveridle.tools.standin.server import StandinServer
from neveridle.tools.standin.store import StandinStore

__all__ = [
    "Answer",
    "Exchange",
    "Fault",
    "HttpFault",
    "HttpStandin",
    "StandinClient",
    "StandinRequest",
    "StandinServer",
    "StandinStore",
]
