"""The base of all errors, and the categories by which the team responds to them."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

DOCS = "docs/errors.md"
"""Where each code is explained, in this repository and in the published documentation."""


class ErrorCategory(StrEnum):
    """How the team responds to an error; see ``docs/concepts.md``."""

    TRANSIENT = "transient"
    RECOVERABLE = "recoverable"
    BLOCKING = "blocking"
    FATAL = "fatal"


class NeveridleError(Exception):
    """Base of all errors raised by neveridle.

    Args:
        message: what happened, in one sentence.
        remedy: what to do next; empty when the message already says it.
    """

    code: ClassVar[str] = "error"
    category: ClassVar[ErrorCategory] = ErrorCategory.BLOCKING
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    @property
    def docs(self) -> str:
        """Where this kind of error is explained."""
        return f"{DOCS}#{self.code}"

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()
