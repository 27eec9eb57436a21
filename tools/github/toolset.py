"""What an agent may do on GitHub."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from neveridle.errors import RequestRefused
from neveridle.tools.effects.performer import Performer, service_tool
from neveridle.tools.github.reading import Reading
from neveridle.tools.github.targets import name_of, number_of
from neveridle.tools.github.verbs import github_verbs

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from neveridle.settings.services import GitHubSettings
    from neveridle.tools.github.client import GitHub


def github_tools(
    client: GitHub, settings: GitHubSettings, performer: Performer
) -> Sequence[BaseTool]:
    """The tools of one attempt.

    Every agent reads, comments, asks for changes, opens a pull request for its own branch and
    closes its task's own ticket. Who is named in ``services.github.mergers`` approves and
    merges, too. Nobody closes other issues, or deletes anything.
    """
    reading, writing = Reading(client), Writing(client, performer)
    given: list[Callable[..., Awaitable[str]]] = [
        reading.github_issues,
        reading.github_issue,
        reading.github_pull_request,
        reading.github_checks,
        reading.github_job_log,
        writing.github_comment,
        writing.github_open_pull_request,
        writing.github_request_changes,
        writing.github_close_ticket,
    ]
    if performer.attempt.agent in settings.mergers:
        given += [writing.github_approve, writing.github_merge]
    return [service_tool(one) for one in given]


class Writing:
    """The tools that write, each of them once for its task.

    Args:
        client: GitHub.
        performer: what performs them for the attempt.
    """

    def __init__(self, client: GitHub, performer: Performer) -> None:
        self._client = client
        self._performer = performer
        self._verbs = {verb.name: verb for verb in github_verbs(client)}

    async def github_comment(self, number: int, text: str) -> str:
        """Comment on an issue or a pull request on GitHub.

        Args:
            number: Its number.
            text: What to say, in Markdown.
        """
        done = await self._write("comment", name_of(number), {"body": text})
        return f"Commented: {done['url']}"

    async def github_open_pull_request(self, title: str, body: str, base: str = "") -> str:
        """Open a pull request on GitHub for this task's branch, which must have been pushed.

        Args:
            title: What it does, in a line.
            body: What it does and why, and how it was checked, in Markdown.
            base: The branch it is to go to. Empty: the default branch.
        """
        branch = self._performer.attempt.branch
        if not branch:
            msg = "This task has no branch."
            raise RequestRefused(msg)
        request = {
            "title": title,
            "body": body,
            "base": base or await self._client.default_branch(),
        }
        done = await self._write("open_pull_request", branch, request)
        return f"Pull request #{done['number']}: {done['url']}"

    async def github_request_changes(self, number: int, text: str) -> str:
        """Review a pull request on GitHub: ask for changes.

        Args:
            number: Its number.
            text: What must change and why, in Markdown.
        """
        return await self._review(number, "REQUEST_CHANGES", text)

    async def github_approve(self, number: int, text: str = "") -> str:
        """Review a pull request on GitHub: approve it.

        Args:
            number: Its number.
            text: What was looked at, in Markdown.
        """
        return await self._review(number, "APPROVE", text)

    async def github_merge(self, number: int, sha: str, method: str = "merge") -> str:
        """Merge a pull request on GitHub.

        Args:
            number: Its number.
            sha: The commit that was looked at, whole; another one is not merged.
            method: One of merge, squash, rebase.
        """
        if method not in ("merge", "squash", "rebase"):
            msg = f"{method!r} is no way of merging: use merge, squash or rebase."
            raise RequestRefused(msg)
        done = await self._write("merge", name_of(number), {"sha": sha, "method": method})
        return f"Merged #{number} as {done['merge']}."

    async def github_close_ticket(self, reason: str = "completed") -> str:
        """Close the issue on GitHub that is this task's own ticket.

        Args:
            reason: One of completed, not_planned.
        """
        if reason not in ("completed", "not_planned"):
            msg = f"{reason!r} is no reason: use completed or not_planned."
            raise RequestRefused(msg)
        task = await self._performer.task()
        if not task.ticket:
            msg = "This task has no ticket."
            raise RequestRefused(msg)
        number = number_of(task.ticket, self._client.repository)
        request = {"state": "closed", "reason": reason}
        done = await self._write("set_state", name_of(number), request)
        return f"#{number} is {done['state']}."

    async def _review(self, number: int, event: str, text: str) -> str:
        pull = await self._client.pulls.get(number)
        request = {"event": event, "body": text, "commit": pull.head.sha}
        done = await self._write("review", name_of(number), request)
        return f"Reviewed #{number} at {pull.head.sha}: {done['url']}"

    async def _write(self, verb: str, target: str, request: dict[str, Any]) -> Any:
        done = await self._performer.once(self._verbs[verb], target, request)
        return done.result
