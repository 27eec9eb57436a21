"""What a text is made of for search: stems, identifiers, times, and a few plain facts."""

from __future__ import annotations

import itertools
import re
import struct
import threading
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.dates import Span, spans
from neveridle.memory.recall.stopwords import STOP

MAX_CHARS = 16_000
"""What stands behind it in one text is not analysed."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # noqa: RUF001 - other scripts' own
# What belongs together though punctuation divides it: paths, versions, AGT-275, snake_case, a.b@c.
_JOINED = re.compile(r"(?<![^\W_])[^\W_]+(?:[._\-/:\\@#]+[^\W_]+)+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Scripts written without spaces: Han, kana, Thai, Lao, Khmer. Hangul has spaces, yet long words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_SENTENCE = re.compile(r"[.!?。？！]+")  # noqa: RUF001 - other scripts' own
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|couple|few|dozen|twice|several)\b"
)
_HEADER = struct.Struct("<BBHHHH")
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Analysis:
    """A text as search sees it.

    Attributes:
        terms: distinct 32-bit hashes of its terms, ascending; shape (n,), uint32.
        counts: how often each occurs; shape (n,), uint16.
        length: terms with repetition.
        spans: days it speaks of; shape (s, 2), int32: first and last day as proleptic ordinals.
        asks: share of its sentences that are questions, 0 to 1.
        number: whether it names a number, in digits or words.
    """

    terms: NDArray[np.uint32]
    counts: NDArray[np.uint16]
    length: int
    spans: NDArray[np.int32]
    asks: float
    number: bool


def _stem(word: str) -> str:
    return _stemmed(word) if word.isascii() and not word.isdigit() and len(word) < 40 else word


# PyStemmer's object keeps a buffer of its own and must not be used by two threads at once.
_local = threading.local()


@lru_cache(maxsize=50_000)
def _stemmed(word: str) -> str:
    stemmer: Any = getattr(_local, "stemmer", None)
    if stemmer is None:
        # By name: the package has no types, and nothing is stemmed at import.
        stemmer = _local.stemmer = import_module("Stemmer").Stemmer("english")
    return str(stemmer.stemWord(word))


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        word = match.group()
        runs = _UNSPACED.findall(word) if not word.isascii() else ()
        if runs:
            for run in runs:
                yield from run
                yield from map("".join, itertools.pairwise(run))
            word = _UNSPACED.sub("", word)
            if not word:
                continue
        lower = word.lower().replace("’", "'").removesuffix("'s")  # noqa: RUF001 - other scripts' own
        if "'" in lower and lower.split("'")[0] in STOP:
            continue
        yield lower.replace("'", "")
        # getUserName is found by "user" as well; McDonald by itself only.
        if any(c.isupper() for c in word[1:]) and not word.isupper() and word.isascii():
            pieces = _CAMEL.findall(word)
            if len(pieces) > 1:
                yield from (piece.lower() for piece in pieces if len(piece) > 1)
    for match in _JOINED.finditer(text):
        if len(match.group()) <= 200:
            yield match.group().lower()


def terms_of(text: str) -> list[str]:
    """The text's terms in no promised order, with repetition, stop words left out."""
    clean = unicodedata.normalize("NFKC", text[:MAX_CHARS])
    return [_stem(word) for word in _words(clean) if word not in STOP]


@lru_cache(maxsize=100_000)
def term_hash(term: str) -> int:
    """The 32 bits that stand for a term."""
    return zlib.crc32(term.encode("utf-8", "replace"))


def analyse(text: str, at: float | None = None) -> Analysis:
    """Analyse a text.

    Args:
        text: anything; what stands behind 16,000 characters is left out.
        at: when it was written, in seconds since 1970 (UTC): "yesterday" is resolved against it.
            None: relative times are not resolved.
    """
    clean = text[:MAX_CHARS]
    hashes = np.array([term_hash(term) for term in terms_of(clean)], dtype=np.uint32)
    terms, counts = np.unique(hashes, return_counts=True)
    ends = _SENTENCE.findall(clean)
    asks = sum("?" in end or "？" in end for end in ends) / len(ends) if ends else 0.0  # noqa: RUF001 - other scripts' own
    found = spans(clean, at)
    return Analysis(
        terms=terms[:65_535],
        counts=np.minimum(counts[:65_535], 65_535).astype(np.uint16),
        length=min(len(hashes), 65_535),
        spans=_span_array(found),
        asks=asks,
        number=_NUMBER.search(clean.lower()) is not None,
    )


def _span_array(found: list[Span]) -> NDArray[np.int32]:
    return np.array([(s.first, s.last) for s in found], dtype=np.int32).reshape(-1, 2)


def terms_blob(text: str, at: float | None = None) -> bytes:
    """The analysis of a text as bytes to keep beside it: some 6 bytes per distinct term."""
    return pack(analyse(text, at))


def pack(a: Analysis) -> bytes:
    """An analysis as bytes, little-endian; ``unpack`` reads them."""
    flags = round(a.asks * 127) | (128 if a.number else 0)
    header = _HEADER.pack(_VERSION, flags, len(a.terms), a.length, len(a.spans), 0)
    return b"".join(
        (
            header,
            a.terms.astype("<u4").tobytes(),
            a.spans.astype("<i4").tobytes(),
            a.counts.astype("<u2").tobytes(),
        )
    )


def unpack(blob: bytes) -> Analysis:
    """The analysis that ``pack`` made bytes of.

    Raises:
        ValueError: these are not such bytes, or of a version that is not known.
    """
    if len(blob) < _HEADER.size or blob[0] != _VERSION:
        msg = "not an analysed text, or of another version: analyse the text again"
        raise ValueError(msg)
    _, flags, n, length, s, _ = _HEADER.unpack_from(blob)
    if len(blob) != _HEADER.size + 6 * n + 8 * s:
        msg = "an analysed text is cut off: analyse the text again"
        raise ValueError(msg)
    at = _HEADER.size
    return Analysis(
        terms=np.frombuffer(blob, "<u4", n, at),
        spans=np.frombuffer(blob, "<i4", 2 * s, at + 4 * n).reshape(-1, 2),
        counts=np.frombuffer(blob, "<u2", n, at + 4 * n + 8 * s),
        length=length,
        asks=(flags & 127) / 127,
        number=bool(flags & 128),
    )
