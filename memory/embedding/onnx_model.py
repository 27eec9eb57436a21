"""A BERT sentence model on onnxruntime and tokenizers alone."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.memory.embedding.bert import HIDDEN, IDS, MASK, Shape, bert_graph
from neveridle.memory.embedding.embedder import Encoded
from neveridle.memory.embedding.model import SCHEME, joined, readable
from neveridle.memory.embedding.runtime import onnxruntime
from neveridle.memory.embedding.tensors import tensors
from neveridle.memory.embedding.windows import spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RUN = 2_048
"""Tokens of one run, padding included: larger runs are no faster, and hold more memory."""
_THREADS = 4  # a query of twelve tokens has no use for more
_FILES = ("config.json", "tokenizer.json", "sentence_bert_config.json", "model.safetensors")

Window = tuple[int, list[int]]


class OnnxModel:
    """Mean-pooled hidden states of a plain BERT, as sentence-transformers gives them.

    The graph is made of the checkpoint at each start, in memory: there is no exported file that
    could be stale, cut off, or written by two processes at once.

    Args:
        folder: of a sentence-transformers model with ``model.safetensors``.

    Raises:
        ImportError: onnxruntime or tokenizers does not work here.
        WeightsDamaged: the weights are not whole.
        ValueError: the model is no plain BERT.
        OSError: a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        ort = onnxruntime()
        self._folder = folder
        config, layout = (json.loads((folder / name).read_text("utf-8")) for name in _FILES[0:3:2])
        self._shape = Shape.of(config)
        self._limit: int = layout["max_seq_length"] - 2
        self._tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._begin, *_, self._end = self._tokenizer.encode("").ids  # [CLS] and [SEP]
        graph = bert_graph(self._shape, tensors(folder / "model.safetensors"))
        # The session reads the weights where they are: they must live as long as it does.
        self._weights = {
            name: ort.OrtValue.ortvalue_from_numpy(values) for name, values in graph.weights.items()
        }
        options = ort.SessionOptions()
        options.intra_op_num_threads = min(_THREADS, _processors())
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Its threads wait for each other without sleeping: half the time for a query. But not
        # on after it, which costs three times the query's own work.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.add_external_initializers(list(self._weights), list(self._weights.values()))
        self._session = ort.InferenceSession(
            graph.serialized(inputs=[IDS, MASK], output=HIDDEN, width=self._shape.width),
            options,
            providers=["CPUExecutionProvider"],
        )

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        return self._shape.width

    def fingerprint(self) -> str:
        """A digest of the files."""
        return fingerprint(self._folder)

    def encode(self, texts: Sequence[str], *, tokens: bool) -> list[Encoded]:
        """One ``Encoded`` for each text; texts may be of any length."""
        windows: list[Window] = []
        owned: list[range] = []
        for text in texts:
            begin = len(windows)
            windows += enumerate(self._windows(readable(text)), begin)
            owned.append(range(begin, len(windows)))
        pooled: dict[int, NDArray[np.float32]] = {}
        states: dict[int, NDArray[np.float32]] = {}
        for run in _runs(windows):
            hidden, means = self._run([ids for _, ids in run])
            for row, (number, ids) in enumerate(run):
                pooled[number] = means[row]
                if tokens:
                    states[number] = hidden[row, 1 : len(ids) - 1].copy()  # lets go of the run
        return [
            joined(
                [pooled[number] for number in numbers],
                [len(windows[number][1]) for number in numbers],
                [states[number] for number in numbers] if tokens else None,
            )
            for numbers in owned
        ]

    def _windows(self, text: str) -> list[list[int]]:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids: list[int] = encoding.ids
        if len(ids) <= self._limit:
            return [[self._begin, *ids, self._end]]
        return [
            [self._begin, *ids[begin:end], self._end]
            for begin, end in spans(text, encoding.offsets, self._limit)
        ]

    def _run(self, batch: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import numpy as np

        ids = np.zeros((len(batch), len(batch[0])), np.int32)
        mask = np.zeros_like(ids)
        for row, window in enumerate(batch):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        hidden: NDArray[np.float32] = self._session.run([HIDDEN], {IDS: ids, MASK: mask})[0]
        shares = mask.astype(np.float32)
        shares /= shares.sum(axis=1, keepdims=True)
        return hidden, (shares[:, None, :] @ hidden)[:, 0]


def fingerprint(folder: Path) -> str:
    """Twelve hexadecimal digits for a model's files and the way they are used here."""
    found = hashlib.sha256(str(SCHEME).encode())
    for name in _FILES:
        with (folder / name).open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:12]


def _runs(windows: Sequence[Window]) -> list[list[Window]]:
    """Windows of nearly the same length together, the longest of a run first."""
    runs: list[list[Window]] = []
    for window in sorted(windows, key=lambda window: -len(window[1])):
        length = len(window[1])
        if runs:
            longest = len(runs[-1][0][1])
            fits = longest * (len(runs[-1]) + 1) <= _RUN
            # To start a run costs as much as about 20 tokens.
            if fits and longest - length <= max(8, longest // 4):
                runs[-1].append(window)
                continue
        runs.append([window])
    return runs


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
