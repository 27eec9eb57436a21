"""The network of MiniLM (and of any plain BERT) as an ONNX graph over its own weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neveridle.memory.embedding.graph import Graph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IDS, MASK, HIDDEN = "ids", "mask", "hidden"
_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class Shape:
    """What BERT's ``config.json`` says.

    Attributes:
        width: length of each hidden state.
        layers: how many.
        heads: of the attention in each layer.
    """

    width: int
    layers: int
    heads: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Shape:
        """From the parsed file.

        Raises:
            ValueError: the network is none that ``bert_graph`` builds.
        """
        plain = (
            config.get("model_type") == "bert"
            and config.get("hidden_act") == "gelu"
            and config.get("position_embedding_type", "absolute") == "absolute"
            and config.get("layer_norm_eps") == _EPSILON
        )
        if not plain:
            msg = "this is no plain BERT"
            raise ValueError(msg)
        return cls(
            config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
        )


def bert_graph(shape: Shape, weights: Mapping[str, NDArray[np.float32]]) -> Graph:
    """Token ids and their mask in, the last hidden states out.

    Each layer is seven of onnxruntime's operators. Those that onnxruntime would make itself out
    of fifty standard ones, but then at each start, and only where it recognizes their pattern.
    Weights are handed over as they lie in the file, except for the small ones that are joined.

    Args:
        weights: by their names in the checkpoint.

    Raises:
        KeyError: a weight is missing.
    """
    import numpy as np

    graph = Graph()

    def given(name: str) -> str:
        return graph.weight(name, weights[name])

    def norm(inputs: list[str], name: str, bias: str, output: str) -> str:
        inputs = [*inputs, given(f"{name}.weight"), given(f"{name}.bias"), given(bias)]
        return graph.node("SkipLayerNormalization", inputs, output, epsilon=_EPSILON)

    start = "embeddings."
    # All tokens are of the first type, so its vector may as well be part of their positions'.
    positions = graph.weight(
        "positions",
        weights[f"{start}position_embeddings.weight"]
        + weights[f"{start}token_type_embeddings.weight"][0],
    )
    state = graph.node(
        "EmbedLayerNormalization",
        [
            IDS, "", given(f"{start}word_embeddings.weight"), positions, "",
            given(f"{start}LayerNorm.weight"), given(f"{start}LayerNorm.bias"),
        ],
        "embedded",
        unused="lengths",
        epsilon=_EPSILON,
    )  # fmt: skip
    for number in range(shape.layers):
        layer = f"encoder.layer.{number}"
        parts = [f"{layer}.attention.self.{part}" for part in ("query", "key", "value")]
        joined = np.concatenate([weights[f"{part}.weight"] for part in parts])
        attended = graph.node(
            "Attention",
            [
                state,
                graph.weight(f"{layer}.joined.weight", np.ascontiguousarray(joined.T)),
                graph.weight(
                    f"{layer}.joined.bias",
                    np.concatenate([weights[f"{part}.bias"] for part in parts]),
                ),
                MASK,
            ],
            f"{layer}.attended",
            num_heads=shape.heads,
        )

        def times(value: str, name: str) -> str:
            return graph.node("FusedMatMul", [value, given(f"{name}.weight")], name, transB=1)

        out = f"{layer}.attention.output"
        seen = norm(
            [times(attended, f"{out}.dense"), state], f"{out}.LayerNorm", f"{out}.dense.bias", out
        )
        inner = f"{layer}.intermediate.dense"
        active = graph.node(
            "BiasGelu", [times(seen, inner), given(f"{inner}.bias")], f"{inner}.active"
        )
        out = f"{layer}.output"
        state = norm(
            [times(active, f"{out}.dense"), seen],
            f"{out}.LayerNorm",
            f"{out}.dense.bias",
            HIDDEN if number == shape.layers - 1 else out,
        )
    return graph
