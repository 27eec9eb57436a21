"""A stand-in for GitHub's REST interface: one repository, over real HTTP.

It keeps issues, comments, pull requests, reviews, checks and branches; it answers 304 to an
ETag it gave, in pages with a ``Link`` header, and within a rate limit. With a bare git
repository its branches are that one's, and merging makes a commit in it::

    with GitHubStandin(git=Path("origin.git"), token="t") as github:
        github.state.open_issue("The login test is flaky", labels=["bug"], user="ada")
        settings = GitHubSettings(url=github.url, repository=github.repository)
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from neveridle.tools.standin.github_logs import LogHost
from neveridle.tools.standin.github_records import IssueRecord, PullRecord
from neveridle.tools.standin.github_shapes import Shapes, moment
from neveridle.tools.standin.github_state import GitHubState, Refused
from neveridle.tools.standin.http import Answer, HttpStandin, StandinRequest

DOCS = "https://docs.github.com/rest"
SIGNATURE = "c2lnbmVkIGJ5IHRoZSBzdGFuZC1pbg%3D%3D"
"""In the address of a log; nothing may show it."""


class GitHubStandin(HttpStandin):
    """GitHub with one repository.

    Args:
        repository: as ``owner/name``.
        git: a bare repository whose branches these are; None: branches are made up.
        login: who the token belongs to.
        default: the default branch.
        token: the only token that is taken; empty: any, or none.
        limit: requests until the primary rate limit is used up.
        now: seconds since 1970.

    Attributes:
        state: what the repository holds; change it, or look at it, with ``lock`` held where
            requests may come meanwhile.
        remaining: requests that are left until ``reset``.
        reset: seconds since 1970, when there are all of them again.
        renamed: the name the repository had before; requests for it are redirected.
        log_host: where logs are.
    """

    def __init__(
        self,
        repository: str = "octo/demo",
        *,
        git: Path | None = None,
        login: str = "neveridle-bot",
        default: str = "main",
        token: str = "",
        limit: int = 5000,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(token=token, now=now)
        self.repository = repository
        self.state = GitHubState(login, git, now, default)
        self.limit = limit
        self.remaining = limit
        self.reset = int(now()) + 3600
        self.renamed = ""
        self.log_host = LogHost()
        self._shapes = Shapes(self.url, repository, self.state.associations)

    def __enter__(self) -> GitHubStandin:
        self.log_host.__enter__()
        super().__enter__()
        return self

    def close(self) -> None:
        """Close all connections and stop listening."""
        super().close()
        self.log_host.close()

    def handle(self, request: StandinRequest) -> Answer:
        """Answer as GitHub does."""
        if not request.authorized:
            return self._refusal(Refused(401, "Bad credentials"))
        if self.now() >= self.reset:
            self.remaining, self.reset = self.limit, int(self.now()) + 3600
        if self.remaining <= 0:
            return self._limited(self._refusal(Refused(403, "API rate limit exceeded")))
        try:
            answer = self._routed(request)
        except Refused as refused:
            answer = self._refusal(refused)
        if request.method == "GET" and answer.status == 200:
            digest = hashlib.sha256(answer.body + str(answer.headers).encode()).hexdigest()
            headers = {**answer.headers, "ETag": f'W/"{digest}"'}
            if request.headers.get("if-none-match") == headers["ETag"]:
                return self._limited(Answer(304, None, {"ETag": headers["ETag"]}))
            answer = Answer(answer.status, answer.json, headers, answer.data)
        self.remaining -= 1
        return self._limited(answer)

    def _limited(self, answer: Answer) -> Answer:
        rate = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Used": str(self.limit - self.remaining),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-Resource": "core",
        }
        return Answer(answer.status, answer.json, {**rate, **answer.headers}, answer.data)

    def _refusal(self, refused: Refused) -> Answer:
        said: dict[str, Any] = {"message": refused.message, "documentation_url": DOCS}
        if refused.errors:
            said["errors"] = refused.errors
        return Answer(refused.status, {**said, "status": str(refused.status)})

    def _routed(self, request: StandinRequest) -> Answer:
        parts = request.segments
        if parts == ("user",):
            return Answer(200, self._shapes.account(self.state.login))
        if parts[:1] == ("repos",) and "/".join(parts[1:3]) == self.renamed:
            inner = request.path.split("/", 4)[4:]
            where = "/".join([f"{self.url}/repos/{self.repository}", *inner])
            query = urlencode([(k, v) for k, vs in request.query.items() for v in vs])
            status = 301 if request.method == "GET" else 307
            headers = {"Location": f"{where}?{query}" if query else where}
            said = {"message": "Moved Permanently", "url": where, "documentation_url": DOCS}
            return Answer(status, said, headers)
        if parts[:1] != ("repos",) or "/".join(parts[1:3]) != self.repository:
            raise Refused(404, "Not Found")
        body: Any = request.json
        given: dict[str, Any] = {**body} if isinstance(body, dict) else {}
        for part in (self._of_issues, self._of_pulls, self._of_code):
            answer = part(request, (request.method, *parts[3:]), given)
            if answer is not None:
                return answer
        raise Refused(404, "Not Found")

    def _of_issues(
        self, request: StandinRequest, what: tuple[str, ...], body: dict[str, Any]
    ) -> Answer | None:
        state, shapes = self.state, self._shapes
        match what:
            case ("GET", "issues"):
                found = [self._issue(one) for one in self._listed(request)]
                return self._page(request, found)
            case ("POST", "issues"):
                one = state.open_issue(
                    body.get("title", ""), body.get("body") or "",
                    labels=body.get("labels", ()), assignees=body.get("assignees", ()),
                )  # fmt: skip
                return Answer(201, self._issue(one))
            case ("GET", "issues", number):
                return Answer(200, self._issue(state.issue(_number(number))))
            case ("PATCH", "issues", number):
                return Answer(200, self._issue(state.change(_number(number), **body)))
            case ("GET", "issues", number, "comments"):
                wanted = state.issue(_number(number)).number
                since = request.first("since")
                on = [one for one in state.comments if one.issue == wanted]
                on = [one for one in on if moment(one.updated) >= since]
                return self._page(request, [shapes.comment(one) for one in on])
            case ("POST", "issues", number, "comments"):
                made = state.comment(_number(number), body.get("body", ""))
                return Answer(201, shapes.comment(made))
            case (("POST" | "DELETE") as method, "issues", number, "assignees"):
                away = method == "DELETE"
                one = state.assign(_number(number), body.get("assignees", ()), away=away)
                return Answer(200 if away else 201, self._issue(one))
            case ("DELETE", "issues", "comments", comment):
                state.uncomment(_number(comment))
                return Answer(204)
            case _:
                return None

    def _listed(self, request: StandinRequest) -> list[IssueRecord]:
        state, labels = request.first("state", "open"), request.first("labels")
        assignee, since = request.first("assignee"), request.first("since")
        wanted = set(labels.split(",")) if labels else set[str]()
        found = [
            one
            for one in self.state.issues.values()
            if state in ("all", one.state)
            and wanted <= set(one.labels)
            and _assigned(one, assignee)
            and request.first("creator", one.user) == one.user
            and moment(one.updated) >= since
        ]
        return _sorted(found, request)

    def _of_pulls(
        self, request: StandinRequest, what: tuple[str, ...], body: dict[str, Any]
    ) -> Answer | None:
        state, shapes = self.state, self._shapes
        match what:
            case ("GET", "pulls"):
                return self._page(request, [self._simple(one) for one in self._pulls(request)])
            case ("POST", "pulls"):
                one = state.open_pull(
                    body.get("title", ""), body["head"], body["base"], body.get("body") or "",
                    draft=bool(body.get("draft")),
                )  # fmt: skip
                return Answer(201, self._whole(one))
            case ("GET", "pulls", number):
                return Answer(200, self._whole(state.pull(_number(number))))
            case ("PATCH", "pulls", number):
                one = state.pull(_number(number))
                state.change(one.number, **body)
                one.base = body.get("base") or one.base
                return Answer(200, self._whole(one))
            case ("PUT", "pulls", number, "merge"):
                done = state.merge(
                    _number(number), sha=body.get("sha", ""),
                    method=body.get("merge_method", "merge"), message=_message(body),
                )  # fmt: skip
                said = "Pull Request successfully merged"
                return Answer(200, {"sha": done.merge_sha, "merged": True, "message": said})
            case ("GET", "pulls", number, "reviews"):
                wanted = state.pull(_number(number)).number
                reviews = [shapes.review(r) for r in state.reviews if r.pull == wanted]
                return self._page(request, reviews)
            case ("POST", "pulls", number, "reviews"):
                review = state.review(
                    _number(number), body.get("event", ""), body.get("body", ""),
                    sha=body.get("commit_id", ""), comments=body.get("comments", ()),
                )  # fmt: skip
                return Answer(200, shapes.review(review))
            case ("GET", "pulls", number, "comments"):
                wanted = state.pull(_number(number)).number
                on = [shapes.review_comment(c) for c in state.review_comments if c.issue == wanted]
                return self._page(request, on)
            case ("POST", "pulls", number, "comments", comment, "replies"):
                made = state.reply(_number(number), _number(comment), body.get("body", ""))
                return Answer(201, shapes.review_comment(made))
            case ("DELETE", "pulls", "comments", comment):
                state.uncomment(_number(comment), on_line=True)
                return Answer(204)
            case _:
                return None

    def _pulls(self, request: StandinRequest) -> list[PullRecord]:
        state, head, base = (
            request.first("state", "open"),
            request.first("head"),
            request.first("base"),
        )
        owner, colon, branch = head.partition(":")
        found = [
            one
            for one in map(self.state.pull, sorted(self.state.pulls))
            if state in ("all", self.state.issues[one.number].state)
            # A head without its owner is ignored, as GitHub does.
            and (not colon or (owner, branch) == (self.repository.partition("/")[0], one.head))
            and base in ("", one.base)
        ]
        order = _sorted([self.state.issues[one.number] for one in found], request)
        return [self.state.pulls[one.number] for one in order]

    def _of_code(
        self, request: StandinRequest, what: tuple[str, ...], body: dict[str, Any]
    ) -> Answer | None:
        del body  # nothing of this is written
        state, shapes = self.state, self._shapes
        match what:
            case ("GET",):
                more = {"allow_merge_commit": True, "allow_squash_merge": True}
                return Answer(200, {**shapes.repository(state.default), **more})
            case ("GET", "branches"):
                heads = sorted(state.heads.all().items())
                return self._page(request, [shapes.branch(*one, whole=False) for one in heads])
            case ("GET", "branches", name):
                sha = state.heads.all().get(name)
                if sha is None:
                    raise Refused(404, "Branch not found")
                return Answer(200, shapes.branch(name, sha, whole=True))
            case ("GET", "commits", ref, "check-runs"):
                runs = [shapes.check(c) for c in state.checks if c.sha == state.commit(ref)]
                return self._page(
                    request, runs, inside={"total_count": len(runs)}, key="check_runs"
                )
            case ("GET", "commits", ref, "status"):
                return self._status(request, state.commit(ref))
            case ("GET", "check-runs", run, "annotations"):
                found = [c for c in state.checks if c.id == _number(run)]
                said = [shapes.annotation(*one) for c in found for one in c.annotations]
                return self._page(request, said)
            case ("GET", "actions", "jobs", job, "logs"):
                logs = [c.log for c in state.checks if c.id == _number(job) and c.log is not None]
                if not logs:
                    raise Refused(404, "Not Found")
                self.log_host.logs[job] = logs[0]
                where = f"{self.log_host.url}/logs/{job}?sig={SIGNATURE}"
                return Answer(302, None, {"Location": where})
            case _:
                return None

    def _status(self, request: StandinRequest, sha: str) -> Answer:
        found = [one for one in self.state.statuses if one.sha == sha]
        states = {one.state for one in found}
        bad = bool(states & {"failure", "error"})
        inside = {
            "state": "failure" if bad else "success" if states == {"success"} else "pending",
            "sha": sha, "total_count": len(found), "commit_url": f"{self.url}/commits/{sha}",
            "repository": self._shapes.repository(self.state.default),
            "url": f"{self.url}{request.path}",
        }  # fmt: skip
        statuses = [self._shapes.status(one) for one in found]
        return self._page(request, statuses, inside=inside, key="statuses")

    def _issue(self, one: IssueRecord) -> dict[str, Any]:
        comments = sum(comment.issue == one.number for comment in self.state.comments)
        return self._shapes.issue(one, comments)

    def _simple(self, one: PullRecord) -> dict[str, Any]:
        issue = self.state.issues[one.number]
        return self._shapes.pull(issue, one, self.state.default)

    def _whole(self, one: PullRecord) -> dict[str, Any]:
        state, number = self.state, one.number
        mergeable = state.mergeable(number)
        words = {True: "clean", False: "dirty", None: "unknown"}
        counts = ("additions", "deletions", "changed_files", "commits")
        return {
            **self._simple(one), **dict.fromkeys(counts, 1), "mergeable": mergeable,
            "mergeable_state": words[mergeable], "merged": one.merged is not None,
            "maintainer_can_modify": False,
            "merged_by": self._shapes.user(state.login) if one.merged is not None else None,
            "comments": sum(comment.issue == number for comment in state.comments),
            "review_comments": sum(c.issue == number for c in state.review_comments),
        }  # fmt: skip

    def _page(
        self,
        request: StandinRequest,
        found: list[Any],
        *,
        inside: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> Answer:
        size = min(int(request.first("per_page", "30")), 100)
        page, last = int(request.first("page", "1")), max(1, -(-len(found) // size))
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        given = {name: values[0] for name, values in request.query.items()}

        def url(number: int) -> str:
            return f"{self.url}{request.path}?{urlencode({**given, 'page': number})}"

        shown = [
            f'<{url(number)}>; rel="{name}"'
            for name, number in links.items()
            if 1 <= number <= last and number != page
        ]
        part = found[(page - 1) * size : page * size]
        headers = {"Link": ", ".join(shown)} if shown else {}
        return Answer(200, {**(inside or {}), key: part} if key else part, headers)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Refused(404, "Not Found")
    return int(text)


def _assigned(one: IssueRecord, assignee: str) -> bool:
    if assignee in ("", "*"):
        return not assignee or bool(one.assignees)
    return not one.assignees if assignee == "none" else assignee in one.assignees


def _sorted(found: Iterable[IssueRecord], request: StandinRequest) -> list[IssueRecord]:
    updated = request.first("sort", "created") == "updated"
    down = request.first("direction", "desc") == "desc"

    def key(one: IssueRecord) -> tuple[float, int]:
        return one.updated if updated else one.created, one.number

    return sorted(found, key=key, reverse=down)


def _message(body: Mapping[str, Any]) -> str:
    parts = (body.get("commit_title"), body.get("commit_message"))
    return "\n\n".join(str(part) for part in parts if part)
