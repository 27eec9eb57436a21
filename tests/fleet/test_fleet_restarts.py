"""Who is started again, when, and who works where: decided without starting anything."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.cli.fleet.restarts import Policy, Restarts, Verdict
from neveridle.cli.fleet.sharing import deal, share

POLICY = Policy(first=1.0, factor=2.0, longest=5.0, spread=0.5, stable=60.0, quick=4)


def quick(restarts: Restarts, chance: float = 0.5) -> tuple[Verdict, float]:
    decision = restarts.ended(code=-9, lived=1.0, in_order=False, chance=chance)
    return decision.verdict, decision.pause


def test_pauses_grow_to_a_limit_and_then_it_is_given_up() -> None:
    restarts = Restarts(POLICY)
    assert [quick(restarts) for _ in range(5)] == [
        (Verdict.AGAIN, 1.0),
        (Verdict.AGAIN, 2.0),
        (Verdict.AGAIN, 4.0),
        (Verdict.AGAIN, 5.0),
        (Verdict.GIVE_UP, 0.0),
    ]
    assert restarts.restarts == 4


def test_a_stable_life_makes_the_deaths_before_it_forgotten() -> None:
    restarts = Restarts(POLICY)
    for _ in range(4):
        quick(restarts)
    late = restarts.ended(code=1, lived=60.0, in_order=False, chance=0.5)
    assert (late.verdict, late.pause) == (Verdict.AGAIN, 1.0)
    assert quick(restarts) == (Verdict.AGAIN, 2.0)


@pytest.mark.parametrize("code", [2, 4])
def test_what_only_a_person_can_repair_is_not_started_again(code: int) -> None:
    decision = Restarts(POLICY).ended(code=code, lived=1.0, in_order=False, chance=0.5)
    assert decision.verdict is Verdict.MISCONFIGURED


@pytest.mark.parametrize("code", [0, 1, 143])
def test_what_ended_in_order_is_over(code: int) -> None:
    decision = Restarts(POLICY).ended(code=code, lived=1.0, in_order=True, chance=0.5)
    assert decision.verdict is Verdict.OVER


@settings(deadline=None)
@given(
    lives=st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1)), max_size=50),
    policy=st.builds(
        Policy,
        first=st.floats(0.01, 10),
        factor=st.floats(1, 10),
        longest=st.floats(0.01, 100),
        spread=st.floats(0, 1),
        stable=st.floats(1, 1000),
        quick=st.integers(1, 10),
    ),
)
def test_pauses_are_bounded_and_quick_deaths_too(
    lives: list[tuple[float, float]], policy: Policy
) -> None:
    restarts, row = Restarts(policy), 0
    for lived, chance in lives:
        row = 1 if lived >= policy.stable else row + 1
        decision = restarts.ended(code=-9, lived=lived, in_order=False, chance=chance)
        assert (decision.verdict is Verdict.GIVE_UP) == (row > policy.quick)
        assert 0 <= decision.pause <= policy.longest * (1 + policy.spread)
        if decision.verdict is Verdict.GIVE_UP:
            return


NAMES = st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=20, unique=True)


@settings(deadline=None)
@given(names=NAMES, processes=st.integers(1, 40))
def test_everybody_works_somewhere_and_nobody_sits_idle(names: list[str], processes: int) -> None:
    hands = deal(names, processes)
    assert len(hands) == processes
    assert all(hands)
    assert {name for hand in hands for name in hand} == set(names)
    assert all(len(set(hand)) == len(hand) for hand in hands)
    sizes = [len(hand) for hand in hands]
    assert max(sizes) - min(sizes) <= 1
    if processes <= len(names):
        assert sum(sizes) == len(names)


@settings(deadline=None)
@given(ticks=st.integers(0, 1000), processes=st.integers(1, 40))
def test_ticks_are_shared_out_to_the_last(ticks: int, processes: int) -> None:
    shares = [one or 0 for one in share(ticks, processes)]
    assert sum(shares) == ticks
    assert max(shares) - min(shares) <= 1
    assert share(None, processes) == [None] * processes
