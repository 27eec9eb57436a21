"""onnxruntime, without what it would tell its makers."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

_TELEMETRY = "ORT_DISABLE_TELEMETRY"
_guard = threading.Lock()


def onnxruntime() -> Any:
    """The module, imported so that it neither reports to Microsoft nor keeps a device's id.

    Its official builds do both from the import on, unless this variable is set at that moment.
    It is set for the import alone, so that nobody else's environment changes; what somebody has
    set is left as it is, and so is an onnxruntime that somebody has imported before.

    Raises:
        ImportError: it is not installed, or does not work on this machine.
    """
    with _guard:
        ours = "onnxruntime" not in sys.modules and _TELEMETRY not in os.environ
        if ours:
            os.environ[_TELEMETRY] = "1"
        try:
            import onnxruntime as module  # type: ignore[import-untyped]  # it has no type hints
        finally:
            if ours:
                del os.environ[_TELEMETRY]
        return module
