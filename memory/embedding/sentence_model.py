"""Any model that sentence-transformers can load. Importing it takes seconds."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from neveridle.errors import SettingsInvalid
from neveridle.memory.embedding.embedder import Encoded
from neveridle.memory.embedding.model import SCHEME, joined, readable
from neveridle.memory.embedding.windows import spans

_BATCH = 32
# A window cut inside a word may tokenize to a few more pieces than were counted.
_SLACK = 8


class SentenceModel:
    """A model by name or folder, its outputs normalised.

    Args:
        name: what sentence-transformers takes; it may download it.
        shipped: the folder holds the weights that come as a package: nothing is asked of a hub.

    Raises:
        SettingsInvalid: it cannot be loaded.
    """

    def __init__(self, name: str, *, shipped: bool = False) -> None:
        self._shipped = Path(name) if shipped else None
        # Its signatures are too wide for the type checkers: text, audio, images; nine results.
        self._model: Any = _load(name, shipped=shipped)
        tokenizer: Any = getattr(self._model, "tokenizer", None)
        # Without offsets nothing can be cut: the model then cuts off what does not fit.
        self._tokenizer: Any = tokenizer if getattr(tokenizer, "is_fast", False) else None
        self._limit: int | None = getattr(self._model, "max_seq_length", None)
        self._marks: set[int] = set()
        if self._tokenizer is not None:
            kinds = ("cls", "sep", "bos", "eos", "pad")
            found = [getattr(tokenizer, f"{kind}_token_id", None) for kind in kinds]
            self._marks = {number for number in found if number is not None}
        self._dimensions: int = self._encode([""], tokens=False)[0][0].size

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        return self._dimensions

    def fingerprint(self) -> str:
        """A digest of the weights as loaded, wherever they came from."""
        if self._shipped is not None:  # the same as on onnxruntime: so are the vectors
            from neveridle.memory.embedding.onnx_model import fingerprint

            return fingerprint(self._shipped)
        found = hashlib.sha256(f"{SCHEME} {self._limit} {self._dimensions}".encode())
        state: dict[str, Any] = self._model.state_dict()
        import torch

        for name in sorted(state):
            found.update(f"{name} {tuple(state[name].shape)}".encode())
            raw = state[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            found.update(raw.numpy().data)
        return found.hexdigest()[:12]

    def encode(self, texts: Sequence[str], *, tokens: bool) -> list[Encoded]:
        """One ``Encoded`` for each text; token vectors where the model has any to give."""
        parts = [self._windows(readable(text)) for text in texts]
        outputs = self._encode([window for windows in parts for window in windows], tokens=tokens)
        found: list[Encoded] = []
        at = 0
        for windows in parts:
            here = outputs[at : at + len(windows)]
            at += len(windows)
            vectors, states = [vector for vector, _ in here], [states for _, states in here]
            lengths = [len(window) or 1 for window in windows]
            found.append(joined(vectors, lengths, None if None in states else states))
        return found

    def _encode(self, windows: list[str], *, tokens: bool) -> list[tuple[Any, Any]]:
        """For each window its vector, and its hidden states or None."""
        import numpy as np

        outputs = self._model.encode(
            windows,
            batch_size=_BATCH,
            output_value=None if tokens else "sentence_embedding",
            convert_to_numpy=not tokens,
            show_progress_bar=False,
        )
        if not tokens:
            return [(np.asarray(output, np.float32), None) for output in outputs]
        return [
            (output["sentence_embedding"].float().cpu().numpy(), self._states(output))
            for output in outputs
        ]

    def _states(self, output: dict[str, Any]) -> Any:
        states, ids = output.get("token_embeddings"), output.get("input_ids")
        if states is None or ids is None or states.shape[-1] != self._dimensions:
            return None
        wanted = [number for number, token in enumerate(ids.tolist()) if token not in self._marks]
        return states[wanted].float().cpu().numpy()

    def _windows(self, text: str) -> list[str]:
        if not self._limit or self._tokenizer is None:
            return [text]
        room = max(1, self._limit - self._tokenizer.num_special_tokens_to_add())
        # Each token covers at least one byte, so a text this short fits without counting.
        if len(text.encode()) <= room:
            return [text]
        encoded = self._tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )
        offsets: list[tuple[int, int]] = encoded["offset_mapping"]
        if len(offsets) <= room:
            return [text]
        cuts = [offsets[begin][0] for begin, _ in spans(text, offsets, max(1, room - _SLACK))]
        return [text[begin:end] for begin, end in pairwise([0, *cuts[1:], len(text)])]


def _load(name: str, *, shipped: bool) -> Any:
    with warnings.catch_warnings():
        # In a notebook without widgets, tqdm says at import that its bars will be plain.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from sentence_transformers import SentenceTransformer

    if shipped:  # a local folder, so Hugging Face's hub is never asked and needs no offline switch
        with _no_progress_bar():
            return SentenceTransformer(name, device="cpu", local_files_only=True)
    try:
        return SentenceTransformer(name)
    except Exception as error:  # hub, file and format errors share no base class
        msg = f"The embedding model {name!r} cannot be loaded: {error}."
        remedy = (
            "Set embedding in [memory] to all-MiniLM-L6-v2, or to a name or folder "
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
