"""Who is told besides the channel: the webhooks and commands that are configured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from neveridle.settings import EscalationSettings
from neveridle.tools.notify.command import Command
from neveridle.tools.notify.webhook import Webhook


class Target(Protocol):
    """Something that can be told."""

    async def send(self, payload: Mapping[str, Any], *, key: str) -> None:
        """Tell it; raises an error of ours, without secrets, where it does not take it."""
        ...

    async def aclose(self) -> None:
        """Let go of what it holds; may be called twice."""
        ...


def targets_of(settings: EscalationSettings, folder: Path) -> dict[str, Target]:
    """All that are configured, by name, such as ``emergency_webhook``.

    Args:
        settings: the operator's.
        folder: where commands are started.
    """
    made: dict[str, Target] = {}
    for name in ("emergency_webhook", "alert_webhook"):
        said = str(getattr(settings, name))
        if said:
            made[name] = Webhook(said, setting=f"escalation.{name}")
    for name in ("emergency_command", "alert_command"):
        said = str(getattr(settings, name))
        if said:
            made[name] = Command(said, setting=f"escalation.{name}", folder=folder)
    return made


def targets_by_level(settings: EscalationSettings) -> dict[str, tuple[str, ...]]:
    """Which of them are told of which level.

    An emergency that nothing is configured for is told as every alert is.
    """
    alert = tuple(one for one in ("alert_webhook", "alert_command") if getattr(settings, one))
    names = ("emergency_webhook", "emergency_command")
    emergency = tuple(one for one in names if getattr(settings, one))
    return {"EMERGENCY": emergency or alert, "HUMAN_ALERT": alert}
