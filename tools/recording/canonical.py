"""Canonical text: what differs between two runs of the same work gets a name.

Two kinds of names. What can be told apart inside one request (temporary folders, hashes,
UUIDs) is numbered in order of appearance, so that two commits stay two commits and one
commit stays one: ``⟦hash:1⟧``. What cannot (times, durations, addresses) becomes a plain
``⟦time⟧``. Names remember what they stand for, so that an answer recorded in one folder
can be given in another: see ``Names.mask`` and ``Names.unmask``.

Everything else stays as it is, numbers and words in code above all: a difference that is
overlooked is worse than one that is reported.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SHORT, _LONG = 7, 40  # digits of a hash
_H: Final = rf"[0-9a-f]{{{_SHORT},{_LONG}}}"
_END: Final = r"(?![0-9A-Za-z_])"
# Not inside a word, a colour (#1a2b3c4d) or a decimal (0.1234567e9); `a1b2c3d..e4f5a6b` is fine.
_START: Final = r"(?<![0-9A-Za-z_#])(?<!(?<!\.)\.)"

_UUID: Final = re.compile(
    rf"{_START}[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{_END}"
)
_HASH: Final = re.compile(rf"{_START}{_H}{_END}")
# Where git itself prints a hash, one of digits only (3.7 % of the short ones) is a hash too.
_GIT_LINE: Final = re.compile(
    rf"^(?:commit {_H}|Merge: {_H} {_H}|\[[^\]\n]{{1,200}} {_H}\]|HEAD is now at {_H}"
    rf"|(?:Updating|index) {_H}\.\.{_H}){_END}",
    re.MULTILINE,
)
WORDS: Final = re.compile(f"{_UUID.pattern}|{_HASH.pattern}")
"""UUIDs and hashes, where they stand in a text."""
_ADDRESS: Final = re.compile(r"(?<=\bat )0x[0-9a-fA-F]{6,16}\b")

_CLOCK: Final = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_ZONE: Final = r"(?:\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})(?![0-9A-Za-z:]))?"
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_TIME: Final = re.compile(
    rf"(?<!\d)\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK}{_ZONE}"
    rf"|\b{_WEEKDAY},? \d{{1,2}} {_MONTH} \d{{4}} {_CLOCK}{_ZONE}"  # as in mail and HTTP
    rf"|\b(?:{_WEEKDAY} )?{_MONTH} {{1,2}}\d{{1,2}} {_CLOCK}(?: \d{{4}})?{_ZONE}"  # git log, ls -l
)

_UNIT: Final = r"(?:ns|[uµμ]s|ms|s|secs?|seconds?|mins?|minutes?|(?:milli|micro)seconds?)"
# What was measured has a fraction; "a timeout of 30 s" is somebody's decision and stays,
# except where the words say that it was measured.
_DURATION: Final = re.compile(rf"(?<![\w.])\d+\.\d+ ?{_UNIT}\b(?: \(\d+:\d{{2}}:\d{{2}}\))?")
_MEASURED: Final = re.compile(
    rf"(?i)\b(took|elapsed:?|(?:tests?|files?|finished|completed|passed|failed|built|done) in)"
    rf" \d+ ?{_UNIT}\b"
)

_PART: Final = r"[^\s/\\'\"`:;,<>|()\[\]{}⟦⟧]"
_TEMPORARY: Final = (
    rf"(?:/private)?(?:/tmp|/var/tmp|/var/folders/{_PART}+/{_PART}+/T)/",
    rf"[A-Za-z]:\\Users\\{_PART}+\\AppData\\Local\\Temp\\",
)
_PATH_START: Final = r"(?<![\w.~⟧-])"
_PLACEHOLDER: Final = re.compile(r"⟦(\w+)(?::(\d+)(?:~(\d+))?)?⟧")


class Names:
    """The names of one request, and what they stand for.

    Args:
        roots: folders by name, such as ``{"workspace": Path("/home/kim/clone")}``; a path
            below one becomes ``⟦workspace⟧/src/app.py``. Where one holds another, the
            inner one counts.
    """

    def __init__(self, roots: Mapping[str, Path] | None = None) -> None:
        self._roots = dict(roots or {})
        forms = {
            (form, name)
            for name, path in self._roots.items()
            for form in (str(path), path.as_posix(), str(path.resolve()))
            if len(Path(form).parts) > 1  # "/" or "C:\" would match everything
        }
        self._folders = [
            (_folder_pattern(form), name)
            for form, name in sorted(forms, key=lambda item: (-len(item[0]), item))
        ]
        self._temporary = _temporary_pattern()
        self._seen: dict[str, list[str]] = {"tmp": [], "uuid": [], "hash": []}
        self._numbers: dict[tuple[str, str], int] = {}  # of kind and value, from 1
        self._hashes: dict[str, list[int]] = {}  # numbers by the first 7 digits

    def text(self, text: str) -> str:
        """``text`` with names; values met for the first time get the next number."""
        text = self._substitute(text, learn=True)
        text = _ADDRESS.sub("⟦address⟧", text)
        return _MEASURED.sub(r"\1 ⟦duration⟧", _DURATION.sub("⟦duration⟧", text))

    def mask(self, text: str) -> str:
        """An answer's text, with names only for what the request has named already."""
        return self._substitute(text, learn=False)

    def unmask(self, text: str) -> str:
        """The reverse of ``mask``, with what the names stand for in this request."""
        return _PLACEHOLDER.sub(self._value, text)

    def values(self) -> dict[str, str]:
        """What the numbered names stand for, such as ``{"hash:1": "16c7e42…"}``."""
        return {
            f"{kind}:{number}": value
            for kind, values in self._seen.items()
            for number, value in enumerate(values, start=1)
        }

    def _substitute(self, text: str, *, learn: bool) -> str:
        for pattern, name in self._folders:
            text = pattern.sub(f"⟦{name}⟧", text)
        text = self._temporary.sub(lambda m: self._number("tmp", m[0], learn), text)
        text = _UUID.sub(lambda m: self._number("uuid", m[0], learn), text)
        if learn:
            text = _TIME.sub("⟦time⟧", text)
            text = _GIT_LINE.sub(lambda m: re.sub(rf"\b{_H}\b", self._git_hash, m[0]), text)
        return _HASH.sub(lambda m: self._hash(m[0], learn=learn and _looks_random(m[0])), text)

    def _number(self, kind: str, value: str, learn: bool) -> str:
        number = self._numbers.get((kind, value))
        if number is None:
            if not learn:
                return value
            self._seen[kind].append(value)
            number = self._numbers[kind, value] = len(self._seen[kind])
        return f"⟦{kind}:{number}⟧"

    def _git_hash(self, found: re.Match[str]) -> str:
        return self._hash(found[0], learn=True)

    def _hash(self, value: str, *, learn: bool) -> str:
        """A short hash and the long one that it begins share a number: ``⟦hash:1~7⟧``."""
        seen = self._seen["hash"]
        alike = self._hashes.setdefault(value[:_SHORT], [])
        for number in alike:
            known = seen[number - 1]
            if known.startswith(value) or value.startswith(known):
                seen[number - 1] = max(known, value, key=len)
                break
        else:
            if not learn:
                return value
            seen.append(value)
            number = len(seen)
            alike.append(number)
        length = "" if len(value) == _LONG else f"~{len(value)}"
        return f"⟦hash:{number}{length}⟧"

    def _value(self, found: re.Match[str]) -> str:
        name, number, length = found[1], found[2], found[3]
        if number is None:
            return str(self._roots[name]) if name in self._roots else found[0]
        seen = self._seen.get(name, [])
        if not 1 <= int(number) <= len(seen):
            return found[0]
        value = seen[int(number) - 1]
        return value[: int(length)] if length else value


def _looks_random(digits: str) -> bool:
    """Digits and letters mixed: neither a number (1234567) nor a word (defaced)."""
    return not (digits.isdigit() or digits.isalpha())


def _folder_pattern(folder: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in re.split(r"[\\/]", folder)]
    windows = "\\" in folder
    # A short path may stand inside another one (/root in src/root/x), a long one does not,
    # and then `-I/home/kim/clone/include` is found too.
    start = _PATH_START if len(Path(folder).parts) < 4 else ""
    return re.compile(
        start + (r"[\\/]" if windows else "/").join(parts) + r"(?![\w-])(?!\.\w)",
        re.IGNORECASE if windows else 0,
    )


def _temporary_pattern() -> re.Pattern[str]:
    """A temporary folder with the part below it that is made anew each time."""
    here = re.escape(tempfile.gettempdir()) + r"[\\/]"
    pytest = rf"(?:pytest-of-{_PART}+[\\/]pytest-\d+[\\/])?"
    return re.compile(rf"{_PATH_START}(?:{here}|{'|'.join(_TEMPORARY)}){pytest}{_PART}*[^.\W]")


def timeless(text: str) -> str:
    """``text`` without what differs though nothing changed: times, durations, addresses."""
    text = _ADDRESS.sub("⟦address⟧", _TIME.sub("⟦time⟧", text))
    return _MEASURED.sub(r"\1 ⟦duration⟧", _DURATION.sub("⟦duration⟧", text))
