"""``neveridle doctor --live`` calls each model once, and says what that came to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(("said", "grade"), [("OK", "ok"), (401, "problem"), (500, "problem")])
def test_each_model_is_called_once(
    cli: Callable[..., Any], project: Any, api: Any, said: str | int, grade: str
) -> None:
    answer = api.text(said) if isinstance(said, str) else said
    api.says("", answer)
    project.configure(f'[model]\ndefault = "openai:scripted"\nbase_url = "{api.base_url}"\n')
    quiet = cli("doctor", "--json")
    assert not api.asked
    assert not [one for one in quiet.json["findings"] if one["about"].startswith("model ")]
    ended = cli("doctor", "--live", "--json")
    (one,) = [one for one in ended.json["findings"] if one["about"] == "model openai:scripted"]
    assert one["grade"] == grade, one
    assert "a-key-of-the-test-1" not in ended.out
    assert api.asked
    tokens = [body.get("max_completion_tokens", body.get("max_tokens")) for body in api.asked]
    assert tokens == [64]
