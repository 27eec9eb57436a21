"""Slack: what the team says, posted to channels and threads."""

from __future__ import annotations

from neveridle.tools.slack.client import Slack
from neveridle.tools.slack.mirror import Mirror
from neveridle.tools.slack.models import Identity, Posted
from neveridle.tools.slack.toolset import slack_tools
from neveridle.tools.slack.verbs import slack_verbs

__all__ = ["Identity", "Mirror", "Posted", "Slack", "slack_tools", "slack_verbs"]
