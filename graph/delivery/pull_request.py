"""Delivering work as a pull request: push, open, look, and do what is next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from neveridle.board import Phase
from neveridle.errors import (
    EffectRefused,
    ErrorCategory,
    RateLimited,
    RepositoryUnusable,
    ServiceError,
    ServiceUnavailable,
    StateConflict,
)
from neveridle.graph.delivery import decision
from neveridle.graph.delivery.chains import attempts_of_chain, markers_of
from neveridle.graph.delivery.decision import Rules, decide, wait
from neveridle.graph.delivery.facts import Facts
from neveridle.graph.delivery.forge import look
from neveridle.graph.delivery.rounds import ROUND
from neveridle.graph.delivery.standing import Standing, standing_of, waits_on
from neveridle.graph.delivery.taking_in import HEAD
from neveridle.graph.delivery.updating import take_in
from neveridle.graph.delivery.words import answer_of, asked_for, body_of, title_of
from neveridle.graph.gates import ask_to_merge
from neveridle.graph.nodes.chain import origin
from neveridle.graph.nodes.clones import open_workspace
from neveridle.graph.nodes.reflect import close_job
from neveridle.tools.effects import Performer
from neveridle.tools.github.targets import name_of

if TYPE_CHECKING:
    from neveridle.graph.delivery.forge import Forge
    from neveridle.graph.desk import Job
    from neveridle.graph.state import TickState
    from neveridle.graph.team import Team
    from neveridle.tools.effects import Verb

TURNS = 6
"""Steps taken at one look; then it is looked at again later."""
GITHUB = "github"


class PullRequestDelivery:
    """One look at one task's pull request, beginning with making it.

    Each step is written down before the next, and each write to the outside is an effect:
    whoever goes on after a kill does nothing twice.

    Args:
        team: the team.
        job: the job, whose work was verified.
        forge: where the pull request is made.
    """

    def __init__(self, team: Team, job: Job, forge: Forge) -> None:
        self._team = team
        self._job = job
        self._forge = forge
        self._perform = Performer(team.board, job.attempt, lambda: team.fencing.outside(job))
        self._standing = Standing()
        settings, agent = team.settings, job.attempt.agent
        github = settings.services.github
        mergers = github.mergers if github is not None else []
        delivery = settings.delivery
        self._rules = Rules(
            rounds=delivery.rounds,
            approvals=delivery.approvals,
            may_merge=delivery.pull_request_merge or agent in mergers,
            look=delivery.look,
            longest=delivery.look_longest,
        )

    async def run(self) -> TickState:
        """Go on until there is something to wait for, or the end.

        Raises:
            LeaseLost: the task has another owner.
            NeveridleError: what ``recover`` answers.
        """
        job = self._job
        standing = standing_of(await attempts_of_chain(self._team, job.task))
        self._standing = replace(standing, branch=standing.branch or job.attempt.branch)
        if not self._standing.number and await self._nothing():
            return await self._delivered()
        try:
            return await self._turns()
        except (ServiceUnavailable, RateLimited):
            raise  # the board knows until when: recover routes around it
        except ServiceError as error:
            looking = self._standing.number and self._standing.commit == job.attempt.commit
            if not looking or error.category is not ErrorCategory.TRANSIENT:
                raise
            step = wait(self._standing, self._rules, decision.For.SERVICE, error.message)
            longer = replace(step, seconds=max(step.seconds, error.wait or 0.0))
            await self._keep(looks=self._standing.looks + 1)
            return await self._park(longer)

    async def _turns(self) -> TickState:
        step: decision.Step = wait(self._standing, self._rules, decision.For.SERVICE, "")
        for _ in range(TURNS):
            refused = await self._publish()
            if refused and not self._standing.commit:
                raise self._taken(refused)
            if refused:
                step = decision.TakeIn(HEAD)
                seen = Facts(number=self._standing.number, head="")
            else:
                await self._open()
                await self._answer()
                seen = await self._look()
                step = decide(seen, self._standing, self._rules)
                await self._keep(self._standing.looked(seen))
            done = await self._take(step, seen)
            if done is not None:
                return done
        return await self._park(wait(self._standing, self._rules, decision.For.SERVICE, ""))

    async def _take(self, step: decision.Step, seen: Facts) -> TickState | None:
        """Do a step; None: there may be another one at once."""
        match step:
            case decision.Merged():
                await self._say_once("pull_request.merged", commit=seen.merge_commit)
                return await self._delivered()
            case decision.Closed():
                return await self._closed()
            case decision.GiveUp(why):
                return await self._give_up(why)
            case decision.Feed():
                return await self._feed(step, seen)
            case decision.TakeIn(what):
                return await self._take_in(what, seen)
            case decision.Merge(commit):
                return await self._merge(commit)
            case decision.Wait():
                return await self._park(step)

    # Making it.

    async def _nothing(self) -> bool:
        """Whether there is nothing to deliver: the target branch holds the work already."""
        base = await self._forge.remote.fetch()
        return await self._forge.remote.contains(base, self._job.attempt.commit)

    async def _publish(self) -> str:
        """Push the work; why it was refused, empty: it was not."""
        job, commit = self._job, self._job.attempt.commit
        if self._standing.commit == commit:
            return ""
        await self._forge.remote.url()  # there is one, or a person has to act first
        await self._team.tickets.still_ours(job)
        workspace = await open_workspace(self._team, job)
        try:
            async with self._team.fencing.outside(job):
                await self._team.board.attempts.check(job.attempt)
                await workspace.publish_branch()
        except StateConflict as error:
            remedy = f"{error.remedy} Then `neveridle tasks retry {job.task.id}`.".lstrip()
            raise RepositoryUnusable(error.message, remedy=remedy) from error
        branch = self._standing.branch
        try:
            await self._perform.once(self._forge.push, branch, {"commit": commit})
        except EffectRefused as refused:
            return refused.message
        now = await self._team.board.clock.now()
        await self._keep(self._standing.pushed(commit, now))
        await self._tell("pull_request.pushed", branch=branch, commit=commit)
        return ""

    async def _open(self) -> None:
        if self._standing.number:
            return
        job, base = self._job, self._forge.remote.base
        first = await origin(self._team, job.task)
        request = {
            "title": title_of(first),
            "base": base,
            "body": body_of(first, job.attempt, agent=job.attempt.agent),
        }
        try:
            done = await self._perform.once(
                self._verb("open_pull_request"), self._standing.branch, request
            )
        except EffectRefused as refused:  # no work of an agent's would change that
            again = f"`neveridle tasks retry {job.task.id}`"
            remedy = f"See that {base} is a branch there which takes pull requests; then {again}."
            raise RepositoryUnusable(refused.message, remedy=remedy) from refused
        number, url = int(done.result["number"]), str(done.result.get("url", ""))
        await self._team.tickets.say(job, "review")
        await self._say_once("pull_request.opened", number=number, url=url)
        await self._keep(number=number, url=url)

    async def _answer(self) -> None:
        """Say once what a round did."""
        if not self._standing.asked:
            return
        round_ = self._standing.rounds
        body = answer_of(self._job.attempt, number=round_, asked=self._standing.asked)
        try:
            await self._perform.once(
                self._verb("comment"), name_of(self._standing.number), {"body": body},
                occasion=f"round {round_}",
            )  # fmt: skip
        except EffectRefused as refused:  # such as where it is locked: the work stands without
            await self._team.note_error(refused, "pull request comment")
        await self._team.tickets.say(self._job, "review")
        await self._keep(self._standing.answered())

    # Looking at it.

    async def _look(self) -> Facts:
        markers = await markers_of(self._team, self._job.task)
        now = await self._team.board.clock.now()
        return await look(self._forge, self._standing, markers=markers, now=now)

    async def _park(self, step: decision.Wait) -> TickState:
        job, team = self._job, self._team
        number = self._standing.number
        until = await team.board.clock.now() + step.seconds
        if not self._standing.looks:  # else it was said when it began
            await self._tell("pull_request.waits", number=number, on=str(step.on), why=step.why)
        await team.board.attempts.park(job.attempt, on=waits_on(number), until=until)
        team.desk.drop(job.attempt.task_id, job.attempt.fence)
        return {"ending": "parked", "problem": None}

    # What comes of it.

    async def _delivered(self) -> TickState:
        self._team.sources.stale = True
        job = self._job
        await self._team.tickets.say(job, "done")
        job.attempt = await self._team.board.attempts.record(job.attempt, phase=Phase.DELIVERED)
        return {"phase": str(Phase.DELIVERED)}

    async def _closed(self) -> TickState:
        """A person does not want it: the task is over, its branch stays."""
        job, team = self._job, self._team
        await self._say_once("pull_request.closed")
        await team.board.attempts.check(job.attempt)
        number = self._standing.number
        reason = (
            f"pull request #{number} was closed without being merged; its branch "
            f"{self._standing.branch} is left. If it is wanted after all, reopen it, then "
            f"`neveridle tasks retry {job.task.id}`"
        )
        team.desk.drop(job.attempt.task_id, job.attempt.fence)
        await team.board.tasks.cancel(job.task.id, reason=reason)
        await team.board.messages.post("dev", job.attempt.agent, f"Task {job.task.id}: {reason}")
        await team.janitor.clear(job.task.id)
        return {"ending": "lost", "problem": None}

    async def _give_up(self, why: str) -> TickState:
        job, team = self._job, self._team
        await self._keep(self._standing.forgiven())
        url = self._standing.url or f"#{self._standing.number}"
        action = f"look at {url}: {why} Then `neveridle tasks retry {job.task.id}`."
        await team.board.attempts.block(job.attempt, owner="human", action=action)
        await team.board.messages.post(
            "dev", job.attempt.agent, f"Task {job.task.id} is blocked: @human, please {action}"
        )
        team.desk.drop(job.attempt.task_id, job.attempt.fence)
        return {"ending": "blocked", "problem": None}

    async def _feed(
        self, feed: decision.Feed, seen: Facts, *, wrong: str = "", take: str = ""
    ) -> TickState:
        """End the attempt; the task's next one gets what was found, on the same branch."""
        job, team, standing = self._job, self._team, self._standing
        report = ""
        if feed.checks:
            checks = self._forge.github.checks
            report = await checks.report(await checks.of(seen.head))
        asked = asked_for(standing.number, standing.url, feed, report, conflicts=wrong)
        again = standing.fed_with(seen, asked, take=take)
        names = [one.name for one in seen.failed]
        found = {
            "failed checks": names, "reviews": [one.author for one in feed.reviews],
            "comments": [one.author for one in feed.comments], "conflicts": [take] if wrong else [],
        }  # fmt: skip
        said = "; ".join(f"{name}: {', '.join(ones)}" for name, ones in found.items() if ones)
        await team.board.attempts.fail(
            job.attempt, code=ROUND, error=f"Pull request #{standing.number} needs work: {said}",
            limit=team.settings.limits.attempts, retry_in=0.0,
            evidence=again.as_evidence(job.attempt.evidence),
        )  # fmt: skip
        await self._tell(
            "pull_request.round", number=standing.number, round=again.rounds, said=said[:500]
        )
        await close_job(team, job, keep=True)
        team.wakeups.nudge()
        return {"ending": "parked", "problem": None}

    async def _take_in(self, what: str, seen: Facts) -> TickState | None:
        job = self._job
        taken = await take_in(self._team, job, self._forge, self._standing, what)
        if taken.rewritten:
            return await self._give_up(
                f"somebody took our commits off its branch {self._standing.branch}, so it is left "
                "to you: finish it there, or put them back."
            )
        if taken.wrong:
            if self._standing.rounds >= self._rules.rounds:
                return await self._give_up(f"After {self._standing.rounds} rounds: {taken.wrong}")
            return await self._feed(decision.Feed(), seen, wrong=taken.wrong, take=what)
        if not taken.commit:
            why = "the service has not seen yet what was merged in"
            return await self._park(wait(self._standing, self._rules, decision.For.SERVICE, why))
        await self._keep(merged_in=taken.commit)
        return None

    async def _merge(self, commit: str) -> TickState | None:
        again = await self._team.board.clock.now() + self._rules.longest
        where = f"pull request #{self._standing.number}"
        asked = await ask_to_merge(self._team, self._job, commit, where=where, until=again)
        if asked is not None:
            return asked
        style = self._team.settings.delivery.merge_style
        request = {"sha": commit, "method": "merge" if style == "commit" else "rebase"}
        try:
            await self._perform.once(self._verb("merge"), name_of(self._standing.number), request)
        except EffectRefused as refused:
            return await self._park(
                wait(self._standing, self._rules, decision.For.PERSON, refused.message[:300])
            )
        return None

    def _taken(self, refused: str) -> RepositoryUnusable:
        """A branch of this name is there, from which nothing of this task was ever pushed."""
        branch, again = self._standing.branch, f"`neveridle tasks retry {self._job.task.id}`"
        remedy = f"Rename or delete {branch} on {self._forge.remote.name!r}; then {again}."
        return RepositoryUnusable(refused, remedy=remedy)

    # What is written down.

    async def _keep(self, standing: Standing | None = None, **changed: Any) -> None:
        job = self._job
        now = replace(standing or self._standing, **changed)
        if now == self._standing and (job.attempt.evidence or {}).get("pull_request"):
            return
        self._standing = now
        evidence = now.as_evidence(job.attempt.evidence)
        job.attempt = await self._team.board.attempts.record(job.attempt, evidence=evidence)

    async def _say_once(self, kind: str, **data: Any) -> None:
        """Say it unless it was said: whoever did it may have died before saying so."""
        number = data.setdefault("number", self._standing.number)
        await self._team.board.attempts.check(self._job.attempt)
        said = await self._team.board.events.find(kind=kind, task=self._job.task.id)
        if not any(event.data.get("number") == number for event in said):
            more = {"url": self._standing.url, "branch": self._standing.branch, **data}
            await self._tell(kind, **more)

    async def _tell(self, kind: str, **data: Any) -> None:
        attempt = self._job.attempt
        await self._team.board.events.append(
            kind, data, agent=attempt.agent, run=attempt.run, task=attempt.task_id,
            fence=attempt.fence,
        )  # fmt: skip

    def _verb(self, name: str) -> Verb:
        found = self._team.verbs.find(GITHUB, name)
        if found is None:
            msg = f"Nobody in this team knows how to {GITHUB}.{name}."
            raise RepositoryUnusable(msg, remedy="Set [services.github], with its token.")
        return found
