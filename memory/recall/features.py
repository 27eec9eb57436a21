"""What is known about each candidate, as numbers that mean the same in any store.

Scores of one signal are compared within the candidates of one question: BM25 as a share of the
best, similarities as distances from the candidates' mean in their standard deviations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.analysis import term_hash
from neveridle.memory.recall.around import AFTER, AFTER2, BEFORE, BEFORE2, OWN, Around
from neveridle.memory.recall.asked import Asked
from neveridle.memory.recall.candidates import Found
from neveridle.memory.recall.corpus import Corpus
from neveridle.memory.recall.lexical import impact
from neveridle.memory.recall.scales import best_share, standard
from neveridle.memory.recall.signals import Dense, Late

Values = NDArray[np.float32]

_WIDE = {
    "pair": (1.0, 1.0, 0.0, 0.0, 0.0),
    "wide": (1.0, 1.0, 1.0, 1.0, 1.0),
    "near": (1.0, 0.5, 0.25, 0.15, 0.15),
}
"""Weights of a row, the one before, after, second before, second after, read as one text."""


def features(
    corpus: Corpus, asked: Asked, found: Found, around: Around, dense: Dense, late: Late
) -> dict[str, Values]:
    """Named features, each of shape (p,), for the candidates in the order of ``found.slots``."""
    out: dict[str, Values] = {}
    p = len(found.slots)
    _lexical(out, corpus, found, around)
    _similar(out, around, dense, late)
    _session(out, corpus, found)
    _facts(out, corpus, asked, found, around)
    return {name: np.broadcast_to(value, (p,)).astype(np.float32) for name, value in out.items()}


def _lexical(out: dict[str, Values], corpus: Corpus, found: Found, around: Around) -> None:
    weights = found.idf * found.counts
    names = _names(corpus, found)
    content = weights * ~np.isin(found.terms, list(names))
    best = float(weights.sum()) or 1.0
    counts, at = around.counts, around.at
    for name, shares in {"turn": (1.0, 0, 0, 0, 0), **_WIDE}.items():
        used = [i for i, share in enumerate(shares) if share]
        together = sum(np.float32(shares[i]) * counts[:, at[i]] for i in used)
        lengths = sum(np.float32(shares[i]) * around.lengths[at[i]] for i in used)
        average = found.average * sum(shares)
        score = weights @ impact(np.asarray(together), np.asarray(lengths), average)
        out[f"lex_{name}"] = best_share(score)
        if name == "near":
            out["lex_near_z"] = standard(score, 0.05 * best)
            score = content @ impact(np.asarray(together), np.asarray(lengths), average)
            out["lex_content_z"] = standard(score, 0.05 * best)
        if name == "turn":
            score = content @ impact(np.asarray(together), np.asarray(lengths), average)
            out["lex_content"] = best_share(score)
    out["lex_prev"], out["lex_next"] = (
        best_share(weights @ impact(counts[:, at[i]], around.lengths[at[i]], found.average))
        for i in (BEFORE, AFTER)
    )
    out["lex_cover"] = weights @ (counts[:, at[OWN]] > 0) / np.float32(best)
    # The session read as one text, from all its rows that are in scope.
    episode = corpus.columns["episode"]
    codes, which = np.unique(episode[found.slots], return_inverse=True)
    local = np.full(len(corpus.episode_length) + 1, -1, np.int64)
    local[codes] = np.arange(len(codes))
    local[-1] = -1
    sums = np.zeros((len(found.postings), len(codes)), np.float32)
    for row, (slots, term_counts) in zip(sums, found.postings, strict=True):
        home = local[episode[slots]]
        inside = home >= 0
        row += np.bincount(home[inside], term_counts[inside], len(codes)).astype(np.float32)
    lengths = np.array([corpus.episode_length[c] if c >= 0 else 0.0 for c in codes], np.float32)
    alone = codes < 0
    if len(lengths) and not alone.all():
        average = float(lengths[~alone].mean())
        score = weights @ impact(sums, lengths, average)
        score[alone] = 0
        out["lex_session"] = best_share(score)[which]
    else:
        out["lex_session"] = np.zeros(len(found.slots), np.float32)


def _names(corpus: Corpus, found: Found) -> set[int]:
    codes: list[int] = np.unique(corpus.columns["author"][found.slots])[:50].tolist()
    return {term_hash(stem) for code in codes for stem in corpus.author_stems[code]}


def _similar(out: dict[str, Values], around: Around, dense: Dense, late: Late) -> None:
    at = around.at
    own = dense.rows[at[OWN]]
    out["dense"] = standard(own, 0.03)
    mean, spread = float(own.mean()), max(float(own.std()), 0.03)
    for name, i in (("prev", BEFORE), ("next", AFTER)):
        beside = np.where(at[i] < len(around.slots), dense.rows[at[i]], mean)
        out[f"dense_{name}"] = np.asarray((beside - mean) / spread, np.float32)
    out["late"] = standard(late.rows[at[OWN]], 0.02)
    out["late_chunk"] = standard(late.chunks[at[OWN]], 0.02)
    for name, i in (("prev", BEFORE), ("next", AFTER), ("prev2", BEFORE2), ("next2", AFTER2)):
        out[f"late_{name}"] = _beside(late.rows, at[OWN], at[i], 0.02)
    met = np.maximum(late.tokens[:, at[OWN]], -9)
    near = np.maximum(
        met, np.maximum(late.tokens[:, at[BEFORE]] - 0.05, late.tokens[:, at[AFTER]] - 0.1)
    )
    out["late_near"] = standard(late.weights @ near, 0.02)
    far = np.maximum(late.tokens[:, at[BEFORE2]] - 0.1, late.tokens[:, at[AFTER2]] - 0.15)
    out["late_wide"] = standard(late.weights @ np.maximum(near, far), 0.02)


def _beside(values: Values, own: NDArray[np.int64], at: NDArray[np.int64], least: float) -> Values:
    mean, spread = float(values[own].mean()), max(float(values[own].std()), least)
    beside = np.where(at < len(values) - 1, values[at], mean)
    return np.asarray((beside - mean) / np.float32(spread), np.float32)


def _session(out: dict[str, Values], corpus: Corpus, found: Found) -> None:
    """How good the three best rows of a candidate's session are, among the candidates."""
    episode = corpus.columns["episode"][found.slots]
    for name in ("lex_near_z", "late_wide", "dense"):
        values = out[name]
        order = np.lexsort((-values, episode))
        codes = episode[order]
        new = np.r_[True, codes[1:] != codes[:-1]] if len(codes) else np.empty(0, np.bool_)
        group = np.cumsum(new) - 1
        rank = np.arange(len(codes)) - np.flatnonzero(new)[group]
        top = rank < 3
        n = int(new.sum())
        sums = np.bincount(group[top], values[order][top], n)
        means = sums / np.maximum(np.bincount(group[top], minlength=n), 1)
        result = np.empty(len(codes), np.float32)
        result[order] = means[group]
        result[episode < 0] = values[episode < 0]
        out[f"session_{name.split('_')[0]}"] = result


def _facts(
    out: dict[str, Values], corpus: Corpus, asked: Asked, found: Found, around: Around
) -> None:
    c = corpus.columns
    slots = found.slots
    length = c["length"][slots]
    out["length"] = np.log1p(length) - np.log1p(np.float32(found.average))
    out["asks"] = c["asks"][slots]
    asks = np.append(c["asks"][around.slots], np.float32(0))  # the last: no row before, in scope
    before = around.at[BEFORE]
    out["first"] = ((before == len(around.slots)) & (c["episode"][slots] >= 0)).astype(np.float32)
    out["answers"] = (asks[before] > 0).astype(np.float32)
    out["number"] = c["number"][slots]
    out["dated"] = c["dated"][slots]
    out["when_dated"] = out["dated"] * asked.when
    out["when_asks"] = out["asks"] * asked.when
    out["many_number"] = out["number"] * asked.many
    named = {
        code
        for code in np.unique(c["author"][slots]).tolist()
        if corpus.author_stems[code] and corpus.author_stems[code] <= asked.stems
    }
    by = np.isin(c["author"][slots], list(named))
    one = len(named) == 1
    out["author"] = (by & one).astype(np.float32)
    out["other_author"] = (~by & one).astype(np.float32)
    out["date_said"], out["date_told"] = _dates(corpus, asked.spans, slots)


def _dates(
    corpus: Corpus, spans: NDArray[np.int32], slots: NDArray[np.int64]
) -> tuple[Values, Values]:
    """Near 1 where a row was said on a day the question speaks of; 1 where it speaks of one."""
    said, told = np.zeros((2, len(slots)), np.float32)
    if not len(spans):
        return said, told
    day = corpus.columns["day"][slots].astype(np.int64)
    for first, last in _years(spans, day):
        # What is told is told a little later than it happened.
        off = np.where(day < first, first - day, np.maximum(day - last, 0) / 2)
        said = np.maximum(said, np.exp(-off / 7)).astype(np.float32)
        for i, slot in enumerate(slots.tolist()):
            days = corpus.spans.get(slot)
            if days is not None and ((days[:, 0] <= last) & (days[:, 1] >= first)).any():
                told[i] = 1.0
    return said, told


def _years(spans: NDArray[np.int32], day: NDArray[np.int64]) -> Sequence[tuple[int, int]]:
    """Days without a year (they stand in the year 1) in each year that candidates are of."""
    out: list[tuple[int, int]] = []
    years = np.unique((day // 365.2425).astype(np.int64))[-20:].tolist()
    for first, last in spans.tolist():
        if first > 366:
            out.append((first, last))
        else:
            out.extend((int(first + y * 365.2425), int(last + y * 365.2425)) for y in years)
    return out
