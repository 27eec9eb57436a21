"""The lines of a recording: a header, then one model call per line.

::

    {"format": "neveridle-recording", "version": 1, "provenance": {"kind": "authored", …}}
    {"task": "dispatch:1", "attempt": 1, "purpose": "work", "step": 1, "content": "…", …}

or, in a live one::

    {"key": "<sha256>", "scope": {…}, "request": {…}, "response": {…}, "seconds": 1.5}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from neveridle.tools.recording.scope import Scope

FORMAT: Final = "neveridle-recording"
VERSION: Final = 1


class Line(BaseModel):
    """One line of a recording, or a part of one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Provenance(Line):
    """Where a recording comes from.

    Args:
        kind: ``live`` was recorded from a model, ``authored`` was written by hand.
        model: the recorded model's name, or what an authored recording stands in for.
        recorded_at: when it was begun, in ISO 8601 with offset; empty when not known.
        note: anything a reader should know.
    """

    kind: Literal["live", "authored"]
    model: str = ""
    recorded_at: str = ""
    note: str = ""


class HeaderLine(Line):
    """The first line of any recording; its ``format`` says of what."""

    version: Literal[1] = VERSION
    provenance: Provenance


class Header(HeaderLine):
    """The first line of a recording of a model."""

    format: Literal["neveridle-recording"] = FORMAT


class AuthoredCall(Line):
    """One call of a tool, as written by hand; its id is made from where it stands."""

    name: str = Field(min_length=1)
    args: dict[str, Any] = Field(default_factory=dict[str, Any])


class Tokens(Line):
    """What a call used, in tokens."""

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)


class AuthoredEntry(Line):
    """One answer, looked up by task, attempt, purpose and step.

    Args:
        step: 1 + the number of the model's messages that the request already holds.
        when: text that the prompt must hold, as a lesson that was recalled: an answer with it
            goes before the one for the same step without it. Empty: the prompt does not count.
        agent: whose answer this is, for the reader; not part of the key.
        note: why the entry is there, for the reader.
        usage: what the call used; left out, it is estimated from the request at replay.
    """

    task: str
    attempt: int = Field(default=1, ge=1)
    purpose: str = "work"
    step: int = Field(ge=1)
    when: str = ""
    agent: str = ""
    note: str = ""
    content: str = ""
    tool_calls: tuple[AuthoredCall, ...] = ()
    usage: Tokens | None = None

    @property
    def key(self) -> tuple[str, int, str, int]:
        """What the entry is looked up by."""
        return (self.task, self.attempt, self.purpose, self.step)


class LiveScope(Line):
    """The scope of a recorded call."""

    task: str
    attempt: int
    purpose: str
    agent: str = ""

    def scope(self) -> Scope:
        """The same, as the rest of the program knows it."""
        return Scope(self.task, self.attempt, self.purpose, self.agent)


class ModelFailure(Line):
    """A call that failed.

    Args:
        means: the error of ours that it means, for the reader.
        kinds: the class that was raised and its bases, such as ``openai.RateLimitError``.
        status: the HTTP status; None: it had none.
        code: the provider's own word for it, such as ``insufficient_quota``.
        type: another one.
        message: the provider's words, shortened.
        headers: those that say when to come again.
        causes: the same as ``kinds`` for each error that led to it.
    """

    means: str = ""
    kinds: tuple[str, ...] = ()
    status: int | None = None
    code: str | None = None
    type: str | None = None
    message: str = ""
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    causes: tuple[tuple[str, ...], ...] = ()


class LiveEntry(Line):
    """One recorded call.

    Args:
        key: the SHA-256 of the canonical request, in hexadecimal.
        request: the canonical request, kept to show what differs.
        response: the answer; see ``neveridle.tools.recording.message``. Empty: it failed.
        failure: how it failed; None: it was answered.
        seconds: how long the model took.
    """

    key: str = Field(pattern="^[0-9a-f]{64}$")
    scope: LiveScope
    request: Mapping[str, Any]
    response: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    failure: ModelFailure | None = None
    seconds: float = Field(default=0.0, ge=0)
