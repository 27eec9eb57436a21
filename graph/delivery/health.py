"""What can be checked of delivery as pull requests: remote, repository, token, permission."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neveridle.health import Finding, Grade

if TYPE_CHECKING:
    from neveridle.settings import Settings

ABOUT = "delivery"


async def look_at_delivery(settings: Settings) -> Sequence[Finding]:
    """Whether work can be delivered as set; a push is tried without pushing anything."""
    from neveridle.graph.delivery.forge import MODE, host_of
    from neveridle.tools.workspace.remote import Remote
    from neveridle.tools.workspace.repository import Repository

    mode = settings.delivery.mode
    if mode != MODE:
        return [Finding(about=ABOUT, message=f"Work is delivered by {mode}.")]
    github = settings.services.github
    if github is None or not github.enabled:
        msg = "delivery.mode is pull_request, and [services.github] is not set."
        return [_wrong(msg, "Add the table with the repository, as OWNER/NAME.")]
    token = os.environ.get(github.token_env, "").strip()
    if not token:
        msg = f"delivery.mode is pull_request, and {github.token_env} is not set."
        return [_wrong(msg, "Set it to a token that may write contents and pull requests.")]
    if not github.repository:
        msg = "services.github.repository is not set."
        return [_wrong(msg, "Set it to the repository's name on GitHub, as OWNER/NAME.")]
    repository = Repository(settings.repository, settings.team.branch)
    await repository.open()
    remote = Remote(repository, github.remote, token=token, token_host=host_of(github.url))
    url = await remote.url()
    found: list[Finding] = []
    name = github.repository.lower()
    if not url.lower().removesuffix("/").removesuffix(".git").endswith(name):
        msg = f"The remote {github.remote} is {url}, and services.github.repository is {name}."
        remedy = "See that both are the same repository, or no pull request can be opened."
        found.append(Finding(about=ABOUT, grade=Grade.WARNING, message=msg, remedy=remedy))
    if await remote.tip(repository.branch) is None:
        msg = f"The remote {github.remote} has no branch {repository.branch}."
        return [*found, _wrong(msg, f"Push it: git push {github.remote} {repository.branch}.")]
    await remote.try_push(f"{settings.delivery.branch_prefix}doctor", await repository.head())
    said = f"Branches can be pushed to {github.remote} ({url}), where work starts from."
    merge = "every agent" if settings.delivery.pull_request_merge else ", ".join(github.mergers)
    said = f"{said} Merged by {merge or 'people only'}."
    facts = {"remote": github.remote, "url": url, "branch": repository.branch}
    return [*found, Finding(about=ABOUT, message=said, facts=facts)]


def _wrong(message: str, remedy: str) -> Finding:
    return Finding(about=ABOUT, grade=Grade.PROBLEM, message=message, remedy=remedy)
