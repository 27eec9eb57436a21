from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from neveridle.memory import Encoded
from neveridle.memory.embedding.engine import Engine


async def _entered(model: Any) -> None:
    assert await asyncio.to_thread(model.entered.wait, 60)


def _read(model: Any) -> list[str]:
    return [text for batch in model.batches for text in batch]


def _same(one: Encoded, other: Encoded) -> bool:
    return bool((one.dense == other.dense).all())


async def test_a_text_is_read_once(model: Any) -> None:
    engine = Engine(lambda: model)
    first = await engine.encode(["one", "two", "one"], tokens=False)
    again = await engine.encode(["two", "one"], tokens=False)
    assert sorted(_read(model)) == ["one", "two"]
    assert _same(first[0], first[2])
    assert _same(first[0], again[1])
    assert _same(first[1], again[0])
    assert not _same(first[0], first[1])
    stats = engine.stats
    assert (stats.texts, stats.cached + stats.shared, stats.computed) == (5, 3, 2)


async def test_tokens_are_read_for_who_asks(model: Any) -> None:
    engine = Engine(lambda: model)
    (plain,) = await engine.encode(["text"], tokens=False)
    assert plain.tokens is None
    for _ in range(2):
        (full,) = await engine.encode(["text"], tokens=True)
        assert full.tokens is not None
        assert full.tokens.shape == (4, 3)
    (plain,) = await engine.encode(["text"], tokens=False)
    assert plain.tokens is None
    assert model.tokens == [False, True], "what has tokens answers both questions"


async def test_callers_of_one_moment_share_batches_and_texts(model: Any) -> None:
    engine = Engine(lambda: model)
    model.open.clear()
    first = asyncio.create_task(engine.encode(["first"], tokens=False))
    await _entered(model)
    # Each asks for a text of its own and for one that all want.
    others = [
        asyncio.create_task(engine.encode([f"text {number}", "the same"], tokens=bool(number % 2)))
        for number in range(100)
    ]
    await asyncio.sleep(0.01)
    model.open.set()
    found = await asyncio.gather(first, *others)
    assert all(len(batch) <= 32 for batch in model.batches)
    assert len(model.batches) == 5, "102 texts or 103, and the first one alone"
    assert _read(model).count("the same") <= 2, "once with tokens, once without"
    for number, answer in enumerate(found[1:]):
        (alone,) = await Engine(lambda: model).encode([f"text {number}"], tokens=False)
        assert _same(answer[0], alone), "everybody has the vector of their own text"
        assert (answer[0].tokens is not None) == bool(number % 2)


async def test_a_query_does_not_wait_for_a_thousand_texts(model: Any) -> None:
    engine = Engine(lambda: model)
    model.open.clear()
    many = asyncio.create_task(
        engine.encode([f"lesson {number:04}" for number in range(1000)], tokens=False)
    )
    await _entered(model)
    query = asyncio.create_task(engine.encode(["query"], tokens=False))
    await asyncio.sleep(0.01)
    model.open.set()
    await query
    await many
    assert _read(model).index("query") < 70
    assert len(_read(model)) == 1001
    assert not any(model.tokens)


async def test_long_texts_make_small_batches(model: Any) -> None:
    engine = Engine(lambda: model)
    texts = [f"{number}" * 10_000 for number in range(8)] + ["x" * 200_000]
    found = await engine.encode(texts, tokens=False)
    assert all(len(batch) <= 3 for batch in model.batches)
    assert [round(float(one.dense[1] / one.dense[0])) for one in found] == [10_000] * 8 + [200_000]


async def test_texts_of_one_length_are_read_together(model: Any) -> None:
    texts = [("long " * 50 if number % 2 else "short ") + str(number) for number in range(64)]
    await Engine(lambda: model).encode(texts, tokens=False)
    mixed = [batch for batch in model.batches if len({len(text) > 50 for text in batch}) > 1]
    assert mixed == []


async def test_who_leaves_takes_nothing_from_the_others(model: Any) -> None:
    engine = Engine(lambda: model)
    model.open.clear()
    first = asyncio.create_task(engine.encode(["first"], tokens=False))
    await _entered(model)
    leaves = asyncio.create_task(engine.encode(["shared", "only mine"], tokens=False))
    stays = asyncio.create_task(engine.encode(["shared"], tokens=False))
    await asyncio.sleep(0.01)
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    model.open.set()
    assert len(await stays) == len(await first) == 1
    assert _read(model) == ["first", "shared"], "what nobody waits for any more is not read"
    assert len(await engine.encode(["only mine"], tokens=False)) == 1


async def test_a_text_that_cannot_be_read_fails_alone(model: Any) -> None:
    engine = Engine(lambda: model)
    model.open.clear()
    first = asyncio.create_task(engine.encode(["first"], tokens=False))
    await _entered(model)
    tasks = [
        asyncio.create_task(engine.encode([text], tokens=False))
        for text in ("good", "poison", "better")
    ]
    await asyncio.sleep(0.01)
    model.open.set()
    await first
    good, poison, better = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(poison, ValueError)
    assert isinstance(good, list)
    assert isinstance(better, list)
    with pytest.raises(ValueError, match="cannot be read"):
        await engine.encode(["poison"], tokens=False)


async def test_a_model_that_does_not_load_is_tried_again(model: Any) -> None:
    tries: list[int] = []

    def load() -> Any:
        tries.append(1)
        if len(tries) == 1:
            msg = "not yet"
            raise OSError(msg)
        return model

    engine = Engine(load)
    assert engine.dimensions == 0
    with pytest.raises(OSError, match="not yet"):
        await engine.encode(["text"], tokens=False)
    assert len(await engine.encode(["text"], tokens=False)) == 1
    assert await engine.fingerprint() == "watched"
    assert engine.dimensions == 3
    assert len(tries) == 2


async def test_what_is_kept_is_bounded(model: Any) -> None:
    engine = Engine(lambda: model, cache=20_000)
    for number in range(200):
        await engine.encode([f"text {number}"], tokens=False)
        await engine.encode(["asked for all the time"], tokens=False)
    await engine.encode(["x" * 2_000], tokens=True)  # 24 KB of tokens: more than the cache holds
    before = len(_read(model))
    await engine.encode(["asked for all the time", "text 199"], tokens=False)
    assert len(_read(model)) == before, "the latest ones are known"
    assert _read(model).count("asked for all the time") == 1, "latest use counts, not latest read"
    await engine.encode(["text 0"], tokens=False)
    await engine.encode(["x" * 2_000], tokens=True)
    assert len(_read(model)) == before + 2, "the oldest one and the huge one are not"


async def test_what_is_shared_cannot_be_changed(model: Any) -> None:
    (found,) = await Engine(lambda: model).encode(["text"], tokens=True)
    assert found.tokens is not None
    for array in (found.dense, found.windows, found.tokens):
        with pytest.raises(ValueError, match="read-only"):
            array += 1
        assert np.isfinite(array).all()


def test_event_loops_one_after_the_other(model: Any) -> None:
    engine = Engine(lambda: model)

    async def call() -> Any:
        return await engine.encode(["text", "other"], tokens=False)

    assert len(asyncio.run(call())) == len(asyncio.run(call())) == 2
    assert engine.stats.computed == 2


async def test_nothing_asked(model: Any) -> None:
    assert await Engine(lambda: model).encode([], tokens=True) == []
    assert model.batches == []
