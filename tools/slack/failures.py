"""What Slack's answers mean: most of its errors come inside a 200."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import (
    AccessRefused,
    NeveridleError,
    RateLimited,
    RequestRefused,
    ServiceError,
)
from neveridle.tools.redact import redact
from neveridle.tools.services.answers import SHOWN, wait_of
from neveridle.tools.services.parsed import fields_of

if TYPE_CHECKING:
    import httpx

REJECTED: Final = frozenset(
    {"not_authed", "invalid_auth", "token_revoked", "token_expired", "account_inactive"}
)
"""The token is no good."""
LIMITED: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
UNWELL: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout",
     "team_added_to_org", "external_channel_migrating"}
)  # fmt: skip
"""Slack's own trouble: nobody knows whether anything was done."""
DENIED: Final = frozenset(
    {"missing_scope", "no_permission", "access_denied", "not_allowed_token_type",
     "team_access_not_granted", "org_login_required", "ekm_access_denied", "restricted_action",
     "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
     "restricted_action_non_threadable_channel", "restricted_action_thread_locked"}
)  # fmt: skip
"""The token may not do this one thing."""
REMEDIES: Final = {
    "channel_not_found": "Correct channel in [services.slack]; the bot sees private channels "
    "only once it was invited.",
    "not_in_channel": "Invite the bot to the channel: /invite @its-name.",
    "is_archived": "Choose a channel that is not archived.",
    "msg_too_long": "Say it in fewer words.",
    "no_text": "Say something.",
    "thread_not_found": "The thread's first message is gone: post to the channel.",
}
UNSAID: Final = 30.0
"""Seconds to wait where Slack limits us and does not say for how long."""


def slack_error(response: httpx.Response, said: str, data: Any) -> NeveridleError | None:
    """The error of an answer; None: it is a success, or its status says all."""
    fields = fields_of(data)
    code = str(fields.get("error", ""))
    if fields.get("ok") is not False or not code:
        return _silent(response, fields)
    message = redact(f"slack said no: {code}")[:SHOWN]
    if code in REJECTED:
        remedy = "Set a valid bot token for slack, then `neveridle services reset slack`."
        return AccessRefused(message, remedy=remedy, rejected=True)
    if code in LIMITED or response.status_code == 429:
        wait = wait_of(response.headers)
        return RateLimited(
            message, service="slack", wait=UNSAID if wait is None else wait, health=False
        )
    if code in UNWELL or response.status_code >= 500:
        return ServiceError(message, service="slack", wait=wait_of(response.headers))
    if code in DENIED:
        needed = str(fields.get("needed", ""))[:100]
        remedy = "Give the app the right to do this, and install it again."
        if needed:
            remedy = f"Give the app the scope {needed}, and install it again."
        return AccessRefused(message, remedy=remedy)
    return RequestRefused(
        message, remedy=REMEDIES.get(code, ""), status=response.status_code, data=code
    )


def _silent(response: httpx.Response, fields: dict[str, Any]) -> NeveridleError | None:
    """An answer that gives no reason."""
    if response.status_code == 200 and fields.get("ok") is not True:
        return ServiceError("slack answered with something else than it should.", service="slack")
    return None
