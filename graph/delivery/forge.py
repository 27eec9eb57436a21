"""What delivery as pull requests is done with, and what it sees through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from neveridle.errors import SettingsInvalid
from neveridle.graph.delivery.facts import (
    TRUSTED,
    CheckFact,
    CommentFact,
    Facts,
    Head,
    ReviewFact,
)
from neveridle.tools.workspace.push_verb import push_verb
from neveridle.tools.workspace.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from neveridle.graph.delivery.standing import Standing
    from neveridle.graph.team import Team
    from neveridle.tools.effects import Verb
    from neveridle.tools.github.check_models import CheckRun, Status
    from neveridle.tools.github.client import GitHub
    from neveridle.tools.github.models import Review, ReviewComment

MODE = "pull_request"


@dataclass(frozen=True, slots=True)
class Forge:
    """The service and the remote that pull requests are made with.

    Attributes:
        github: the client.
        remote: the git remote branches are pushed to.
        push: the verb that does.
    """

    github: GitHub
    remote: Remote
    push: Verb


def make_forge(team: Team) -> Forge | None:
    """The forge of a team; its verb is made known. None: the delivery mode is another one.

    Raises:
        SettingsInvalid: GitHub is not configured, or has no token.
    """
    if team.settings.delivery.mode != MODE:
        return None
    settings = team.settings.services.github
    if settings is None or not settings.enabled:
        msg = 'delivery.mode is "pull_request", and [services.github] is not set.'
        raise SettingsInvalid(msg, remedy="Add the table with the repository, as OWNER/NAME.")
    github = team.services.github
    if github is None:
        msg = f'delivery.mode is "pull_request", and {settings.token_env} is not set.'
        raise SettingsInvalid(msg, remedy="Set it to a token that may write pull requests.")
    remote = Remote(
        team.workspaces.target,
        settings.remote,
        token=team.services.kit.token(settings),
        token_host=host_of(settings.url),
    )
    push = push_verb(remote)
    team.verbs.add(push)
    return Forge(github, remote, push)


def host_of(api: str) -> str:
    """The host that git speaks to, for the address of the REST interface."""
    host = urlsplit(api).hostname or ""
    return "github.com" if host == "api.github.com" else host


async def look(forge: Forge, standing: Standing, *, markers: Iterable[str], now: float) -> Facts:
    """The pull request as it is now: requests that cost nothing where nothing changed.

    Args:
        forge: where it is.
        standing: which one, and what we pushed.
        markers: of what this task wrote itself.
        now: the board's time.
    """
    number = standing.number
    pull = await forge.github.pulls.get(number)
    state: Literal["open", "closed", "merged"] = "merged" if pull.merged else "open"
    if state == "open" and pull.state != "open":
        state = "closed"
    if state != "open":
        return Facts(
            number=number, state=state, head=pull.head.sha, merge_commit=pull.merge_commit_sha
        )
    checks = await forge.github.checks.of(pull.head.sha)
    reviews = await forge.github.reviews.list(number)
    comments = await forge.github.reviews.comments(number)
    own = tuple(markers)
    return Facts(
        number=number,
        draft=pull.draft,
        head=pull.head.sha,
        owner=await _owner(forge, standing, pull.head.sha),
        mergeable=pull.mergeable,
        merge_state=pull.mergeable_state,
        checks=(*_runs(checks.runs), *_statuses(checks.statuses)),
        reviews=tuple(
            review_fact(one)
            for one in reviews
            if one.state != "PENDING" and not _carries(one.body, own)
        ),
        comments=tuple(comment_fact(one, ours=_carries(one.body, own)) for one in comments),
        age=now - standing.pushed_at,
    )


def review_fact(one: Review) -> ReviewFact:
    """A review as it counts: only the repository's people are listened to."""
    trusted = one.association.upper() in TRUSTED
    return ReviewFact(one.id, one.author, one.state.lower(), one.commit, one.body, trusted)


def comment_fact(one: ReviewComment, *, ours: bool) -> CommentFact:
    """A comment on a line as it counts."""
    where = one.path if one.line is None else f"{one.path}:{one.line}"
    trusted = one.association.upper() in TRUSTED
    return CommentFact(one.id, one.author, where, one.body, ours, trusted)


def _carries(body: str, markers: Iterable[str]) -> bool:
    return any(marker in body for marker in markers)


async def _owner(forge: Forge, standing: Standing, head: str) -> Head:
    if head == standing.commit:
        return Head.OURS
    older = await forge.remote.contains(standing.commit, head)
    return Head.OLDER if older else Head.FOREIGN


def _runs(runs: Sequence[CheckRun]) -> list[CheckFact]:
    return [
        CheckFact(
            one.name,
            "pending" if not one.completed else "failed" if one.failed else "passed",
            one.id,
        )
        for one in runs
    ]


def _statuses(statuses: Sequence[Status]) -> list[CheckFact]:
    words: dict[str, Literal["pending", "passed", "failed"]]
    words = {"success": "passed", "failure": "failed", "error": "failed"}
    return [CheckFact(one.context, words.get(one.state, "pending")) for one in statuses]
