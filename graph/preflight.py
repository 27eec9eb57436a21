"""What must be set before a team can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.errors import SettingsInvalid

if TYPE_CHECKING:
    from neveridle.graph.team import Team


def preflight(team: Team) -> None:
    """Refuse a run that could prove nothing.

    Raises:
        ModelNotConfigured: no model is set.
        SettingsInvalid: no checks are set.
    """
    if team.given_worker is None:
        team.models.check()
    if not team.settings.checks:
        msg = "No checks are set, so no work could ever be proven."
        raise SettingsInvalid(
            msg,
            remedy="Set the commands that must pass in [checks] of neveridle.toml, such as "
            'tests = "python -m pytest -q".',
        )
