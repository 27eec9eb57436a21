"""Health: what a check is, what it finds, and how many of them are run at once.

Each part of neveridle says in its own module ``health`` what can be checked of it, as a
tuple ``CHECKS``; ``neveridle doctor`` runs them all. A check changes nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from neveridle.errors import NeveridleError

if TYPE_CHECKING:
    from neveridle.settings import Settings

T = TypeVar("T")


class Grade(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found.

    Attributes:
        about: what it is about, in a word or two.
        grade: ok; a warning, which a team can run with; or a problem.
        message: one sentence.
        remedy: what to do about it; empty where there is nothing to do.
        facts: numbers behind it, for programs.
    """

    about: str
    grade: Grade = Grade.OK
    message: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return {
            "about": self.about, "grade": str(self.grade), "message": self.message,
            "remedy": self.remedy, "facts": dict(self.facts),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: what it looks at.
        look: looks, and says what it found; an error of ours that it raises is a problem.
        seconds: real seconds it may take.
    """

    name: str
    look: Callable[[Settings], Awaitable[Sequence[Finding]]]
    seconds: float = 10.0


async def examine(checks: Sequence[Check], settings: Settings) -> list[Finding]:
    """Run all checks at once; what they found, in the order of the checks.

    Messages may quote what was configured: redact them before they are shown.
    """
    found = await asyncio.gather(*(_one(check, settings) for check in checks))
    return [one for several in found for one in several]


async def _one(check: Check, settings: Settings) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(check.seconds):
            return await check.look(settings)
    except TimeoutError:
        msg = f"There was no answer within {check.seconds:.0f} seconds."
        remedy = "Look at what it depends on: a disk, a network, a server that hangs."
        return [Finding(about=check.name, grade=Grade.PROBLEM, message=msg, remedy=remedy)]
    except NeveridleError as error:
        return [problem(check.name, error)]
    except Exception as error:  # noqa: BLE001 - one broken check must not hide what the others found
        msg = f"It could not be checked: {type(error).__name__}: {error}"[:500]
        return [Finding(about=check.name, grade=Grade.PROBLEM, message=msg)]


def problem(about: str, error: NeveridleError) -> Finding:
    """An error of ours as a finding."""
    return Finding(
        about=about, grade=Grade.PROBLEM, message=error.message, remedy=error.remedy,
        facts={"code": error.code},
    )  # fmt: skip


async def in_thread(work: Callable[[], T]) -> T:
    """``work``'s result, from a thread that nobody waits for when it hangs, as on a dead disk."""
    loop = asyncio.get_running_loop()
    if getattr(loop, "inline", False):  # in simulated time a thread would end at no time at all
        return work()
    answer: asyncio.Future[T] = loop.create_future()

    def give(result: T | None, error: BaseException | None) -> None:
        if answer.done():  # nobody waits any more
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]  # no error: it is a T

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            failed = error
        try:
            loop.call_soon_threadsafe(give, result, failed)
        except RuntimeError:  # the loop is closed: it took too long
            return

    threading.Thread(target=run, name="neveridle-check", daemon=True).start()
    return await answer
