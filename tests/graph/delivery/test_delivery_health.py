"""What the doctor says of delivery as pull requests."""

from __future__ import annotations

from typing import Any

import pytest

from neveridle.errors import AccessRefused, RepositoryUnusable
from neveridle.graph.health import look_at_delivery
from neveridle.health import Grade
from neveridle.settings.loader import settings_from


async def said(project: Any) -> list[tuple[Grade, str]]:
    """The findings' grades and sentences."""
    found = await look_at_delivery(settings_from(project.settings, project.root))
    return [(one.grade, f"{one.message} {one.remedy}".strip()) for one in found]


async def test_other_modes_need_nothing(project: Any) -> None:
    assert await said(project) == [(Grade.OK, "Work is delivered by merge.")]


async def test_all_is_well_and_nothing_was_pushed(project: Any, hub: Any, bare: Any) -> None:
    project.git("config", "remote.origin.url", f"file://{bare}")
    before = hub.git("for-each-ref")
    (grade, sentence), *more = await said(project)
    assert (grade, "is not the same" in sentence) == (Grade.WARNING, False)
    assert "services.github.repository is octo/demo" in sentence
    ((grade, sentence),) = more
    assert grade is Grade.OK
    assert sentence.startswith(f"Branches can be pushed to origin (file://{bare})")
    assert sentence.endswith("Merged by every agent.")
    assert hub.git("for-each-ref") == before


async def test_what_is_missing_is_named(
    project: Any, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del hub
    monkeypatch.delenv("GITHUB_TOKEN")
    assert await said(project) == [
        (Grade.PROBLEM, "delivery.mode is pull_request, and GITHUB_TOKEN is not set. Set it to a "
         "token that may write contents and pull requests.")
    ]  # fmt: skip
    project.settings.pop("services")
    ((grade, sentence),) = await said(project)
    assert (grade, sentence.partition(". ")[0]) == (
        Grade.PROBLEM, "delivery.mode is pull_request, and [services.github] is not set",
    )  # fmt: skip


async def test_a_remote_that_is_missing_empty_or_closed_to_us(project: Any, hub: Any) -> None:
    hub.git("update-ref", "-d", "refs/heads/main")
    assert (await said(project))[-1] == (
        Grade.PROBLEM, "The remote origin has no branch main. Push it: git push origin main.",
    )  # fmt: skip
    project.git("push", "-q", "origin", "main")
    project.git("remote", "set-url", "--push", "origin", hub.standin.url + "/octo/demo.git")
    with pytest.raises(AccessRefused, match="git push"):
        await said(project)
    project.git("remote", "remove", "origin")
    with pytest.raises(RepositoryUnusable, match="no remote 'origin'"):
        await said(project)
