"""A team whose backlog is Linear: a stand-in on loopback, spoken to over real HTTP."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from neveridle.tools.standin.linear import LinearStandin

TOKEN = "lin_api_of_the_test"


@pytest.fixture
def linear() -> Generator[LinearStandin]:
    """Linear with an empty team AGT."""
    with LinearStandin(token=TOKEN) as one:
        yield one


@pytest.fixture
def tracked(project: Any, linear: LinearStandin, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project with that Linear as its tracker."""
    monkeypatch.setenv("LINEAR_API_KEY", TOKEN)
    project.use("tracker", kind="linear")
    project.use("services", linear={"url": linear.url, "team": "AGT", "attempts": 2})
    return project
