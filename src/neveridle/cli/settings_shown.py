"""The settings in effect, each with where it comes from."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from neveridle.settings import Settings
from neveridle.settings.loader import line_of
from neveridle.tools.redact import SECRET, redact

PREFIX = "NEVERIDLE_"
SECRET_NAMES = ("key", "token", "secret", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One setting.

    Attributes:
        name: with dots, as in ``model.default``.
        value: plain data, without secrets.
        source: where it comes from.
        where: the line in the file, or the variable; empty for a default.
    """

    name: str
    value: Any
    source: Literal["default", "file", "environment"]
    where: str

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return {"value": self.value, "source": self.source, "where": self.where}

    @property
    def source_words(self) -> str:
        """Where it comes from, in a word or two."""
        if self.source == "file":
            return f"line {self.where}" if self.where else "the file"
        return self.where or self.source

    @property
    def text(self) -> str:
        """The value as people read it."""
        return "-" if self.value is None else json.dumps(self.value, ensure_ascii=False)


def effective(settings: Settings, path: Path) -> list[Shown]:
    """Every setting in effect, in the order of the file that ``init`` writes.

    Args:
        settings: as loaded from ``path``.
        path: the file, to tell what it says from what it leaves open.
    """
    text = path.read_text(encoding="utf-8-sig")
    written = tomllib.loads(text)
    variables = {name.upper(): name for name in os.environ if name.upper().startswith(PREFIX)}
    return [
        _shown(where, value, written, text, variables)
        for where, value in _leaves(settings.model_dump(mode="json"))
    ]


def _leaves(data: Mapping[str, Any]) -> Iterator[tuple[list[str], Any]]:
    """Tables are two deep, those of agents three; what lies deeper is one value."""
    for table, inside in data.items():
        for key, value in cast("dict[str, Any]", inside).items():
            if table == "agents":
                for name, own in cast("dict[str, Any]", value).items():
                    yield [table, key, name], own
            else:
                yield [table, key], value


def _shown(
    where: list[str],
    value: Any,
    written: Mapping[str, Any],
    text: str,
    variables: Mapping[str, str],
) -> Shown:
    name = ".".join(where)
    value = _harmless(where, value)
    # The longest name wins: NEVERIDLE_MODEL__DEFAULT before NEVERIDLE_MODEL, which is JSON.
    for depth in range(len(where), 0, -1):
        variable = PREFIX + "__".join(where[:depth]).upper()
        if variable in variables and _names(os.environ[variables[variable]], where[depth:]):
            return Shown(name=name, value=value, source="environment", where=variables[variable])
    if _reach(written, where):
        line = line_of(text, where)
        return Shown(name=name, value=value, source="file", where=str(line) if line else "")
    return Shown(name=name, value=value, source="default", where="")


def _names(said: str, rest: list[str]) -> bool:
    """Whether a variable's JSON says something of a setting inside it."""
    if not rest:
        return True
    try:
        found: object = json.loads(said)
    except json.JSONDecodeError:
        return False
    return isinstance(found, dict) and _reach(cast("dict[str, Any]", found), rest)


def _reach(data: Mapping[str, Any], where: list[str]) -> bool:
    found: Any = data
    for part in where:
        if not isinstance(found, Mapping) or part not in found:
            return False
        found = cast("Mapping[str, Any]", found)[part]
    return True


def _harmless(where: list[str], value: object) -> Any:
    """The value without secrets: by what it looks like, and by what it is called."""
    if isinstance(value, str):
        secret = any(where[-1].lower().endswith(word) for word in SECRET_NAMES)
        return SECRET if secret and value else redact(value)
    if isinstance(value, list):
        return [_harmless(where, one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        inside = cast("dict[str, object]", value)
        return {key: _harmless([*where, key], one) for key, one in inside.items()}
    return value
