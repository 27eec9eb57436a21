"""Whatever is exchanged: the same bytes come back, by the same key, also after a kill."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.tools.recording.canonical import Names
from neveridle.tools.recording.http_recording import HttpRecording
from neveridle.tools.recording.http_request import canonical_http, http_key
from neveridle.tools.recording.http_seam import HttpSeam
from neveridle.tools.recording.http_writer import HttpRecordingWriter

WORDS = st.text("abcdefgh ijk-_/äß漢\n", max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99_999, 99_999) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
PLACES = st.sampled_from(["/", "/things", "/things/7", "/a%20b"])
EXCHANGES = st.lists(
    st.tuples(
        st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
        PLACES,
        st.dictionaries(st.sampled_from("abc"), WORDS, max_size=2),
        JSON,
        st.sampled_from([200, 201, 304, 404, 500]),
        st.binary(max_size=60) | WORDS.map(str.encode),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(EXCHANGES)
def test_the_same_bytes_come_back(exchanges: list[Any]) -> None:
    answers = [(status, body) for *_, status, body in exchanges]

    def answer(request: httpx.Request) -> httpx.Response:
        status, body = answers[int(request.headers["x-number"])]
        return httpx.Response(status, content=body, headers={"Content-Type": "x/y"})

    async def ask(seam: HttpSeam) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        transport = seam.transport("service")
        async with httpx.AsyncClient(base_url="http://a.invalid", transport=transport) as client:
            for number, (method, place, query, body, *_) in enumerate(exchanges):
                more: dict[str, Any] = {} if method == "GET" else {"json": body}
                response = await client.request(
                    method, place, params=query, headers={"X-Number": str(number)}, **more
                )
                found.append((response.status_code, response.content))
        return found

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "http.jsonl"
        with HttpRecordingWriter(path) as writer:
            inner = httpx.MockTransport(answer)  # the network's place
            first = asyncio.run(
                ask(HttpSeam(writer=writer, inner=lambda _: inner, now=lambda: 1.0))
            )
        recording = HttpRecording.load(path)
        again = asyncio.run(ask(HttpSeam(recording=recording, now=lambda: 1.0)))

    assert again == first


def key(body: dict[str, Any], **query: str) -> str:
    request = httpx.Request("POST", "https://a.invalid/x", params=query, json=body)
    return http_key(canonical_http("service", request, Names({"root": Path("/home/kim/shelf")})))


@given(
    st.dictionaries(st.sampled_from("abcdef"), JSON, min_size=1, max_size=5),
    st.randoms(use_true_random=False),
    st.datetimes(),
    st.uuids(),
    st.uuids(),
)
def test_order_times_paths_and_ids_do_not_change_the_key(
    body: dict[str, Any], random: Any, at: Any, one: Any, other: Any
) -> None:
    names = list(body)
    random.shuffle(names)
    moved = at.strftime("%Y-%m-%dT%H:%M:%SZ") if at.year > 999 else "2026-01-01T00:00:00Z"

    def whole(fields: dict[str, Any], when: str, ident: object, folder: str) -> dict[str, Any]:
        return {**fields, "when": when, "id": str(ident), "path": f"{folder}/src/app.py"}

    first = key(whole(body, "2026-01-05T09:00:00Z", one, "/home/kim/shelf"), a="1", b="2")
    shuffled = {name: body[name] for name in names}
    again = key(whole(shuffled, moved, other, "/home/kim/shelf"), b="2", a="1")

    assert again == first
    assert key({**body, "more": 1}) != key(body)


WRITER = """
import asyncio, sys
from pathlib import Path
import httpx
from neveridle.tools.recording.http_seam import HttpSeam
from neveridle.tools.recording.http_writer import HttpRecordingWriter

inner = httpx.MockTransport(lambda request: httpx.Response(200, content=b"x" * 3000))
seam = HttpSeam(writer=HttpRecordingWriter(Path(sys.argv[1])), inner=lambda _: inner)

async def ask(number):
    async with httpx.AsyncClient(transport=seam.transport("s")) as client:
        for count in range(10_000):
            await client.get(f"http://a.invalid/{number}/{count}")
            if count == 20:
                print("going", flush=True)

async def main():
    await asyncio.gather(*(ask(number) for number in range(4)))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_process_that_is_killed_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "http.jsonl"
    command = [sys.executable, "-P", "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"going\n"
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert path.read_bytes().endswith(b"\n")
    assert HttpRecording.load(path).exchanges >= 20
    assert all(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
