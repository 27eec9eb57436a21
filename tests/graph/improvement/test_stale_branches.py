from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neveridle.graph.sources.improvement import FinderContext, Proposal
from neveridle.graph.sources.improvement.stale_branches import StaleBranches


async def _find(context: FinderContext) -> list[Proposal]:
    return await StaleBranches().find(context)


def _branch(clone: Any, name: str, days_ago: float) -> str:
    clone.git("checkout", "--quiet", "-b", name, "main")
    commit: str = clone.commit(days_ago=days_ago)
    clone.git("checkout", "--quiet", "main")
    return commit


async def test_old_and_unmerged(clone: Any, context: Callable[..., FinderContext]) -> None:
    _branch(clone, "feature/cart", 14)
    _branch(clone, "fresh", 6.9)
    _branch(clone, "neveridle/7-cart", 30)
    _branch(clone, "ancient", 350)
    clone.git("branch", "merged", "main")
    found = await _find(context())
    assert [(proposal.title, proposal.value) for proposal in found] == [
        ("Review the stale branch ancient", 0.696),
        ("Review the stale branch feature/cart", 0.6),
    ]
    assert not any(proposal.needs_change for proposal in found)
    assert "14 days" in found[1].reason
    titles = [proposal.title for proposal in await _find(context(own_prefix=""))]
    assert "Review the stale branch neveridle/7-cart" in titles


async def test_the_day_it_turns_stale(clone: Any, context: Callable[..., FinderContext]) -> None:
    _branch(clone, "feature", 7)
    (found,) = await _find(context(stale_days=7))
    assert found.value == 0.5
    assert await _find(context(stale_days=7.01)) == []


async def test_a_branch_that_goes_on_is_a_new_question(
    clone: Any, context: Callable[..., FinderContext]
) -> None:
    _branch(clone, "feature", 40)
    (first,) = await _find(context())
    clone.write("unrelated.txt", "x")
    clone.commit(days_ago=1)
    (again,) = await _find(context())
    assert again.fingerprint == first.fingerprint
    clone.git("checkout", "--quiet", "feature")
    clone.commit(days_ago=20)
    clone.git("checkout", "--quiet", "main")
    (later,) = await _find(context())
    assert later.fingerprint != first.fingerprint
