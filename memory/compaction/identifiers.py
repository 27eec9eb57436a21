"""Finding identifiers in text and in JSON: what later calls of tools need letter by letter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

LONGEST: Final = 200
"""Characters of an identifier; what is longer is looked up, not carried along."""
_MOST: Final = 20_000  # found in one message
_ATTEMPTS: Final = 200  # at reading what looks like JSON and is none

_JSON: Final = re.compile(r"[\[{]")
# The order matters: the first that matches at a place wins.
_TOKENS: Final = re.compile(
    r"""
    (?P<url>\bhttps?://[^\s"'<>)\]}]{3,180})
  | (?P<email>\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,32}){1,4}\b)
  | (?P<date>\b\d{4}-\d{2}-\d{2}
        (?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?\b
      |\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b
      |\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?\s
        \d{1,2}(?:st|nd|rd|th)?\b(?:,?\s\d{4}\b)?)
  | (?P<time>\b\d{1,2}:\d{2}(?::\d{2})?\b)
  | (?P<path>(?<![\w/.])(?:~|\.{1,2})?/?(?:[\w.@+-]{1,80}/){1,20}[\w.@+-]{1,80}(?::\d{1,6})?
      |(?<![\w/.])/[\w.@+-]{2,80}
      |\b[\w-]{1,80}\.(?:py|js|ts|tsx|jsx|md|txt|json|toml|ya?ml|sql|sh|go|rs|java|c|h|cpp|css|html|cfg|ini|lock|csv|log|xml|ipynb)\b)
  | (?P<code>\#?\b(?=[\w-]{0,80}\d)(?=[\w-]{0,80}[A-Za-z_-]|\d{5})
        [A-Za-z0-9](?:\w|-(?=\w)){1,160}\b)
  | (?P<upper>\b[A-Z][A-Z_]{1,12}\b)
  | (?P<number>[-$€£]?\b\d[\d,]{0,20}(?:\.\d{1,9})?\b%?)
  | (?P<name>(?<![\w-])(?:[a-z][a-z0-9]{0,40}(?:_[a-z0-9]{1,40}){1,6})\b)
  | [`"'“](?P<quoted>[^`"'“”\n]{2,60})[`"'”]
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """One identifier at one place.

    Attributes:
        value: letter by letter.
        label: the key or kind beside it, such as ``user_id`` or ``date``.
        kind: what it looks like: ``code``, ``date``, ``number``, ``path``, ``word`` …
    """

    value: str
    label: str
    kind: str


def identifiers(text: str) -> list[Found]:
    """The identifiers in a text, in order; JSON within it gives its keys as labels."""
    found: list[Found] = []
    for one in _scan(text):
        found.append(one)
        if len(found) >= _MOST:
            break
    return found


def leaves_of(value: Any, label: str = "") -> Iterator[Found]:
    """The identifiers among the leaves, and the keys, of JSON."""
    stack: list[tuple[Any, str, int]] = [(value, label, 0)]
    while stack:
        one, name, depth = stack.pop()
        if depth > 40:
            continue
        if isinstance(one, dict):
            items = list(cast("Mapping[Any, Any]", one).items())
            for key, inner in reversed(items):
                stack.append((inner, str(key), depth + 1))
            for key, _ in items:
                if any(sign.isdigit() for sign in str(key)) and len(str(key)) <= LONGEST:
                    yield Found(str(key), name, "code")  # a key that is itself an identifier
        elif isinstance(one, list):
            for inner in reversed(cast("Sequence[Any]", one)):
                stack.append((inner, name, depth + 1))
        elif isinstance(one, bool) or one is None:
            continue
        elif isinstance(one, (int, float)):
            yield Found(json.dumps(one), name, "number")
        elif isinstance(one, str):
            yield from _leaf(one, name)


def _leaf(text: str, label: str) -> Iterator[Found]:
    if len(text) <= 64 and "\n" not in text and len(text.split()) <= 5:
        kind = kind_of(text)
        if text.strip():
            yield Found(text, label, kind)
        return
    for one in _scan(text):
        yield Found(one.value, one.label or label, one.kind)


def holds(text: str, value: str) -> bool:
    """Whether a text holds a value as it is, and not only as a part of a longer one."""
    at = text.find(value)
    while at >= 0:
        before = text[at - 1] if at else " "
        end = at + len(value)
        after = text[end] if end < len(text) else " "
        joined = (value[0].isalnum() and (before.isalnum() or before == "_")) or (
            value[-1].isalnum() and (after.isalnum() or after == "_")
        )
        decimal = value[-1].isdigit() and after == "." and text[end + 1 : end + 2].isdigit()
        if not joined and not decimal:
            return True
        at = text.find(value, at + 1)
    return False


def kind_of(value: str) -> str:
    """What a value looks like, taken as a whole; ``word`` where it is like nothing else."""
    match = _TOKENS.fullmatch(value.strip())
    if match is not None and match.lastgroup is not None and match.lastgroup != "quoted":
        return match.lastgroup
    return "code" if any(sign.isdigit() for sign in value) else "word"


def _scan(text: str) -> Iterator[Found]:
    at = failed = 0
    for opening in _JSON.finditer(text):
        if opening.start() < at:
            continue
        if failed > _ATTEMPTS:
            break
        try:
            value, end = json.JSONDecoder().raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            failed += 1
            continue
        if not isinstance(value, (dict, list)) or end - opening.start() < 4:
            continue
        yield from _plain(text[at : opening.start()])
        yield from leaves_of(value)
        at = end
    yield from _plain(text[at:])


def _plain(text: str) -> Iterator[Found]:
    for match in _TOKENS.finditer(text):
        kind = match.lastgroup or ""
        value = match[kind].rstrip(".,;:")
        if value and len(value) <= LONGEST:
            yield Found(value, _label_before(text, match.start()), kind)


_BEFORE: Final = re.compile(r"([A-Za-z_][\w -]{0,30}?)[\"'`*]{0,3}\s?[:=#]\s?[\"'`*$]{0,3}$")


def _label_before(text: str, at: int) -> str:
    match = _BEFORE.search(text[max(0, at - 40) : at])
    return match[1].strip().lower().replace(" ", "_") if match else ""
