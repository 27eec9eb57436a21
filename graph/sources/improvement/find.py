"""Asking all finders, and choosing from what they propose."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from neveridle.graph.sources.improvement.finder import Finder, FinderContext, FinderFailed
from neveridle.graph.sources.improvement.proposal import Proposal
from neveridle.graph.sources.improvement.quoting import one_line
from neveridle.graph.sources.improvement.registry import finders


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a finder could not look, or not everywhere."""

    finder: str
    message: str


@dataclass(frozen=True, slots=True)
class FindResult:
    """What is worth doing, most valuable first.

    Attributes:
        proposals: new, above the threshold, at most ``limit``.
        problems: of finders that failed; the others were asked all the same.
        found: how many different proposals there were in all.
        known: how many of them were left out because they were proposed before.
        below: how many new ones were left out for their value.
    """

    proposals: tuple[Proposal, ...] = ()
    problems: tuple[Problem, ...] = ()
    found: int = 0
    known: int = 0
    below: int = 0


async def find_improvements(
    context: FinderContext,
    names: Sequence[str],
    *,
    threshold: float,
    known: AbstractSet[str],
    limit: int,
) -> FindResult:
    """Ask the finders, one after the other: they share the clone.

    Args:
        context: what they look at.
        names: the finders to ask, as in ``FINDERS`` or brought by plug-ins.
        threshold: proposals of a lower value are left alone.
        known: fingerprints that are not to be proposed again.
        limit: how many proposals at most; with 0 nobody is asked.

    Raises:
        SettingsInvalid: there is no finder of that name.
    """
    chosen = finders(names)
    if limit <= 0:
        return FindResult()
    best: dict[str, Proposal] = {}
    problems: list[Problem] = []
    for finder in chosen:
        found, problem = await _ask(finder, context)
        problems += problem
        for proposal in found:
            other = best.get(proposal.fingerprint)
            if other is None or other.value < proposal.value:
                best[proposal.fingerprint] = proposal
    new = [proposal for proposal in best.values() if proposal.fingerprint not in known]
    worth = [proposal for proposal in new if proposal.value >= threshold]
    worth.sort(key=lambda proposal: (-proposal.value, proposal.title, proposal.fingerprint))
    return FindResult(
        proposals=tuple(worth[:limit]),
        problems=tuple(problems),
        found=len(best),
        known=len(best) - len(new),
        below=len(new) - len(worth),
    )


async def _ask(finder: Finder, context: FinderContext) -> tuple[Sequence[Proposal], list[Problem]]:
    try:
        found: list[object] = [*await finder.find(context)]
    except FinderFailed as failed:
        return failed.found, [Problem(finder.name, one_line(str(failed), 500))]
    except Exception as error:  # noqa: BLE001 - the fence: one finder's failure stops no other
        text = f"{type(error).__name__}: {error}"
        return (), [Problem(finder.name, one_line(text, 500))]
    proposals = [proposal for proposal in found if isinstance(proposal, Proposal)]
    if len(proposals) < len(found):
        return proposals, [Problem(finder.name, "it returned something that is no Proposal")]
    return proposals, []
