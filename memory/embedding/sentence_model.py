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
_SLACK = 8  # tokens left free where a cut inside a word makes more of them


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
        self._around = (0, 0)
        if self._tokenizer is not None:  # what a text's own tokens stand between
            bare, whole = (
                tokenizer("a", add_special_tokens=marks)["input_ids"] for marks in (False, True)
            )
            before = next(at for at in range(len(whole)) if whole[at:][: len(bare)] == bare)
            self._around = (before, len(whole) - before - len(bare))
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
        flat = [window for windows in parts for window, _ in windows]
        outputs = self._encode(flat, tokens=tokens)
        found: list[Encoded] = []
        at = 0
        for windows in parts:
            here = outputs[at : at + len(windows)]
            at += len(windows)
            states = [states for _, states in here if states is not None]
            found.append(
                joined(
                    [vector for vector, _ in here],
                    [length for _, length in windows],
                    states if len(states) == len(here) else None,
                )
            )
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
        states, mask = output.get("token_embeddings"), output.get("attention_mask")
        if states is None or mask is None or states.shape[-1] != self._dimensions:
            return None
        before, after = self._around
        (read,) = mask.nonzero(as_tuple=True)  # without padding, at whichever side
        return states[read[before : len(read) - after]].float().cpu().numpy()

    def _windows(self, text: str) -> list[tuple[str, int]]:
        """Each with its length in tokens."""
        if not self._limit or self._tokenizer is None:
            return [(text, 1)]
        marks: int = self._tokenizer.num_special_tokens_to_add()
        room = max(1, self._limit - marks)
        # Each token covers at least one byte, so a text this short fits without counting.
        if len(text.encode()) <= room:
            return [(text, 1)]
        offsets = self._offsets(text)
        if len(offsets) <= room:
            return [(text, 1)]
        for limit in (room, max(1, room - _SLACK)):
            cuts = [offsets[begin][0] for begin, _ in spans(text, offsets, limit)]
            pieces = [text[begin:end] for begin, end in pairwise([0, *cuts[1:], len(text)])]
            lengths = [len(self._offsets(piece)) for piece in pieces]
            if max(lengths) <= room:  # a piece cut inside a word may have more than was counted
                break
        return [(piece, length + marks) for piece, length in zip(pieces, lengths, strict=True)]

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = self._tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )["offset_mapping"]
        return found


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
