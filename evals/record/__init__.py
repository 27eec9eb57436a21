"""Making a recorded task from a live run.

The design is explained in ``docs/design/evals_record.md``.
"""

from __future__ import annotations

from neveridle.evals.record.recording import Recorded, record_task

__all__ = ["Recorded", "record_task"]
