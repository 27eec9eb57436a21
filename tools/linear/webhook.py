"""Linear's webhooks: signed, and fresh."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from neveridle.tools.services.signatures import signed

SIGNATURE: Final = "linear-signature"
FRESH: Final = 60.0
"""Seconds by which a webhook's own time may differ from ours."""


def verified(
    secret: str, body: bytes, headers: Mapping[str, str], now: float
) -> dict[str, Any] | None:
    """What a webhook says; None: it is not Linear's, or not of now.

    Args:
        secret: the webhook's signing secret; empty: nothing is believed.
        body: the body's bytes as they came.
        headers: names in lower case or ignoring case.
        now: the board's time.
    """
    if not signed(secret, body, headers.get(SIGNATURE, "")):
        return None
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    found = cast("dict[str, Any]", said)
    at = found.get("webhookTimestamp")
    if not isinstance(at, (int, float)) or isinstance(at, bool):
        return None
    return found if abs(now - at / 1000) <= FRESH else None
