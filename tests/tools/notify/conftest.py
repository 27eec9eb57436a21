"""A notice as it is sent."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def payload() -> dict[str, Any]:
    """What a target is told."""
    return {"version": 1, "key": "k1", "title": "Fire ü", "level": "EMERGENCY"}
