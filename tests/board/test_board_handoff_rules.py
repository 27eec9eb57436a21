"""What is no handoff is refused with a reason, and changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.board import Board, Claim, HandoffDocument, Source, Task
from neveridle.errors import HandoffRefused, LeaseLost, StateConflict

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]
Contents = Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]

DOCUMENT = HandoffDocument(summary="s", action="a")
WORDS = st.text(min_size=1).filter(lambda text: bool(text.strip()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"summary": " \n"}, "no summary"),
        ({"summary": "x" * 8001}, "summary has 8001 characters; 8000 are allowed"),
        ({"action": ""}, "no action"),
        ({"action": "x" * 1001}, "action has 1001 characters"),
        ({"decisions": ("fine", " ")}, "an empty entry among its decisions"),
        ({"open_questions": ("x" * 2001,)}, "among its open questions has 2001"),
        ({"acceptance_criteria": ("x",) * 51}, "51 acceptance criteria; 50 are allowed"),
        ({"blockers": ("x",) * 51}, "51 blockers"),
        ({"files_changed": ("x",) * 501}, "501 files changed; 500"),
        ({"artifacts": {"log": "x" * 2000}}, "among its artifacts has 2005"),
    ],
)
async def test_a_document_nobody_could_go_on_from_is_refused(
    board: Board, add: Add, take: Take, contents: Contents, change: dict[str, Any], says: str
) -> None:
    task = await add()
    claim = await take()
    before = await contents()
    document = dataclasses.replace(DOCUMENT, **change)
    with pytest.raises(StateConflict) as error:
        await board.handoffs.give(claim.attempt, to="leo", document=document, verified=True)
    assert says in error.value.message
    assert error.value.remedy
    with pytest.raises(StateConflict):
        await board.handoffs.give_by_hand(task.id, sender="max", to="leo", document=document)
    assert await contents() == before


@pytest.mark.parametrize(("to", "says"), [(" ", "no receiver"), (" SAM ", "to itself")])
async def test_a_receiver_must_be_somebody_else(
    board: Board, add: Add, take: Take, contents: Contents, to: str, says: str
) -> None:
    await add()
    claim = await take()
    before = await contents()
    with pytest.raises(StateConflict, match=says):
        await board.handoffs.give(claim.attempt, to=to, document=DOCUMENT, verified=True)
    with pytest.raises(StateConflict, match=says):
        await board.handoffs.give_by_hand(1, sender="sam", to=to, document=DOCUMENT)
    assert await contents() == before


async def test_a_stale_attempt_hands_nothing_over(
    board: Board, add: Add, take: Take, contents: Contents
) -> None:
    await add()
    stale = (await take(lease=10.0)).attempt
    await board.clock.advance(10)
    await board.sweep()
    await take("leo", run="run-2")
    before = await contents()
    learning: dict[str, Any] = {
        "agent": "sam", "kind": "learning", "text": "t", "tags": [], "source": "",
        "trusted": False, "importance": 0.1,
    }  # fmt: skip
    with pytest.raises(LeaseLost):
        await board.handoffs.give(
            stale, to="quinn", document=DOCUMENT, verified=True, learning=learning
        )
    # Who does not own the task is told that first, whatever else is wrong.
    with pytest.raises(LeaseLost):
        await board.handoffs.give(
            stale, to="sam", document=HandoffDocument(summary="", action=""), verified=True
        )
    assert await contents() == before


async def test_a_ring_of_handoffs_is_bounded(
    board: Board, add: Add, take: Take, contents: Contents
) -> None:
    await add()
    claim = await take()
    names = ["leo", "sam"] * 5
    for at, to in enumerate(names):  # each with work that passed, as between author and reviewer
        document = dataclasses.replace(DOCUMENT, commit=f"c{at}", files_changed=("a.py",))
        await board.handoffs.give(claim.attempt, to=to, document=document, verified=True)
        claim = await take(to, run=f"run of {to}", source=Source.DISPATCH)
    before = await contents()
    with pytest.raises(HandoffRefused) as error:
        await board.handoffs.give(claim.attempt, to="leo", document=DOCUMENT, verified=True)
    assert f"10 times already, to {' → '.join(names)}." in error.value.message
    assert await contents() == before
    # A person may still pass it on; and finishing it finishes all of it.
    await board.attempts.block(claim.attempt, owner="human", action="decide")
    given = await board.handoffs.give_by_hand(
        claim.task.id, sender="human", to="quinn", document=DOCUMENT
    )
    last = await take("quinn", run="run-3", source=Source.DISPATCH)
    assert last.task.id == given.dispatch_id
    await board.attempts.complete(last.attempt)
    assert {task.state for task in await board.tasks.find()} == {"completed"}


async def test_whom_it_is_given_to_need_not_have_the_tasks_skills(
    board: Board, add: Add, take: Take
) -> None:
    """Skills say who may take what is addressed to nobody; a handoff says who does."""
    await add(skills=("python",))
    claim = await take(skills=["python"])
    handoff = await board.handoffs.give(claim.attempt, to=" Leo", document=DOCUMENT, verified=True)
    assert handoff.receiver == "leo"
    received = await take("leo", run="run-2", source=Source.DISPATCH, skills=["html"])
    assert (received.task.id, received.task.skills) == (handoff.dispatch_id, ())


async def test_a_long_action_makes_a_title_of_one_line(board: Board, add: Add, take: Take) -> None:
    await add(ticket="AGT-1")
    action = f"Build it\n# and {'more ' * 150}".strip()
    document = dataclasses.replace(DOCUMENT, action=action)
    handoff = await board.handoffs.give(
        (await take()).attempt, to="leo", document=document, verified=True
    )
    assert (handoff.document.action, handoff.ticket) == (action, "AGT-1")
    title = (await board.tasks.get(handoff.dispatch_id)).title
    assert title.startswith("Continue: Build it # and more")
    assert (len(title), title[-1]) == (200, "…")
    (message,) = await board.messages.latest("dev")
    assert "\n" not in message.content
    assert (await board.handoffs.latest())[0] == await board.handoffs.get(handoff.id) == handoff


@given(
    st.builds(
        HandoffDocument,
        summary=WORDS, action=WORDS, branch=st.text(), commit=st.text(),
        files_changed=st.lists(WORDS, max_size=3).map(tuple),
        decisions=st.lists(WORDS, max_size=3).map(tuple),
        open_questions=st.lists(WORDS, max_size=3).map(tuple),
        acceptance_criteria=st.lists(WORDS, max_size=3).map(tuple),
        blockers=st.lists(WORDS, max_size=3).map(tuple),
        artifacts=st.dictionaries(st.text(min_size=1), st.text(), max_size=3),
    )
)  # fmt: skip
def test_a_document_that_is_right_comes_back_as_it_was(document: HandoffDocument) -> None:
    document.check()
    assert HandoffDocument.from_dict(document.as_dict()) == document
