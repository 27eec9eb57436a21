"""Alerts: found by looking, told once, again when nobody reacts, capped, and over by themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, Claim, Task
from neveridle.board.alerts_found import DOWN, Found
from neveridle.board.breaker import BreakerPolicy, Permit
from neveridle.board.effect_rows import CALLS
from neveridle.board.inbox import EACH
from neveridle.board.inbox_item import ItemKind, ItemState, NewItem
from neveridle.board.notices import HOLD, TRIES
from neveridle.board.outage import SweepRule
from neveridle.board.raising import Telling

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]
Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]

QUIET = Telling(remind=100.0, reminders=3, per_hour=50)


def calls(found: Found) -> str | None:
    """Everything but a service that is merely down."""
    return None if found.code == DOWN else "HUMAN_ALERT"


def emergencies(found: Found) -> str | None:
    return "EMERGENCY" if found.code == DOWN else "HUMAN_ALERT"


async def keep(board: Board, telling: Telling = QUIET, levels: Any = calls) -> Any:
    """A look as a process takes it: nothing is written where nothing is to be done."""
    if not await board.alerts.look(levels, telling):
        return None
    kept = await board.alerts.keep(levels, telling)
    assert not await board.alerts.look(levels, telling), "a look does all there is to do"
    return kept


async def prints(board: Board) -> list[str]:
    return sorted(one.fingerprint for one in await board.inbox.find())


async def said(board: Board) -> list[str]:
    found = await board.messages.latest("dev", limit=10_000)
    return [one.content for one in found if one.author == "inbox"]


async def fail(board: Board, claim: Claim, **more: Any) -> bool:
    given: dict[str, Any] = {"code": "work-refused", "error": "The tests fail.", "limit": 1, **more}
    return await board.attempts.fail(claim.attempt, **given)


def alert(code: str = "x", about: str = "1", **more: Any) -> NewItem:
    return NewItem(
        kind=ItemKind.ALERT, fingerprint=f"alert:{code}:{about}", title=f"{code} {about}", **more
    )


async def test_where_nothing_is_wrong_nothing_is_written(
    board: Board, contents: Callable[[], Awaitable[Any]]
) -> None:
    before = await contents()
    for _ in range(3):
        assert await keep(board) is None
        assert not await board.alerts.any_to_send()
    assert await contents() == before


async def test_a_task_that_failed_too_often_is_told_of_once_and_withdrawn(
    board: Board, add: Add, take: Take
) -> None:
    task = await add("Fix")
    await fail(board, await take())
    kept = await keep(board)
    (item,) = kept.raised
    assert item.fingerprint == f"alert:task-failed:{task.id}"
    assert (item.task, item.agent, item.raises) == (task.id, "sam", 1)
    assert item.title == f"Task {task.id} failed 1 times: Fix"
    assert "The tests fail." in item.body
    assert [one.startswith("@human Task") for one in await said(board)] == [True]
    assert await keep(board) is None

    await board.tasks.retry(task.id)  # which is all it takes: nobody has to look at the board
    assert (await board.inbox.get(item.id)).state is ItemState.WITHDRAWN
    assert (await keep(board)).withdrawn == []
    await fail(board, await take(), limit=1)
    (again,) = (await keep(board)).raised
    assert (again.fingerprint, again.raises) == (item.fingerprint, 1)
    assert again.id != item.id
    await board.tasks.cancel(task.id, reason="no")
    assert (await board.inbox.get(again.id)).state is ItemState.WITHDRAWN
    events = [one.kind for one in await board.events.find() if one.kind.endswith("escalated")]
    assert events == ["task.escalated"] * 2, "one for each escalation"


async def test_what_a_person_dismissed_stays_dismissed_until_it_comes_back(
    board: Board, add: Add, take: Take
) -> None:
    task = await add("Fix")
    await fail(board, await take())
    (item,) = (await keep(board)).raised
    await board.inbox.close(item.id, ItemState.DISMISSED, by="ann")
    await board.clock.advance(10_000)
    assert await keep(board) is None
    await board.inbox.put(alert())
    assert [one.title for one in (await keep(board)).raised] == ["x 1"]
    assert await prints(board) == ["alert:x:1"]
    await board.inbox.close((await board.inbox.find())[0].id, ItemState.DISMISSED)
    await board.tasks.retry(task.id)
    await keep(board)
    assert await prints(board) == []
    await fail(board, await take(), limit=1)
    await keep(board)
    assert await prints(board) == [f"alert:task-failed:{task.id}"]


async def test_a_task_that_asks_for_a_person_already_is_not_told_of_twice(
    board: Board, add: Add, take: Take
) -> None:
    task = await add("Fix")
    claim = await take()
    await board.inbox.put(alert("stuck", str(task.id), task=task.id))
    await board.attempts.block(claim.attempt, owner="human", action="look at it")
    kept = await keep(board)
    assert [one.fingerprint for one in kept.raised] == [f"alert:stuck:{task.id}"]
    assert await prints(board) == [f"alert:stuck:{task.id}"]
    await board.tasks.cancel(task.id, reason="no")
    await keep(board)
    assert await prints(board) == []


async def test_what_an_agent_said_before_hides_no_failure(
    board: Board, add: Add, take: Take
) -> None:
    task = await add("Fix")
    await board.inbox.put(alert("agent", str(task.id), task=task.id))
    await fail(board, await take())
    await keep(board)
    assert await prints(board) == [f"alert:agent:{task.id}", f"alert:task-failed:{task.id}"]


async def test_what_an_agent_called_for_outlives_its_task_until_a_person_has_seen_it(
    board: Board, add: Add, take: Take
) -> None:
    task = await add("Fix")
    claim = await take()
    item = await board.answering.escalate(
        claim.attempt, level="EMERGENCY", title="Smoke", body="Smoke"
    )
    await board.inbox.put(alert("stuck", str(task.id), task=task.id))
    await board.attempts.complete(claim.attempt)
    assert [one.id for one in (await keep(board)).raised] == [item.id]
    assert await prints(board) == [item.fingerprint], "the other one was about the work"
    await board.answering.dismiss(item.id, by="eve")
    await keep(board)
    assert await prints(board) == []


async def test_blocked_for_a_colleague_calls_nobody(board: Board, add: Add, take: Take) -> None:
    await add("Fix")
    await board.attempts.block((await take()).attempt, owner="leo", action="review")
    assert await keep(board) is None


async def test_a_held_service_is_told_of_until_it_is_reset(board: Board) -> None:
    await board.breakers.hold("linear", "The token is not valid.", "abc")
    (item,) = (await keep(board)).raised
    assert (item.fingerprint, item.level) == ("alert:service-held:linear", "HUMAN_ALERT")
    assert "neveridle services reset linear" in item.body
    assert await said(board) == [], "the breaker has said so in the channel already"
    (event,) = await board.events.find(kind="team.escalated")
    assert event.data["code"] == "credentials-rejected"
    await board.clock.advance(100)
    await keep(board)
    assert len(await said(board)) == 1, "the reminder is ours"
    await board.breakers.reset("linear")
    (over,) = (await keep(board)).withdrawn
    assert over.id == item.id


async def test_an_outage_of_an_emergency_service_is_one_alert_however_often_it_is_probed(
    board: Board,
) -> None:
    policy = BreakerPolicy(threshold=1, reset=30.0)
    await board.breakers.failed(Permit("vercel"), policy, "502")
    assert await keep(board) is None, "any other service heals itself"
    (item,) = (await keep(board, levels=emergencies)).raised
    assert (item.level, item.fingerprint) == ("EMERGENCY", "alert:service-down:vercel")
    for _ in range(3):
        await board.clock.advance(31)
        probe = await board.breakers.admit("vercel", policy)
        await keep(board, levels=emergencies)
        await board.breakers.failed(probe, policy, "502 again")
        await keep(board, levels=emergencies)
    assert await prints(board) == ["alert:service-down:vercel"]
    await board.clock.advance(31)
    await board.breakers.succeeded(await board.breakers.admit("vercel", policy))
    assert [one.id for one in (await keep(board, levels=emergencies)).withdrawn] == [item.id]


async def test_an_outage_of_ours_and_its_end(board: Board, add: Add, take: Take) -> None:
    for name in ("a", "b", "c", "d", "e"):
        await board.runs.start(name, role="r", skills=[])
    await add("Fix")
    await take()
    await board.clock.advance(130)
    await board.database.hot.sweep(SweepRule(lease=120.0))
    (item,) = (await keep(board)).raised
    assert item.title == "More than half of 5 agents fell silent at once"
    await board.recover()
    assert [one.id for one in (await keep(board)).withdrawn] == [item.id]


async def test_budgets_of_day_and_team_until_their_window_ends(board: Board, sql: Sql) -> None:
    row = 'INSERT INTO budgets (scope, "window", ends_at, closed_at) VALUES (:s, :w, :e, 1)'
    await sql(row, s="day", w="1970-01-12", e=1_000_500)
    await sql(row, s="agent:sam", w="1970-01-12", e=1_000_500)
    await sql(row, s="team", w="all", e=None)
    await keep(board)
    assert await prints(board) == ["alert:budget-reached:day", "alert:budget-reached:team"]
    await board.inbox.put(alert("budget-reached", "agent:sam"))
    assert (await keep(board)).withdrawn == []
    await board.clock.advance(600)
    await keep(board)
    assert await prints(board) == ["alert:budget-reached:team"]
    await sql("UPDATE budgets SET closed_at = NULL")
    await keep(board)
    assert await prints(board) == []


async def test_a_write_that_nobody_can_settle(board: Board, sql: Sql) -> None:
    await sql(
        "INSERT INTO effects (key, service, verb, target, safety, state, calls, request,"
        " created_at) VALUES ('k', 'slack', 'post', '#dev', 'marker', 'intended', :n, '{}', 1)",
        n=CALLS,
    )
    (item,) = (await keep(board)).raised
    assert item.title == "Whether slack did 'post' on #dev is not known"
    await sql("UPDATE effects SET state = 'done'")
    assert len((await keep(board)).withdrawn) == 1


async def test_agents_that_stop_for_one_reason_are_one_alert_until_all_are_back(
    board: Board, add: Add, take: Take
) -> None:
    runs = {name: await board.runs.start(name, role="r", skills=[]) for name in ("sam", "leo")}
    await board.breakers.hold("openai", "The key is not valid.", "abc")
    for name, run in runs.items():
        new = alert("agent-stopped", "credentials-rejected@openai", evidence={"service": "openai"})
        await board.alerts.put_stopped(new, agent=name, run=run, code="credentials-rejected")
    await keep(board)
    (item,) = await board.inbox.find()
    assert (item.count, item.evidence["runs"]) == (2, runs)
    await board.breakers.reset("openai")
    assert (await keep(board)).withdrawn == [], "they are still stopped"
    await board.clock.advance(1)
    await add("Fix")
    await take(run=runs["sam"])
    assert await keep(board) is None
    await board.runs.start("leo", role="r", skills=[])
    assert [one.id for one in (await keep(board)).withdrawn] == [item.id]


async def test_it_is_raised_again_at_exact_times_and_so_often_at_most(board: Board) -> None:
    start = await board.clock.now()
    await board.inbox.put(alert())
    raised: list[float] = []
    for seconds in (0, 99, 1, 199, 1, 399, 1, 799, 1, 10_000):
        await board.clock.advance(seconds)
        if await keep(board) is not None:
            raised.append(await board.clock.now() - start)
    assert raised == [0, 100, 300, 700]
    (item,) = await board.inbox.find()
    assert (item.raises, item.raise_at) == (4, None)
    told = await said(board)
    assert len(told) == 4
    assert "said 4 times, nobody reacted" in told[-1]


async def test_questions_and_approvals_are_raised_the_same_way(board: Board) -> None:
    await board.inbox.put(NewItem(kind=ItemKind.QUESTION, fingerprint="ask:1:a", title="Blue?"))
    (item,) = (await keep(board)).raised
    await board.clock.advance(100)
    assert [one.raises for one in (await keep(board)).raised] == [2]
    await board.inbox.close(item.id, ItemState.ANSWERED, answer={"text": "Yes."})
    await board.clock.advance(10_000)
    assert await keep(board) is None


async def test_what_is_beyond_the_hours_cap_is_one_summary(board: Board) -> None:
    telling = Telling(remind=1e6, per_hour=4, targets={"HUMAN_ALERT": ("alert_webhook",)})
    for number in range(10):
        await board.inbox.put(alert(f"c{number}"))
    kept = await keep(board, telling)
    titles = [one.title for one in kept.raised]
    assert titles == ["c0 1", "c1 1", "c2 1", "7 more wait for a person: see `neveridle inbox`"]
    assert len(await said(board)) == 4
    assert len(await board.alerts.take("a")) == 4, "targets are told of no more"
    assert {one.raises for one in await board.inbox.find()} == {1}
    await board.inbox.put(alert("late"))
    assert await keep(board, telling) is None
    await board.clock.advance(3600)
    kept = await keep(board, telling)
    assert [one.title for one in kept.raised] == ["late 1"]
    assert [one.fingerprint for one in kept.withdrawn] == ["alert:more:human_alert"]


async def test_an_emergency_has_a_cap_of_its_own(board: Board) -> None:
    telling = Telling(per_hour=2)
    for number in range(5):
        await board.inbox.put(alert(f"c{number}"))
    await keep(board, telling)
    await board.inbox.put(alert("late"))
    await board.inbox.put(alert("fire", level="EMERGENCY"))
    assert [one.title for one in (await keep(board, telling)).raised] == ["fire 1"]
    assert (await said(board))[-1].startswith("@human EMERGENCY: fire")
    for number in range(5):
        await board.inbox.put(alert(f"e{number}", level="EMERGENCY"))
    assert [one.title.partition(" ")[2][:4] for one in (await keep(board, telling)).raised] == [
        "more"
    ]


async def test_what_becomes_worse_is_raised_at_once(board: Board) -> None:
    await board.inbox.put(alert())
    await keep(board)
    await board.inbox.put(alert())
    assert await keep(board) is None
    await board.inbox.put(alert(level="EMERGENCY"))
    (item,) = (await keep(board)).raised
    assert (item.level, item.raises, item.count) == ("EMERGENCY", 2, 3)


async def test_of_one_code_so_many_are_kept_one_by_one(board: Board) -> None:
    for number in range(60):
        await board.inbox.put(alert("stuck", str(number)))
    found = {one.fingerprint: one.count for one in await board.inbox.find()}
    assert len(found) == EACH + 1
    assert found["alert:stuck:*"] == 60 - EACH
    await board.inbox.put(alert("stuc", "x"))
    await board.inbox.put(alert("stuc", "y"))
    assert len(await board.inbox.find()) == EACH + 3, "another code has room of its own"


async def test_hundreds_of_blocked_tasks_are_some_alerts_and_one_for_the_rest(
    board: Board, add: Add, sql: Sql
) -> None:
    for number in range(60):
        await add(f"t{number}")
    await sql("UPDATE tasks SET state = 'blocked', blocked_owner = 'human', blocked_action = 'x'")
    await keep(board)
    found = {one.fingerprint: one.title for one in await board.inbox.find()}
    assert found["alert:task-blocked:*"] == "60 alerts of the kind task-blocked"
    assert len(found) == EACH + 1
    await sql("UPDATE tasks SET state = 'cancelled' WHERE id > 10")
    await keep(board)
    assert len(await prints(board)) == 10


async def test_a_notice_is_sent_once_and_tried_again_with_the_same_key(board: Board) -> None:
    telling = Telling(targets={"HUMAN_ALERT": ("alert_webhook", "alert_command")})
    await board.inbox.put(alert())
    await keep(board, telling)
    one, two = sorted(await board.alerts.take("a"), key=lambda t: t.notice.target)
    assert await board.alerts.take("b") == []
    assert one.key != two.key
    await board.alerts.settle(one, "a")
    await board.alerts.settle(two, "a", error="503")
    assert await board.alerts.take("b") == []
    for pause in (30, 120, 480, 1920):
        await board.clock.advance(pause - 1)
        assert await board.alerts.take("b") == []
        await board.clock.advance(1)
        (again,) = await board.alerts.take("b")
        assert again.key == two.key
        await board.alerts.settle(again, "b", error="503 still")
    await board.clock.advance(1e6)
    assert not await board.alerts.any_to_send()
    notices = await board.alerts.notices(one.item.id)
    assert {n.target: (n.state, n.tries) for n in notices} == {
        "dev": ("sent", 0),
        "alert_webhook": ("failed", TRIES),
        "alert_command": ("sent", 1),
    }
    assert len(await board.inbox.find()) == 1, "a pager that is down pages nobody"
    (event,) = await board.events.find(kind="inbox.not_told")
    assert (event.data["target"], event.data["error"]) == ("alert_webhook", "503 still")


async def test_what_a_process_took_to_its_grave_is_sent_by_another(board: Board) -> None:
    telling = Telling(targets={"HUMAN_ALERT": ("alert_webhook",)})
    await board.inbox.put(alert())
    await keep(board, telling)
    (lost,) = await board.alerts.take("dead")
    await board.clock.advance(HOLD - 1)
    assert await board.alerts.take("b") == []
    await board.clock.advance(1)
    (again,) = await board.alerts.take("b")
    assert (again.key, again.notice.tries) == (lost.key, 2)
    await board.alerts.settle(lost, "dead", error="late")  # it was not dead after all
    await board.alerts.settle(again, "b")
    (notice,) = [n for n in await board.alerts.notices(lost.item.id) if n.target != "dev"]
    assert (notice.state, notice.error) == ("sent", "")


async def test_what_is_over_before_it_was_sent_is_not_sent(board: Board) -> None:
    telling = Telling(targets={"HUMAN_ALERT": ("alert_webhook",)})
    item = await board.inbox.put(alert())
    await keep(board, telling)
    await board.inbox.close(item.id, ItemState.DISMISSED)
    assert await board.alerts.take("a") == []
    assert not await board.alerts.any_to_send()


async def test_closed_items_age_out_with_their_notices_and_open_ones_stay(
    board: Board, sql: Sql
) -> None:
    from neveridle.board.aging import DAY, Ages

    gone = await board.inbox.put(alert("old"))
    await keep(board)
    await board.inbox.close(gone.id, ItemState.DISMISSED)
    stays = await board.inbox.put(alert("open"))
    await board.clock.advance(100 * DAY)
    found = await board.retention.tidy(Ages(events=90.0), holder="me")
    assert found["inbox"] == 1
    assert await sql("SELECT id FROM inbox") == [(stays.id,)]
    assert await sql("SELECT id FROM notifications") == []


@pytest.mark.parametrize("error", ["token \x00 nul", "ü" * 1000])
async def test_odd_errors_of_targets_can_be_kept(board: Board, error: str) -> None:
    telling = Telling(targets={"HUMAN_ALERT": ("alert_webhook",)})
    await board.inbox.put(alert())
    await keep(board, telling)
    (taken,) = await board.alerts.take("a")
    await board.alerts.settle(taken, "a", error=error)
    notice = (await board.alerts.notices(taken.item.id))[-1]
    assert 0 < len(notice.error) <= 300
