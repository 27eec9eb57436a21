"""Files of conversations: what is read, what is left out, and what is said of broken ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.errors import DatasetInvalid
from neveridle.evals.memory import TurnIds, read_locomo, seconds_of


def talk(**more: Any) -> dict[str, Any]:
    return {
        "sample_id": "boats",
        "conversation": {
            "speaker_a": "Ada",
            "speaker_b": "Bo",
            "session_10_date_time": "1:56 pm on 8 May, 2023",
            "session_10": [
                {"speaker": "Ada", "dia_id": "D10:1", "text": "The mast is up.\r\nAll of it."}
            ],
            "session_2_date_time": "2023-05-01T10:00:00Z",
            "session_2": [
                {"speaker": "Ada", "dia_id": "D2:1", "text": "I sold the boat."},
                {"speaker": "Bo", "dia_id": "D2:2", "text": "Look!", "blip_caption": "a red sail"},
                {"speaker": "Ada", "dia_id": "D2:3", "text": "  "},
            ],
            "session_3": [{"speaker": "Bo", "text": "Nothing new."}],
            **more,
        },
        "qa": [
            {"question": "What was sold?", "evidence": ["D2:1"], "category": 4},
            {"question": "What colour?", "evidence": "D2:02; d2:1", "category": "1"},
            {"question": "Never asked?", "evidence": []},
            {"question": "Silence?", "evidence": ["D2:3"]},
            {"question": "Half known?", "evidence": ["D10:1", "D99:1"]},
        ],
    }


def written(folder: Path, data: Any, name: str = "talks.json") -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def test_sessions_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (one,) = read_locomo(written(tmp_path, [talk()]))
    assert [session.name for session in one.sessions] == ["session_2", "session_3", "session_10"]


def test_a_session_without_a_date_has_that_of_the_one_before(tmp_path: Path) -> None:
    (one,) = read_locomo(written(tmp_path, talk()))
    first = datetime(2023, 5, 1, 10, tzinfo=UTC).timestamp()
    last = datetime(2023, 5, 8, 13, 56, tzinfo=UTC).timestamp()
    assert [session.at for session in one.sessions] == [first, first, last]


def test_the_first_session_without_a_date_has_that_of_the_one_after(tmp_path: Path) -> None:
    (one,) = read_locomo(written(tmp_path, talk(session_2_date_time="")))
    assert len({session.at for session in one.sessions}) == 1
    assert one.sessions[0].at is not None


def test_captions_of_pictures_are_part_of_what_was_said(tmp_path: Path) -> None:
    (one,) = read_locomo(written(tmp_path, talk()))
    texts = {turn.id: turn.text for turn in one.turns}
    assert texts["D2:2"] == "Look! [picture: a red sail]"
    assert texts["D10:1"] == "The mast is up.\nAll of it."
    assert texts["D3:1"] == "Nothing new."  # an id made from its place


def test_what_cannot_be_measured_is_left_out_and_named(tmp_path: Path) -> None:
    (one,) = read_locomo(written(tmp_path, talk()))
    assert [question.text for question in one.questions] == [
        "What was sold?",
        "What colour?",
        "Half known?",
    ]
    assert one.questions[1].evidence == ("D2:2", "D2:1")
    assert one.questions[1].category == "1"
    assert one.questions[2].category == "none"
    assert [(skip.what, skip.why, skip.detail) for skip in one.skipped] == [
        ("D2:3", "an empty turn", ""),
        ("Never asked?", "a question without evidence", ""),
        ("Silence?", "evidence in an empty turn", "D2:3"),
        ("Silence?", "a question without evidence", ""),
        ("Half known?", "evidence that is no turn", "D99:1"),
    ]


def test_an_id_given_twice_means_the_first_turn(tmp_path: Path) -> None:
    again = [{"speaker": "Bo", "dia_id": "D2:1", "text": "Said later."}]
    (one,) = read_locomo(written(tmp_path, talk(session_11=again)))
    assert next(turn.text for turn in one.turns if turn.id == "D2:1") == "I sold the boat."
    assert any(turn.text == "Said later." for turn in one.turns)
    assert ("D2:1", "an id given to a turn before") in [(s.what, s.why) for s in one.skipped]


def test_a_folder_is_read_file_by_file_and_names_are_kept_apart(tmp_path: Path) -> None:
    written(tmp_path, [talk()], "b.json")
    written(tmp_path, "\ufeff" + json.dumps(talk()), "a.json")
    assert [one.name for one in read_locomo(tmp_path)] == ["boats", "boats (2)"]


BROKEN: list[tuple[Any, str]] = [
    ('[{"a": 1},\n {"b": }]', "line 2, column 8"),
    ("7", "$: expected a conversation or a list of them, not a number"),
    ([], "there is no conversation in it"),
    ([talk(), 3], "$[1]: expected an object, not a number"),
    ([{"qa": []}], "$[0].conversation: expected an object, not nothing"),
    ({"conversation": {"speaker_a": "x"}}, "$.conversation: there is no session_1"),
    (talk(session_4={"text": "x"}), "$.conversation.session_4: expected a list, not an object"),
    (talk(session_4=[{"text": 5}]), "session_4[0].text: expected a string, not a number"),
    ({**talk(), "qa": [{"evidence": []}]}, "$.qa[0].question: expected a string, not nothing"),
]


@pytest.mark.parametrize(("data", "said"), BROKEN)
def test_a_broken_file_is_refused_with_the_place(tmp_path: Path, data: Any, said: str) -> None:
    with pytest.raises(DatasetInvalid) as caught:
        read_locomo(written(tmp_path, data))
    assert said in str(caught.value)
    assert "LoCoMo" in caught.value.remedy


def test_nesting_without_end_is_refused_or_left_out(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="nesting"):
        read_locomo(written(tmp_path, "[" * 100_000))
    deep = "[" * 100 + "]" * 100
    text = json.dumps({**talk(), "qa": [{"question": "Why?", "evidence": "DEEP"}]})
    (one,) = read_locomo(written(tmp_path, text.replace('"DEEP"', deep)))
    assert one.questions == ()


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="there is no such file"):
        read_locomo(tmp_path / "none.json")
    with pytest.raises(DatasetInvalid, match=r"no \*\.json file"):
        read_locomo(tmp_path)
    (tmp_path / "latin.json").write_bytes(b'["\xe9"]')
    with pytest.raises(DatasetInvalid, match="not UTF-8"):
        read_locomo(tmp_path)


IDS = ["D1:1", "D8:6", "D9:17", "D11:26", "D30:5", "7", "turn-a"]


@pytest.mark.parametrize(
    ("evidence", "found", "unknown"),
    [
        (["D8:6; D9:17"], ["D8:6", "D9:17"], []),
        (["D30:05"], ["D30:5"], []),
        (["D:11:26"], ["D11:26"], []),
        (["D 30 : 5", "d8-6"], ["D30:5", "D8:6"], []),
        (["D1:1D8:6"], ["D1:1", "D8:6"], []),
        ("['D1:1', 'D9:17']", ["D1:1", "D9:17"], []),
        ("D1:1, D1:1 D8:6", ["D1:1", "D8:6"], []),
        ([["D1:1"], [["D8:6"]]], ["D1:1", "D8:6"], []),
        ({"a": "D1:1"}, ["D1:1"], []),
        (7, ["7"], []),
        (7.0, ["7"], []),
        ("turn-a", ["turn-a"], []),
        (["D", "D8:6", "D8:99"], ["D8:6"], ["D", "D8:99"]),
        (None, [], []),
        ([None, True, ""], [], []),
    ],
)
def test_evidence_is_understood_however_it_is_written(
    evidence: Any, found: list[str], unknown: list[str]
) -> None:
    assert TurnIds(IDS).find(evidence) == (found, unknown)


def test_ids_that_differ_in_writing_alone_are_only_meant_exactly() -> None:
    ids = TurnIds(["D1:1", "D1:01"])
    assert ids.find(["D1:1", "D1:01", "D1:001"]) == (["D1:1", "D1:01"], ["D1:001"])


@settings(max_examples=40, deadline=None)
@given(st.recursive(st.none() | st.text() | st.integers() | st.floats() | st.booleans(), st.lists))
def test_no_evidence_is_too_odd(evidence: Any) -> None:
    found, _ = TurnIds(IDS).find(evidence)
    assert set(found) <= set(IDS)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "text",
    [
        "1:56 pm on 8 May, 2023",
        "1:56 PM, May 8th, 2023",
        "2023-05-08T13:56:00",
        "2023-05-08 13:56",
        "2023-05-08T15:56:00+02:00",
        "2023/05/08 (Mon) 13:56",
        "8 May 2023 13:56",
        "08.05.2023 13:56",
        "1683554160",
        1683554160,
        1683554160000,
    ],
)
def test_dates_are_understood_however_they_are_written(text: Any) -> None:
    assert seconds_of(text) == datetime(2023, 5, 8, 13, 56, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("text", ["", "soon", "2023-13-45", None, True, [], -5, 1e300])
def test_what_is_no_date_is_none(text: Any) -> None:
    assert seconds_of(text) is None


def test_a_date_that_is_not_understood_is_named(tmp_path: Path) -> None:
    (one,) = read_locomo(written(tmp_path, talk(session_3_date_time="the day after")))
    assert ("session_3", "the day after") in [(skip.what, skip.detail) for skip in one.skipped]
