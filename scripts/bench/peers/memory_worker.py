"""Memories of other libraries, given the same texts and the same vectors.

Run by an interpreter that has them: `memory_worker.py PEER FOLDER`. The folder has
`texts.json` (texts, queries) and `vectors.npz`; the answer is printed as JSON. A text that
occurs more than once is found at any of its places: who asks takes them as one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

os.environ.update(
    MEM0_TELEMETRY="false", CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true",
    ANONYMIZED_TELEMETRY="false", OPENAI_API_KEY="none-is-ever-called",
)  # fmt: skip

DISTRIBUTION = {"mem0": "mem0ai", "crewai": "crewai", "langgraph": "langgraph"}


class Vectors:
    """Looks vectors up by text, so that nobody's embedding is measured."""

    def __init__(self, folder: Path) -> None:
        said = json.loads((folder / "texts.json").read_text("utf-8"))
        held = np.load(folder / "vectors.npz")
        self.texts: list[str] = said["texts"]
        self.queries: list[str] = said["queries"]
        self.length = held["texts"].shape[1]
        both = zip([*self.texts, *self.queries], [*held["texts"], *held["queries"]], strict=True)
        self.of = {text: vector.tolist() for text, vector in both}


def mem0(vectors: Vectors, folder: Path):
    """mem0 over Chroma, without inference."""
    os.environ["MEM0_DIR"] = str(folder / "mem0")
    from mem0 import Memory
    from mem0.embeddings.base import EmbeddingBase

    class Given(EmbeddingBase):
        def embed(self, text, memory_action=None):
            return vectors.of[text]

    memory = Memory.from_config(
        {"vector_store": {"provider": "chroma", "config": {"path": str(folder / "mem0-chroma")}}}
    )
    memory.embedding_model = Given()
    number = {text: at for at, text in enumerate(vectors.texts)}

    def add(text: str) -> None:
        memory.add(text, user_id="sam", infer=False)

    def search(query: str, k: int) -> list[int]:
        found = memory.search(query, top_k=k, filters={"user_id": "sam"}, threshold=0.0)
        return [number[one["memory"]] for one in found["results"]]

    return add, search


def crewai(vectors: Vectors, folder: Path):
    """CrewAI's memory over LanceDB, its shallow recall, without a model's analysis."""
    from crewai.memory.unified_memory import Memory

    memory = Memory(storage=str(folder / "crewai"), consolidation_threshold=1.0)
    memory._embedder_instance = lambda texts: [vectors.of[text] for text in texts]
    number = {text: at for at, text in enumerate(vectors.texts)}

    def add(text: str) -> None:
        memory.remember(text, scope="/sam", categories=["talk"], metadata={}, importance=0.5)

    def search(query: str, k: int) -> list[int]:
        found = memory.recall(query, limit=k, depth="shallow")
        return [number[one.record.content] for one in found]

    return add, search


def langgraph(vectors: Vectors, folder: Path):
    """LangGraph's store in memory: nothing is durable."""
    from langgraph.store.memory import InMemoryStore

    store = InMemoryStore(
        index={"dims": vectors.length, "embed": lambda texts: [vectors.of[text] for text in texts],
               "fields": ["text"]}
    )  # fmt: skip
    number = {text: at for at, text in enumerate(vectors.texts)}

    def add(text: str) -> None:
        store.put(("sam",), str(number[text]), {"text": text})

    def search(query: str, k: int) -> list[int]:
        return [int(one.key) for one in store.search(("sam",), query=query, limit=k)]

    return add, search


def main(peer: str, folder: Path) -> None:
    """Add each text, ask each query; print how long each took, and what was found."""
    vectors = Vectors(folder)
    add, search = {"mem0": mem0, "crewai": crewai, "langgraph": langgraph}[peer](vectors, folder)
    added, asked, found = [], [], []
    for text in vectors.texts:
        began = time.perf_counter()
        add(text)
        added.append(time.perf_counter() - began)
    for query in vectors.queries:
        began = time.perf_counter()
        found.append(search(query, 10))
        asked.append(time.perf_counter() - began)
    said = {"add": added, "search": asked, "found": found, "version": version(DISTRIBUTION[peer])}
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
