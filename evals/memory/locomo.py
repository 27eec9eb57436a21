"""Files in the format of LoCoMo: conversations in sessions, with questions.

::

    [{"sample_id": "conv-1",
      "conversation": {"speaker_a": "…", "speaker_b": "…",
                       "session_1_date_time": "1:56 pm on 8 May, 2023",
                       "session_1": [{"speaker": "…", "dia_id": "D1:1", "text": "…"}, …], …},
      "qa": [{"question": "…", "answer": "…", "evidence": ["D1:1"], "category": 4}, …]}, …]

A file is such a list, or one such conversation. Any names of speakers and turns will do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, cast

from neveridle.errors import DatasetInvalid
from neveridle.evals.memory.conversation import Conversation, Question, Session, Skipped, Turn
from neveridle.evals.memory.dates import seconds_of
from neveridle.evals.memory.evidence import TurnIds
from neveridle.memory.tidy import tidy

MAX_BYTES = 512 * 2**20
"""A larger file is refused: it would be read whole."""

_SESSION = re.compile(r"session_(\d+)")
_CAPTIONS = ("blip_caption", "image_caption", "caption")


def read_locomo(path: Path) -> list[Conversation]:
    """The conversations of a file, or of the ``*.json`` files of a folder.

    Raises:
        DatasetInvalid: something is not there, not JSON, or not of this shape.
    """
    conversations: list[Conversation] = []
    for file in _files(path):
        conversations += [_conversation(entry, at, file) for at, entry in _entries(file)]
    if not conversations:
        _refuse(path, "", "there is no conversation in it")
    return _named_apart(conversations)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.glob("*.json") if file.is_file())
        if not files:
            _refuse(path, "", "there is no *.json file in this folder")
        return files
    if not path.is_file():
        _refuse(path, "", "there is no such file")
    return [path]


def _entries(file: Path) -> Iterator[tuple[str, Any]]:
    try:
        if file.stat().st_size > MAX_BYTES:
            _refuse(file, "", f"it is larger than {MAX_BYTES // 2**20} MB")
        data: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        _refuse(file, "", error.strerror or "it cannot be read")
    except UnicodeDecodeError:
        _refuse(file, "", "it is not UTF-8")
    except json.JSONDecodeError as error:
        _refuse(file, "", f"line {error.lineno}, column {error.colno}: {error.msg}")
    except (ValueError, RecursionError):
        _refuse(file, "", "its JSON has a number or a nesting that cannot be read")
    if isinstance(data, dict):
        yield "$", data
    elif isinstance(data, list):
        for number, entry in enumerate(cast("Iterable[Any]", data)):
            yield f"$[{number}]", entry
    else:
        _refuse(file, "$", f"expected a conversation or a list of them, not {_kind(data)}")


def _conversation(entry: Any, at: str, file: Path) -> Conversation:
    entry = _of(dict, entry, at, file)
    talk = _of(dict, entry.get("conversation"), f"{at}.conversation", file)
    name = str(entry.get("sample_id") or file.stem)
    skipped: list[Skipped] = []
    sessions, empty = _sessions(talk, f"{at}.conversation", file, name, skipped)
    ids = TurnIds([turn.id for session in sessions for turn in session.turns] + list(empty))
    questions: list[Question] = []
    asked = _of(list, entry.get("qa", []), f"{at}.qa", file)
    for number, item in enumerate(asked):
        where = f"{at}.qa[{number}]"
        one = _of(dict, item, where, file)
        text = _of(str, one.get("question"), f"{where}.question", file).strip()
        found, unknown = ids.find(one.get("evidence"))
        silent = [turn for turn in found if turn in empty]
        found = [turn for turn in found if turn not in empty]
        if unknown:
            skipped.append(Skipped(name, text, "evidence that is no turn", ", ".join(unknown)))
        if silent:
            skipped.append(Skipped(name, text, "evidence in an empty turn", ", ".join(silent)))
        if not text:
            skipped.append(Skipped(name, where, "an empty question"))
        elif not found:
            skipped.append(Skipped(name, text, "a question without evidence"))
        else:
            category = one.get("category")
            label = "none" if category in (None, "") else str(category)
            questions.append(Question(text, label, tuple(found)))
    return Conversation(name, tuple(sessions), tuple(questions), tuple(skipped))


def _sessions(
    talk: dict[str, Any], at: str, file: Path, name: str, skipped: list[Skipped]
) -> tuple[list[Session], set[str]]:
    numbered = sorted((int(match[1]), key) for key in talk if (match := _SESSION.fullmatch(key)))
    if not numbered:
        _refuse(file, at, "there is no session_1 in it")
    sessions: list[Session] = []
    empty: set[str] = set()
    used: set[str] = set()
    for number, key in numbered:
        turns: list[Turn] = []
        for place, item in enumerate(_of(list, talk[key] or [], f"{at}.{key}", file)):
            where = f"{at}.{key}[{place}]"
            one = _of(dict, item, where, file)
            given = one.get("dia_id")
            turn = f"D{number}:{place + 1}" if given in (None, "") else str(given).strip()
            if turn in used:
                skipped.append(Skipped(name, turn, "an id given to a turn before"))
                turn = f"{turn} at {key}[{place}]"
            used.add(turn)
            text = _text(one, where, file)
            if text:
                turns.append(Turn(turn, str(one.get("speaker") or ""), text))
            else:
                empty.add(turn)
                skipped.append(Skipped(name, turn, "an empty turn"))
        began = talk.get(f"{key}_date_time")
        if began not in (None, "") and seconds_of(began) is None:
            skipped.append(Skipped(name, key, "a date that is not understood", str(began)[:80]))
        if turns:
            sessions.append(Session(key, seconds_of(began), tuple(turns)))
    return _dated(sessions), empty


def _text(turn: dict[str, Any], where: str, file: Path) -> str:
    said = turn.get("text")
    parts = ["" if said is None else _of(str, said, f"{where}.text", file)]
    for key in _CAPTIONS:
        if isinstance(turn.get(key), str) and turn[key].strip():
            parts.append(f"[picture: {turn[key].strip()}]")
            break
    return tidy(" ".join(parts).replace("\r\n", "\n").strip())


def _dated(sessions: list[Session]) -> list[Session]:
    """A session without a date has that of the one before, or else of the one after."""
    known = None
    for way in (range(len(sessions)), reversed(range(len(sessions)))):
        for number in way:
            if sessions[number].at is None:
                sessions[number] = replace(sessions[number], at=known)
            known = sessions[number].at
    return sessions


def _named_apart(conversations: list[Conversation]) -> list[Conversation]:
    used: dict[str, int] = {}
    apart: list[Conversation] = []
    for one in conversations:
        used[one.name] = used.get(one.name, 0) + 1
        name = one.name if used[one.name] == 1 else f"{one.name} ({used[one.name]})"
        apart.append(replace(one, name=name))
    return apart


def _of(kind: type[Any], value: Any, where: str, file: Path) -> Any:
    if not isinstance(value, kind):
        _refuse(file, where, f"expected {_kind(kind())}, not {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    for kind, name in ((dict, "an object"), (list, "a list"), (str, "a string"), (bool, "a truth")):
        if isinstance(value, kind):
            return name
    return "a number"


def _refuse(path: Path, where: str, why: str) -> NoReturn:
    msg = f"{path}{f' at {where}' if where else ''}: {why}."
    raise DatasetInvalid(
        msg, remedy="It must be a file, or a folder of files, in the format of LoCoMo."
    )
