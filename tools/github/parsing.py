"""From what GitHub sent to models."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from pydantic import BaseModel

from neveridle.tools.services.parsed import parsed

M = TypeVar("M", bound=BaseModel)

SERVICE: Final = "github"


def parse(model: type[M], data: Any) -> M:
    """One object.

    Raises:
        ServiceError: what was sent is none.
    """
    return parsed(SERVICE, model, data)


def parse_all(model: type[M], data: Any) -> tuple[M, ...]:
    """A list of objects.

    Raises:
        ServiceError: what was sent is none.
    """
    generic: Any = tuple  # else a type checker takes the variable for a type
    found: tuple[M, ...] = parsed(SERVICE, generic[model, ...], listed(data))
    return found


def listed(data: Any) -> list[Any]:
    """A list as it is.

    Raises:
        ServiceError: it is none.
    """
    return parsed(SERVICE, list[Any], data)


def fields(data: Any) -> dict[str, Any]:
    """An object as it is.

    Raises:
        ServiceError: it is none.
    """
    return parsed(SERVICE, dict[str, Any], data)
