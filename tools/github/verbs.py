"""What is written to GitHub, and what makes it safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neveridle.board.effect import Safety
from neveridle.tools.effects.verb import Verb
from neveridle.tools.github.issue_writes import IssueWrites
from neveridle.tools.github.parsing import SERVICE
from neveridle.tools.github.pull_writes import PullWrites
from neveridle.tools.services.http import STEPS

if TYPE_CHECKING:
    from neveridle.tools.github.client import GitHub

LONGER: Final = 5.0
"""Seconds that a write may take beyond all its requests and waits."""


def github_verbs(client: GitHub) -> tuple[Verb, ...]:
    """All ways of writing to GitHub; the result of each has ``number`` and ``url``.

    Of issues, whose target is one as ``#12`` (``create_issue``: what it is made for):

    - ``create_issue`` ``{"title", "body", "labels", "assignees"}``, ``comment`` ``{"body"}``
      (of pull requests, too): found again by a hidden mark.
    - ``set_state`` ``{"state", "reason"}``, ``assign`` ``{"assignees"}``, ``set_labels``
      ``{"labels"}``: set a state. Assignees and labels are those it has afterwards.
    - ``add_assignees``, ``remove_assignees`` ``{"assignees"}``: leave the others as they are,
      so that a person who took it a moment earlier keeps it.

    Of pull requests, whose target is one as ``#12`` (``open_pull_request``: its branch):

    - ``open_pull_request`` ``{"title", "body", "base", "draft"}``: GitHub refuses a second one
      that is open for a branch, and one that was closed is found by its mark.
    - ``update_pull_request`` ``{"title", "body", "state", "base"}``: sets a state.
    - ``merge`` ``{"sha", "method", "title", "message"}``: sets a state: merged at that commit.
    - ``review`` ``{"event", "body", "commit", "comments"}``, ``reply`` ``{"comment", "body"}``:
      found again by a hidden mark.
    """
    issues, pulls = IssueWrites(client), PullWrites(client)
    timeout = client.settings.total_timeout + LONGER

    def sets(name: str, call: Any) -> Verb:
        return Verb(service=SERVICE, name=name, safety=Safety.NATURAL, identity="content",
                    call=call, timeout=timeout)  # fmt: skip

    def makes(name: str, call: Any, find: Any, retract: Any = None) -> Verb:
        # GitHub reads its own writes; what may still come is a request that is on its way.
        return Verb(service=SERVICE, name=name, safety=Safety.MARKER, identity="content",
                    call=call, find=find, retract=retract, timeout=timeout,
                    settles=client.settings.timeout * STEPS)  # fmt: skip

    return (
        makes("create_issue", issues.create, issues.find_issue, issues.close_second),
        makes("comment", issues.comment, issues.find_comment, issues.delete_comment),
        sets("set_state", issues.set_state),
        sets("assign", issues.assign),
        sets("add_assignees", issues.add_assignees),
        sets("remove_assignees", issues.remove_assignees),
        sets("set_labels", issues.set_labels),
        Verb(
            service=SERVICE, name="open_pull_request", safety=Safety.CLIENT_KEY,
            identity="target", call=pulls.create, find=pulls.find, timeout=timeout,
        ),
        sets("update_pull_request", pulls.update),
        sets("merge", pulls.merge),
        makes("review", pulls.review, pulls.find_review),
        makes("reply", pulls.reply, pulls.find_reply, pulls.delete_reply),
    )  # fmt: skip
