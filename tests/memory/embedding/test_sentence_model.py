"""What is compared with sentence-transformers, in one test: to import torch takes seconds."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neveridle.errors import ExtraMissing, SettingsInvalid
from neveridle.memory import Encoded, MiniLM, encode, model_of
from neveridle.memory.embedding.shipped import load_shipped, shipped_weights

PROSE = "She said that the migration fails on Tuesdays. Nobody knows why! Does 3.14 help? "
TEXTS = [
    "", " ", "\0\n\t", "hello", "Hello, World!", "?", "a" * 5_000, "x " * 250, "word " * 254,
    "The quick brown fox jumps over the lazy dog.",
    "Why did the deploy of 2024-03-05 fail at 14:05:09, and who (@sam?) knows?",
    "def f(x):\n    return {'a': x ** 2, \"b\": [1, 2]}  # comment",
    "https://example.org/a/b?c=d&e=%20f#g", "/usr/lib/python3",
    "TKT-4711 #12 3.14159",
    "[CLS] in the middle [SEP] of [MASK] and [UNK] [PAD]", "Straße, ÉCOLE naïve, Ångström, ﬁ, ½",
    "e\u0301" * 30, "🙂", "🙂👩‍👩‍👧‍👦🇩🇪" * 40, "日本語のテキストです。" * 12, "中文没有空格",
    "한국어 문장",
    "שלום עולם, מה שלומך?", "مرحبا بالعالم كيف حالك", "\u202eright to left\u202c", "Привет, мир",
    "\ud800 half of a pair \udfff", "a\u200bb\u00adc\ufeffd", "\r\n\x0b\x0c\x85", "\x01\x02\x7f",
    '{"json": [1, 2.5, null], "nested": {"key": "value"}}', PROSE, PROSE * 10,
]  # fmt: skip
LONG = PROSE * 60  # 4,900 characters


async def test_the_vectors_are_those_of_sentence_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours = load_shipped()
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setitem(sys.modules, "onnxruntime", None)  # as if it were not installed
        assert not caplog.records
        theirs = load_shipped()
        assert "made by sentence-transformers, slower" in caplog.text
    assert type(ours) is not type(theirs)
    assert theirs.fingerprint() == ours.fingerprint(), "they may share a store"
    assert theirs.dimensions == ours.dimensions

    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)  # two that wait for each other spin, beside another busy process
    peer: Any = SentenceTransformer(str(shipped_weights()), device="cpu", local_files_only=True)
    clean = [text.encode("utf-8", "replace").decode() for text in TEXTS]
    vectors = peer.encode(clean, normalize_embeddings=True)
    states = peer.encode(clean, output_value="token_embeddings")
    together = ours.encode(TEXTS, tokens=True)
    for text, vector, state, found, other in zip(
        TEXTS, vectors, states, together, theirs.encode(TEXTS, tokens=True), strict=True
    ):
        (alone,) = ours.encode([text], tokens=False)
        assert float(alone.dense @ vector) >= 0.9999, text[:40]
        assert float(found.dense @ vector) >= 0.9999, text[:40]
        assert alone.tokens is None
        wanted = state[1:-1].numpy()
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
        _alike(found, wanted, text)
        _alike(other, wanted, text)
        assert np.allclose(found.windows, other.windows, atol=1e-3)

    (found,) = ours.encode([LONG], tokens=True)
    (other,) = theirs.encode([LONG], tokens=True)
    assert found.tokens is not None
    assert other.tokens is not None
    assert found.tokens.shape == other.tokens.shape, "nothing is cut off by either"
    assert len(found.windows) >= 5
    assert float(found.dense @ other.dense) > 0.999

    await _another_model(tmp_path, peer.tokenizer)
    await _no_model(tmp_path)


def _alike(found: Encoded, wanted: Any, text: str) -> None:
    assert found.tokens is not None
    assert found.tokens.shape == wanted.shape, text[:40]
    assert np.allclose((found.tokens * wanted).sum(axis=1), 1, atol=1e-4), text[:40]


async def _another_model(folder: Path, tokenizer: Any) -> None:
    """By its folder: windows to the end, tokens, and a name that tells weights apart."""
    one = MiniLM(_made(folder / "one", tokenizer, seed=1))
    assert one.dimensions == 0
    text = "Every word of this text is read. " * 40
    found, short = await encode(one, [text, "short"])
    assert one.dimensions == 32
    assert found.tokens is not None
    assert found.tokens.shape == (len(tokenizer.tokenize(text)), 32)
    assert len(found.windows) == 20, "two sentences of 8 tokens in each"
    assert np.allclose((found.windows**2).sum(axis=1), 1, atol=1e-5)
    assert short.tokens is not None
    assert short.tokens.shape == (1, 32)
    assert np.allclose((await one.embed(["short"]))[0], short.dense, atol=1e-6)

    name = await model_of(one)
    assert name.startswith(f"{folder / 'one'}@")
    again = MiniLM(str(folder / "one"))
    other = MiniLM(_made(folder / "other", tokenizer, seed=2))
    digests = [(await model_of(each)).rpartition("@")[2] for each in (one, again, other)]
    assert digests[0] == digests[1] != digests[2]


def _made(folder: Path, tokenizer: Any, *, seed: int) -> str:
    import torch as untyped
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel

    torch: Any = untyped
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64,
    )  # fmt: skip
    network: Any = BertModel(config)
    network.save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer: Any = Transformer(str(folder / "bert"), max_seq_length=20)
    SentenceTransformer(modules=[transformer, Pooling(32)]).save(str(folder))
    return str(folder)


async def _no_model(folder: Path) -> None:
    (folder / "empty").mkdir()
    embedder = MiniLM(str(folder / "empty"))
    for call in (embedder.embed(["text"]), embedder.model()):
        with pytest.raises(SettingsInvalid, match=r"cannot be loaded.*\[memory\]"):
            await call
    (folder / "broken").mkdir()
    for file in shipped_weights().iterdir():
        (folder / "broken" / file.name).symlink_to(file)
    (folder / "broken" / "tokenizer.json").unlink()
    (folder / "broken" / "tokenizer.json").write_text("{}")
    with pytest.raises(ExtraMissing, match="--force-reinstall"):
        load_shipped(folder / "broken")
