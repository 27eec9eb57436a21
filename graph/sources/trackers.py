"""The tracker that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.errors import SettingsInvalid
from neveridle.graph.sources.tracker import AnyTracker, BoardTracker

if TYPE_CHECKING:
    from neveridle.graph.team import Team


def connect_tracker(team: Team) -> AnyTracker:
    """The tracker of an open team's settings; nothing is asked yet.

    Raises:
        SettingsInvalid: its service is not configured.
    """
    kind = team.settings.tracker.kind
    if kind == "linear":
        return _linear(team)
    return BoardTracker(team.board)


def _linear(team: Team) -> AnyTracker:
    from neveridle.graph.sources.linear_tracker import LinearTracker
    from neveridle.tools.linear.client import Linear
    from neveridle.tools.services.kit import ServiceKit

    settings = team.settings.services.linear
    if settings is None or not settings.enabled or not settings.team:
        msg = "tracker.kind is linear, and Linear is not configured."
        remedy = 'Add [services.linear] with team = "KEY", such as AGT.'
        raise SettingsInvalid(msg, remedy=remedy)
    kit = ServiceKit(team.board.breakers, team.board.clock)
    if not kit.token(settings):
        team.notices.append(f"{settings.token_env} is not set: Linear will not be read.")
    return LinearTracker(Linear.connect(settings, kit), team.settings, team.roster)
