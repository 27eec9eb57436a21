"""Protocol buffers, as far as an ONNX graph needs them: written, never read.

The package ``onnx`` would bring 30 MB to write five kilobytes. What is written here is the wire
format, which is fixed: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct

Value = int | float | str | bytes
Field = tuple[int, Value]


def message(*fields: Field) -> bytes:
    """A message of numbered fields, in the order given.

    An ``int`` (not negative) becomes a varint, a ``float`` 32 bits; text and bytes, which may be
    messages themselves, are preceded by their length. A repeated field is given several times.
    """
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
