"""What Convex says, as far as it is used."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class ConvexResult(BaseModel):
    """What a function gave.

    Attributes:
        value: its value, as plain JSON.
        log_lines: what it logged; production deployments say nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: Literal["success"]
    value: Any
    log_lines: list[str] = Field(default_factory=list[str], validation_alias="logLines")
