"""Replaying a recorded conversation with compaction, and what of its needs was at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neveridle.evals.compaction.checks import misordered, summaries, unpaired
from neveridle.evals.compaction.needs import Need, needs_of
from neveridle.evals.compaction.recorded import Recorded
from neveridle.memory.compaction.counting import Tally, message_tokens
from neveridle.memory.compaction.extract import extract
from neveridle.memory.compaction.history import Folded
from neveridle.memory.compaction.identifiers import holds
from neveridle.memory.compaction.plan import finish, plan, room_for_messages, split
from neveridle.memory.compaction.searching import Searcher
from neveridle.memory.compaction.summary import HEADING
from neveridle.memory.compaction.text import content_text, message_text

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage


@dataclass(slots=True)
class Replayed:
    """What was counted in replays.

    Attributes:
        compactions: how often was folded.
        violations: by what does not hold, how often.
        kept: compactions after which all of the last messages stayed as they were.
        needed: identifiers that calls needed and that stood in what was folded.
        in_context: of these, those still in the conversation.
        reachable: those in it, or in what one search shows.
        missing: some of those that were neither.
        tokens: of the conversations before and after compactions.
    """

    compactions: int = 0
    violations: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("unpaired", "role_order", "system_prompt", "last_messages", "budget", "summaries"), 0
        )
    )
    kept: int = 0
    needed: int = 0
    in_context: int = 0
    reachable: int = 0
    missing: list[str] = field(default_factory=list[str])
    tokens: list[int] = field(default_factory=lambda: [0, 0])


def replay(recorded: Recorded, budget: int, keep: int, into: Replayed) -> bool:
    """Let a conversation grow message by message, folding it before each answer where needed.

    Args:
        recorded: the conversation.
        budget: tokens that it may have besides its system messages.
        keep: how many messages are to stay as they are.
        into: what is counted; added to.

    Returns:
        Whether anything was folded.
    """
    tally = Tally()
    now: list[BaseMessage] = []
    history: dict[int, Folded] = {}
    compactions = into.compactions
    for at, message in enumerate(recorded.messages):
        if message.type == "ai":
            if tally.total(now) > budget:
                now = _compact(recorded, at, now, budget, keep, history, into)
            if history:
                _look_up(message, now, history, into)
        now.append(message)
    return into.compactions > compactions


def _compact(
    recorded: Recorded,
    at: int,
    now: list[BaseMessage],
    budget: int,
    keep: int,
    history: dict[int, Folded],
    into: Replayed,
) -> list[BaseMessage]:
    system = [message.content for message in recorded.system]
    planned = plan(now, budget, keep=keep)
    history.update((one.number, one) for one in planned.store if one.number not in history)
    short = finish(planned, extract(planned.fold, planned.before.sections))
    size = sum(map(message_tokens, short))
    into.compactions += 1
    into.tokens[0] += sum(map(message_tokens, now))
    into.tokens[1] += size
    wrong = into.violations
    wrong["unpaired"] += unpaired(short) > 0
    wrong["role_order"] += misordered(short, recorded.messages) > 0
    wrong["system_prompt"] += system != [message.content for message in recorded.system]
    wrong["budget"] += size > budget
    wrong["summaries"] += summaries(short, HEADING) != 1
    # Those that fit beside a summary must have stayed, all of them and unchanged.
    old = now[1:] if now[0] is recorded.messages[0] else split(now)[1]
    last = old[-keep:]
    same = len(short) > len(last) and all(
        one is other for one, other in zip(short[-len(last) :], last, strict=True)
    )
    into.kept += same
    group = _group_start(old, len(old) - len(last))
    fits = sum(map(message_tokens, old[group:])) <= room_for_messages(budget)
    wrong["last_messages"] += fits and not same
    return short


def _group_start(messages: Sequence[BaseMessage], at: int) -> int:
    """Where the group begins that a message belongs to: its call, if it is a result."""
    while at > 0 and messages[at].type == "tool":
        at -= 1
    return at


def _look_up(
    message: BaseMessage,
    now: Sequence[BaseMessage],
    history: dict[int, Folded],
    into: Replayed,
) -> None:
    context = "\n".join(map(message_text, now))
    folded = [history[number] for number in sorted(history)]
    needs = [
        need for need in needs_of(message) if any(holds(one.text, need.value) for one in folded)
    ]
    at_hand = [need.value for need in needs if holds(context, need.value)]
    into.needed += len(needs)
    into.in_context += len(at_hand)
    into.reachable += len(at_hand)
    missing = [need for need in needs if need.value not in at_hand]
    searcher = Searcher(folded) if missing else None
    for need in missing:
        found = searcher.search(_query(need, now, at_hand)) if searcher is not None else ""
        if holds(found, need.value):
            into.reachable += 1
        elif len(into.missing) < 20:
            into.missing.append(f"{need.tool}({need.label}={need.value})")


def _query(need: Need, now: Sequence[BaseMessage], at_hand: Sequence[str]) -> str:
    """What an assistant would ask for that lacks an argument: never the value itself.

    The tool it is about to call, the argument's name, the other arguments where it has them,
    and what was said last, all of which it sees.
    """
    said = [
        content_text(one.content)[:200]
        for one in now[1:]
        if one.type in {"human", "ai"} and content_text(one.content).strip()
    ]
    words = f"{need.tool} {need.label} {need.label} {' '.join(at_hand)} {' '.join(said[-4:])}"
    return words.replace(need.value, " ")
