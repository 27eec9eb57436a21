"""Whatever is logged becomes one line, bounded and without secrets, and says what was said."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.tools.logs.clean import ERROR, MESSAGE, VALUE
from neveridle.tools.logs.lines import LineFormatter
from neveridle.tools.redact import SECRET, redact_named
from neveridle.tools.telemetry import working

AS_JSON = LineFormatter(text=False)
AS_TEXT = LineFormatter(text=True)
# What some program or another takes for the end of a line.
BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
KEY = "ghp_0123456789abcdefghij"


def record(message: Any, *arguments: Any, raised: Any = None, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("a.b", logging.INFO, "f.py", 1, message, arguments, raised)
    vars(made).update(extra)
    return made


def parsed(message: Any, *arguments: Any, **more: Any) -> dict[str, Any]:
    line = AS_JSON.format(record(message, *arguments, **more))
    assert not BREAKS.search(line)
    found: dict[str, Any] = json.loads(line)
    return found


TEXT = st.text(st.characters(codec=None), max_size=300)
VALUES = st.one_of(
    TEXT, st.integers(), st.floats(), st.booleans(), st.none(), st.lists(TEXT), st.binary()
)


@given(TEXT, st.dictionaries(TEXT, VALUES, max_size=5))
def test_any_text_is_one_line_of_json_that_says_the_same(
    message: str, extra: dict[str, Any]
) -> None:
    given_extra = {k: v for k, v in extra.items() if k not in vars(record(""))}
    line = AS_JSON.format(record("%s", message, **given_extra))

    assert not BREAKS.search(line)
    assert line.isascii()
    found = json.loads(line, parse_constant=pytest.fail)
    assert found["message"] == redact_named(message)
    assert found["level"] == "info"
    assert found["logger"] == "a.b"


@given(TEXT, st.dictionaries(TEXT, VALUES, max_size=5))
def test_any_text_is_one_line_of_text(message: str, extra: dict[str, Any]) -> None:
    given_extra = {k: v for k, v in extra.items() if k not in vars(record(""))}
    line = AS_TEXT.format(record("%s", message, **given_extra))

    assert not BREAKS.search(line)
    assert line.isprintable()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\x0b", "\x1b[2K\x1b[1A"])
def test_a_message_cannot_forge_a_line(end: str) -> None:
    forged = f"done{end}2026-01-01T00:00:00.000Z error neveridle forged"
    for made in (AS_JSON, AS_TEXT):
        line = made.format(record(forged))
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line


def test_a_traceback_in_text_cannot_forge_a_line() -> None:
    try:
        raise ValueError("x\n2026-01-01T00:00:00.000Z error   neveridle forged")
    except ValueError as error:
        raised = (type(error), error, error.__traceback__)
    line = AS_TEXT.format(record("failed", raised=raised))

    first, *rest = line.splitlines()
    assert first.endswith("failed")
    assert len(rest) >= 4
    assert all(one.startswith("  | ") for one in rest)


def test_a_line_has_time_in_utc_and_whose_work_it_is() -> None:
    made = record("said", colour="blue")
    made.created = 1_764_000_000.0379
    with working(run="r1", agent="sam", task=7, attempt=2, fence=3):
        found = json.loads(AS_JSON.format(made))
        text = AS_TEXT.format(made)

    assert list(found.items()) == [
        ("time", "2025-11-24T16:00:00.037Z"), ("level", "info"), ("logger", "a.b"),
        ("message", "said"), ("run", "r1"), ("agent", "sam"), ("task", 7), ("attempt", 2),
        ("fence", 3), ("pid", made.process), ("colour", "blue"),
    ]  # fmt: skip
    assert text == (
        "2025-11-24T16:00:00.037Z info    a.b "
        '[run=r1 agent=sam task=7 attempt=2 fence=3] said colour="blue"'
    )


def test_a_further_field_cannot_take_the_place_of_ours() -> None:
    with working(task=7):
        found = parsed("said", task=8, time="never", level="x", exception="no", fence=9, pid=1)

    assert (found["task"], found["task_"], found["fence_"]) == (7, 8, 9)
    assert (found["time_"], found["level_"]) == ("never", "x")
    assert "fence" not in found


@pytest.mark.parametrize(
    ("message", "arguments"), [("%d of %s", ("x",)), ("%s", ()), ("%(a)s", ({"b": 1},)), (None, ())]
)
def test_what_was_logged_wrongly_is_shown_all_the_same(message: Any, arguments: Any) -> None:
    assert str(message) in parsed(message, *arguments)["message"] or message is None


def test_what_cannot_be_shown_is_said_to_be_that() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise ValueError("no")

    assert "cannot be shown" in parsed("said", odd=Odd())["odd"]
    assert parsed("said", big=10**400, nan=float("nan"))["nan"] == "nan"


def test_secrets_are_taken_out_of_message_fields_and_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "correct-horse-battery")
    try:
        raise ValueError(f"{KEY} refused, correct-horse-battery, too")
    except ValueError as error:
        raised = (type(error), error, error.__traceback__)
    made = record(
        "with %s and correct-horse-battery", KEY, raised=raised, url=f"https://me:{KEY}@host/",
        headers={"Authorization": f"Bearer {KEY}"}, password="short1",
        other=["correct-horse-battery"],
    )  # fmt: skip
    made.stack_info = f"Stack of {KEY}"
    for one in (AS_JSON, AS_TEXT):
        line = one.format(made)
        assert "0123456789" not in line
        assert "horse" not in line
        assert "short1" not in line
        assert line.count(SECRET) >= 7
        assert "ValueError" in line


@pytest.mark.parametrize("size", [MESSAGE + 1, 60_000, 3_000_000])
def test_a_huge_message_is_cut_and_no_half_of_a_secret_is_left(size: int) -> None:
    noise = "".join(f"{KEY} {number} " for number in range(size // 30))
    found = parsed(noise, value=noise)

    assert len(found["message"]) < MESSAGE + 100
    assert len(found["value"]) < VALUE + 100
    assert size < 50_000 or "left out" in found["message"]
    assert "ghp_" not in json.dumps(found)


def test_of_a_huge_traceback_both_ends_are_kept() -> None:
    try:
        raise ValueError("x" * 200_000 + " at last")
    except ValueError as error:
        raised = (type(error), error, error.__traceback__)
    said = parsed("failed", raised=raised)["exception"]

    assert said.startswith("Traceback")
    assert said.endswith("at last")
    assert len(said) < ERROR + 100


def test_fields_are_counted_too() -> None:
    assert len(parsed("said", **{f"field{n}": n for n in range(1000)})) < 50
