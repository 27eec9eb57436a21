"""The commented ``neveridle.toml``, from the descriptions of the settings."""

from __future__ import annotations

import inspect
import json
import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from neveridle.settings import Settings
from neveridle.settings.services import ServiceSettings

WIDTH = 88
HEAD = """\
What the team works on, and how. Every setting is shown; one that is commented out has
its default. A variable of the environment wins over this file: NEVERIDLE_MODEL__DEFAULT
sets `default` in [model]."""
CHECKS_NOTE = """\
They run in a fresh clone of the repository, confined: what git ignores is not there, nor
is the network unless [sandbox] allows it."""
NO_CHECKS = "None was recognised. One is needed, such as:"
COMMON = set(ServiceSettings.model_fields) - {"url", "token_env"}
"""What a service's table may set besides, as docs/configuration.md says."""
UNSET: dict[Any, object] = {float: 0.0, int: 4096, str: ""}
"""What stands in the place of a value that is not set by default."""
EXAMPLES = {"prices": '"openai:gpt-5"', "roles": "backend"}
"""A name for each table of tables in which nothing is set by default."""


def config_text(values: Mapping[str, Mapping[str, object]], agents: Iterable[str]) -> str:
    """The file's text; loading it gives the defaults with ``values``.

    Args:
        values: what is set, by table and name; shown in place of the default.
        agents: whose tables are shown, commented out.
    """
    parts = [_comment(HEAD)]
    for name, field in Settings.model_fields.items():
        if field.exclude:  # known from where the file lies, not written in it
            continue
        chosen = values.get(name, {})
        model = _model_in(field.annotation)
        if model is None:
            parts.append("\n".join(_free_table(name, field, chosen)))
        elif name in EXAMPLES:
            parts.append("\n".join(_shown(f"{name}.{EXAMPLES[name]}", model)))
        elif get_origin(field.annotation) is dict:
            parts.append("\n".join(_per_agent(name, model, agents)))
        elif name == "services":
            parts.append("\n".join(_services(model)))
        else:
            parts.append("\n".join(_table(name, model, chosen)))
    return "\n\n".join(parts) + "\n"


def _table(name: str, model: type[BaseModel], chosen: Mapping[str, object]) -> Iterator[str]:
    yield _comment(inspect.getdoc(model) or "")
    yield f"[{name}]"
    for key, field in model.model_fields.items():
        if _model_in(field.annotation) is None:
            yield _comment(field.description or "")
            mark = "" if key in chosen else "# "
            yield f"{mark}{key} = {toml(chosen[key] if key in chosen else _default(field))}"
    for key, field in model.model_fields.items():  # last: what follows a table belongs to it
        inner = _model_in(field.annotation)
        if inner is not None:
            yield from _shown(f"{name}.{key}", inner, field.description)


def _shown(name: str, model: type[BaseModel], words: str | None = None) -> Iterator[str]:
    """A table that is only there where somebody writes it, as a comment with examples."""
    yield _comment(words or inspect.getdoc(model) or "")
    yield f"#   [{name}]"
    for key, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            yield from _shown(f"{name}.{key}", inner, field.description)
        else:
            yield f"#   {key} = {toml(_default(field))}"


def _per_agent(name: str, model: type[BaseModel], agents: Iterable[str]) -> Iterator[str]:
    yield _comment(inspect.getdoc(model) or "")
    below = {key: _model_in(field.annotation) for key, field in model.model_fields.items()}
    for key, field in model.model_fields.items():
        yield _comment(f"{key}: {field.description}")
    for agent in agents:
        yield f"# [{name}.{agent}]"
        for key, field in model.model_fields.items():
            if below[key] is None:
                yield f"# {key} = {toml(_default(field))}"


def _services(model: type[BaseModel]) -> Iterator[str]:
    """A table for each service, commented out: one that is there is used."""
    yield _comment(inspect.getdoc(model) or "")
    for key, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None:  # pragma: no cover - all that is in there are tables
            continue
        name = f"{key}.NAME" if get_origin(field.annotation) is dict else key
        yield f"# [services.{name}]"
        for one, its in inner.model_fields.items():
            if one not in COMMON:
                shown = "" if its.is_required() else _default(its)
                yield _comment(f"{one} = {toml(shown)}")


def _free_table(name: str, field: FieldInfo, chosen: Mapping[str, object]) -> Iterator[str]:
    yield _comment(field.description or "")
    if name == "checks":
        yield _comment(CHECKS_NOTE)
    yield f"[{name}]"
    if name == "checks" and not chosen:
        yield _comment(NO_CHECKS)
        yield '# tests = "python -m pytest -q"'
    for key, value in chosen.items():
        yield f"{_key(key)} = {toml(value)}"


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = get_args(annotation)[0]
        return _model_in(annotation)
    last = get_args(annotation)[-1] if get_origin(annotation) is dict else None
    return last if isinstance(last, type) and issubclass(last, BaseModel) else None


def _default(field: FieldInfo) -> object:
    if field.examples:
        return field.examples[0]
    value: object = field.get_default(call_default_factory=True)
    if value is not None:
        return value
    kinds = [field.annotation]
    if get_origin(field.annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    return UNSET.get(kinds[0], [])


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Path):
        return toml(value.as_posix())
    if isinstance(value, list):
        return f"[{', '.join(toml(one) for one in cast('list[object]', value))}]"
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value).items()
        inside = ", ".join(f"{_key(str(key))} = {toml(one)}" for key, one in entries)
        return f"{{ {inside} }}" if inside else "{}"
    # JSON's strings are TOML's basic strings, but for the one control character JSON allows.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if plain else toml(name)


def _comment(text: str) -> str:
    lines = textwrap.wrap(
        " ".join(text.split()), WIDTH - 2, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(f"# {line}" for line in lines)
