"""A model whose every call can be watched, held up, and made to fail."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from neveridle.memory import Encoded
from neveridle.memory.embedding.model import joined
from neveridle.memory.embedding.shipped import shipped_weights


class WatchedModel:
    """A vector for each text, of its length and its last character.

    Attributes:
        batches: the texts of each call, in order.
        tokens: whether each call asked for token vectors.
        open: cleared, it holds calls up; ``entered`` is set as soon as one waits.
    """

    dimensions = 3

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.tokens: list[bool] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()

    def fingerprint(self) -> str:
        return "watched"

    def encode(self, texts: Sequence[str], *, tokens: bool) -> list[Encoded]:
        self.entered.set()
        assert self.open.wait(60)
        self.batches.append(list(texts))
        self.tokens.append(tokens)
        if "poison" in texts:
            msg = "this text cannot be read"
            raise ValueError(msg)
        rows = [np.array([1, len(t), ord(t[-1]) if t else 0], np.float32) for t in texts]
        return [
            joined([row], [1], [np.tile(row, (len(text), 1))] if tokens else None)
            for row, text in zip(rows, texts, strict=True)
        ]


@pytest.fixture
def model() -> WatchedModel:
    return WatchedModel()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder of the shipped model, each file of which may be replaced by another."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in shipped_weights().iterdir():
        (folder / file.name).symlink_to(file)
    return folder
