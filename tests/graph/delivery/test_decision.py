"""What is done about a pull request, case by case, and what is never done about any."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.graph.delivery.decision import (
    GRACE,
    PATIENCE,
    Closed,
    Feed,
    For,
    GiveUp,
    Merge,
    Merged,
    Rules,
    TakeIn,
    Wait,
    decide,
)
from neveridle.graph.delivery.facts import CheckFact, CommentFact, Facts, Head, ReviewFact
from neveridle.graph.delivery.standing import Standing, failures_of, standing_of

PASSED = CheckFact("ci", "passed", 1)
FAILED = CheckFact("ci", "failed", 1)
PENDING = CheckFact("slow", "pending", 2)
YES = ReviewFact(10, "ada", "approved", "c1")
NO = ReviewFact(11, "bob", "changes_requested", "c1", "Rename it.")
NOTE = CommentFact(20, "ada", "a.py:3", "Why?")
BASE = Standing(number=7, commit="c1", same=("c1",), branch="b")
MAY = Rules(may_merge=True)


def facts(**given: Any) -> Facts:
    """A pull request that could be merged, but for what is given."""
    usual: dict[str, Any] = {"number": 7, "head": "c1", "checks": (PASSED,), "reviews": (YES,)}
    usual |= {"merge_state": "clean", **given}
    return Facts(**usual)


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (facts(state="merged"), Merged),
        (facts(state="closed", checks=(FAILED,), reviews=(NO,)), Closed),
        (facts(), Merge),
        (facts(merge_state=""), Merge),
        (facts(draft=True, checks=(FAILED,)), For.PERSON),
        (facts(owner=Head.OLDER, checks=(FAILED,)), For.SERVICE),
        (facts(owner=Head.FOREIGN), TakeIn("head")),
        (facts(checks=(FAILED,)), Feed(checks=True)),
        (facts(checks=(FAILED, PENDING)), For.CHECKS),
        (facts(checks=(PENDING,)), For.CHECKS),
        (facts(checks=()), For.CHECKS),
        (facts(checks=(), age=GRACE), Merge),
        (facts(reviews=(YES, NO)), Feed(reviews=(NO,))),
        (facts(checks=(FAILED, PENDING), reviews=(NO,)), Feed(checks=True, reviews=(NO,))),
        (facts(comments=(NOTE,)), Feed(comments=(NOTE,))),
        (facts(comments=(replace(NOTE, ours=True),)), Merge),
        (facts(comments=(replace(NOTE, trusted=False),)), Merge),
        (facts(reviews=(YES, replace(NO, trusted=False))), Merge),
        (facts(reviews=(replace(YES, trusted=False),)), For.REVIEW),
        (facts(reviews=(YES, ReviewFact(12, "ada", "commented", "c1", "And this?"))), Feed),
        (facts(reviews=(YES, ReviewFact(12, "ada", "commented", "c1", " "))), Merge),
        (facts(reviews=(YES, ReviewFact(12, "ada", "dismissed", "c1"))), For.REVIEW),
        (facts(reviews=(replace(YES, commit="older"),)), For.REVIEW),
        (facts(reviews=()), For.REVIEW),
        (facts(mergeable=False), TakeIn("base")),
        (facts(mergeable=False, checks=(FAILED,)), Feed(checks=True)),
        (facts(merge_state="behind"), TakeIn("base")),
        (facts(merge_state="dirty"), TakeIn("base")),
        (facts(merge_state="blocked"), For.PERSON),
        (facts(mergeable=None), For.SERVICE),
    ],
)
def test_the_next_step(seen: Facts, step: object) -> None:
    found = decide(seen, BASE, MAY)
    if isinstance(step, For):
        assert isinstance(found, Wait)
        assert found.on is step
    elif isinstance(step, type):
        assert isinstance(found, step)
    else:
        assert found == step


def test_who_may_not_merge_waits_for_a_person() -> None:
    found = decide(facts(), BASE, Rules(may_merge=False))
    assert isinstance(found, Wait)
    assert (found.on, found.why) == (For.PERSON, "no agent may merge it")


def test_what_was_given_to_an_agent_once_is_not_given_again() -> None:
    seen = facts(checks=(FAILED,), reviews=(YES, NO), comments=(NOTE,))
    after = BASE.fed_with(seen, "asked").answered().pushed("c2", 5.0)
    assert (after.rounds, after.review, after.comment) == (1, 11, 20)
    mended = replace(seen, head="c2", checks=(PASSED,))
    found = decide(mended, after, MAY)
    assert isinstance(found, Wait)
    assert found.why == "bob asked for changes that were made"
    content = replace(mended, reviews=(replace(YES, commit="c2"), replace(NO, state="dismissed")))
    assert decide(content, after, MAY) == Merge("c2")


def test_the_same_failure_of_the_same_commit_is_for_a_person() -> None:
    seen = facts(checks=(FAILED,))
    after = BASE.fed_with(seen, "asked").answered()
    assert isinstance(decide(seen, after, MAY), GiveUp)
    assert isinstance(decide(replace(seen, head="c2"), after.pushed("c2", 0.0), MAY), Feed)
    assert isinstance(decide(seen, after.forgiven(), MAY), Feed)


def test_rounds_are_bounded() -> None:
    standing, given_ = BASE, 0
    for number in range(10):
        commit = f"c{number}"
        seen = facts(head=commit, checks=(FAILED,))
        step = decide(seen, standing, Rules(rounds=3))
        if isinstance(step, GiveUp):
            assert step.why == "After 3 rounds the checks ci fail still."
            break
        given_ += 1
        standing = standing.fed_with(seen, "x").answered().pushed(f"c{number + 1}", 0.0)
    assert given_ == 3


def test_failed_checks_are_taken_up_although_others_never_end() -> None:
    seen = facts(checks=(FAILED, PENDING))
    standing = BASE
    steps: list[object] = []
    for _ in range(PATIENCE + 1):
        standing = standing.looked(seen)
        steps.append(decide(seen, standing, MAY))
    assert isinstance(steps[-2], Wait)
    assert steps[-1] == Feed(checks=True)


def test_waits_grow_while_nothing_changes_and_begin_anew_when_something_does() -> None:
    rules, standing = Rules(look=10.0, longest=60.0), BASE
    seen, found = facts(checks=(PENDING,)), list[float]()
    for _ in range(5):
        standing = standing.looked(seen)
        step = decide(seen, standing, rules)
        assert isinstance(step, Wait)
        found.append(step.seconds)
    assert found == [10.0, 20.0, 40.0, 60.0, 60.0]
    other = replace(seen, checks=(PENDING, PASSED))
    step = decide(other, standing.looked(other), rules)
    assert isinstance(step, Wait)
    assert step.seconds == 10.0


def test_an_approval_holds_where_only_the_target_branch_was_taken_in() -> None:
    merged = replace(BASE, merged_in="m1").pushed("m1", 0.0)
    worked = BASE.pushed("c2", 0.0)
    assert decide(facts(head="m1"), merged, MAY) == Merge("m1")
    assert isinstance(decide(facts(head="c2"), worked, MAY), Wait)


def test_it_is_kept_with_the_attempt_and_read_back() -> None:
    class Kept:
        evidence = BASE.as_evidence({"checks": {}})

    class Other:
        evidence = None

    attempts: Any = [Kept(), Other()]
    assert standing_of(attempts) == BASE
    Kept.evidence["pull_request"]["of_a_later_version"] = 1
    assert standing_of(attempts) == BASE
    nothing: Any = [Other()]
    assert standing_of(nothing) == Standing()


CHECKS = st.lists(
    st.builds(
        CheckFact,
        st.sampled_from(["ci", "lint", "docs"]),
        st.sampled_from(["pending", "passed", "failed"]),
        st.integers(0, 5),
    ),
    max_size=4,
).map(tuple)
STATES = st.sampled_from(["approved", "changes_requested", "commented", "dismissed"])
REVIEWS = st.lists(
    st.builds(
        ReviewFact, st.integers(1, 9), st.sampled_from("ab"), STATES,
        st.sampled_from(["c0", "c1"]), st.sampled_from(["", "x"]), st.booleans(),
    ),
    max_size=4, unique_by=lambda one: one.id,
).map(lambda found: tuple(sorted(found, key=lambda one: one.id)))  # fmt: skip
COMMENTS = st.lists(
    st.builds(CommentFact, st.integers(1, 9), ours=st.booleans(), trusted=st.booleans(),
              author=st.just("a")),
    max_size=3,
).map(tuple)  # fmt: skip
ANY = st.builds(
    Facts, number=st.just(7), state=st.sampled_from(["open", "closed", "merged"]),
    draft=st.booleans(), head=st.sampled_from(["c1", "c2"]), owner=st.sampled_from(list(Head)),
    mergeable=st.sampled_from([True, False, None]),
    merge_state=st.sampled_from(["", "clean", "dirty", "behind", "blocked", "unstable"]),
    checks=CHECKS, reviews=REVIEWS, comments=COMMENTS, age=st.sampled_from([0.0, 1e6]),
)  # fmt: skip
STANDINGS = st.builds(
    Standing, number=st.just(7), commit=st.just("c1"), same=st.just(("c1",)),
    looks=st.integers(0, 2000), review=st.integers(0, 9), comment=st.integers(0, 9),
    rounds=st.integers(0, 4),
)  # fmt: skip
RULES = st.builds(
    Rules, rounds=st.integers(0, 3), approvals=st.integers(0, 2), may_merge=st.booleans()
)


@given(ANY, STANDINGS, RULES)
def test_nothing_is_merged_that_was_not_checked_approved_and_allowed(
    seen: Facts, standing: Standing, rules: Rules
) -> None:
    step = decide(seen, standing, rules)
    if not isinstance(step, Merge):
        return
    assert step.commit == seen.head
    assert rules.may_merge
    assert (seen.state, seen.owner, seen.draft) == ("open", Head.OURS, False)
    assert all(one.state == "passed" for one in seen.checks)
    assert seen.mergeable is True
    assert not seen.refusals
    fresh = [r for r in seen.verdicts.values() if r.state == "approved" and r.trusted]
    assert len(fresh) >= rules.approvals


@given(ANY, STANDINGS, RULES)
def test_going_back_is_bounded_and_never_begins_for_strangers_or_ourselves(
    seen: Facts, standing: Standing, rules: Rules
) -> None:
    step = decide(seen, standing, rules)
    assert step == decide(seen, standing, rules)
    if isinstance(step, Wait):
        assert 0 < step.seconds <= rules.longest
    if not isinstance(step, Feed):
        return
    assert standing.rounds < rules.rounds
    assert seen.state == "open"
    assert step.checks or step.reviews or step.comments
    assert all(one.trusted and one.id > standing.review for one in step.reviews)
    assert all(one.trusted and not one.ours and one.id > standing.comment for one in step.comments)
    after = standing.fed_with(seen, "asked")
    again = decide(seen, replace(after, commit=standing.commit), replace(rules, rounds=99))
    assert not isinstance(again, Feed), "the very same is given only once"
    assert after.fed == (failures_of(seen) if seen.failed else standing.fed)
