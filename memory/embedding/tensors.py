"""Weights in a safetensors file, read where they lie."""

from __future__ import annotations

import json
import mmap
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class WeightsDamaged(Exception):
    """The file is cut off, or is no safetensors file."""


def tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The file's 32-bit tensors by name, mapped: processes share one copy of their memory.

    Raises:
        WeightsDamaged: the file is not whole; nothing of it can be trusted.
        OSError: it cannot be opened.
    """
    import numpy as np

    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        (size,) = struct.unpack_from("<Q", data)
        start = 8 + size
        header: dict[str, Any] = json.loads(data[8:start])
        header.pop("__metadata__", None)
        # Checked before anything is touched: to read a mapping beyond its file kills the process.
        if start + max(entry["data_offsets"][1] for entry in header.values()) != len(data):
            msg = f"{path} is cut off"
            raise WeightsDamaged(msg)
        return {
            name: np.frombuffer(data, "<f4", (end - begin) // 4, start + begin).reshape(
                entry["shape"]
            )
            for name, entry in header.items()
            if entry["dtype"] == "F32"
            for begin, end in [entry["data_offsets"]]
        }
    except (ValueError, KeyError, TypeError, struct.error, OverflowError) as error:
        msg = f"{path} is no safetensors file ({error})"
        raise WeightsDamaged(msg) from error
