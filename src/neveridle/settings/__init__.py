"""What an operator configures: ``neveridle.toml`` and ``NEVERIDLE_…`` variables."""

from __future__ import annotations

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
from neveridle.settings.loader import CONFIG_NAME, find_config, load_settings
from neveridle.settings.model import (
    AgentSettings,
    FleetSettings,
    ImprovementSettings,
    LeaseSettings,
    MemorySettings,
    ModelSettings,
    RetentionSettings,
    Settings,
    TeamSettings,
    TrackerSettings,
)
from neveridle.settings.work import DeliverySettings, LimitSettings, SandboxSettings

__all__ = [
    "CONFIG_NAME",
    "AgentSettings",
    "ApprovalSettings",
    "BudgetsSettings",
    "CapSettings",
    "CompactionSettings",
    "DeliverySettings",
    "EscalationSettings",
    "FleetSettings",
    "ImprovementSettings",
    "LeaseSettings",
    "LimitSettings",
    "MemorySettings",
    "ModelSettings",
    "ObservabilitySettings",
    "PriceSettings",
    "RetentionSettings",
    "RoleSettings",
    "SandboxSettings",
    "Settings",
    "TeamSettings",
    "TrackerSettings",
    "find_config",
    "load_settings",
]
