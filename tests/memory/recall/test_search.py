"""From a question to rows, in one process's columns."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from neveridle.memory.recall.analysis import terms_blob
from neveridle.memory.recall.corpus import Corpus
from neveridle.memory.recall.document import Document, Query, Scored
from neveridle.memory.recall.late import encode
from neveridle.memory.recall.search import search

AT = dt.datetime(2023, 5, 8, tzinfo=dt.UTC).timestamp()
WORDS = [
    "river",
    "stone",
    "lamp",
    "garden",
    "ticket",
    "engine",
    "winter",
    "salad",
    "violin",
    "paper",
    "bridge",
    "coffee",
]


def unit(seed: int, d: int = 32) -> np.ndarray:
    """A vector of length 1."""
    value = np.random.default_rng(seed).standard_normal(d).astype(np.float32)
    return value / np.linalg.norm(value)


def doc(number: int, text: str, **more: Any) -> Document:
    """A row at the usual time."""
    at = more.pop("at", AT)
    return Document(number, terms_blob(text, at), at=at, **more)


def corpus_of(documents: Sequence[Document], tokens: dict[int, bytes] | None = None) -> Corpus:
    """A corpus with token vectors by id."""

    def load(rows: Sequence[int]) -> list[bytes | None]:
        return [] if tokens is None else [tokens.get(row) for row in rows]

    corpus = Corpus(None if tokens is None else load)
    corpus.put(documents)
    return corpus


def ids(found: list[Scored]) -> list[int]:
    """The rows' ids."""
    return [one.id for one in found]


def talk(seed: int, count: int = 60) -> list[Document]:
    """Rows of some episodes and some that stand alone."""
    draw = random.Random(seed)
    return [
        doc(
            i,
            " ".join(draw.choices(WORDS, k=draw.randint(1, 9))),
            vector=unit(seed * 1000 + i),
            episode=i // 10 if i % 30 < 20 else None,
            position=i % 10,
            author=draw.choice(["Ann", "Bo"]),
        )
        for i in range(count)
    ]


def test_words_alone_find_a_row() -> None:
    corpus = corpus_of([doc(1, "the engine stalls"), doc(2, "a salad with nuts")])
    found = search(corpus, Query("which engine stalled?"), k=2)
    assert ids(found)[0] == 1
    assert found[0].why["lexical_rank"] == 1
    assert 0 <= found[1].score < found[0].score <= 1


def test_a_vector_alone_finds_a_row() -> None:
    corpus = corpus_of([doc(i, f"row {i}", vector=unit(i)) for i in range(50)])
    found = search(corpus, Query("?", vector=unit(17)), k=3)
    assert found[0].id == 17
    assert found[0].why["dense_rank"] == 1


def test_tokens_alone_find_a_row() -> None:
    tokens = {i: encode(np.stack([unit(10 * i + j) for j in range(4)])) for i in range(40)}
    corpus = corpus_of([doc(i, "same") if i else doc(0, "same") for i in range(40)], tokens)
    query = Query("?", tokens=np.stack([unit(232), unit(231)]))
    found = search(corpus, query, k=1)
    assert ids(found) == [23]
    assert found[0].why["late_rank"] == 1


def test_the_row_after_a_question_is_found_through_it() -> None:
    rows = [doc(i, f"we spoke of {w}", episode="x", position=i) for i, w in enumerate(WORDS)]
    rows[5] = doc(5, "Which colour did you paint the fence?", episode="x", position=5, author="Ann")
    rows[6] = doc(6, "Dark green.", episode="x", position=6, author="Bo")
    assert search(corpus_of(rows), Query("colour of the fence"), k=2)[0].id == 6


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_arrival_and_what_was_dropped_do_not_matter(seed: int) -> None:
    rows = talk(seed)
    query = Query("Did Ann see the river bridge in winter?", vector=unit(seed * 1000 + 7))
    plain = search(corpus_of(rows), query, k=20)
    mixed = corpus_of([])
    shuffled = random.Random(seed).sample(rows, len(rows))
    mixed.put([doc(r.id, "something else", vector=unit(5), episode=99) for r in shuffled[:30]])
    mixed.put([doc(1000 + i, "river bridge winter") for i in range(20)])
    for start in range(0, len(shuffled), 7):
        mixed.put(shuffled[start : start + 7])
        search(mixed, query, k=1)
    mixed.drop([*range(1000, 1020), 424_242])
    again = search(mixed, query, k=20)
    assert len(mixed) == len(rows)
    # Among equals the newer row stands first, whichever slot it is in.
    assert ids(again) == ids(plain)
    assert [a.score for a in again] == pytest.approx([p.score for p in plain], abs=1e-4)


def test_a_scope_is_searched_as_if_nothing_else_were_there() -> None:
    rows = talk(1)
    query = Query("violin paper and coffee", vector=unit(3))
    alone = search(corpus_of(rows), query, k=20)
    others = [doc(500 + r.id, "violin paper coffee", vector=unit(3), agent="eve") for r in rows]
    both = corpus_of([*others, *rows])
    inside = search(both, query, k=20, mask=both.scope(agent="sam") & (both.columns["id"] < 500))
    assert not inside  # the rows of nobody are private to nobody
    inside = search(both, query, k=20, mask=both.scope(agent=""))
    assert ids(inside) == ids(alone)
    assert [a.score for a in inside] == pytest.approx([p.score for p in alone], abs=1e-4)


def test_scopes() -> None:
    c = corpus_of(
        [
            doc(1, "a", agent="sam", tags=("x", "y")),
            doc(2, "b", agent="pat", tags=("x",), trusted=False),
            doc(3, "c", agent="pat", visibility="team", kind="lesson", at=AT - 100),
            doc(4, "d", agent="pat", visibility="public", layer="short", at=AT + 100),
        ]
    )

    def inside(**scope: Any) -> set[int]:
        return set(c.columns["id"][c.scope(**scope)].tolist())

    assert inside() == {1, 2, 3, 4}
    assert inside(agent="sam") == {1, 3, 4}
    assert inside(agent="pat") == {2, 3, 4}
    assert inside(agent="nobody") == {3, 4}
    assert inside(tags=["x"]) == {1, 2}
    assert inside(tags=["x", "y"]) == {1}
    assert inside(tags=["none"]) == set()
    assert inside(kinds=["lesson", "?"]) == {3}
    assert inside(layers=["short"]) == {4}
    assert inside(since=AT) == {1, 2, 4}
    assert inside(trusted=True) == {1, 3, 4}
    c.drop([1])
    assert inside(tags=["x"]) == {2}


def test_rows_alike_are_ordered_by_importance_trust_and_age() -> None:
    base = {i: f"the {w} needs oil" for i, w in enumerate(WORDS[:4])}
    query = Query("who needs oil", at=AT)
    plain = search(corpus_of([doc(i, t) for i, t in base.items()]), query, k=4)
    assert len({one.score for one in plain}) == 1
    first: tuple[dict[str, Any], ...] = {"importance": 0.9}, {"trusted": True}, {"at": AT}
    other: tuple[dict[str, Any], ...] = (
        {"importance": 0.1},
        {"trusted": False},
        {"at": AT - 400 * 86_400},
    )
    for good, bad in zip(first, other, strict=True):
        rows = [doc(i, t, **(good if i == 2 else bad)) for i, t in base.items()]
        assert search(corpus_of(rows), query, k=4)[0].id == 2


def test_a_day_asked_for_is_found_by_when_it_was_and_by_what_is_told() -> None:
    day = 86_400
    rows = [doc(i, "we met for lunch at the river", at=AT + 40 * day * i) for i in range(6)]
    rows.append(doc(9, "we met for lunch at the river, yesterday", at=AT + 300 * day))
    # 300 days after 8 May 2023 is 3 March 2024.
    corpus = corpus_of(rows)
    assert search(corpus, Query("who met for lunch on 27 July 2023?"), k=1)[0].id == 2
    assert search(corpus, Query("who met for lunch on 2 March 2024?", at=AT), k=1)[0].id == 9
    assert search(corpus, Query("who met for lunch in June?", at=AT + 900 * day), k=1)[0].id == 1


def test_repetitions_are_shown_once() -> None:
    text = "the deploy failed because the token for the registry had expired overnight"
    rows = [doc(i, text) for i in range(5)]
    rows.append(doc(7, "registry tokens are renewed by hand"))
    assert ids(search(corpus_of(rows), Query("registry token expired"), k=5)) == [4, 7]


@pytest.mark.parametrize(
    "text", ["", "\0", "😀", "\ud800", "?" * 9, "word " * 50_000, "the of and"]
)
def test_odd_questions_are_answered(text: str) -> None:
    corpus = corpus_of(talk(2), {})
    for query in (Query(text), Query(text, vector=unit(1), tokens=np.stack([unit(1)]), at=AT)):
        found = search(corpus, query, k=5)
        assert all(0 <= one.score <= 1 for one in found)


def test_nothing_and_next_to_nothing() -> None:
    query = Query("river", vector=unit(1), tokens=np.stack([unit(1)]), at=AT)
    assert search(Corpus(), query) == []
    assert ids(search(corpus_of([doc(1, "river")]), query)) == [1]
    assert ids(search(corpus_of([doc(1, "")]), query)) == [1]
    assert search(corpus_of([doc(1, "river")]), query, k=0) == []
    emptied = corpus_of([doc(1, "river", vector=unit(1))])
    emptied.drop([1])
    assert search(emptied, query) == []


def test_an_outside_index_names_candidates() -> None:
    rows = [doc(i, f"row {i}", vector=unit(i)) for i in range(900)]
    corpus = corpus_of(rows)
    outside = np.array([5, 77, 12_345], np.int64), np.array([0.9, 0.8, 0.7], np.float32)
    found = search(corpus, Query("other", vector=unit(77)), k=3, dense=outside)
    assert set(ids(found)) == {5, 77}
    assert {one.id: one.why["dense_rank"] for one in found} == {5: 1, 77: 2}


def test_of_many_rows_the_nearest_are_found_by_signs() -> None:
    rows = [doc(i, f"n{i}", vector=unit(i, 384)) for i in range(5_000)]
    corpus = corpus_of(rows)
    for want in (3, 4_321):
        near = np.asarray(unit(want, 384) + 0.5 * unit(99_999, 384), np.float32)
        near /= np.linalg.norm(near)
        found = search(corpus, Query("zzz", vector=near), k=1)
        assert ids(found) == [want]


def test_vectors_of_two_models_are_refused_and_nothing_is_taken_in() -> None:
    corpus = corpus_of([doc(1, "a", vector=unit(1))])
    with pytest.raises(ValueError, match="one model"):
        corpus.put([doc(1, "b"), doc(2, "b", vector=unit(1, 16))])
    assert len(corpus) == 1
    assert ids(search(corpus, Query("a"), k=1)) == [1]
