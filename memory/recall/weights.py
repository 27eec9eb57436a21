"""The numbers that recall has learnt: of each feature, and of what a token says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Signals = Literal["tokens", "vectors", "words"]
"""What there is to compare: words, vectors and tokens; words and vectors; words only."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """How features become one score.

    Attributes:
        features: weight of each feature.
        lengths: how that weight changes with the logarithm of the scope's mean length.
        scale, offset: from a row's sum to the logarithm of its odds to be an answer.
    """

    features: dict[str, float]
    lengths: dict[str, float]
    scale: float
    offset: float

    def chance(
        self, features: dict[str, NDArray[np.float32]], length: float
    ) -> NDArray[np.float32]:
        """How likely each candidate is to answer, 0 to 1; shape (p,)."""
        total = np.zeros(len(next(iter(features.values()))), np.float32)
        for name, values in features.items():
            weight = self.features.get(name, 0.0) + length * self.lengths.get(name, 0.0)
            total += np.float32(weight) * values
        odds = np.clip(self.scale * total + self.offset, -30, 30)
        return np.asarray(1 / (1 + np.exp(-odds)), np.float32)


@dataclass(frozen=True, slots=True)
class Weights:
    """Learnt by ``scripts/learn_recall.py``; shipped as ``weights.json``.

    Attributes:
        fusions: one for each case of what there is to compare.
        model: whose token vectors ``tokens`` fits.
        tokens: how much a token says, linear in its vector; shape (dimensions + 1,).
    """

    fusions: dict[Signals, Fusion]
    model: str
    tokens: NDArray[np.float32]

    def says(self, tokens: NDArray[np.float32], model: str) -> NDArray[np.float32]:
        """How much each token says, at least 0.2; 1 for all where the model is another."""
        if model != self.model or tokens.shape[1] + 1 != len(self.tokens):
            return np.ones(len(tokens), np.float32)
        says = tokens @ self.tokens[:-1] + self.tokens[-1]
        return np.asarray(np.maximum(says, np.float32(0.2)), np.float32)


@cache
def shipped() -> Weights:
    """The weights that come with neveridle."""
    text = files("neveridle.memory.recall").joinpath("weights.json").read_text("utf-8")
    return parse(text)


def parse(text: str) -> Weights:
    """Weights from JSON.

    Raises:
        ValueError: it is not JSON of this shape.
    """
    raw = json.loads(text)
    return Weights(
        fusions={
            name: Fusion(
                features=dict(one["features"]),
                lengths=dict(one["lengths"]),
                scale=float(one["scale"]),
                offset=float(one["offset"]),
            )
            for name, one in raw["fusions"].items()
        },
        model=str(raw["model"]),
        tokens=np.array(raw["tokens"], np.float32),
    )
