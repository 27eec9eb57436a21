from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.errors import SettingsInvalid
from neveridle.memory import HashingEmbedder, MiniLM
from neveridle.memory.embedding.hashing import stems


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


@pytest.mark.slow
async def test_minilm_knows_meaning(minilm: MiniLM) -> None:
    query, near, far = await minilm.embed(
        ["The car would not start.", "The vehicle's engine is dead.", "Cherry cake with cream."]
    )
    assert len(query) == minilm.dimensions == 384
    assert math.isclose(_cosine(query, query), 1, abs_tol=1e-5)
    assert _cosine(query, near) > _cosine(query, far) + 0.3


@pytest.mark.slow
async def test_minilm_reads_beyond_its_window(minilm: MiniLM) -> None:
    filler = "The weather was mild and nothing happened on that day. " * 60
    plain, tailed, query = await minilm.embed(
        [
            filler,
            filler + "The password of the printer is in the kitchen. " * 20,
            "printer password",
        ]
    )
    assert _cosine(tailed, query) > _cosine(plain, query) + 0.1
    assert math.isclose(_cosine(tailed, tailed), 1, abs_tol=1e-5)


@pytest.mark.slow
async def test_minilm_takes_any_text(minilm: MiniLM) -> None:
    odd = ["", "\ud800", "🙂" * 500, "a" * 5_000, "日本語" * 300, "\0\n\t"]
    for vector in await minilm.embed(odd):
        assert math.isclose(_cosine(vector, vector), 1, abs_tol=1e-5)
    assert await minilm.embed([]) == []


OFFLINE = """
    import asyncio, os, socket, sys

    def refuse(*args, **kwargs):
        os._exit(9)

    socket.getaddrinfo = socket.create_connection = refuse
    connect = socket.socket.connect
    socket.socket.connect = lambda self, to: (
        connect(self, to) if self.family == socket.AF_UNIX else refuse()
    )
    from neveridle.memory import MiniLM
    before = dict(os.environ)

    async def main():
        await MiniLM().embed(["hello"])
        import chromadb
        from pathlib import Path
        from neveridle.memory.index import ChromaIndex
        index = ChromaIndex(Path(sys.argv[1]) / "memory", embedder="test")
        index.open()
        index.upsert([1], [[1.0, 0.0]], ["sam"])
        assert index.query([1.0, 0.0], 3, None)[0][0] == 1

    asyncio.run(main())
    leaked = {key for key in os.environ if os.environ[key] != before.get(key)}
    leaked -= {"KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK", "TORCHINDUCTOR_CACHE_DIR"}
    print(sorted(leaked))
"""


@pytest.mark.slow
def test_nothing_reaches_for_the_network(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ANONYMIZED_TELEMETRY=true\nCHROMA_API_IMPL=nonsense\n")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(OFFLINE), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**clean, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", "the environment was changed"
    assert done.stderr == "", "something was printed over the live display"


@pytest.mark.slow
async def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    embedder = MiniLM(str(tmp_path / "model"))
    assert embedder.dimensions == 0
    with pytest.raises(SettingsInvalid, match=r"cannot be loaded.*\[memory\]"):
        await embedder.embed(["text"])


async def test_hashing_likes_shared_words() -> None:
    embedder = HashingEmbedder()
    query, near, far = await embedder.embed(
        ["failing migrations", "The migration fails on Tuesdays.", "Cherry cake with cream."]
    )
    assert _cosine(query, near) > 0.5
    assert abs(_cosine(query, far)) < 0.2


async def test_hashing_is_the_same_in_every_process() -> None:
    code = (
        "import asyncio; from neveridle.memory import HashingEmbedder; "
        "print(asyncio.run(HashingEmbedder(32).embed(['same words here'])))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.strip() == str(await HashingEmbedder(32).embed(["same words here"]))


@given(st.text())
@settings(max_examples=100, deadline=None)
async def test_hashing_gives_unit_vectors(text: str) -> None:
    (vector,) = await HashingEmbedder(16).embed([text])
    assert len(vector) == 16
    assert math.isclose(_cosine(vector, vector), 1, abs_tol=1e-9)


def test_stems() -> None:
    assert stems("Tests tested the TESTING of a test") == ["test"] * 4
    assert stems("The and of") == []
