"""How long conversations are kept within a model's window."""

from __future__ import annotations

from pydantic import Field

from neveridle.settings.table import Table as _Table


class CompactionSettings(_Table):
    """How conversations that outgrow their budget are folded."""

    enabled: bool = Field(
        default=True, description="Whether long conversations are folded; else the provider fails."
    )
    window: int = Field(
        default=0,
        ge=0,
        description="Tokens the model's window holds. 0: as LangChain knows it for the model, "
        "and 128000 where it does not.",
    )
    share: float = Field(
        default=0.7,
        gt=0,
        le=1,
        description="The share of the window that prompt, tools and conversation may fill.",
    )
    keep: int = Field(
        default=10, ge=1, description="The last messages, which stay as they are where they fit."
    )
    summarize: bool = Field(
        default=True,
        description="Whether a model writes the summary; else it is taken from the messages.",
    )
