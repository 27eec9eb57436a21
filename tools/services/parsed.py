"""Answers as typed objects."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from neveridle.errors import ServiceError

T = TypeVar("T")


def parsed(service: str, kind: type[T], data: Any) -> T:
    """What a service said, as an object of a type that pydantic knows.

    Args:
        service: who said it.
        kind: the type, such as a model, or a list of models.
        data: plain JSON.

    Raises:
        ServiceError: it does not fit: the service has changed, or is not what we took it for.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "its answer"
        msg = f"{service} answered in a form that is not understood ({where}: {first['msg']})."
        raise ServiceError(msg, service=service) from None  # pydantic's error quotes the answer


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a JSON object; none of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def answered_json(service: str, text: str) -> Any:
    """The JSON of an answer that should have some.

    Raises:
        ServiceError: there is none.
    """
    import json

    try:
        return json.loads(text)
    except ValueError:
        msg = f"{service} answered with something that is no JSON."
        raise ServiceError(msg, service=service) from None
