from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.memory import Embedder, HashingEmbedder, encode, model_of
from neveridle.memory.embedding.hashing import stems


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_hashing_likes_shared_words() -> None:
    embedder = HashingEmbedder()
    query, near, far = await embedder.embed(
        ["failing migrations", "The migration fails on Tuesdays.", "Cherry cake with cream."]
    )
    assert _cosine(query, near) > 0.5
    assert abs(_cosine(query, far)) < 0.2


async def test_hashing_is_the_same_in_every_process() -> None:
    code = (
        "import asyncio; from neveridle.memory import HashingEmbedder; "
        "print(asyncio.run(HashingEmbedder(32).embed(['same words here'])))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.strip() == str(await HashingEmbedder(32).embed(["same words here"]))


@given(st.text())
@settings(max_examples=100, deadline=None)
async def test_hashing_gives_unit_vectors(text: str) -> None:
    (vector,) = await HashingEmbedder(16).embed([text])
    assert len(vector) == 16
    assert math.isclose(_cosine(vector, vector), 1, abs_tol=1e-9)


def test_stems() -> None:
    assert stems("Tests tested the TESTING of a test") == ["test"] * 4
    assert stems("The and of") == []


async def test_hashing_gives_a_token_for_each_stem() -> None:
    embedder = HashingEmbedder(64)
    found, empty = await embedder.encode(["The failing tests, tested again", "of the"])
    assert (
        found.dense.tolist()
        == np.array(
            (await embedder.embed(["The failing tests, tested again"]))[0], np.float32
        ).tolist()
    )
    assert found.tokens is not None
    assert found.tokens.shape == (4, 64)
    assert (found.tokens[1] == found.tokens[2]).all()
    assert found.windows.shape == (1, 64)
    assert empty.tokens is not None
    assert empty.tokens.shape == (0, 64)
    assert await model_of(embedder) == "hashing-64"


async def test_an_embedder_without_tokens() -> None:
    class Plain:
        name, dimensions = "plain", 2

        async def embed(self, texts: Sequence[str]) -> list[list[float]]:
            return [[0.0, 1.0] for _ in texts]

    embedder: Embedder = Plain()
    (found,) = await encode(embedder, ["text"])
    assert found.dense.tolist() == [0, 1]
    assert found.windows.tolist() == [[0, 1]]
    assert found.tokens is None
    assert await model_of(embedder) == "plain"
