"""What says the same, and what only looks like it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.memory.embedding import MiniLM
from neveridle.memory.learning.twins import core, says_the_same
from neveridle.memory.learning.wording import wording

# However close their vectors are, these say different things.
DIFFERENT = [
    ("Run the tests before you commit.", "Do not run the tests before you commit."),
    ("Always mock the network in unit tests.", "Never mock the network in unit tests."),
    ("Always mock the network in unit tests.", "Don\u2019t mock the network in unit tests."),
    ("Use tabs in Makefiles.", "Avoid tabs in Makefiles."),
    ("Set timeout to 30 seconds.", "Set timeout to 60 seconds."),
    ("Wait two minutes for the build.", "Wait three minutes for the build."),
    ("Read shelf/store.py before the change.", "Read shelf/pages.py before the change."),
    ("Call `make check` at the end.", "Call `make lint` at the end."),
    ("Lint before testing.", "Test before linting."),
    ("Copy the data from staging to production.", "Copy the data from production to staging."),
    ("Use a list instead of a set here.", "Use a set instead of a list here."),
    ("Enable the cache in development.", "Disable the cache in development."),
    ("Compress images larger than 1 MB.", "Compress images smaller than 1 MB."),
    ("The frontend calls the backend.", "The backend calls the frontend."),
    ("Retry on 429, give up on 401.", "Retry on 401, give up on 429."),
    ("The tests must run with network.", "The tests must run without network."),
    ("Merge the branch when checks pass.", "Merge the branch unless checks pass."),
    ("Raise ValueError for a wrong url.", "Raise TypeError for a wrong url."),
    ("Drop empty parts.", "Escape user text in pages."),
    ("", "Escape user text in pages."),
]
PAIRS: dict[str, list[tuple[str, str]]] = json.loads(
    (Path(__file__).parent / "pairs.json").read_text(encoding="utf-8")
)
"""Pairs that say the same, and pairs that do not, in the manner of lessons."""


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_in_sense_is_never_the_same_however_close_it_is(one: str, other: str) -> None:
    assert not says_the_same(one, other, 0.999)
    assert not says_the_same(other, one, 0.999)


async def test_with_the_real_model_most_paraphrases_are_found_and_nothing_else_is() -> None:
    model = MiniLM()
    found: dict[str, int] = {}
    for kind, pairs in PAIRS.items():
        ones = await model.embed([one for one, _ in pairs])
        others = await model.embed([other for _, other in pairs])
        cosines = [sum(map(float.__mul__, a, b)) for a, b in zip(ones, others, strict=True)]
        found[kind] = sum(
            says_the_same(*pair, cosine) for pair, cosine in zip(pairs, cosines, strict=True)
        )

    assert found == {"same": 15, "different": 0}
    assert (len(PAIRS["same"]), len(PAIRS["different"])) == (24, 47)


WORDS = st.lists(
    st.sampled_from([
        "run", "tests", "not", "never", "before", "page", "store", "a.py", "30", "the", "without",
        "backend", "calls", "two", "remove", "add", "first", "`make x`", "don't",
    ]),
    max_size=9,
).map(" ".join)  # fmt: skip


@given(WORDS, WORDS, st.floats(0, 1))
def test_the_judgement_is_symmetric_and_never_overlooks_an_identifier(
    one: str, other: str, cosine: float
) -> None:
    same = says_the_same(one, other, cosine)

    assert same == says_the_same(other, one, cosine)
    if same:
        assert wording(one).identifiers == wording(other).identifiers
        assert wording(one).turns == wording(other).turns


@given(st.text())
def test_any_text_has_a_wording_and_says_what_it_says_itself(text: str) -> None:
    said = wording(text)
    assert says_the_same(text, text, 1.0) or not (said.stems or said.identifiers)


def test_the_lesson_is_what_is_compared() -> None:
    assert core("failure: Look first.\nContext: c") == "Look first."
    assert core("Note: look first.") == "Note: look first."
