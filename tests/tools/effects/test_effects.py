"""Verbs, what a status says, and the stand-in itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from neveridle.board import Asked
from neveridle.board.effect import action_key
from neveridle.errors import AccessRefused, EffectRefused, ServiceError, ServiceUnreached
from neveridle.tools.effects import Verbs, error_of
from neveridle.tools.standin import Fault, StandinClient, StandinServer, StandinStore


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None), (201, None), (204, None), (302, EffectRefused), (400, EffectRefused),
        (404, EffectRefused), (409, EffectRefused), (422, EffectRefused), (401, AccessRefused),
        (403, AccessRefused), (429, ServiceUnreached), (408, ServiceError), (500, ServiceError),
        (503, ServiceError),
    ],
)  # fmt: skip
def test_what_a_status_says_about_a_write(status: int, kind: type[Exception] | None) -> None:
    error = error_of("linear", status, "words")
    assert (None if error is None else type(error)) is kind
    assert error is None or f"linear answered {status}: words" in str(error)


def test_a_key_names_the_action_and_nothing_else() -> None:
    said: dict[str, Any] = {"service": "s", "verb": "v", "target": "t", "content": "c", "turn": 0}
    others: list[dict[str, Any]] = [{**said, name: "x"} for name in said if name != "turn"]
    others.append({**said, "turn": 1})
    keys = {
        action_key(1, 5.0, **said),
        action_key(2, 5.0, **said),
        action_key(1, 6.0, **said),
        *(action_key(1, 5.0, **one) for one in others),
    }
    assert len(keys) == 8
    # Frozen: what an older version wrote must be found by its key.
    assert action_key(1, 5, **said) == action_key(1, 5.0, **said)
    key = action_key(1, 5.0, **said)
    asked = Asked(key, "t", None, 1)
    assert key == "64916c4f1126dcc1c8b688ac0af906fbc5f5b3e447236c95506ea472740d8a5e"
    assert asked.marker == f"neveridle-effect:{key[:32]}"
    assert asked.client_key[14] == "4"


def test_a_registry_finds_verbs_by_service_and_name() -> None:
    client = StandinClient("http://127.0.0.1:9")
    verbs = Verbs(*client.verbs)
    other = replace(client.set, timeout=1.0)
    verbs.add(other)
    assert verbs.find("standin", "set") is other
    assert verbs.find("standin", "none") is None
    assert verbs.find("other", "set") is None
    assert len(verbs) == len(list(verbs)) == 4


def test_the_standin_survives_its_process(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "neveridle.tools.standin", str(tmp_path / "s.db")]
    for number in (1, 2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                url = process.stdout.readline().strip()
                made = httpx.post(f"{url}/objects", json={"target": "t", "text": "x", "key": "k"})
                found = httpx.get(f"{url}/objects", params={"marker": "x"}).json()
            finally:  # it serves for ever, and is waited for
                process.kill()
        assert made.status_code == (201 if number == 1 else 409)
        assert found == [{"id": "k", "target": "t", "text": "x"}]


def test_faults_happen_once_each_in_order_where_they_fit(tmp_path: Path) -> None:
    with StandinServer(tmp_path / "s.db") as server, httpx.Client(base_url=server.url) as http:
        server.store.plan(
            Fault("refuse", on="set", status=404), Fault("error_after", status=502),
            Fault("drop_before", on="create"), Fault("drop_after", on="create"),
        )  # fmt: skip
        new = {"target": "t", "text": "x"}
        assert http.post("/objects", json=new).status_code == 502
        assert http.put("/states/a%20b", json={"value": 1}).status_code == 404
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                http.post("/objects", json=new)
        assert http.post("/objects", json=new).status_code == 201
        assert http.put("/states/a%20b", json={"value": 1}).json() == {"target": "a b", "value": 1}
        assert http.delete("/objects/1").json() == {"deleted": True}

        assert server.store.states() == {"a b": 1}
        assert [one["id"] for one in server.store.objects()] == ["2", "3"]
        assert server.store.requests("create") == 4


def test_a_fault_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there are drop_before"):
        Fault("explode")  # type: ignore[arg-type]  # wrong on purpose
    assert StandinStore(tmp_path / "s.db").came("set") == (1, None)
