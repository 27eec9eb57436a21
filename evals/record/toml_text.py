"""Writing TOML: settings and recorded tasks, as a person would lay them out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast


def toml_text(data: Mapping[str, Any]) -> str:
    """``data`` as a TOML document; what is None is left out.

    Args:
        data: strings, numbers, booleans, moments, lists and tables of them; a list of tables at
            the top becomes an array of tables.
    """
    return "\n".join(_table(data, ())).strip() + "\n"


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    tables: list[tuple[str, Mapping[str, Any]]] = []
    arrays: list[tuple[str, list[Mapping[str, Any]]]] = []
    for name, value in data.items():
        if isinstance(value, Mapping):
            tables.append((name, cast("Mapping[str, Any]", value)))
        elif not path and _are_tables(value):
            arrays.append((name, cast("list[Mapping[str, Any]]", value)))
        elif value is not None:
            yield f"{_key(name)} = {_value(value)}"
    for name, table in tables:
        inner = (*path, name)
        lines = list(_table(table, inner))
        if not lines or not lines[0].startswith(("[", "\n[")):
            yield f"\n[{'.'.join(map(_key, inner))}]"
        yield from lines
    for name, rows in arrays:
        for row in rows:
            yield f"\n[[{_key(name)}]]"
            yield from (f"{_key(key)} = {_value(one)}" for key, one in row.items())


def _are_tables(value: object) -> bool:
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(isinstance(one, Mapping) for one in cast("Sequence[object]", value))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in cast('Sequence[object]', value))}]"
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value).items()
        inside = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in entries)
        return f"{{ {inside} }}" if inside else "{}"
    # JSON's strings are TOML's basic strings, but for the one control character JSON allows, and
    # for halves of characters, which TOML has no way to write.
    said = str(value).encode("utf-8", "replace").decode("utf-8")
    return json.dumps(said, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if plain else _value(name)
