"""The settings, one class per table of ``neveridle.toml``.

The configuration reference in ``docs/configuration.md`` and the commented file
that ``neveridle init`` writes are generated from the descriptions here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from neveridle.settings.compaction import CompactionSettings
from neveridle.settings.governing import (
    ApprovalSettings,
    BudgetsSettings,
    CapSettings,
    EscalationSettings,
    ObservabilitySettings,
    PriceSettings,
    RoleSettings,
)
from neveridle.settings.remembering import MemorySettings as MemorySettings
from neveridle.settings.remembering import RetentionSettings as RetentionSettings
from neveridle.settings.services import ServicesSettings
from neveridle.settings.table import Table as _Table
from neveridle.settings.work import DeliverySettings, LimitSettings, SandboxSettings

IDLE = 900.0
"""Seconds without progress that are too long where nothing else is said."""


class TeamSettings(_Table):
    """Who works, on what."""

    name: str = Field(default="team", description="The team's name, used in messages and reports.")
    repository: Path = Field(
        default=Path(), description="The git repository the team works on, relative to this file."
    )
    branch: str = Field(
        default="",
        description="The branch work starts from and is merged to. Empty: the one checked out.",
    )
    roadmap: str = Field(
        default="ROADMAP.md",
        description="The roadmap inside the repository. Empty: no roadmap rung.",
    )
    souls: Path = Field(
        default=Path("agents"),
        description="The folder of the souls (<name>.md), relative to this file.",
    )
    home: Path = Field(
        default=Path(".neveridle"),
        description="Where board, clones, checkpoints and memory lie, relative to this file.",
    )
    board: str = Field(
        default="",
        description="The board's database URL: sqlite:///PATH for one host, or "
        "postgresql://USER:PASSWORD@HOST/DATABASE for several. Empty: SQLite at <home>/board.db.",
    )


class ModelSettings(_Table):
    """Which model answers. Names as in LangChain's init_chat_model, or replay:PATH."""

    default: str = Field(
        default="",
        description="For every purpose not named below, such as anthropic:…, openai:…, "
        "ollama:…, or replay:PATH for a recording.",
    )
    work: str = Field(default="", description="For working on tasks. Empty: default.")
    learn: str = Field(
        default="", description="For drawing lessons from finished tasks. Empty: default."
    )
    compact: str = Field(
        default="", description="For summaries of long conversations. Empty: as for work."
    )
    base_url: str = Field(
        default="", description="Where the provider's API is. Empty: the provider's own."
    )
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="Sampling temperature. Unset: the provider's default."
    )
    max_output_tokens: int | None = Field(
        default=None, ge=1, description="Tokens one answer may have. Unset: the provider's default."
    )
    timeout: float = Field(default=120.0, gt=0, description="Seconds one model call may take.")
    attempts: int = Field(
        default=5, ge=1, le=20, description="Requests one model call may make, where it fails."
    )
    total_timeout: float = Field(
        default=300.0, gt=0, description="Seconds one model call may take, with all its requests."
    )
    breaker_threshold: int = Field(
        default=5, ge=1, description="Failures in a row after which a provider is left alone."
    )
    breaker_reset: float = Field(
        default=30.0, gt=0, description="Seconds after which one call tries the provider again."
    )
    record: str = Field(
        default="", description="A JSONL file to which every model call is recorded. Empty: none."
    )


class AgentSettings(_Table):
    """What differs for one agent, in a table [agents.<name>]."""

    model: str = Field(default="", description="This agent's model. Empty: as in [model].")
    skills: list[str] | None = Field(default=None, description="Replaces the skills of the soul.")
    paused: bool = Field(default=False, description="A paused agent takes no task.")
    tracker_user: str = Field(
        default="",
        description="Whom this agent is in the tracker: a login, e-mail address, name or id. "
        "Empty: whoever the token belongs to.",
    )
    budget: CapSettings | None = Field(
        default=None, description="This agent's, each day, in place of [budgets.agent]."
    )
    approvals: ApprovalSettings | None = Field(
        default=None, description="In place of those of its role, and of [approvals]."
    )


class TrackerSettings(_Table):
    """Where the backlog comes from."""

    kind: Literal["board", "linear", "github"] = Field(
        default="board",
        description="board is the built-in one; linear and github need their table in [services].",
    )
    labels: list[str] = Field(
        default_factory=list[str],
        description="Only tickets with at least one of these labels. Empty: all of the team's.",
    )
    poll: float = Field(
        default=60.0, ge=5, description="Seconds between two looks at what changed, for the team."
    )
    full: float = Field(
        default=3600.0,
        ge=60,
        description="Seconds between two looks at all that is open, which notice what was "
        "deleted or moved away.",
    )
    roadmap_tickets: bool = Field(
        default=False, description="Whether each open item of the roadmap gets a ticket, once."
    )


class LeaseSettings(_Table):
    """Ownership in time."""

    lease: float = Field(
        default=120.0,
        gt=0,
        description="Seconds without a heartbeat after which a task is taken over.",
    )
    heartbeat: float = Field(
        default=20.0, gt=0, description="Seconds between two heartbeats; less than half the lease."
    )

    outage_hold: float = Field(
        default=600.0,
        ge=0,
        description="Seconds for which nothing is taken over when more than half of at least "
        "five agents fall silent at once: that is an outage of ours. 0: no such rule.",
    )

    @model_validator(mode="after")
    def _heartbeat_fits(self) -> LeaseSettings:
        if self.heartbeat * 2 > self.lease:
            msg = "heartbeat must be at most half of lease, or one late write loses the task"
            raise ValueError(msg)
        return self


class FleetSettings(_Table):
    """How many processes work, and how they end."""

    processes: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processes that `neveridle run` starts and watches. 1: it works itself.",
    )
    grace: float = Field(
        default=20.0,
        ge=0,
        description="Seconds after SIGTERM to finish what is at work; then it is returned.",
    )


class ImprovementSettings(_Table):
    """What the team does when nothing was asked of it."""

    enabled: bool = Field(default=True, description="Whether the improvement rung looks at all.")
    finders: list[str] = Field(
        default_factory=lambda: ["failing-tests", "linter", "todo", "stale-branches"],
        description="Which finders look for opportunities.",
    )
    daily_cap: int = Field(default=5, ge=0, description="Improvement tasks per day, for the team.")
    threshold: float = Field(
        default=0.3, ge=0, le=1, description="Proposals of a lower estimated value are left alone."
    )
    checks: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Further commands the failing-tests finder runs, such as a slow suite; "
        "delivery does not wait for them.",
    )
    lint: str = Field(
        default="",
        description="The linter's command. Empty: the check called lint, if there is one.",
    )
    stale_days: float = Field(
        default=7.0, gt=0, description="Days without a commit after which a branch awaits review."
    )


class Settings(BaseSettings):
    """All settings of a team; frozen once loaded.

    Environment variables override the file: ``NEVERIDLE_MODEL__DEFAULT`` sets
    ``default`` in ``[model]``.
    """

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="NEVERIDLE_", env_nested_delimiter="__"
    )

    team: TeamSettings = TeamSettings()
    model: ModelSettings = ModelSettings()
    agents: dict[str, AgentSettings] = Field(
        default_factory=dict[str, AgentSettings], description="One table per agent."
    )
    checks: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Named commands that must pass before work is delivered.",
    )
    tracker: TrackerSettings = TrackerSettings()
    services: ServicesSettings = ServicesSettings()
    delivery: DeliverySettings = DeliverySettings()
    sandbox: SandboxSettings = SandboxSettings()
    limits: LimitSettings = LimitSettings()
    leases: LeaseSettings = LeaseSettings()
    fleet: FleetSettings = FleetSettings()
    improvement: ImprovementSettings = ImprovementSettings()
    memory: MemorySettings = MemorySettings()
    compaction: CompactionSettings = CompactionSettings()
    retention: RetentionSettings = RetentionSettings()
    budgets: BudgetsSettings = BudgetsSettings()
    prices: dict[str, PriceSettings] = Field(
        default_factory=dict[str, PriceSettings],
        description="What models cost, in place of the prices that are known. One table each.",
    )
    escalation: EscalationSettings = EscalationSettings()
    approvals: ApprovalSettings = ApprovalSettings()
    roles: dict[str, RoleSettings] = Field(
        default_factory=dict[str, RoleSettings], description="One table per role."
    )
    observability: ObservabilitySettings = ObservabilitySettings()

    root: Path = Field(default=Path(), exclude=True, description="The folder of the file.")

    @field_validator("checks")
    @classmethod
    def _checks_do_something(cls, checks: dict[str, str]) -> dict[str, str]:
        for name, command in checks.items():
            if not command.strip():
                msg = f"the check {name} has no command: an empty one would prove nothing"
                raise ValueError(msg)
        return checks

    @model_validator(mode="after")
    def _limits_agree(self) -> Settings:
        idle = self.limits.idle_timeout
        if idle == 0:
            return self
        if idle < self.model.timeout:
            msg = (
                f"limits.idle_timeout ({idle:g}) is less than model.timeout "
                f"({self.model.timeout:g}): a model call within its time would end the attempt"
            )
            raise ValueError(msg)
        if idle > self.limits.attempt_timeout:
            msg = (
                f"limits.idle_timeout ({idle:g}) is more than limits.attempt_timeout "
                f"({self.limits.attempt_timeout:g}): it could never be reached"
            )
            raise ValueError(msg)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file (whose values come as arguments)."""
        return env_settings, init_settings

    def path(self, relative: Path | str) -> Path:
        """``relative`` resolved against the folder of the configuration file."""
        return (self.root / relative).resolve()

    @property
    def repository(self) -> Path:
        """The repository's absolute path."""
        return self.path(self.team.repository)

    @property
    def home(self) -> Path:
        """The absolute path of the folder that holds board, clones and memory."""
        return self.path(self.team.home)

    @property
    def board_url(self) -> str:
        """The board's database URL."""
        return self.team.board or f"sqlite:///{self.home / 'board.db'}"

    @property
    def idle_timeout(self) -> float:
        """Seconds without progress that are too long; see ``limits.idle_timeout``."""
        if self.limits.idle_timeout:
            return self.limits.idle_timeout
        return max(IDLE, self.sandbox.timeout, 2 * self.model.timeout)

    def approvals_of(self, agent: str, role: str) -> ApprovalSettings:
        """What a person is asked before an agent does it: its own, its role's, or the team's."""
        own, roles = self.agents.get(agent), self.roles.get(role)
        return (own and own.approvals) or (roles and roles.approvals) or self.approvals

    def budget_of(self, agent: str) -> CapSettings:
        """An agent's cap of each day: its own, or that of all."""
        own = self.agents.get(agent)
        return (own and own.budget) or self.budgets.agent

    def with_model(self, name: str) -> Settings:
        """These settings with one model for every purpose and every agent."""
        only = {"default": name, "work": "", "learn": "", "compact": ""}
        agents = {agent: own.model_copy(update={"model": ""}) for agent, own in self.agents.items()}
        return self.model_copy(
            update={"model": self.model.model_copy(update=only), "agents": agents}
        )
