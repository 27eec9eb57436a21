"""A Chroma collection of row ids by vector, wherever Chroma runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from neveridle.memory.index.dense import Batch, IndexBroken

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection
    from chromadb.config import Settings
    from numpy.typing import NDArray

CONFIGURATION: Final[CreateCollectionConfiguration] = {
    "hnsw": {
        "space": "cosine",
        # Chroma's own, written down so that an index stays what it was when they change.
        "ef_search": 100,
        "ef_construction": 100,
        "max_neighbors": 16,
    }
}
_AT_ONCE = 5_000  # rows of one call: Chroma refuses more than its database's bound


def settings(**more: Any) -> Settings:
    """Chroma's settings: no ``.env`` of the user's project, and nothing is reported home."""
    from chromadb.config import Settings

    return Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it, untyped
        anonymized_telemetry=False,
        **more,
    )


class Vectors:
    """What is asked of a collection. Ids, vectors, nothing else: no second truth.

    Chroma's own filters are never used: at 100,000 rows one that keeps half of them makes a
    query seventy times slower.
    """

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    def apply(self, batch: Batch) -> None:
        """Put in and take out; both again change nothing."""
        for first in range(0, len(batch.ids), _AT_ONCE):
            assert batch.vectors is not None  # there are ids
            self.collection.upsert(
                ids=[str(row) for row in batch.ids[first : first + _AT_ONCE]],
                embeddings=batch.vectors[first : first + _AT_ONCE],
            )
        for first in range(0, len(batch.gone), _AT_ONCE):
            self.collection.delete(ids=[str(row) for row in batch.gone[first : first + _AT_ONCE]])

    def query(
        self, vector: NDArray[np.float32], n: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See ``DenseIndex``."""
        import numpy as np

        found = self.collection.query(
            query_embeddings=vector[None], n_results=max(1, n), include=["distances"]
        )
        far = (found["distances"] or [[]])[0]
        ids = _numbers(found["ids"][0])
        return np.array(ids, np.int64), 1 - np.asarray(far, np.float32)

    def held(self, ids: Sequence[int]) -> Mapping[int, NDArray[np.float32]]:
        """See ``DenseIndex``."""
        import numpy as np

        found = self.collection.get(ids=[str(row) for row in ids], include=["embeddings"])
        vectors = found["embeddings"]
        if vectors is None:
            return {}
        numbers = _numbers(found["ids"])
        return {row: np.asarray(v, np.float32) for row, v in zip(numbers, vectors, strict=True)}

    def count(self) -> int:
        """How many rows it holds."""
        return self.collection.count()


def _numbers(ids: Sequence[str]) -> list[int]:
    try:
        return [int(one) for one in ids]
    except ValueError as error:
        msg = "it holds what is no row of memory"
        raise IndexBroken(msg) from error
