"""What it costs to turn text into vectors."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from typing import Any

from bench.harness import Pair, Sampler, row, timed
from neveridle.memory import Embedder, MiniLM
from neveridle.memory.embedding.shipped import shipped_weights

PEER = "sentence-transformers, the same weights"
QUERIES = 20
MANY = 100
WORDS = ("failing", "migration", "review", "deploy", "ticket", "token", "budget", "claim", "lease")
FRESH = """
import asyncio
from neveridle.memory.embedding import MiniLM
asyncio.run(MiniLM().embed(["Why did the migration fail on Tuesday?"]))
"""

_numbers = itertools.count()


def question(words: int = 8) -> str:
    """A text that has not been asked before, so that no cache knows it."""
    number = next(_numbers)
    return f"Question {number}: " + " ".join(
        WORDS[(number + at * at) % len(WORDS)] for at in range(words)
    )


def lessons(count: int) -> list[str]:
    """New texts of very different lengths, as memories are."""
    return [question(6 + number * 7 % 90) for number in range(count)]


def peer() -> Callable[[Sequence[str]], object]:
    """Sentence-transformers' way from texts to vectors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer
    model: Any = SentenceTransformer(str(shipped_weights()), device="cpu", local_files_only=True)
    return lambda texts: model.encode(
        list(texts), normalize_embeddings=True, show_progress_bar=False
    )


async def singly(embedder: Embedder, texts: Sequence[str]) -> None:
    """One after the other."""
    for text in texts:
        await embedder.embed([text])


async def at_once(embedder: Embedder, texts: Sequence[str]) -> None:
    """As many callers as texts."""
    await asyncio.gather(*(embedder.embed([text]) for text in texts))


def fresh(
    count: int, work: Callable[[list[str]], object], make: Callable[[int], list[str]]
) -> Sampler:
    """The time per text of ``work`` on new texts; to make them is not measured."""

    def sample() -> float:
        texts = make(count)
        begin = time.perf_counter()
        work(texts)
        return (time.perf_counter() - begin) / count

    return sample


def queries(count: int) -> list[str]:
    """New questions of ten words."""
    return [question() for _ in range(count)]


@row("embedding of one query", floor=PEER, limit=0.45)
def one_query() -> Generator[Pair]:
    """One text per call, none of them known."""
    model, embedder = peer(), MiniLM()
    with asyncio.Runner() as runner:
        yield Pair(
            ours=fresh(QUERIES, lambda texts: runner.run(singly(embedder, texts)), queries),
            floor=fresh(QUERIES, lambda texts: [model([text]) for text in texts], queries),
        )


@row("embedding of 100 texts of 10 to 100 words, one call", floor=PEER, limit=None, rounds=5)
def one_batch() -> Generator[Pair]:
    """The time per text."""
    model, embedder = peer(), MiniLM()
    with asyncio.Runner() as runner:
        yield Pair(
            ours=fresh(MANY, lambda texts: runner.run(embedder.embed(texts)), lessons),
            floor=fresh(MANY, model, lessons),
        )


@row("embeddings for 100 callers at once", floor="one after the other", limit=None, rounds=9)
def callers() -> Generator[Pair]:
    """The time per query; those who wait share a batch."""
    embedder = MiniLM()
    with asyncio.Runner() as runner:
        yield Pair(
            ours=fresh(MANY, lambda texts: runner.run(at_once(embedder, texts)), queries),
            floor=fresh(MANY, lambda texts: runner.run(singly(embedder, texts)), queries),
        )


@row(
    "embedding of the first query in a fresh process",
    floor="the bare interpreter",
    compare="ours",
    limit=0.6,
)
def first_query() -> Generator[Pair]:
    """Wall time from the start of the process to its end."""

    def process(code: str) -> Sampler:
        return timed(lambda: subprocess.run([sys.executable, "-P", "-c", code], check=True))

    yield Pair(ours=process(FRESH), floor=process("pass"))
