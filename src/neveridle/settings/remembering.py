"""What is remembered, and how long what is over is kept."""

from __future__ import annotations

from pydantic import Field, field_validator

from neveridle.settings.table import Table as _Table


class MemorySettings(_Table):
    """What agents remember."""

    enabled: bool = Field(default=True, description="Whether lessons are recorded and recalled.")
    recall: int = Field(default=5, ge=0, description="Lessons recalled into a task's prompt.")
    budget_tokens: int = Field(
        default=1_500, ge=100, description="Tokens of a task's prompt that memory may take."
    )
    unproven: int = Field(
        default=2, ge=0, description="How many of the lessons in a prompt may be unproven."
    )
    short_days: float = Field(
        default=7.0, gt=0, description="Days after which a memory is long-term."
    )
    short_tasks: int = Field(
        default=20, ge=1, description="Tasks of an agent whose memories are short-term."
    )
    consolidate_after: int = Field(
        default=10,
        ge=0,
        description="Learnings of an agent after which they are consolidated; 0: only weekly.",
    )
    consolidate_days: float = Field(
        default=7.0, gt=0, description="Days after which an agent's learnings are consolidated."
    )
    limit: int = Field(
        default=50_000,
        ge=100,
        description="Memories an agent may have; beyond, the least valuable ones go.",
    )
    server: str = Field(
        default="",
        description="A Chroma server for a fleet, as in http://host:8000; empty: "
        "one embedded in the process that owns the index.",
    )
    embedding: str = Field(
        default="all-MiniLM-L6-v2",
        description="Name or folder of a sentence-transformers model; this one is installed. "
        "`hashing` compares words, without a model.",
    )


class RetentionSettings(_Table):
    """How long what is over is kept, in days; 0 keeps it for ever."""

    events: float = Field(
        default=30.0,
        ge=0,
        description="Days events and messages are kept. Those of tasks that are open, or ended "
        "within these days, stay. At least 1: the last day is counted from them.",
    )
    tasks: float = Field(
        default=90.0,
        ge=0,
        description="Days tasks are kept after they ended, with their attempts and handoffs. "
        "What an open task still needs stays.",
    )
    checkpoints: float = Field(
        default=30.0,
        ge=0,
        description="Days the conversation and the clone of an attempt are kept that another "
        "may go on with: after a failure, or while its task waits or is blocked.",
    )

    @field_validator("events")
    @classmethod
    def _a_day_is_counted(cls, days: float) -> float:
        if 0 < days < 1:
            msg = "at least 1 day, as the last day is counted from events; or 0 for ever"
            raise ValueError(msg)
        return days
