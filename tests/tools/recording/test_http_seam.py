"""Recording what services are asked, and replaying it: over real sockets, then over none."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Generator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

from neveridle.board import Board
from neveridle.errors import RateLimited, RecordingInvalid, RecordingMismatch
from neveridle.settings.services import GitHubSettings, ServicesSettings
from neveridle.tools.recording.http_recording import HttpRecording
from neveridle.tools.recording.http_seam import HttpSeam
from neveridle.tools.recording.http_writer import HttpRecordingWriter
from neveridle.tools.services import ServiceHttp, ServiceKit
from neveridle.tools.standin.http import Answer, HttpFault, HttpStandin, StandinRequest

AT = 1_767_268_800.0
SHA = "16c7e42f292c6912e7710c838347ae178b4a90ab"
OTHER = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
UUID = "6f1ad0c4-2a63-4a0e-9c0e-1b6a3a0f2d11"
OTHER_UUID = "0b7a9f52-5d0e-4a53-8f8f-0e6d1b2c3a44"
Ask = Callable[..., Any]


class Echo(HttpStandin):
    """Answers with what it was asked, its number, and what the test has put under its path."""

    def __init__(self) -> None:
        super().__init__(now=lambda: AT)
        self.given: dict[str, Answer] = {}
        self.count = 0

    def handle(self, request: StandinRequest) -> Answer:
        self.count += 1
        said = {"n": self.count, "path": request.path, "body": request.data.decode("latin-1")}
        return self.given.get(request.path, Answer(200, said))


@pytest.fixture
def echo() -> Generator[Echo]:
    with Echo() as one:
        yield one


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "http.jsonl"


def recording_seam(path: Path) -> HttpSeam:
    return HttpSeam(writer=HttpRecordingWriter(path), now=lambda: AT)


def replaying_seam(path: Path, *, now: float = AT, lenient: bool = False) -> HttpSeam:
    return HttpSeam(recording=HttpRecording.load(path, lenient=lenient), now=lambda: now)


def client(seam: HttpSeam, url: str = "http://nowhere.invalid", service: str = "github") -> Any:
    return httpx.AsyncClient(base_url=url, transport=seam.transport(service), timeout=5)


def written(path: Path) -> str:
    return path.read_text()


def respell(path: Path, change: Callable[[str], str]) -> None:
    """Write the recording's one exchange anew."""
    head, line = written(path).splitlines()
    path.write_text(f"{head}\n{change(line)}\n")


async def test_what_was_answered_is_answered_again(echo: Echo, path: Path) -> None:
    echo.given["/binary"] = Answer(200, data=bytes(range(256)), headers={"Content-Type": "x/y"})
    packed = gzip.compress(b'{"a": "\xc3\xbc"}')
    echo.given["/packed"] = Answer(200, data=packed, headers={"Content-Encoding": "gzip"})
    echo.given["/none"] = Answer(204)

    async def all_of(one: httpx.AsyncClient) -> list[tuple[int, bytes, str]]:
        made = [
            await one.get("/things?b=2&a=1"),
            await one.post("/things", json={"b": 1, "a": ["ü", None]}),
            await one.get("/binary"),
            await one.get("/packed"),
            await one.get("/none"),
            await one.patch("/form", data={"x": "1", "y": "2"}),
        ]
        return [(r.status_code, r.content, r.headers.get("content-type", "")) for r in made]

    seam = recording_seam(path)
    async with client(seam, echo.url) as live:
        first = await all_of(live)
    seam.close()
    asked = echo.count
    async with client(replaying_seam(path)) as replayed:
        again = await all_of(replayed)

    assert again == first
    assert [status for status, _, _ in first] == [200, 200, 200, 200, 204, 200]
    assert first[3][1] == b'{"a": "\xc3\xbc"}'
    assert echo.count == asked  # nothing was called


async def test_the_order_of_keys_and_parameters_does_not_matter(echo: Echo, path: Path) -> None:
    async with client(recording_seam(path), echo.url) as live:
        await live.post("/x?b=2&a=1", json={"b": 1, "a": {"d": 2, "c": 3}})

    async with client(replaying_seam(path)) as replayed:
        found = await replayed.post("/x?a=1&b=2", json={"a": {"c": 3, "d": 2}, "b": 1})

    assert found.json()["n"] == 1


async def test_hashes_uuids_and_times_of_this_run_take_the_place_of_the_recorded(
    echo: Echo, path: Path
) -> None:
    async with client(recording_seam(path), echo.url) as live:
        echo.given[f"/commits/{SHA}"] = Answer(200, {"sha": SHA, "short": SHA[:7]})
        echo.given["/later"] = Answer(200, {"head": SHA, "id": UUID, "blob": "d" * 39 + "1"})
        await live.get(f"/commits/{SHA}")
        await live.post("/issues", json={"id": UUID, "at": "2026-01-01T12:00:00Z"})
        await live.get("/later")

    async with client(replaying_seam(path)) as replayed:
        commit = await replayed.get(f"/commits/{OTHER}")
        made = await replayed.post(
            "/issues", json={"id": OTHER_UUID, "at": "2026-02-03T04:05:06+01:00"}
        )
        later = await replayed.get("/later")

    assert commit.json() == {"sha": OTHER, "short": OTHER[:7]}
    assert json.loads(made.json()["body"])["id"] == OTHER_UUID
    assert later.json() == {"head": OTHER, "id": OTHER_UUID, "blob": "d" * 39 + "1"}


async def test_what_is_asked_again_is_answered_in_order_and_the_last_one_stays(
    echo: Echo, path: Path
) -> None:
    async with client(recording_seam(path), echo.url) as live:
        for place in ("/a", "/b", "/a"):
            await live.get(place)

    async with client(replaying_seam(path)) as replayed:
        heard = [(await replayed.get("/a")).json()["n"] for _ in range(3)]
        other = (await replayed.get("/b")).json()["n"]

    assert (heard, other) == ([1, 3, 3], 2)


async def test_many_agents_record_and_replay_at_once(echo: Echo, path: Path) -> None:
    async def agent(seam: HttpSeam, name: str, url: str, order: list[int]) -> dict[int, Any]:
        async with client(seam, url) as one:
            return {n: (await one.post(f"/{name}", json={"n": n})).json() for n in order}

    async def all_of(seam: HttpSeam, url: str, *, backwards: bool) -> list[dict[int, Any]]:
        order = list(range(10))[:: -1 if backwards else 1]
        work = [agent(seam, f"agent-{i}", url, order) for i in range(8)]
        return await asyncio.gather(*(work[::-1] if backwards else work))

    first = await all_of(recording_seam(path), echo.url, backwards=False)
    again = await all_of(replaying_seam(path), "http://nowhere.invalid", backwards=True)

    assert HttpRecording.load(path).exchanges == 80
    assert again[::-1] == first


async def test_a_mismatch_shows_the_difference_and_is_not_tried_again(
    echo: Echo, path: Path, tmp_path: Path
) -> None:
    async with client(recording_seam(path), echo.url) as live:
        await live.post("/pulls", json={"title": "Fix it", "base": "main"})
    seam = replaying_seam(path)
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:
        kit = ServiceKit(board.breakers, board.clock, {}, transport=seam.transport)
        settings = GitHubSettings()
        http = ServiceHttp(
            kit.guard(settings), "http://nowhere.invalid", headers={},
            transport=kit.transport_of("github"),
        )  # fmt: skip
        with pytest.raises(RecordingMismatch) as raised:
            await http.request(
                "POST", "/pulls", body={"title": "Mend it", "base": "main"}, repeatable=True
            )
        found = await http.request("POST", "/pulls", body={"base": "main", "title": "Fix it"})
        await http.aclose()

    said = str(raised.value)
    assert '- "title": "Fix it"\n+ "title": "Mend it"' in said
    assert "github POST /pulls" in said
    assert str(path) in said
    assert seam.recording is not None
    assert seam.recording.strays.mismatches == 1
    assert seam.recording.strays.differences[0] in said
    assert found.json()["n"] == 1


async def test_lenient_answers_with_the_nearest_of_the_same_place_and_says_so(
    echo: Echo, path: Path
) -> None:
    async with client(recording_seam(path), echo.url) as live:
        await live.post("/pulls", json={"title": "Fix the colour of the door", "base": "main"})
        await live.post("/pulls", json={"title": "Add a page", "base": "main"})
        await live.post("/issues", json={"title": "Add the page", "base": "main"})
    seam = replaying_seam(path, lenient=True)

    async with client(seam) as replayed:
        found = await replayed.post("/pulls", json={"title": "Add the page", "base": "main"})
        with pytest.raises(RecordingMismatch):
            await replayed.put("/pulls", json={"title": "Add a page", "base": "main"})

    assert found.json()["n"] == 2
    assert seam.recording is not None
    strays = seam.recording.strays
    assert (strays.lenient_matches, strays.mismatches) == (1, 1)
    assert '+ "title": "Add the page"' in strays.differences[0]


async def test_secrets_are_not_written_down(
    echo: Echo, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "a-very-secret-value")
    key = "ghp_" + "a1B2" * 9
    echo.given["/login"] = Answer(
        200,
        {"access_token": "plain words here", "words": f"use {key}", "key": "AGT-1"},
        {"Set-Cookie": "id=cookie-value", "X-Auth-Token": "header-value"},
    )

    async def ask(one: httpx.AsyncClient) -> Any:
        return await one.post(
            "/login?token=in-the-address&page=2",
            json={"password": "hunter-two", "said": "a-very-secret-value", "key": "AGT-1"},
            headers={"Authorization": "Bearer sent-in-a-header", "Cookie": "c=sent-cookie"},
        )

    async with client(recording_seam(path), echo.url) as live:
        answer = await ask(live)
    text = written(path)
    monkeypatch.setenv("SHOP_TOKEN", "another-secret-value")
    async with client(replaying_seam(path)) as replayed:
        again = await replayed.post(
            "/login?token=of-today&page=2",
            json={"password": "other", "said": "another-secret-value", "key": "AGT-1"},
        )

    assert answer.json()["words"] == f"use {key}"  # the running work is not disturbed
    for secret in (
        "a-very-secret-value", key, "plain words here", "hunter-two", "in-the-address",
        "sent-in-a-header", "sent-cookie", "cookie-value", "header-value",
    ):  # fmt: skip
        assert secret not in text, secret
    assert again.json() == {
        "access_token": "<secret>", "words": "use <secret>", "key": "AGT-1"
    }  # fmt: skip
    assert "AGT-1" in text


async def test_failures_of_the_transport_happen_again(echo: Echo, path: Path) -> None:
    with Echo() as gone:
        refusing = gone.url  # nobody listens there any more
    echo.faults += [HttpFault("cut"), HttpFault("truncated", on="GET /half")]

    async def kinds(seam: HttpSeam, url: str, refusing: str) -> list[type[Exception]]:
        found: list[type[Exception]] = []
        async with client(seam, url) as one, client(seam, refusing) as other:
            for ask in (one.get("/cut"), one.get("/half"), other.get("/refused")):
                try:
                    await ask
                except httpx.HTTPError as error:
                    found.append(type(error))
        return found

    first = await kinds(recording_seam(path), echo.url, refusing)
    again = await kinds(replaying_seam(path), "http://a.invalid", "http://b.invalid")

    assert again == first
    assert first == [httpx.RemoteProtocolError, httpx.RemoteProtocolError, httpx.ConnectError]


async def test_a_request_that_was_given_up_is_replayed_as_a_timeout(echo: Echo, path: Path) -> None:
    echo.faults.append(HttpFault("hold"))
    async with client(recording_seam(path), echo.url) as live:
        asking = asyncio.create_task(live.get("/slow"))
        await asyncio.to_thread(echo.wait_held)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        echo.let_go()
        assert (await live.get("/slow")).status_code == 200

    async with client(replaying_seam(path)) as replayed:
        with pytest.raises(httpx.ReadTimeout, match="given up"):
            await replayed.get("/slow")
        assert (await replayed.get("/slow")).status_code == 200


async def test_a_streamed_answer_is_recorded_while_it_is_read(echo: Echo, path: Path) -> None:
    echo.given["/log"] = Answer(200, data=b"line\n" * 50_000, headers={"Content-Type": "x/log"})

    async def size(one: httpx.AsyncClient, limit: int) -> int:
        async with one.stream("GET", "/log") as answer:
            read = 0
            async for part in answer.aiter_bytes(1000):
                read += len(part)
                if read >= limit:
                    break
            return read

    async with client(recording_seam(path), echo.url) as live:
        assert await size(live, 10**9) == 250_000
        assert await size(live, 2_000) == 2_000
    async with client(replaying_seam(path)) as replayed:
        assert await size(replayed, 10**9) == 250_000
        assert await size(replayed, 2_000) == 2_000  # as far as it was read the second time


async def test_an_answer_too_large_to_keep_says_so(
    echo: Echo, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.tools.recording.http_recorder.LARGEST", 1_000)
    echo.given["/log"] = Answer(200, data=b"x" * 1_001)
    async with client(recording_seam(path), echo.url) as live:
        assert len((await live.get("/log")).content) == 1_001

    async with client(replaying_seam(path)) as replayed:
        with pytest.raises(RecordingMismatch, match="1,001 bytes"):
            await replayed.get("/log")


async def test_resets_are_as_far_away_as_they_were(echo: Echo, path: Path, tmp_path: Path) -> None:
    said = {"X-RateLimit-Reset": str(int(AT) + 90), "X-RateLimit-Reset-Ms": str(int(AT) * 1000)}
    echo.faults.append(HttpFault("status", status=429, headers={**said, "Retry-After": "90"}))
    echo.given["/ticket"] = Answer(
        200, {"updatedAt": "2026-01-01T12:00:01.250Z", "said": 'at "2026-01-01T12:00:00Z"'}
    )
    async with client(recording_seam(path), echo.url) as live:
        await live.get("/x")
        await live.get("/ticket")
    now = AT + 86_400
    async with client(replaying_seam(path, now=now)) as replayed:
        limited, ticket = await replayed.get("/x"), await replayed.get("/ticket")

    assert limited.headers["x-ratelimit-reset"] == str(int(now) + 90)
    assert limited.headers["x-ratelimit-reset-ms"] == str(int(now) * 1000)
    assert limited.headers["retry-after"] == "90"
    assert limited.headers["date"] == formatdate(now, usegmt=True)
    assert ticket.json() == {
        "updatedAt": "2026-01-02T12:00:01.250Z", "said": 'at "2026-01-01T12:00:00Z"'
    }  # fmt: skip
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:
        kit = ServiceKit(
            board.breakers, board.clock, {}, transport=replaying_seam(path, now=now).transport
        )
        http = ServiceHttp(
            kit.guard(GitHubSettings(attempts=1)), "http://nowhere.invalid", headers={},
            transport=kit.transport_of("github"),
        )  # fmt: skip
        with pytest.raises(RateLimited) as raised:
            await http.request("GET", "/x")
        await http.aclose()
    assert raised.value.wait == 90


async def test_a_page_of_the_recorded_host_is_one_of_ours(echo: Echo, path: Path) -> None:
    echo.given["/pages"] = Answer(
        200, {"next": f"{echo.url}/more"}, {"Link": f'<{echo.url}/pages?page=2>; rel="next"'}
    )
    async with client(recording_seam(path), echo.url) as live:
        await live.get("/pages")

    async with client(replaying_seam(path), "https://api.github.com") as replayed:
        found = await replayed.get("/pages")

    assert found.links["next"]["url"] == "https://api.github.com/pages?page=2"
    assert found.json() == {"next": "https://api.github.com/more"}


async def test_services_do_not_answer_for_each_other(echo: Echo, path: Path) -> None:
    async with client(recording_seam(path), echo.url, "github") as live:
        await live.get("/x")

    async with client(replaying_seam(path), service="vercel") as replayed:
        with pytest.raises(RecordingMismatch, match=r"\+vercel GET /x"):
            await replayed.get("/x")


async def test_the_seconds_of_an_answer_are_taken_where_one_wants_it(
    echo: Echo, path: Path
) -> None:
    async with client(recording_seam(path), echo.url) as live:
        await live.get("/x")
    respell(path, lambda line: json.dumps({**json.loads(line), "seconds": 12.5}))
    taken: list[float] = []

    async def wait(seconds: float) -> None:
        taken.append(seconds)

    seam = HttpSeam(recording=HttpRecording.load(path), now=lambda: AT, wait=wait)
    async with client(seam) as replayed:
        await replayed.get("/x")

    assert taken == [12.5]


async def test_settings_say_what_is_recorded_and_replayed(echo: Echo, tmp_path: Path) -> None:
    recording = HttpSeam.of(ServicesSettings(record="runs/http.jsonl"), root=tmp_path)
    async with client(recording, echo.url) as live:
        await live.get(f"/x?in={tmp_path}/file")
    recording.close()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runs").rename(tmp_path / "elsewhere" / "runs")
    replaying = HttpSeam.of(ServicesSettings(replay="runs/http.jsonl"), root=tmp_path / "elsewhere")

    async with client(replaying) as replayed:
        found = await replayed.get(f"/x?in={tmp_path / 'elsewhere'}/file")

    assert found.status_code == 200
    assert HttpSeam.of(ServicesSettings(), root=tmp_path).transport("github") is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"path":"/x"', '"path":"/y"', "edited by hand"),
        ('"seconds"', '"seconds', "not valid JSON"),
        ('"status":200', '"status":7', "response.status"),
    ],
)
async def test_a_broken_line_is_named(
    echo: Echo, path: Path, old: str, new: str, says: str
) -> None:
    async with client(recording_seam(path), echo.url) as live:
        await live.get("/x")
    respell(path, lambda line: line.replace(old, new))

    with pytest.raises(RecordingInvalid, match=says) as raised:
        HttpRecording.load(path)

    assert f"{path}:2" in str(raised.value)


def test_the_recording_of_a_model_is_none_of_services(
    path: Path, write_file: Callable[..., Path]
) -> None:
    with pytest.raises(RecordingInvalid, match="is a neveridle-recording, not"):
        HttpRecording.load(write_file())
    with pytest.raises(RecordingInvalid, match="is a neveridle-recording, not"):
        HttpRecordingWriter(write_file())
