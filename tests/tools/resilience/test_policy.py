"""How long is waited, and after which errors: for all that there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle import errors
from neveridle.errors import AccessRefused, NeveridleError, ServiceError
from neveridle.tools.resilience import RetryPolicy
from neveridle.tools.resilience.meaning import Meaning, helps, meaning_of

seconds = st.floats(0.001, 1000.0)
chances = st.floats(0.0, 1.0)
policies = st.builds(RetryPolicy, base=seconds, longest=seconds)

# (class, what it says of the service, repeated if repeatable, repeated if not); all others
# say nothing of a service, and are not repeated.
TABLE = {
    "ServiceError": (Meaning.UNWELL, True, False),
    "EffectUnsettled": (Meaning.UNWELL, True, False),
    "ServiceUnreached": (Meaning.UNWELL, True, True),
    "RateLimited": (Meaning.LIMITED, True, True),
    "ServiceUnavailable": (Meaning.UNKNOWN, False, False),
    "CredentialsRejected": (Meaning.REJECTED, False, False),
    "AccessRefused": (Meaning.ANSWERED, False, False),
}


CLASSES: list[type[NeveridleError]] = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, NeveridleError)
]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_says_one_thing(kind: type[NeveridleError]) -> None:
    answered = (Meaning.ANSWERED, False, False)
    nothing = answered if issubclass(kind, errors.ModelMistake) else (Meaning.UNKNOWN, False, False)
    meaning, repeatable, other = TABLE.get(kind.__name__, nothing)
    error = kind("it said so")
    assert meaning_of(error) is meaning
    assert (helps(error, repeatable=True), helps(error, repeatable=False)) == (repeatable, other)


def test_details_decide_where_the_class_does_not() -> None:
    assert meaning_of(AccessRefused("no", rejected=True)) is Meaning.REJECTED
    assert meaning_of(ServiceError("no", wait=3.0)) is Meaning.UNWELL
    assert meaning_of(ServiceError("no", health=False)) is Meaning.ANSWERED
    assert meaning_of(ServiceError("no", health=False, wait=3.0)) is Meaning.LIMITED
    assert not helps(KeyError(), repeatable=True)


@given(policy=policies, failed=st.integers(1, 10_000), chance=chances)
def test_waits_grow_up_to_a_bound(policy: RetryPolicy, failed: int, chance: float) -> None:
    delay = policy.delay(failed, chance)
    plain = min(policy.base * 2.0 ** min(failed - 1, 62), policy.longest)
    assert plain <= delay <= 2 * plain
    assert policy.delay(failed + 1, chance) >= delay
    assert delay <= 2 * policy.longest


@given(policy=policies, failed=st.integers(1, 100), chance=chances, asked=st.floats(0, 1e6))
def test_nobody_comes_before_the_service_wants_it(
    policy: RetryPolicy, failed: int, chance: float, asked: float
) -> None:
    assert asked <= policy.delay(failed, chance, asked) <= asked + policy.base


@given(policy=policies, asked=st.floats(0, 1e6))
def test_not_all_come_at_one_instant(policy: RetryPolicy, asked: float) -> None:
    assert len({policy.delay(1, number / 10, asked) for number in range(11)}) > 5
    assert len({policy.delay(1, number / 10) for number in range(11)}) > 5
