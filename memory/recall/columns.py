"""Arrays that grow: one value per slot, doubled when full."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Columns:
    """Named numpy columns of one length.

    Args:
        kinds: name → (dtype, fill value).
    """

    def __init__(self, kinds: dict[str, tuple[Any, Any]]) -> None:
        self._kinds = kinds
        self._size = 0
        self._arrays: dict[str, NDArray[Any]] = {
            name: np.full(16, fill, dtype) for name, (dtype, fill) in kinds.items()
        }

    def __len__(self) -> int:
        return self._size

    def grow(self, count: int) -> int:
        """Make room for ``count`` more; the number of the first new slot."""
        first, self._size = self._size, self._size + count
        for name, (dtype, fill) in self._kinds.items():
            old = self._arrays[name]
            if len(old) < self._size:
                new = np.full(max(self._size, 2 * len(old)), fill, dtype)
                new[:first] = old[:first]
                self._arrays[name] = new
        return first

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name][: self._size]
