"""Learns the numbers of recall, ``memory/recall/weights.json``, from conversations with questions.

    python scripts/learn_recall.py CHAT.json [MORE.json …] --second LONG.json [MORE.json …]

Files are in LoCoMo's format. First every conversation is left out once and measured with what the
others teach (``--cross``), then the weights are learnt from all and written (``--write``).
Texts are encoded once and kept under ``--cache``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import pickle
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neveridle.evals.memory.conversation import Conversation
from neveridle.evals.memory.locomo import read_locomo
from neveridle.memory.embedding import MiniLM
from neveridle.memory.embedding.embedder import Encoded
from neveridle.memory.embedding.shipped import shipped_weights
from neveridle.memory.recall.analysis import terms_blob
from neveridle.memory.recall.corpus import Corpus
from neveridle.memory.recall.document import Document, Query
from neveridle.memory.recall.late import encode
from neveridle.memory.recall.search import judge
from neveridle.memory.recall.weights import Weights, parse, shipped
from neveridle.memory.signals import said

HARD = 110  # candidates of a question that are learnt from: the answers, and the likeliest others
L2, L2_LENGTHS = 0.01, 0.2  # found by leaving conversations out; 2 times more or less is as good
NOW = 1_767_225_600.0  # 2026 begins: what "last year" in a question means; the same in every run
WHERE = Path(__file__).resolve().parent.parent / "memory" / "recall" / "weights.json"


@dataclass
class Case:
    """A question: candidates' features (p, f), which are answers (p,), how many there are."""

    features: NDArray[np.float32]
    answers: NDArray[np.float32]
    of: int
    category: str
    length: float


@dataclass
class Group:
    """A conversation's questions."""

    name: str
    second: bool
    cases: list[Case]


def encoded(texts: Sequence[str], cache: Path) -> list[Encoded]:
    """What MiniLM says, kept in the cache by content."""
    key = hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:24]
    file = cache / f"{key}.pkl"
    if file.exists():
        return [
            Encoded(d, w, None if t is None else t.astype(np.float32))
            for d, w, t in pickle.loads(file.read_bytes())
        ]
    model = MiniLM()
    out = asyncio.run(model.encode(list(texts)))
    cache.mkdir(parents=True, exist_ok=True)
    kept = [
        (e.dense, e.windows, None if e.tokens is None else e.tokens.astype(np.float16)) for e in out
    ]
    file.write_bytes(pickle.dumps(kept))
    return encoded(texts, cache)  # what is kept is rounded: the first run is to see the same


def group(one: Conversation, second: bool, cache: Path, weights: Weights) -> Group:
    """A conversation's questions with the features of their candidates, through recall itself."""
    rows = [
        (session, place, turn)
        for session in one.sessions
        for place, turn in enumerate(session.turns)
    ]
    found = encoded([said(turn.author, turn.text) for _, _, turn in rows], cache)
    blobs = [
        None if e.tokens is None else encode(e.tokens, weights.says(e.tokens, weights.model))
        for e in found
    ]
    corpus = Corpus(lambda ids: [blobs[i] for i in ids])
    corpus.put(
        Document(
            id=number,
            terms=terms_blob(turn.text, session.at),
            vector=e.dense,
            at=session.at or 0.0,
            episode=session.name,
            position=place,
            author=turn.author,
        )
        for number, ((session, place, turn), e) in enumerate(zip(rows, found, strict=True))
    )
    number_of = {turn.id: number for number, (_, _, turn) in enumerate(rows)}
    asked = encoded([question.text for question in one.questions], cache)
    cases: list[Case] = []
    spent = time.perf_counter()
    for question, e in zip(one.questions, asked, strict=True):
        query = Query(question.text, e.dense, e.tokens, NOW)
        judged = judge(corpus, query, weights=weights)
        ids = corpus.columns["id"][judged.found.slots]
        answers = np.isin(ids, [number_of[turn] for turn in question.evidence])
        matrix = np.stack(list(judged.features.values()), axis=-1)
        cases.append(
            Case(
                matrix,
                answers.astype(np.float32),
                len(question.evidence),
                question.category,
                judged.length,
            )
        )
        names[:] = list(judged.features)
    ms = (time.perf_counter() - spent) / max(len(cases), 1) * 1e3
    reached = np.mean([case.answers.sum() / case.of for case in cases])
    say(f"{one.name}: {len(cases)} questions, {ms:.1f} ms each; answers in the pool {reached:.3f}")
    return Group(one.name, second, cases)


names: list[str] = []


def say(text: str) -> None:
    """A line of the report."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def learn(groups: Sequence[Group], used: Sequence[int], share: float) -> NDArray[np.float32]:
    """Weights of the features used and of their changes with length: shape (2 x used,).

    Each answer is to stand above all candidates that are none (softmax); the weights' squares,
    on the scale of each feature's spread, are held small.
    """
    columns = [names.index("late_wide"), names.index("lex_near_z"), names.index("dense")]
    xs: list[NDArray[np.float32]] = []
    ys: list[NDArray[np.float32]] = []
    ms: list[NDArray[np.float32]] = []
    ws: list[float] = []
    for one in groups:
        for case in one.cases:
            if not case.answers.any():
                continue
            likely = case.features[:, columns] @ np.array([1, 1, 0.5]) + 1e3 * case.answers
            some = np.argsort(-likely, kind="stable")[:HARD]
            row = case.features[some][:, used]
            row = np.concatenate([row, row * case.length], axis=1)
            pad = HARD - len(row)
            xs.append(np.pad(row, ((0, pad), (0, 0))))
            ys.append(np.pad(case.answers[some], (0, pad)))
            ms.append(np.pad(np.ones(len(row), np.float32), (0, pad)))
            ws.append(share if one.second else 1.0)
    x, y, m = (torch.tensor(np.stack(part).astype(np.float32)) for part in (xs, ys, ms))
    share_of = torch.tensor(ws)
    mean = (x * m[..., None]).sum((0, 1)) / m.sum()
    spread = ((((x - mean) ** 2) * m[..., None]).sum((0, 1)) / m.sum()).sqrt() + 1e-3
    x = x / spread
    weights = torch.zeros(x.shape[-1], requires_grad=True)
    ridge = torch.full((x.shape[-1],), L2)
    ridge[len(used) :] = L2_LENGTHS
    step: Any = torch.optim.LBFGS([weights], max_iter=80, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        step.zero_grad()
        score = x @ weights + (m - 1) * 1e9
        others = torch.logsumexp(score - y * 1e9, 1, keepdim=True)
        each = (torch.nn.functional.softplus(others - score) * y).sum(1) / y.sum(1)
        total = (each * share_of).sum() / share_of.sum() + (ridge * weights**2).sum()
        total.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        return total

    step.step(loss)
    return np.asarray((weights.detach() / spread).numpy(), np.float32)


def scores(case: Case, used: Sequence[int], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The candidates' sums."""
    x = case.features[:, used]
    total = x @ weights[: len(used)] + case.length * (x @ weights[len(used) :])
    return np.asarray(total, np.float32)


def recall_of(case: Case, values: NDArray[np.float32], k: int = 10) -> float:
    """Share of the question's answers in the first k."""
    best = np.argsort(-values, kind="stable")[:k]
    return float(case.answers[best].sum() / case.of)


def cross(groups: Sequence[Group], used: Sequence[int], share: float, label: str) -> None:
    """Each conversation measured with weights learnt from the others."""
    for kind in (False, True):
        every: list[tuple[str, float]] = []
        each: dict[str, float] = {}
        for left in groups:
            if left.second != kind:
                continue
            weights = learn([g for g in groups if g is not left], used, share)
            got = [(c.category, recall_of(c, scores(c, used, weights))) for c in left.cases]
            every += got
            each[left.name] = round(float(np.mean([r for _, r in got])), 3)
        if not every:
            continue
        by = {
            name: round(float(np.mean([r for c, r in every if c == name])), 3)
            for name in sorted({c for c, _ in every})
        }
        mean = float(np.mean([r for _, r in every]))
        say(f"{label:22} {'second' if kind else 'chat':6} {mean:.4f} {by} {each}")


def alone(groups: Sequence[Group], label: str) -> None:
    """One feature by itself, nothing learnt."""
    for kind in (False, True):
        got = [
            recall_of(c, c.features[:, names.index(label)])
            for g in groups
            if g.second == kind
            for c in g.cases
        ]
        if got:
            say(f"{label:22} {'second' if kind else 'chat':6} {np.mean(got):.4f}")


def odds(
    groups: Sequence[Group], used: Sequence[int], weights: NDArray[np.float32]
) -> tuple[float, float]:
    """Scale and offset that make of a sum the logarithm of the odds that it is an answer."""
    sums = np.concatenate([scores(c, used, weights) for g in groups for c in g.cases])
    s = torch.tensor(sums).double()
    y = torch.tensor(np.concatenate([c.answers for g in groups for c in g.cases])).double()
    both = torch.tensor([1.0, -3.0], dtype=torch.double, requires_grad=True)
    step: Any = torch.optim.LBFGS([both], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        step.zero_grad()
        out = torch.nn.functional.binary_cross_entropy_with_logits(both[0] * s + both[1], y)
        out.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        return out

    step.step(loss)
    scale, offset = both.detach().numpy()
    return float(scale), float(offset)


def token_weights(cache: Path) -> list[float]:
    """How much a token says, linear in its vector: fitted to how rare it is in the language.

    Nothing but the model's package is read. Its vocabulary is in the order of how common words
    were in what it was trained on, so the logarithm of a word's place says how rare it is. Vectors
    are those of texts of 20 words drawn evenly over that logarithm, and of their full stops,
    which say nothing.
    """
    lines = (shipped_weights() / "vocab.txt").read_text("utf-8").splitlines()
    first = lines.index("the")  # before it stand marks, digits and single letters
    words = [word for word in lines[first:] if word.isascii() and word.isalpha()]
    draws = np.random.default_rng(1).uniform(0, np.log(len(words)), (2_000, 20))
    places = np.exp(draws).astype(np.int64) - 1
    rows: list[list[int]] = places.tolist()
    texts = [" ".join(words[i] for i in row) + "." for row in rows]
    found = [e.tokens for e in encoded(texts, cache) if e.tokens is not None]
    tokens = np.concatenate(found).astype(np.float64)
    says = np.array([[*(np.log1p(i) for i in row), 0.0] for row in rows]).ravel()
    a = np.hstack([tokens, np.ones((len(tokens), 1))])
    left: NDArray[np.float64] = a.T @ a + np.eye(a.shape[1])
    right: NDArray[np.float64] = a.T @ says
    solved: NDArray[np.float64] = np.asarray(np.linalg.solve(left, right), np.float64)
    return [float(v) for v in solved]


def main() -> None:
    """Reads, measures, learns, writes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("chat", nargs="+", type=Path)
    parser.add_argument("--second", nargs="*", type=Path, default=[])
    parser.add_argument("--share", type=float, default=2.0, help="weight of a second question")
    parser.add_argument("--cache", type=Path, default=Path(".cache") / "learn_recall")
    parser.add_argument("--cross", action="store_true", help="leave each conversation out once")
    parser.add_argument("--ablate", action="store_true", help="and each signal, too")
    parser.add_argument("--tokens", action="store_true", help="learn what tokens say anew")
    parser.add_argument("--write", action="store_true", help=f"write {WHERE.name}")
    given = parser.parse_args()
    torch.set_num_threads(1)
    files = [(path, False) for path in given.chat] + [(path, True) for path in given.second]
    read = [(one, second) for path, second in files for one in read_locomo(path)]
    known = shipped()
    if given.tokens:
        known = parse(json.dumps(written(known) | {"tokens": token_weights(given.cache)}))
        known = parse(json.dumps(written(known)))  # rounded as in the file
    groups = [group(one, second, given.cache, known) for one, second in read]
    used = list(range(len(names)))
    if given.write:
        out: dict[str, Any] = written(known) | {"fusions": {}}
        for kind, without in WITHOUT.items():
            some = [i for i in used if not names[i].startswith(without)] if without else used
            weights = learn(groups, some, given.share)
            scale, offset = odds(groups, some, weights)
            by = [round(float(v), 4) for v in weights]
            out["fusions"][kind] = {
                "features": dict(zip([names[i] for i in some], by, strict=False)),
                "lengths": dict(zip([names[i] for i in some], by[len(some) :], strict=True)),
                "scale": round(scale, 4),
                "offset": round(offset, 4),
            }
        WHERE.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
        say(f"written: {WHERE}")
    if given.cross:
        for kind, without in WITHOUT.items():
            some = [i for i in used if not names[i].startswith(without)] if without else used
            cross(groups, some, given.share, kind)
    if given.ablate:
        for label in ("dense", "lex_turn", "lex_near", "late", "late_chunk", "late_wide"):
            alone(groups, label)
        for label, parts in SIGNALS.items():
            less = [i for i in used if not names[i].startswith(parts)]
            cross(groups, less, given.share, f"without {label}")


def written(weights: Weights) -> dict[str, Any]:
    """Weights as they stand in the file."""
    return {
        "fusions": {
            kind: {
                "features": one.features,
                "lengths": one.lengths,
                "scale": one.scale,
                "offset": one.offset,
            }
            for kind, one in weights.fusions.items()
        },
        "model": weights.model,
        "tokens": [round(float(v), 3) for v in weights.tokens],
    }


WITHOUT: dict[str, tuple[str, ...]] = {
    "tokens": (),
    "vectors": ("late", "session_late"),
    "words": ("late", "session_late", "dense", "session_dense"),
}
"""Features that are not there in each case of what there is to compare."""

SIGNALS: dict[str, tuple[str, ...]] = {
    "words": ("lex",),
    "dense": ("dense", "session_dense"),
    "late interaction": ("late", "session_late"),
    "neighbours": (
        "lex_pair",
        "lex_wide",
        "lex_near",
        "lex_prev",
        "lex_next",
        "lex_content_z",
        "dense_prev",
        "dense_next",
        "late_prev",
        "late_next",
        "late_near",
        "late_wide",
    ),
    "the session": ("session", "lex_session"),
    "facts of the row": ("length", "asks", "first", "answers", "number", "dated"),
    "kind of question": ("when_", "many_"),
    "authors": ("author", "other_author", "lex_content"),
    "days": ("date_",),
}


if __name__ == "__main__":
    main()
