"""Whether a webhook came from who says so."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from typing import Final

KEPT: Final = 10_000
"""Deliveries that are remembered."""


def signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether a signature is the HMAC-SHA256 of a body, in hexadecimal; in constant time.

    Args:
        secret: what only we and the sender know; with an empty one nothing is signed.
        body: the body's bytes as they came.
        signature: as it came, without what stands before the digits.
    """
    made = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = signature.strip().lower().encode("utf-8", "replace")
    return hmac.compare_digest(made.encode(), given) and bool(secret)


class Deliveries:
    """The deliveries seen lately, so that one that is sent again is known.

    They are told apart by their signatures: a header with a delivery's id is not signed.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def again(self, signature: str) -> bool:
        """Note a delivery; whether it was seen before."""
        key = signature.strip().lower()
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return False
