"""The tracker that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.errors import SettingsInvalid
from neveridle.graph.sources.tracker import AnyTracker, BoardTracker

if TYPE_CHECKING:
    from neveridle.graph.team import Team


def connect_tracker(team: Team) -> AnyTracker:
    """The tracker of an open team's settings; nothing is asked yet.

    Raises:
        SettingsInvalid: its service is not configured, or has no token.
    """
    kind = team.settings.tracker.kind
    if kind == "linear":
        from neveridle.graph.sources.linear_tracker import LinearTracker

        client = _client(team, kind, 'team = "KEY", such as AGT', "team")
        return LinearTracker(client, team.settings, team.roster)
    if kind == "github":
        from neveridle.graph.sources.github_tracker import GitHubTracker

        client = _client(team, kind, 'repository = "OWNER/NAME"', "repository")
        return GitHubTracker(client, team.settings, team.roster)
    return BoardTracker(team.board)


def _client(team: Team, kind: str, needs: str, field: str) -> Any:
    settings = getattr(team.settings.services, kind)
    if settings is None or not settings.enabled or not getattr(settings, field):
        msg = f"tracker.kind is {kind}, and [services.{kind}] does not say what to read."
        raise SettingsInvalid(msg, remedy=f"Add [services.{kind}] with {needs}.")
    client = team.services.client(kind)
    if client is None:
        msg = f"tracker.kind is {kind}, and {settings.token_env} is not set."
        raise SettingsInvalid(msg, remedy="Set it to a token, or use another tracker.")
    return client
