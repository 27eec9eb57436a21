"""What keeps a team from running away: budgets, prices, escalation, approvals, observation."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from neveridle.settings.table import Table as _Table

MOST = 1_000_000_000.0
"""US dollars; the board counts in billionths of one, in 64 bits."""

Level = Literal["SELF_HEAL", "PEER_ASSIST", "HUMAN_ALERT", "EMERGENCY"]


class CapSettings(_Table):
    """A cap; what is not set has none, and 0 allows nothing."""

    tokens: int | None = Field(
        default=None,
        ge=0,
        description="Tokens, those sent and those answered. Unset: no cap.",
        examples=[2_000_000],
    )
    cost: float | None = Field(
        default=None,
        ge=0,
        le=MOST,
        description="US dollars, by the prices of the models. Unset: no cap.",
        examples=[20.0],
    )


class BudgetsSettings(_Table):
    """What models may cost, for all processes of the team together."""

    timezone: str = Field(
        default="UTC", description="Where days begin at midnight, such as Europe/Berlin."
    )
    output_tokens: int = Field(
        default=8_192,
        ge=1,
        description="Tokens one answer may have where model.max_output_tokens does not say it "
        "and a budget is set: the worst case of a call has to be known.",
    )
    task: CapSettings = Field(
        default=CapSettings(), description="One task with all that it was handed over to, in all."
    )
    agent: CapSettings = Field(default=CapSettings(), description="Each agent, each day.")
    day: CapSettings = Field(default=CapSettings(), description="The whole team, each day.")
    team: CapSettings = Field(default=CapSettings(), description="The whole team, in all.")
    improvement: CapSettings = Field(
        default=CapSettings(),
        description="Tasks of the improvement rung together, each day; they count in the "
        "other budgets, too.",
    )
    concurrency: dict[str, int] = Field(
        default_factory=dict[str, int],
        description="Calls that may be on their way at once in all processes, by the name of a "
        'service ("github"), a provider ("openai") or a model ("openai:gpt-5").',
    )

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            msg = f"there is no time zone {name!r}; names are such as UTC or America/New_York"
            raise ValueError(msg) from error
        return name

    @field_validator("concurrency")
    @classmethod
    def _allows_something(cls, caps: dict[str, int]) -> dict[str, int]:
        for name, cap in caps.items():
            if cap < 1:
                msg = f"the concurrency of {name} is {cap}: it has to be at least 1"
                raise ValueError(msg)
        return caps

    @property
    def capped(self) -> bool:
        """Whether there is any cap at all."""
        caps = (self.task, self.agent, self.day, self.team, self.improvement)
        return any(cap.tokens is not None or cap.cost is not None for cap in caps)


class PriceSettings(_Table):
    """What a model costs, in a table [prices."provider:model"]; US dollars per million tokens."""

    input: float = Field(ge=0, le=MOST, description="For tokens sent.", examples=[1.25])
    output: float = Field(ge=0, le=MOST, description="For tokens answered.", examples=[10.0])
    cache_read: float | None = Field(
        default=None,
        ge=0,
        le=MOST,
        description="For tokens read from a cache. Unset: as input.",
        examples=[0.125],
    )
    cache_write: float | None = Field(
        default=None,
        ge=0,
        le=MOST,
        description="For tokens written to a cache. Unset: as input.",
        examples=[1.25],
    )


class ApprovalSettings(_Table):
    """What a person is asked before it is done."""

    merge: bool = Field(default=False, description="Merging work, or a pull request.")
    deploy: bool = Field(default=False, description="Deploying, promoting and rolling back.")
    spend: float | None = Field(
        default=None,
        gt=0,
        le=MOST,
        description="US dollars a task may cost before a person is asked; then as much again. "
        "Unset: nobody is asked.",
        examples=[5.0],
    )
    commands: list[str] = Field(
        default_factory=list[str],
        description='Commands that need a yes, as patterns such as "git push*" or "*rm -rf*".',
    )


class RoleSettings(_Table):
    """What holds for all agents of a role, in a table [roles.<role>]."""

    approvals: ApprovalSettings | None = Field(default=None, description="In place of [approvals].")


class EscalationSettings(_Table):
    """Who is called when, and how often."""

    levels: dict[str, Level] = Field(
        default_factory=dict[str, Level],
        description="The level for the code of an error or an alert, or for an error's category, "
        "in place of the built-in one, as in "
        'disk-full = "EMERGENCY".',
    )
    emergency: list[str] = Field(
        default_factory=list[str],
        description="Services whose outage is an emergency, such as the one production runs on.",
    )
    emergency_command: str = Field(
        default="",
        description="A command that is started for an emergency, the alert on its standard "
        "input as JSON.",
    )
    emergency_webhook: str = Field(
        default="",
        description="An address an emergency is posted to as JSON; ${NAME} stands for an "
        "environment variable, so that no secret is in this file.",
    )
    alert_command: str = Field(default="", description="The same for what waits for a person.")
    alert_webhook: str = Field(default="", description="The same for what waits for a person.")
    remind: float = Field(
        default=14_400.0,
        gt=0,
        description="Seconds until an open alert is raised again; each time twice as long.",
    )
    reminders: int = Field(default=3, ge=0, description="How often it is raised again at most.")
    per_hour: int = Field(
        default=12,
        ge=1,
        description="Alerts raised in an hour at most; what is beyond is counted in one of them.",
    )


class ObservabilitySettings(_Table):
    """Logs, traces and metrics for other programs."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is logged at least."
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="json: one object a line, with run, agent, task and attempt."
    )
    log_file: str = Field(
        default="",
        description="Where the running team logs, relative to this file; five files of 10 MiB "
        "are kept. Empty: nowhere but what standard error shows.",
    )
    traces: bool | None = Field(
        default=None,
        description="Whether traces are sent. Unset: where there is an endpoint, below or in "
        "OTEL_EXPORTER_OTLP_ENDPOINT. true without one: to http://localhost:4318.",
        examples=[True],
    )
    metrics: bool | None = Field(
        default=None,
        description="Whether metrics are sent; unset as for traces.",
        examples=[True],
    )
    endpoint: str = Field(
        default="",
        description="An OTLP endpoint over HTTP, such as http://localhost:4318. Wins over "
        "OTEL_EXPORTER_OTLP_ENDPOINT.",
    )
