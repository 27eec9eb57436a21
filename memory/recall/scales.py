"""Scales on which scores of one question's candidates can be compared with another's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


def standard(values: NDArray[Any], least: float) -> Values:
    """Distance from the mean in standard deviations, of which ``least`` is the smallest."""
    if not len(values):
        return np.asarray(values, np.float32)
    return np.asarray((values - values.mean()) / max(float(values.std()), least), np.float32)


def best_share(values: NDArray[Any]) -> Values:
    """Each as a share of the best: 0 to 1."""
    best = float(values.max()) if len(values) else 0.0
    return np.asarray(values / np.float32(best if best > 0 else 1.0), np.float32)
