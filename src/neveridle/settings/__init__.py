"""What an operator configures: ``neveridle.toml`` and ``NEVERIDLE_…`` variables."""

from __future__ import annotations

from neveridle.settings.loader import CONFIG_NAME, find_config, load_settings
from neveridle.settings.model import (
    AgentSettings,
    DeliverySettings,
    FleetSettings,
    ImprovementSettings,
    LeaseSettings,
    LimitSettings,
    MemorySettings,
    ModelSettings,
    RetentionSettings,
    SandboxSettings,
    Settings,
    TeamSettings,
    TrackerSettings,
)

__all__ = [
    "CONFIG_NAME",
    "AgentSettings",
    "DeliverySettings",
    "FleetSettings",
    "ImprovementSettings",
    "LeaseSettings",
    "LimitSettings",
    "MemorySettings",
    "ModelSettings",
    "RetentionSettings",
    "SandboxSettings",
    "Settings",
    "TeamSettings",
    "TrackerSettings",
    "find_config",
    "load_settings",
]
