"""Where a task lands when its issue changed outside."""

from __future__ import annotations

from neveridle.board.beads.issue import Issue
from neveridle.board.beads.naming import CANCELLED_HERE
from neveridle.board.beads.rule import CIRCLE, HELD, OUTSIDE, Kind, Standing
from neveridle.board.beads.snapshot import Known
from neveridle.board.task import REOPENING

Values = dict[str, object]


def values_of(
    state: str,
    *,
    on: str = "",
    until: float | None = None,
    owner: str = "",
    action: str = "",
    at: float | None = None,
) -> Values:
    """All columns that tell where a task stands, as ``save_states`` takes them."""
    return {
        "new_state": state, "new_waiting_on": on, "new_waiting_until": until,
        "new_blocked_owner": owner, "new_blocked_action": action, "new_completed_at": at,
    }  # fmt: skip


def values_at(stands: Standing, issue: Issue, now: float) -> Values:
    """The same for a task that stands as its issue does."""
    if stands.kind is Kind.OPEN:
        return values_of("pending")
    if stands.kind is Kind.DONE:
        return values_of("completed", at=min(issue.closed_at or issue.updated_at or now, now))
    if stands.kind is Kind.GONE:
        return values_of("cancelled", on=REOPENING, at=now)
    if stands.owner:
        action = (
            f"{issue.id} is marked as blocked in Beads: open it there and import again, or "
            "take it up here with `neveridle tasks retry`"
        )
        return values_of("blocked", on=stands.on, owner=stands.owner, action=action)
    return values_of("waiting", on=stands.on, until=stands.until)


def in_a_circle(shown: str) -> Values:
    """The same for a task that can never begin, by what its file says."""
    action = (
        f"waits for itself, by the circle {shown}: take a dependency out of it in Beads and "
        "import again, or begin here with `neveridle tasks retry`"
    )
    return values_of("blocked", on=CIRCLE, owner="human", action=action)


def is_held(task: Known) -> bool:
    """Whether an import, and not the team, made a task wait."""
    return task.state in ("waiting", "blocked") and task.waiting_on.startswith(HELD)


def lands(task: Known, was: Standing, issue: Issue, now: Standing, agents: frozenset[str]) -> bool:
    """Whether a task goes where its issue went: never away from what the team does or did.

    Args:
        task: the task.
        was: where the issue stood when it was read last.
        issue: the issue as it is now.
        now: where it stands now, which is somewhere else.
        agents: names of the team's agents, in lower case.
    """
    if task.state == "in_progress" or task.continues is not None:
        return False
    if task.state == "waiting" and task.waiting_on.startswith("task:"):
        return False  # it was handed over
    if now.kind is Kind.DONE:
        ours = issue.record.get("close_reason") == CANCELLED_HERE
        return task.state != "completed" and not (task.state == "cancelled" and ours)
    if now.kind is Kind.GONE:
        return task.state in ("pending", "waiting", "blocked")
    over = was.kind in (Kind.DONE, Kind.GONE)
    back = (task.state == "completed" and over) or (
        task.state == "cancelled" and task.waiting_on == REOPENING
    )
    if now.kind is Kind.OPEN:
        return is_held(task) or back
    ours = issue.status in OUTSIDE and task.fence > 0 and issue.assignee.lower() in agents
    return is_held(task) or back or (task.state == "pending" and not ours)
