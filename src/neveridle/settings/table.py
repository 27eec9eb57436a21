"""One table of ``neveridle.toml``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table of settings: frozen, and nothing in it that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
