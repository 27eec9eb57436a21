"""Text for Slack."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 4000
"""Characters of one message; Slack cuts off what is far longer."""


def escaped(text: str) -> str:
    """Text that Slack shows as it is: nobody is called, and nothing becomes a link by its form.

    What would call everybody is written ``<!channel>`` in Slack's language, and that
    cannot come out of escaped text.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, longest: int = LONGEST) -> str:
    """Text of a bounded length, with a note where something is missing."""
    if len(text) <= longest:
        return text
    kept = longest - 60
    return f"{text[:kept]}\n[{len(text) - kept} characters more are left out]"
