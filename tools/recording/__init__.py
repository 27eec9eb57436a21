"""Recording a live model to JSONL, and replaying it, or answers written by hand.

The design is explained in ``docs/design/recording.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.tools.recording.format import Provenance
from neveridle.tools.recording.recording import Recording
from neveridle.tools.recording.scope import Scope
from neveridle.tools.recording.writer import RecordingWriter

if TYPE_CHECKING:
    from neveridle.tools.recording.recorder import RecordingChatModel
    from neveridle.tools.recording.replayer import ReplayChatModel

__all__ = [
    "Provenance",
    "Recording",
    "RecordingChatModel",
    "RecordingWriter",
    "ReplayChatModel",
    "Scope",
]


def __getattr__(name: str) -> Any:
    """The chat models, imported when they are used: langchain takes half a second."""
    if name == "RecordingChatModel":
        from neveridle.tools.recording.recorder import RecordingChatModel

        return RecordingChatModel
    if name == "ReplayChatModel":
        from neveridle.tools.recording.replayer import ReplayChatModel

        return ReplayChatModel
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
