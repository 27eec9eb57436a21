"""What Convex's answers mean, where a status alone does not say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import AccessRefused, NeveridleError, RequestRefused
from neveridle.tools.redact import redact
from neveridle.tools.services.answers import SHOWN
from neveridle.tools.services.parsed import fields_of

if TYPE_CHECKING:
    import httpx

FUNCTION_FAILED: Final = 560
"""The status of a function that failed, where it is not answered with 200."""
WORDS: Final = 2000
"""Characters of a function's own error that are kept."""


def convex_error(response: httpx.Response, said: str, data: Any) -> NeveridleError | None:
    """The error of an answer; None: its status says all.

    A function that failed is told of inside a 200 (or a 560): the deployment is well, and
    whoever called it has to do it otherwise. The data of a ``ConvexError`` is kept.
    """
    fields = fields_of(data)
    if fields.get("status") == "error" and "errorMessage" in fields:
        words = redact(str(fields["errorMessage"]))
        more = fields.get("errorData")
        if more is not None:
            words = f"{words} {redact(json.dumps(more, ensure_ascii=False))}"
        return RequestRefused(
            f"The Convex function failed: {words}"[:WORDS], status=response.status_code, data=more
        )
    if response.status_code == FUNCTION_FAILED:
        return RequestRefused(
            f"The Convex function failed: {redact(said)}"[:SHOWN], status=FUNCTION_FAILED
        )
    if response.status_code in (401, 403) and fields.get("code") in ("BadAdminKey", "BadDeployKey"):
        words = redact(str(fields.get("message", "")))
        remedy = "Set a deploy key of this deployment, then `neveridle services reset convex`."
        msg = f"convex answered {response.status_code}: {words}"[:SHOWN]
        return AccessRefused(msg, remedy=remedy, rejected=True)
    return None
