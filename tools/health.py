"""What can be checked of tools: git and the repository, the sandbox, disks, models."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.errors import ModelNotConfigured, NeveridleError
from neveridle.health import Check, Finding, Grade, in_thread, problem

if TYPE_CHECKING:
    from neveridle.settings import Settings

LITTLE = 1 << 30
"""Bytes free on the disk of the team's home, below which it gets tight."""
LEAST = 128 << 20
"""Bytes free below which clones and the board will soon fail."""


async def look_at_repository(settings: Settings) -> Sequence[Finding]:
    """Git, the repository, its target branch, and what lies there uncommitted."""
    from neveridle.tools.workspace.repository import Repository

    repository = Repository(settings.repository, settings.team.branch)
    await repository.open()
    said = f"{settings.repository} is a repository; work starts from {repository.branch}"
    facts = {"path": str(settings.repository), "branch": repository.branch}
    found = [Finding(about="repository", message=f"{said}.", facts=facts)]
    dirty = await repository.dirty_files()
    if dirty and settings.delivery.mode == "merge":
        msg = f"{len(dirty)} files have uncommitted changes, such as {dirty[0]}."
        remedy = "Commit or stash them: finished work waits for that before it is merged."
        found.append(Finding(about="repository", grade=Grade.WARNING, message=msg, remedy=remedy))
    return found


async def look_at_sandbox(settings: Settings) -> Sequence[Finding]:
    """Whether commands are confined here, and whether delivery needs that."""
    from neveridle.tools.sandbox import make_sandbox

    sandbox, notice = await make_sandbox(settings.sandbox)
    facts = {"sandbox": sandbox.name, "confines": sandbox.confines}
    if sandbox.confines:
        said = f"Commands are confined by {sandbox.name}."
        return [Finding(about="sandbox", message=said, facts=facts)]
    needs = settings.delivery.mode == "merge" and not settings.delivery.unsandboxed_merge
    remedy = "Install bubblewrap, or see that user namespaces are allowed."
    if needs:
        remedy = f'{remedy} Else use mode = "branch" in [delivery], or accept it with '
        remedy += "unsandboxed_merge = true."
    grade = Grade.PROBLEM if needs else Grade.WARNING
    return [Finding(about="sandbox", grade=grade, message=notice, remedy=remedy, facts=facts)]


async def look_at_disk(settings: Settings) -> Sequence[Finding]:
    """Whether the team's home can be written, and how much space there is."""
    return await in_thread(lambda: [_disk(settings.home)])


def _disk(home: Path) -> Finding:
    there = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(there).free
    facts = {"home": str(home), "free_bytes": free}
    said = f"{free / 1e9:.1f} GB are free for {home}"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        msg = f"The team's home {home} cannot be written."
        remedy = "Set home in [team] to a folder that this user may write, on a disk that is not "
        remedy += "mounted read-only."
        return Finding(about="disk", grade=Grade.PROBLEM, message=msg, remedy=remedy, facts=facts)
    if free < LITTLE:
        grade = Grade.PROBLEM if free < LEAST else Grade.WARNING
        remedy = "Free some; `neveridle tidy` removes what is over."
        return Finding(about="disk", grade=grade, message=f"Only {said}.", remedy=remedy,
                       facts=facts)  # fmt: skip
    return Finding(about="disk", message=f"{said}.", facts=facts)


async def look_at_models(settings: Settings) -> Sequence[Finding]:
    """The models that are set: whether package and key are there. None is called."""
    return await asyncio.to_thread(_models, settings)


def _models(settings: Settings) -> list[Finding]:
    from neveridle.tools.models.models import PURPOSES, Models

    models = Models(settings.model, settings.agents, root=settings.root)
    agents = [*(name for name, own in settings.agents.items() if own.model), ""]
    try:
        names = sorted({models.name_for(p, agent) for agent in agents for p in PURPOSES})
    except ModelNotConfigured as error:
        return [problem("models", error)]
    return [_model(name, settings) for name in names]


def _model(name: str, settings: Settings) -> Finding:
    from neveridle.tools.models.models import REPLAY
    from neveridle.tools.models.providers import PROVIDERS, is_loopback, split_name

    if name.startswith(REPLAY):
        path = settings.root / name.removeprefix(REPLAY).strip()
        if path.is_file():
            return Finding(about="models", message=f"{name} answers from a recording.")
        msg = f"The recording {path} is not there."
        return Finding(about="models", grade=Grade.PROBLEM, message=msg,
                       remedy="Correct its path in [model].")  # fmt: skip
    try:
        provider, _ = split_name(name)
    except NeveridleError as error:
        return problem("models", error)
    known = PROVIDERS.get(provider)
    if known is None:
        msg = f"{name} is of a provider that cannot be checked without calling it."
        return Finding(about="models", message=msg, facts={"model": name})
    if importlib.util.find_spec(known.package) is None:
        msg = f"{name} needs the package {known.package.replace('_', '-')}."
        remedy = f"Install it: pip install 'neveridle[{known.extra}]'"
        return Finding(about="models", grade=Grade.PROBLEM, message=msg, remedy=remedy)
    key = next((key for key in known.keys if os.environ.get(key)), "")
    facts = {"model": name, "key": key}
    if known.keys and not key and not is_loopback(settings.model.base_url):
        msg = f"{name} needs a key, and {' or '.join(known.keys)} is not set."
        remedy = f"Set the environment variable {known.keys[0]}; never write it to a file."
        return Finding(about="models", grade=Grade.PROBLEM, message=msg, remedy=remedy, facts=facts)
    said = f"{name} is set, with {key}" if key else f"{name} is set; it needs no key"
    return Finding(about="models", message=f"{said}. It was not called.", facts=facts)


async def look_at_services(settings: Settings) -> Sequence[Finding]:
    """Whether the services that are configured have their tokens. None is called."""
    from neveridle.tools.services.services import missing_token, without_token

    return [
        Finding(about="services", grade=Grade.PROBLEM, message=missing_token(one),
                remedy=f"Set the environment variable {one.token_env}, or enabled = false in "
                f"[services.{one.name}].", facts={"service": one.name})
        for one in without_token(settings.services, os.environ)
    ]  # fmt: skip


async def look_at_reach(settings: Settings) -> Sequence[Finding]:
    """Whether the services that are configured answer, and take their tokens."""
    from neveridle.tools.services import reach

    return await reach.look_at_reach(settings)


async def look_at_escalation(settings: Settings) -> Sequence[Finding]:
    """Whether what people are called with is there. Nothing is sent."""
    from neveridle.tools.notify.health import look_at_targets

    return await in_thread(lambda: look_at_targets(settings))


CHECKS = (
    Check("repository", look_at_repository),
    Check("sandbox", look_at_sandbox, seconds=20),
    Check("disk", look_at_disk),
    Check("models", look_at_models),
    Check("services", look_at_services),
    Check("reach", look_at_reach, seconds=40),
    Check("escalation", look_at_escalation),
)
