"""The rows of a memory in this process's columns, ready to be searched."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.analysis import terms_of, unpack
from neveridle.memory.recall.columns import Columns
from neveridle.memory.recall.dates import day_of
from neveridle.memory.recall.document import Document
from neveridle.memory.recall.lexical import LexicalIndex
from neveridle.memory.recall.signs import sign_words

Loader = Callable[[Sequence[int]], Sequence[bytes | None]]
"""Takes row ids, gives the bytes of their token vectors (``late.encode``) in the same order."""

Mask = NDArray[np.bool_]

_KINDS = {
    **dict.fromkeys(("agent", "visibility", "kind", "layer", "author"), (np.int32, -1)),
    **dict.fromkeys(("episode", "position", "before", "after"), (np.int32, -1)),
    "id": (np.int64, -1),
    "alive": (np.bool_, False),
    "at": (np.float64, 0.0),
    "day": (np.int32, 0),
    "importance": (np.float32, 0.5),
    "trusted": (np.bool_, True),
    "length": (np.float32, 0.0),
    "asks": (np.float32, 0.0),
    "number": (np.float32, 0.0),
    "dated": (np.float32, 0.0),
    "dense": (np.bool_, False),
}


class Names:
    """Numbers for names, in the order met."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}
        self.names: list[str] = []

    def number(self, name: str) -> int:
        """The name's number, a new one if it has none."""
        got = self.of.setdefault(name, len(self.names))
        if got == len(self.names):
            self.names.append(name)
        return got


class Corpus:
    """Rows in columns. Belongs to one thread at a time; holds no token vectors, they are loaded.

    Args:
        tokens: gives token vectors of rows by id. None: no late interaction.
    """

    def __init__(self, tokens: Loader | None = None) -> None:
        self.tokens = tokens
        self._clear()

    def _clear(self) -> None:
        self.columns = Columns(_KINDS)
        self.index = LexicalIndex()
        self.names = {k: Names() for k in ("agent", "visibility", "kind", "layer", "author")}
        self.author_stems: list[frozenset[str]] = []
        self.vectors: NDArray[np.float16] = np.zeros((0, 0), np.float16)
        self.signs: NDArray[np.uint64] = np.zeros((0, 0), np.uint64)
        self.slot_of: dict[int, int] = {}
        self.documents_terms: list[NDArray[np.uint32]] = []
        self.documents_counts: list[NDArray[np.uint16]] = []
        self.spans: dict[int, NDArray[np.int32]] = {}
        self._tags: dict[str, array[int]] = {}  # slots; those of rows that are gone stay
        self._episodes: dict[str | int, int] = {}
        self._places: dict[tuple[int, int], int] = {}
        self.episode_length: list[float] = []
        self._dead = 0

    def __len__(self) -> int:
        return len(self.slot_of)

    def put(self, documents: Iterable[Document]) -> None:
        """Take rows in; one that is there already is replaced.

        Raises:
            ValueError: terms that are not ``analysis.terms_blob``'s, or a vector of another length
                than the others'. Nothing is taken in then.
        """
        last = {document.id: document for document in documents}
        docs = list(last.values())
        if not docs:
            return
        analyses = [unpack(d.terms) for d in docs]
        vectors = [_vector(d) for d in docs]
        sizes = {len(v) for v in vectors if v is not None}
        if self.vectors.shape[1]:
            sizes.add(self.vectors.shape[1])
        if len(sizes) > 1:
            msg = f"vectors of different lengths: {sorted(sizes)}; embed all rows with one model"
            raise ValueError(msg)
        self.drop([d.id for d in docs])
        first = self.columns.grow(len(docs))
        slots = range(first, first + len(docs))
        c = self.columns
        here = slice(first, first + len(docs))
        for name, names in self.names.items():
            c[name][here] = [names.number(getattr(d, name)) for d in docs]
        authors = self.names["author"].names
        for name in authors[len(self.author_stems) :]:
            self.author_stems.append(frozenset(terms_of(name)))
        c["id"][here] = [d.id for d in docs]
        c["alive"][here] = True
        c["at"][here] = [d.at for d in docs]
        c["day"][here] = [day_of(d.at) for d in docs]
        c["importance"][here] = [d.importance for d in docs]
        c["trusted"][here] = [d.trusted for d in docs]
        c["length"][here] = [a.length for a in analyses]
        c["asks"][here] = [a.asks for a in analyses]
        c["number"][here] = [a.number for a in analyses]
        c["dated"][here] = [len(a.spans) > 0 for a in analyses]
        c["dense"][here] = [v is not None for v in vectors]
        if sizes:
            self._put_vectors(here, vectors, sizes.pop())
        self.documents_terms.extend(a.terms for a in analyses)
        self.documents_counts.extend(a.counts for a in analyses)
        for slot, d, a in zip(slots, docs, analyses, strict=True):
            self._put_one(slot, d)
            if len(a.spans):
                self.spans[slot] = a.spans
        self.index.add(slots, [a.terms for a in analyses], [a.counts for a in analyses])

    def _put_vectors(
        self, here: slice, vectors: Sequence[NDArray[np.float32] | None], size: int
    ) -> None:
        if len(self.vectors) < here.stop:
            new = np.zeros((max(here.stop, 2 * len(self.vectors)), size), np.float16)
            if self.vectors.size:
                new[: len(self.vectors)] = self.vectors
            self.vectors = new
            signs = np.zeros((len(new), -(-size // 64)), np.uint64)
            if self.signs.size:
                signs[: len(self.signs)] = self.signs
            self.signs = signs
        for slot, vector in zip(range(here.start, here.stop), vectors, strict=True):
            if vector is not None:
                self.vectors[slot] = vector
        self.signs[here] = sign_words(self.vectors[here])

    def _put_one(self, slot: int, d: Document) -> None:
        c = self.columns
        self.slot_of[d.id] = slot
        for tag in d.tags:
            self._tags.setdefault(tag, array("q")).append(slot)
        if d.episode is None:
            return
        episode = self._episodes.setdefault(d.episode, len(self._episodes))
        if episode == len(self.episode_length):
            self.episode_length.append(0.0)
        self.episode_length[episode] += float(c["length"][slot])
        c["episode"][slot], c["position"][slot] = episode, d.position
        self._places[episode, d.position] = slot
        for step, here, there in ((-1, "before", "after"), (1, "after", "before")):
            beside = self._places.get((episode, d.position + step), -1)
            if beside >= 0:
                c[here][slot], c[there][beside] = beside, slot

    def drop(self, ids: Collection[int]) -> None:
        """Leave rows out; ids that are not there are ignored."""
        c = self.columns
        for row in ids:
            slot = self.slot_of.pop(row, None)
            if slot is None:
                continue
            self._dead += 1
            c["alive"][slot] = False
            self.spans.pop(slot, None)
            episode, position = int(c["episode"][slot]), int(c["position"][slot])
            if episode >= 0:
                self.episode_length[episode] -= float(c["length"][slot])
            if self._places.get((episode, position)) == slot:
                del self._places[episode, position]
            for beside, there in ((c["before"][slot], "after"), (c["after"][slot], "before")):
                if beside >= 0 and c[there][beside] == slot:
                    c[there][beside] = -1

    def scope(
        self,
        *,
        agent: str | None = None,
        layers: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
        tags: Collection[str] | None = None,
        since: float | None = None,
        trusted: bool | None = None,
    ) -> Mask:
        """Which slots may be found; shape (slots,).

        Args:
            agent: who asks: sees its own rows and those that are not private. None: the operator.
            layers: rows of one of these. None: of any; so for the others.
            kinds: rows of one of these kinds.
            tags: rows that have all of these tags.
            since: rows at or after this time, seconds since 1970.
            trusted: True: only trusted rows; False: only those in quarantine.
        """
        c = self.columns
        mask = c["alive"].copy()
        if agent is not None:
            own = self.names["agent"].of.get(agent, -2)
            private = self.names["visibility"].of.get("private", -2)
            mask &= (c["agent"] == own) | (c["visibility"] != private)
        for name, wanted in (("layer", layers), ("kind", kinds)):
            if wanted is not None:
                codes = [self.names[name].of.get(value, -2) for value in wanted]
                mask &= np.isin(c[name], codes)
        for tag in () if tags is None else tags:
            some = np.zeros(len(c), np.bool_)
            if tag in self._tags:
                some[np.frombuffer(self._tags[tag], np.int64)] = True
            mask &= some
        if since is not None:
            mask &= c["at"] >= since
        if trusted is not None:
            mask &= c["trusted"] == trusted
        return mask


def _vector(d: Document) -> NDArray[np.float32] | None:
    if isinstance(d.vector, bytes):
        return np.frombuffer(d.vector, "<f4")
    return None if d.vector is None else np.asarray(d.vector, np.float32)
