"""Expectations of the log, of measures, of people and of faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from neveridle.board.inbox_item import Item
from neveridle.evals.expectations import Amount, Expectations, ExpectedItem
from neveridle.evals.measures import measures_of
from neveridle.evals.play import Played
from neveridle.evals.result import ScoreLine
from neveridle.evals.scorers.amounts import counted, within, worded
from neveridle.evals.scorers.scorer import line
from neveridle.evals.scorers.stored import messages

ESCALATIONS = ("task.escalated", "team.escalated")
"""Kinds of events that tell of an escalation."""


def log(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    """Events and branches."""
    kinds = Counter(one.kind for one in played.events)
    for kind, wanted in expect.events.items():
        yield counted(f"events {kind}", kinds[kind], wanted)
    if expect.merged is not None:
        yield counted("merged", kinds["branch.merged"], expect.merged)
    if expect.idle_model_calls is not None:
        calls = played.report.idle_model_calls
        yield counted("calls while idle", calls, expect.idle_model_calls)


def measured(
    played: Played, expect: Expectations, added: Mapping[str, float]
) -> Iterator[ScoreLine]:
    """Measures.

    Args:
        played: what came of the run.
        expect: what they should be.
        added: those that scorers added.
    """
    if not expect.measures:
        return
    seen = {**measures_of(played), **added}
    for name, wanted in expect.measures.items():
        if name in seen:
            yield counted(f"measure {name}", seen[name], wanted)
        else:
            yield line(f"measure {name}", False, "nothing counts it")


def people(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    """What people were asked and told, and what was escalated."""
    if expect.inbox_items is not None:
        yield counted("items in the inbox", len(played.inbox), expect.inbox_items)
    for wanted in expect.inbox:
        found = [one for one in played.inbox if _fits(played, one, wanted)]
        others = [f"{one.kind} {one.state} {one.level}: {one.title}" for one in played.inbox]
        yield _like("in the inbox", wanted.model_dump(exclude_defaults=True), len(found),
                    wanted.count, others)  # fmt: skip
    raised = [one for one in played.events if one.kind in ESCALATIONS]
    for want in expect.escalations:
        like = [
            one for one in raised
            if (want.level is None or one.data.get("level") == want.level)
            and (not want.code or one.data.get("code") == want.code)
            and (not want.to or one.data.get("to") == want.to)
            and (not want.task or played.titles.get(one.task_id or 0) == want.task)
        ]  # fmt: skip
        others = [
            f"{one.data.get('level')} {one.data.get('code')} to {one.data.get('to')}"
            for one in raised
        ]
        yield _like("escalated", want.model_dump(exclude_defaults=True), len(like),
                    want.count, others)  # fmt: skip


def other(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    """Faults that are named, and messages between agents."""
    for text in expect.faults:
        happened = any(text in one for one in played.faults)
        yield line(f"fault {text}", happened, f"happened: {played.faults or 'none'}")
    if expect.messages_contain:
        said = messages(played)
        for text in expect.messages_contain:
            found = any(text in one for one in said)
            yield line(f"message {text}", found, f"in {len(said)} messages")


def _fits(played: Played, item: Item, wanted: ExpectedItem) -> bool:
    return (
        (wanted.kind is None or item.kind == wanted.kind)
        and (wanted.state is None or item.state == wanted.state)
        and (wanted.level is None or item.level == wanted.level)
        and (not wanted.task or played.titles.get(item.task or 0) == wanted.task)
        and wanted.contains in f"{item.title}\n{item.body}"
    )


def _like(
    what: str, wanted: dict[str, object], seen: int, count: Amount | None, others: list[str]
) -> ScoreLine:
    wanted.pop("count", None)
    name = f"{what}: " + (", ".join(f"{key} {value}" for key, value in wanted.items()) or "any")
    good = seen > 0 if count is None else within(seen, count)
    said = f"expected {'at least 1' if count is None else worded(count)}, saw {seen}"
    return line(name, good, said if good else f"{said}; there were {others[:10] or 'none'}")
