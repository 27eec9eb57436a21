from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from neveridle.errors import ExtraMissing
from neveridle.memory import MiniLM, TokenEmbedder, encode, model_of
from neveridle.memory.embedding.onnx_model import OnnxModel, fingerprint
from neveridle.memory.embedding.shipped import load_shipped, shipped_weights


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


async def test_minilm_knows_meaning(minilm: MiniLM) -> None:
    query, near, far = await minilm.embed(
        ["The car would not start.", "The vehicle's engine is dead.", "Cherry cake with cream."]
    )
    assert len(query) == minilm.dimensions == 384
    assert math.isclose(_cosine(query, query), 1, abs_tol=1e-5)
    assert _cosine(query, near) > _cosine(query, far) + 0.3


async def test_a_text_is_read_to_its_end(minilm: MiniLM) -> None:
    filler = "The weather was mild and nothing happened on that day. " * 350
    secret = "The password of the printer is in the kitchen drawer. " * 3
    text = filler + secret
    assert len(text) > 16_000
    plain, tailed, query, last = await encode(
        minilm, [filler, text, "Where is the printer's password?", secret]
    )
    assert len(tailed.windows) == math.ceil(len(_tokens(tailed.tokens)) / 254)
    assert len(_tokens(tailed.tokens)) - len(_tokens(plain.tokens)) == len(_tokens(last.tokens))
    nearness = tailed.windows @ query.dense
    assert nearness.argmax() == len(nearness) - 1
    assert nearness[-1] > nearness[:-1].max() + 0.3
    nearest = (_tokens(tailed.tokens) @ _tokens(query.tokens).T).max(axis=1)
    assert nearest.argmax() >= len(nearest) - 40, "the tokens of the last window are there, too"
    assert math.isclose(float(tailed.dense @ tailed.dense), 1, abs_tol=1e-5)


def _tokens(
    found: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    assert found is not None
    return found


async def test_any_text_has_a_vector(minilm: MiniLM) -> None:
    odd = ["", "\ud800", "🙂" * 500, "a" * 5_000, "日本語" * 300, "\0\n\t", "שלום " * 400]
    for found in await encode(minilm, odd):
        for array in (found.dense[None, :], found.windows, _tokens(found.tokens)):
            assert array.dtype == np.float32
            assert array.shape[1] == 384
            assert np.allclose((array * array).sum(axis=1), 1, atol=1e-5)
    assert await minilm.embed([]) == []
    assert await minilm.encode([]) == []


async def test_neighbours_in_a_batch_change_nothing(minilm: MiniLM) -> None:
    model = load_shipped()
    texts = [f"Text {number} " + "goes on and on " * (number * 7 % 40) for number in range(40)]
    together = model.encode(texts, tokens=True)
    for text, found in zip(texts, together, strict=True):
        (alone,) = model.encode([text], tokens=True)
        assert float(alone.dense @ found.dense) > 0.99999
        assert _tokens(alone.tokens).shape == _tokens(found.tokens).shape
        assert np.allclose(_tokens(alone.tokens), _tokens(found.tokens), atol=1e-4)


async def test_the_name_of_the_vectors(weights: Path) -> None:
    one, other = MiniLM(), MiniLM("sentence-transformers/all-MiniLM-L6-v2")
    assert isinstance(one, TokenEmbedder)
    assert one.name == other.name == "all-MiniLM-L6-v2"
    name = await model_of(one)
    assert name == await model_of(other) == f"all-MiniLM-L6-v2@{fingerprint(shipped_weights())}"
    assert fingerprint(weights) == fingerprint(shipped_weights()), "wherever they lie"
    for file in ("config.json", "tokenizer.json", "sentence_bert_config.json", "model.safetensors"):
        (weights / file).unlink()
        (weights / file).write_text("{}")
        assert fingerprint(weights) != fingerprint(shipped_weights())
        (weights / file).unlink()
        (weights / file).symlink_to(shipped_weights() / file)


async def test_embedders_share_what_they_know() -> None:
    one, other = MiniLM(), MiniLM("sentence-transformers/all-MiniLM-L6-v2")
    text = "A text that only this test asks for."
    first = await one.embed([text])
    before = other.stats
    assert await other.embed([text]) == first
    assert other.stats.cached == before.cached + 1


@pytest.mark.parametrize("damage", ["cut off", "no header", "empty", "longer"])
def test_damaged_weights_are_told(weights: Path, damage: str) -> None:
    file = weights / "model.safetensors"
    whole = file.read_bytes()
    file.unlink()
    file.write_bytes(
        {"cut off": whole[:-4096], "no header": b"\xff" * 64, "empty": b"", "longer": whole + b"x"}[
            damage
        ]
    )
    with pytest.raises(ExtraMissing, match=r"cannot be read") as caught:
        load_shipped(weights)
    assert "--force-reinstall" in str(caught.value)


def test_a_file_that_is_missing_is_told(weights: Path) -> None:
    (weights / "tokenizer.json").unlink()
    with pytest.raises(ExtraMissing, match=r"tokenizer\.json"):
        load_shipped(weights)


def test_another_network_is_not_taken_for_this_one(weights: Path) -> None:
    config = (weights / "config.json").read_text("utf-8")
    (weights / "config.json").unlink()
    (weights / "config.json").write_text(config.replace('"gelu"', '"relu"'), "utf-8")
    with pytest.raises(ValueError, match="no plain BERT"):
        OnnxModel(weights)


OFFLINE = """
    import asyncio, os, socket, sys

    def refuse(*args, **kwargs):
        os._exit(9)

    socket.getaddrinfo = socket.create_connection = refuse
    connect = socket.socket.connect
    socket.socket.connect = lambda self, to: (
        connect(self, to) if self.family == socket.AF_UNIX else refuse()
    )
    from neveridle.memory import MiniLM
    before = dict(os.environ)

    async def main():
        embedder = MiniLM()
        await embedder.embed(["hello"])
        await embedder.model()

    asyncio.run(main())
    assert not {"torch", "transformers", "sentence_transformers"} & set(sys.modules)
    leaked = {key for key in os.environ if os.environ[key] != before.get(key)}
    leaked -= {"KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK"}
    print(sorted(leaked))
"""


def test_neither_network_nor_torch(tmp_path: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "ORT_"))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(OFFLINE)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**clean, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", "the environment was changed"
    assert done.stderr == "", "something was printed over the live display"
    assert list(tmp_path.iterdir()) == [], "neither an export nor the id of a device is left behind"
