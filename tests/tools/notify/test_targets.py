"""Which targets are told of what, and what doctor says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neveridle.health import Grade
from neveridle.settings import Settings
from neveridle.tools.health import CHECKS
from neveridle.tools.notify.targets import targets_by_level, targets_of


def settings(**said: Any) -> Settings:
    return Settings.model_validate({"escalation": said})


@pytest.mark.parametrize(
    ("said", "emergency", "alert"),
    [
        ({}, (), ()),
        ({"alert_webhook": "http://x/"}, ("alert_webhook",), ("alert_webhook",)),
        ({"emergency_command": "page"}, ("emergency_command",), ()),
        (
            {"emergency_webhook": "http://x/", "alert_command": "tell"},
            ("emergency_webhook",),
            ("alert_command",),
        ),
    ],
)
def test_targets_by_level(said: Any, emergency: Any, alert: Any) -> None:
    found = settings(**said).escalation
    assert targets_by_level(found) == {"EMERGENCY": emergency, "HUMAN_ALERT": alert}
    assert set(targets_of(found, Path())) == set(said)


async def look(**said: Any) -> list[tuple[Grade, str]]:
    (check,) = [one for one in CHECKS if one.name == "escalation"]
    return [
        (one.grade, f"{one.message} {one.remedy}") for one in await check.look(settings(**said))
    ]


async def test_doctor_looks_at_them_and_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER_HOOK", "a-hook-of-a-pager")
    ((grade, words),) = await look(alert_webhook="http://127.0.0.1:9/${PAGER_HOOK}")
    assert (grade, "alert_webhook" in words) == (Grade.OK, True)
    assert "a-hook-of" not in words
    ((grade, words),) = await look()
    assert (grade, "the channel dev only" in words) == (Grade.OK, True)


async def test_doctor_finds_what_would_fail() -> None:
    found = await look(
        emergency_webhook="https://x/${NOT_THERE_AT_ALL}", alert_command="no-such-program-here"
    )
    assert [grade for grade, _ in found] == [Grade.PROBLEM] * 2
    assert "NOT_THERE_AT_ALL" in found[0][1]
    assert "no-such-program-here" in found[1][1]


async def test_doctor_warns_of_what_calls_nobody() -> None:
    ((grade, words),) = await look(emergency=["vercel"])
    assert (grade, "emergency_webhook" in words) == (Grade.WARNING, True)
    ((grade, words),) = await look(levels={"disk-ful": "EMERGENCY"})
    assert (grade, "disk-ful" in words) == (Grade.WARNING, True)
    levels = {"disk-full": "EMERGENCY", "transient": "HUMAN_ALERT", "service-held": "EMERGENCY"}
    assert [grade for grade, _ in await look(levels=levels)] == [Grade.OK]
