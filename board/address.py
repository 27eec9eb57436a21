"""A database's URL as it may be shown."""

from __future__ import annotations

import re

SECRETS = re.compile(r"(?i)((?:ssl)?password=)[^&\s]*")


def shown(url: str) -> str:
    """``url`` without its password: for messages and logs."""
    scheme, mark, rest = url.partition("://")
    who, at, place = rest.rpartition("@")
    if at:
        user, colon, _ = who.partition(":")
        rest = f"{user}{':***' if colon else ''}@{place}"
    return SECRETS.sub(r"\1***", f"{scheme}{mark}{rest}")
