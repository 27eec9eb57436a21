"""Sync points that are on the board when a run starts: the tables ``[[sync_points]]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from neveridle.evals.expectations import Table

if TYPE_CHECKING:
    from neveridle.board import Board

DAY = 86_400.0


class StartNextPhase(Table):
    """What the lead gets when all are ready."""

    title: str
    description: str = ""
    acceptance: tuple[str, ...] = ()
    needs_change: bool = True


class StartSyncPoint(Table):
    """A sync point on the board when the run starts; tasks name it with ``sync``.

    Attributes:
        participants: who has to check in, mostly by completing the tasks that name it.
        lead: who gets the next phase.
        within: seconds until the deadline.
        policy: what happens then to those who are missing.
        substitutes: with ``substitute``, who takes whose place, by participant.
    """

    name: str
    participants: tuple[str, ...]
    lead: str
    next_phase: StartNextPhase
    description: str = ""
    within: float = Field(default=DAY, gt=0)
    policy: Literal["fail", "go_on", "substitute"] = "fail"
    substitutes: dict[str, str] = Field(default_factory=dict[str, str])


async def put_on_board(board: Board, point: StartSyncPoint) -> None:
    """Put a sync point on the board; the tasks that name it come after it."""
    from neveridle.board import NextPhase, Policy

    await board.sync_points.create(
        point.name,
        participants=point.participants,
        lead=point.lead,
        next_phase=NextPhase(**point.next_phase.model_dump()),
        description=point.description,
        within=point.within,
        policy=Policy(point.policy),
        substitutes=point.substitutes,
    )
