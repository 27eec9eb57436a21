"""Reading files of results: what is refused, and how that is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.errors import ResultsInvalid
from neveridle.evals.report import load_results, write_reports
from neveridle.evals.report.loading import results_from
from neveridle.evals.result import CaseResult, SuiteResult

Make = Callable[..., CaseResult]
Suite = Callable[..., SuiteResult]


@pytest.fixture
def text(make: Make, suite: Suite) -> str:
    return suite(make(title="Ünïcode 🙂", model_calls=3), suite="own").model_dump_json(indent=2)


def refused(found: bytes, why: str) -> None:
    with pytest.raises(ResultsInvalid, match=why) as caught:
        results_from(found, Path("results.json"))
    assert caught.value.remedy
    assert "results.json" in caught.value.message


def test_what_was_written_is_read_again(tmp_path: Path, make: Make, suite: Suite) -> None:
    result = suite(make(title="Ünïcode", model_calls=3), make(status="error", trouble="no git"))
    path = tmp_path / "made" / "results.json"
    assert write_reports(result, json=path) == [path]
    assert load_results(path) == result
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as some editors save it
    assert load_results(path) == result
    # `eval run --json` prints what the gate said besides.
    printed = {**result.model_dump(mode="json"), "gate": None}
    assert results_from(json.dumps(printed).encode(), path) == result


def test_what_cannot_be_results_is_refused_with_the_reason(text: str) -> None:
    data = json.loads(text)
    refused(b"", "is empty")
    refused(b" \n", "is empty")
    refused(text.encode()[: len(text.encode()) // 2], "stops in the middle, at line")
    refused(text.encode("utf-16"), "is not UTF-8")
    refused(b"[]", "its JSON is not an object")
    refused(b"{} {}", "is no JSON: Extra data at line 1")
    refused(b"[" * 100_000, "is no JSON that can be read|stops in the middle")
    refused(b'{"results": []}', "it does not say its format")
    refused(json.dumps({**data, "format": "neveridle-recording"}).encode(), "neveridle-recording")
    refused(json.dumps({**data, "version": 2}).encode(), "is of version 2; this neveridle reads")
    refused(json.dumps({**data, "version": None}).encode(), "is of version None")
    refused(json.dumps({**data, "results": {}}).encode(), "at results:")
    bad = {**data["results"][0], "status": "good", "repeat": "1"}
    refused(json.dumps({**data, "results": [bad]}).encode(), r"at results\.0\..* \(and 1 more\)")
    refused(text.replace("3.0", "NaN").encode(), "NaN is no number in JSON")


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsInvalid, match="There is no file"):
        load_results(tmp_path / "none.json")
    with pytest.raises(ResultsInvalid, match="cannot be read"):
        load_results(tmp_path)
    with pytest.raises(ResultsInvalid, match="cannot be written"):
        write_reports(SuiteResult(), json=tmp_path)


@given(st.data())
def test_a_file_cut_anywhere_or_changed_is_read_or_refused_never_anything_else(
    data: st.DataObject,
) -> None:
    whole = SuiteResult(
        results=(CaseResult(task="é", status="passed", measures={"cost": 0.5}),)
    ).model_dump_json()
    found = whole.encode()
    at = data.draw(st.integers(0, len(found) - 1))
    tail = data.draw(st.binary(max_size=3))
    for changed in (found[:at], found[:at] + tail + found[at + len(tail) :]):
        try:
            results_from(changed, Path("x.json"))
        except ResultsInvalid as error:
            assert error.message
