"""What is told again is not stored again, on every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from neveridle.board import Board
from neveridle.board.memory_row import NewMemory
from neveridle.board.selection import Selection
from neveridle.board.turns import Told, continued


def _turns(words: str) -> list[NewMemory]:
    return [NewMemory(agent="sam", text=word, digest=word) for word in words]


async def test_turns_are_stored_once(board: Board) -> None:
    memories = board.memories
    episode = await memories.begin_episode(agent="sam", key="e", title="t")
    first = await memories.add_turns(episode, _turns("abca"))
    assert await memories.add_turns(episode, _turns("abca")) == first
    more = await memories.add_turns(episode, _turns("cad"))
    assert more[:2] == first[2:]
    rows = await memories.get([*first, more[2]])
    assert [(row.text, row.position) for row in rows] == [*zip("abcad", range(5), strict=True)]
    assert await memories.told(episode, [Told("d", None), Told("x", None)]) == [more[2], None]
    assert await memories.episode_keys([episode]) == {episode: ("e", "t")}


async def test_who_tells_it_at_once_stores_it_once(board: Board) -> None:
    memories = board.memories
    episode = await memories.begin_episode(agent="sam", key="e")
    told = await asyncio.gather(*(memories.add_turns(episode, _turns("abc")) for _ in range(6)))
    assert {tuple(ids) for ids in told} == {tuple(told[0])}
    assert await memories.count() == {"live": 3}


async def test_only_the_unknown_is_added(board: Board) -> None:
    memories = board.memories
    one, two = _turns("ab")
    assert await memories.known([one, two]) == [None, None]
    ((first, new),) = await memories.add_unknown([replace(one, at=5.0)])
    assert new
    again = [one, replace(one, at=5.0), replace(one, at=6.0), two, two]
    assert await memories.known(again) == [first, first, None, None, None]
    done = await memories.add_unknown(again)
    assert [added for _, added in done] == [False, False, True, True, False]
    assert done[0][0] == done[1][0] == first
    assert done[3][0] == done[4][0]
    await memories.forget([first])
    assert (await memories.known([replace(one, at=5.0)])) == [None]


async def test_places_in_an_episode_are_given_or_follow(board: Board) -> None:
    memories = board.memories
    episode = await memories.begin_episode(agent="sam", key="e")
    lines = [replace(one, episode=episode) for one in _turns("abcd")]
    lines[1] = replace(lines[1], position=7)
    ids = [row for row, _ in await memories.add_unknown(lines)]
    assert [row.position for row in await memories.get(ids)] == [0, 7, 8, 9]
    twice = [replace(lines[0], position=n) for n in (0, 11)]
    assert [added for _, added in await memories.add_unknown(twice)] == [False, True]


async def test_selections(board: Board) -> None:
    memories = board.memories
    rows = [
        NewMemory(agent="sam", text="a", tags=("x", "y"), source="task:1", at=5.0),
        NewMemory(agent="sam", text="b", tags=("x",), source="task:1/log", visibility="team"),
        NewMemory(agent="leo", text="c", source="task:12", kind="fact"),
        NewMemory(agent="leo", text="d", source="100%_x"),
    ]
    a, b, c, d = await memories.add(rows)
    await memories.retire([d])
    cases = {
        Selection(): [a, b, c],
        Selection(agent="sam"): [a, b],
        Selection(tags=frozenset("xy")): [a],
        Selection(source="task:1"): [a, b],
        Selection(source="task"): [a, b, c],
        Selection(source="%"): [],
        Selection(kinds=frozenset({"fact"})): [c],
        Selection(before=6.0): [a],
        Selection(since=6.0): [b, c],
        Selection(shared=True): [b],
        Selection(ids=frozenset({a, c, 99})): [a, c],
        Selection(states=frozenset({"retired"})): [d],
    }
    for which, ids in cases.items():
        assert [row.id for row in await memories.select(which, 10)] == ids, which
    every = Selection()
    assert [row.id for row in await memories.select(every, 2, after=a)] == [b, c]
    assert [row.id for row in await memories.select(every, 2, newest=True)] == [c, b]
    assert [row.id for row in await memories.select(every, 2, after=c, newest=True)] == [b, a]


words = st.text("abc", max_size=8)


@given(words, words)
def test_going_on_adds_what_comes_after(before: str, after: str) -> None:
    """All of it told again with what came after: what was there is there, once."""
    stored = [Told(one, 1.0) for one in before]
    given_ = [Told(one, None) for one in before + after]
    places = continued(stored, given_)
    assert [place for place in places if place is not None] == list(range(len(before)))


@given(words, words)
def test_no_stored_turn_counts_twice(before: str, told: str) -> None:
    stored = [Told(one, 1.0) for one in before]
    places = [p for p in continued(stored, [Told(one, None) for one in told]) if p is not None]
    assert len({*places}) == len(places)
    assert all(before[place] in told for place in places)


def test_what_was_forgotten_is_no_proof() -> None:
    stored = [Told("a", 1.0), Told("", 2.0)]
    assert continued(stored, [Told("a", None), Told("b", None)]) == [0, 1]
    assert continued(stored, [Told("new", None)]) == [None]
