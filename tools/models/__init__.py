"""Which model answers, live or from a recording, and what its errors mean."""

from __future__ import annotations

from neveridle.tools.models.failures import classify_model_error
from neveridle.tools.models.guarded import call_model
from neveridle.tools.models.models import Models
from neveridle.tools.models.replaying import Replaying

__all__ = ["Models", "Replaying", "call_model", "classify_model_error"]
