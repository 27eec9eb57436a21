"""What can be checked of how people are called, without calling anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neveridle.errors import ErrorCategory, NeveridleError, SettingsInvalid
from neveridle.health import Finding, Grade, problem
from neveridle.tools.notify.command import Command
from neveridle.tools.notify.targets import targets_of
from neveridle.tools.notify.webhook import Webhook

if TYPE_CHECKING:
    from neveridle.settings import Settings

ABOUT = "escalation"


def look_at_targets(settings: Settings) -> Sequence[Finding]:
    """Variables that are not set, commands that are not there, services nobody configured."""
    said = settings.escalation
    targets = targets_of(said, settings.root)
    found: list[Finding] = []
    for target in targets.values():
        try:
            if isinstance(target, Webhook):
                target.url()
            elif isinstance(target, Command):
                target.parsed()
        except SettingsInvalid as error:
            found.append(problem(ABOUT, error))
    unknown = sorted(set(said.levels) - known_codes() - {str(one) for one in ErrorCategory})
    if unknown:
        msg = f"escalation.levels names {', '.join(unknown)}, which is no code that is known here."
        remedy = "See docs/errors.md and docs/escalation.md for those there are."
        found.append(Finding(about=ABOUT, grade=Grade.WARNING, message=msg, remedy=remedy))
    if said.emergency and not targets:
        msg = "Emergencies are configured, and nobody who is on call is told of them."
        remedy = "Set escalation.emergency_webhook or escalation.emergency_command."
        found.append(Finding(about=ABOUT, grade=Grade.WARNING, message=msg, remedy=remedy))
    told = ", ".join(sorted(targets)) or "the channel dev only"
    sound = Finding(about=ABOUT, message=f"Alerts are told to {told}. Nothing was sent.",
                    facts={"targets": sorted(targets)})  # fmt: skip
    return found or [sound]


def known_codes() -> set[str]:
    """The codes of all errors, and of the alerts that no error is behind."""
    from neveridle.board.alerts_found import STOPPED, WATCHED

    codes = {*WATCHED, STOPPED, "bug", "outcome-failed"}
    left: list[type[NeveridleError]] = [NeveridleError]
    while left:
        kind = left.pop()
        codes.add(kind.code)
        left += kind.__subclasses__()
    return codes
