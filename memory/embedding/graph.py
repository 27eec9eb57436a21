"""An ONNX graph, put together node by node. Its weights stay outside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.memory.embedding.wire import Field, message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Field numbers and enumerations are those of onnx.proto.
_FLOAT, _INT32 = 1, 6
_EXTERNAL = 1
_IR_VERSION = 8
_OPERATORS = 17
FUSED = "com.microsoft"
"""The domain of onnxruntime's own operators, which do in one step what takes ONNX many."""


class Graph:
    """Nodes and weights; ``serialized`` gives what onnxruntime loads."""

    def __init__(self) -> None:
        self.weights: dict[str, NDArray[np.float32]] = {}
        self._nodes: list[bytes] = []

    def weight(self, name: str, values: NDArray[Any]) -> str:
        """Declare a weight, to be handed to the session beside the graph; returns its name."""
        self.weights[name] = values
        return name

    def node(
        self,
        operator: str,
        inputs: list[str],
        output: str,
        *,
        unused: str = "",
        **attributes: float,
    ) -> str:
        """Add one of onnxruntime's own operators; returns the name of its output.

        Args:
            inputs: "" stands for an optional one that is left out.
            unused: a second output that the operator insists on.
        """
        fields: list[Field] = [(1, name) for name in inputs]
        fields += [(2, name) for name in (output, unused) if name]
        fields += [(4, operator), (7, FUSED)]
        for name, value in attributes.items():
            held: list[Field] = [(2, value), (20, 1)] if isinstance(value, float) else [
                (3, value), (20, 2)
            ]  # fmt: skip
            fields.append((5, message((1, name), *held)))
        self._nodes.append(message(*fields))
        return output

    def serialized(self, *, inputs: list[str], output: str, width: int) -> bytes:
        """The model: inputs of shape (batch, length), int32; output (batch, length, width)."""
        graph = message(
            *[(1, node) for node in self._nodes],
            (2, "encoder"),
            *[(5, _outside(name, array.shape)) for name, array in self.weights.items()],
            *[(11, _variable(name, _INT32, ["batch", "length"])) for name in inputs],
            (12, _variable(output, _FLOAT, ["batch", "length", width])),
        )
        return message(
            (1, _IR_VERSION),
            (7, graph),
            (8, message((1, ""), (2, _OPERATORS))),
            (8, message((1, FUSED), (2, 1))),
        )


def _outside(name: str, shape: tuple[int, ...]) -> bytes:
    place = message((1, "location"), (2, "given to the session"))
    dimensions: list[Field] = [(1, size) for size in shape]
    return message(*dimensions, (2, _FLOAT), (8, name), (13, place), (14, _EXTERNAL))


def _variable(name: str, kind: int, shape: list[str | int]) -> bytes:
    sizes = [message((1 if isinstance(size, int) else 2, size)) for size in shape]
    tensor = message((1, kind), (2, message(*[(1, size) for size in sizes])))
    return message((1, name), (2, message((1, tensor))))
