"""Finder: branches that nobody has looked at for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neveridle.graph.sources.improvement.finder import FinderContext
from neveridle.graph.sources.improvement.proposal import Proposal, fingerprint
from neveridle.graph.sources.improvement.quoting import one_line

if TYPE_CHECKING:
    from neveridle.tools.workspace import BranchInfo

MOST: Final = 20
"""Proposals at most, the oldest branches first."""

_DAY: Final = 86_400.0
_FRESHLY_STALE: Final = 0.5
_WITH_AGE: Final = 0.2


class StaleBranches:
    """Proposes to review branches with commits that were neither merged nor continued.

    Such a task delivers notes: merge, finish or delete, and why. It changes nothing.
    """

    name = "stale-branches"

    async def find(self, context: FinderContext) -> list[Proposal]:
        """Proposals, the longest waiting first."""
        stale = [
            branch
            for branch in await context.checkout.branches()
            if _awaits_review(branch, context)
        ]
        stale.sort(key=lambda branch: (branch.committed_at, branch.name))
        return [_review(branch, context) for branch in stale[:MOST]]


def _awaits_review(branch: BranchInfo, context: FinderContext) -> bool:
    if branch.merged or branch.name == context.target_branch:
        return False
    if context.own_prefix and branch.name.startswith(context.own_prefix):
        return False
    return context.now - branch.committed_at >= context.stale_days * _DAY


def _review(branch: BranchInfo, context: FinderContext) -> Proposal:
    days = (context.now - branch.committed_at) / _DAY
    name, target = one_line(branch.name, 90), one_line(context.target_branch, 60)
    return Proposal(
        finder=StaleBranches.name,
        title=f"Review the stale branch {name}",
        reason=f"It has commits that are not in {target}, and none for {days:.0f} days.",
        description=f"The branch {name} (at {one_line(branch.commit, 40)}) has work that was "
        f"neither merged into {target} nor continued for {days:.0f} days. Read what it changes "
        f"against {target}, and write down: what it is for, whether it still applies and passes "
        "the checks, and whether to merge it, finish it or delete it, with the reason. "
        "Change nothing.",
        # Doubt grows with age but slowly: 0.5 on the day it turns stale, 0.6 at twice that age.
        value=round(_FRESHLY_STALE + _WITH_AGE * (1 - context.stale_days / max(days, 1e-9)), 3),
        # With its commit: a branch that was reviewed, continued and left again is a new question.
        fingerprint=fingerprint(StaleBranches.name, branch.name, branch.commit),
        needs_change=False,
    )
