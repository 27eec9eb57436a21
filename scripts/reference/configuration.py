"""``docs/configuration.md``, from the descriptions in ``neveridle.settings``."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from neveridle.settings import CONFIG_NAME, Settings
from reference.markdown import NOTE, code, prose, table
from reference.markdown import page as build

INTRODUCTION = f"""\
All settings stand in `{CONFIG_NAME}`, which `neveridle init` writes with a comment for
each of them. Every setting has a default, so an empty file is a valid one. A setting that
is not known is an error, with its file and line.

A variable of the environment wins over the file. Its name is made of the table and the
setting, joined by two underscores: `NEVERIDLE_MODEL__DEFAULT` sets `default` in `[model]`.
Paths are relative to the folder of the file."""

NAMES: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    Path: "path",
    type(None): "unset",
}
BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


def page() -> str:
    """The text of the page."""
    return build(NOTE, "# Configuration", INTRODUCTION, *_sections())


def _sections() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if field.exclude:  # known from where the file lies, not written in it
            continue
        model = _model_in(field.annotation)
        if model is None:
            yield build(f"## `[{name}]`", prose(field.description or ""), _free_keys(name, field))
            continue
        yield from _table_and_below(name, field, model)


def _table_and_below(
    name: str, field: FieldInfo, model: type[BaseModel], about: str = ""
) -> Iterator[str]:
    """A table, and the tables in it."""
    name = f"{name}.<name>" if get_origin(field.annotation) is dict else name
    below = {key: (one, _model_in(one.annotation)) for key, one in model.model_fields.items()}
    own = _fields(model, {key for key, (_, inner) in below.items() if inner is None})
    words = "\n\n".join(part for part in (about, inspect.getdoc(model) or "") if part)
    yield build(f"## `[{name}]`", prose(words), *own)
    for key, (one, inner) in below.items():
        if inner is not None:
            about = one.description or ""
            yield from _table_and_below(
                f"{name}.{key}", one, inner, about if name.partition(".")[0] != "services" else ""
            )


def _free_keys(name: str, field: FieldInfo) -> str:
    _, value = get_args(field.annotation)
    return f"The keys are yours to choose; each value is: {type_name(value)}."


def _fields(model: type[BaseModel], names: set[str]) -> list[str]:
    rows = [
        [code(name), _takes(field), default(field), prose(field.description or "")]
        for name, field in model.model_fields.items()
        if name in names
    ]
    return [table(["setting", "takes", "default", "meaning"], rows)] if rows else []


def _takes(field: FieldInfo) -> str:
    limits = [
        f"{words} {getattr(bound, name):g}"
        for bound in field.metadata
        for name, words in BOUNDS
        if getattr(bound, name, None) is not None
    ]
    return ", ".join([type_name(field.annotation), *limits])


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The table's class: the annotation itself, what may be there, or a mapping's values."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(one for one in get_args(annotation) if one is not type(None))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    last = get_args(annotation)[-1] if get_origin(annotation) is dict else None
    return last if isinstance(last, type) and issubclass(last, BaseModel) else None


def type_name(annotation: Any) -> str:
    """What a setting takes, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(code(str(argument)) for argument in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(part) for part in arguments if part is not type(None))
    if origin is list:
        return f"list of {type_name(arguments[0])}"
    if origin is dict:
        return f"table of {type_name(arguments[1])}"
    return NAMES[annotation]  # a new kind of setting needs a word here


def default(field: FieldInfo) -> str:
    """A field's default as it would stand in the file."""
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "unset"
    if isinstance(value, Path):
        value = value.as_posix()
    return code(json.dumps(value, ensure_ascii=False)) if value != {} else "empty"
