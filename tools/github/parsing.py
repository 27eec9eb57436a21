"""From what GitHub sent to models."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from neveridle.errors import ServiceError

M = TypeVar("M", bound=BaseModel)

SERVICE = "github"


def parse(model: type[M], data: Any) -> M:
    """One object.

    Raises:
        ServiceError: what was sent is none.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        where = ", ".join(".".join(str(part) for part in one["loc"]) or "all" for one in wrong[:5])
        msg = f"{SERVICE} sent something that is no {model.__name__} (wrong: {where})."
        raise ServiceError(msg, service=SERVICE) from None  # pydantic shows what was sent


def parse_all(model: type[M], data: Any) -> tuple[M, ...]:
    """A list of objects.

    Raises:
        ServiceError: what was sent is none.
    """
    items: list[Any] = [*listed(data)]
    return tuple(parse(model, one) for one in items)


def listed(data: Any) -> list[Any]:
    """A list as it is.

    Raises:
        ServiceError: it is none.
    """
    if not isinstance(data, list):
        msg = f"{SERVICE} sent something that is no list."
        raise ServiceError(msg, service=SERVICE)
    items: list[Any] = [*data]
    return items


def fields(data: Any) -> dict[str, Any]:
    """An object as it is.

    Raises:
        ServiceError: it is none.
    """
    if not isinstance(data, dict):
        msg = f"{SERVICE} sent something that is no object."
        raise ServiceError(msg, service=SERVICE)
    named: dict[str, Any] = {**data}
    return named
