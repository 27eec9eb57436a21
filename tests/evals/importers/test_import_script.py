"""Tools follow the recorded order, whichever call reaches them first."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest

from neveridle.errors import RecordingMismatch
from neveridle.evals.importers.conversation import Call
from neveridle.evals.importers.scripted import Script


async def test_calls_that_come_at_once_are_made_in_the_recorded_order() -> None:
    made: list[tuple[str, Any]] = []

    def invoke(name: str, args: dict[str, Any]) -> str:
        made.append((name, list(args["n"])))
        args["n"].append("written by the tool")
        return "3" if name == "c" else name

    recorded = [Call("a", {"n": [1]}, "a"), Call("b", {"n": [2]}, "b"), Call("c", {"n": []}, "c")]
    script = Script(deque(recorded))
    said = await asyncio.gather(
        *(
            script.next(name, {"n": n}, invoke, 60)
            for name, n in (("c", []), ("b", [2]), ("a", [1]))
        )
    )
    assert made == [("a", [1]), ("b", [2]), ("c", [])]
    assert said == ["3", "b", "a"]
    assert [(one.tool, one.args, one.now) for one in script.different] == [("c", {"n": []}, "3")]
    assert (script.made, list(script.calls)) == (3, [])
    with pytest.raises(RecordingMismatch):
        await script.next("a", {"n": [1]}, invoke, 60)
