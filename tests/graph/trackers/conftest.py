"""A team whose backlog is Linear: a stand-in on loopback, spoken to over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
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


@pytest.fixture
def write_settings() -> Callable[[Any], None]:
    """Writes a project's settings down, for processes of their own."""

    def lines(table: Any) -> list[str]:
        return [f"{key} = {json.dumps(one)}" for key, one in table.items()]

    def write(project: Any) -> None:
        found: list[str] = []
        for name, table in project.settings.items():
            if name == "services":
                for service, its in table.items():
                    found += [f"[services.{service}]", *lines(its)]
            else:
                found += [f"[{name}]", *lines(table)]
        (project.root / "neveridle.toml").write_text("\n".join(found) + "\n", encoding="utf-8")

    return write
