"""Does what must hold at the end of a recorded task hold?"""

from __future__ import annotations

from collections.abc import Mapping

from neveridle.evals.expectations import Expectations
from neveridle.evals.play import Played
from neveridle.evals.result import ScoreLine
from neveridle.evals.scorers.secrets import secrets
from neveridle.evals.scorers.stand_ins import services
from neveridle.evals.scorers.told import log, measured, other, people
from neveridle.evals.scorers.tree import tree
from neveridle.evals.scorers.work import checks, lessons, rest, work


def score(
    played: Played,
    expect: Expectations,
    *,
    until: str = "idle",
    named: Mapping[str, str] | None = None,
    added: Mapping[str, float] | None = None,
) -> list[ScoreLine]:
    """Look at every expectation that a recorded task states.

    Args:
        played: what came of the run.
        expect: what must hold.
        until: ``idle`` or ``timeout``, as in ``[run]``.
        named: secrets that may stand nowhere, by name; None: only those with a known shape.
        added: measures that scorers added.
    """
    lines = [rest(played, expect, until)]
    lines += work(played, expect)
    lines += lessons(played, expect)
    lines += log(played, expect)
    lines += measured(played, expect, added or {})
    lines += checks(played, expect)
    lines += tree(played, expect)
    lines += people(played, expect)
    lines += services(played, expect)
    lines += other(played, expect)
    if expect.no_secret:
        lines.append(secrets(played, named or {}))
    return lines
