"""Opening a team: its parts, in the order in which they need each other."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack

from neveridle.agents.caps import Caps
from neveridle.agents.checkpoints import Checkpoints
from neveridle.agents.lessons import Lessons
from neveridle.agents.purse import Purse
from neveridle.agents.roster import Roster
from neveridle.agents.worker import ModelWorker
from neveridle.board import Board
from neveridle.errors import NeveridleError, SandboxMissing
from neveridle.graph.alerting import Alert, Alerting
from neveridle.graph.allowances import Allowances, unpriced
from neveridle.graph.build import build_graph
from neveridle.graph.checks import Checks
from neveridle.graph.checkups import Checkups, machine_checks
from neveridle.graph.consolidating import Consolidating
from neveridle.graph.counting import Counting
from neveridle.graph.delivery.forge import make_forge
from neveridle.graph.feeding import Feeding
from neveridle.graph.fencing import Fencing
from neveridle.graph.janitor import Janitor
from neveridle.graph.keeper import Keeper
from neveridle.graph.later import Later
from neveridle.graph.orders import Orders
from neveridle.graph.providers import Providers
from neveridle.graph.sources.improvement_source import Improvement
from neveridle.graph.sources.sources import Sources
from neveridle.graph.sources.tracker import OutsideTracker
from neveridle.graph.sources.trackers import connect_tracker
from neveridle.graph.team import Team
from neveridle.graph.tickets import TicketDesk
from neveridle.graph.tidying import Tidying
from neveridle.graph.unattended import unattended, unused_roles
from neveridle.graph.usher import Usher
from neveridle.graph.wakeups import Wakeups
from neveridle.memory import Memory
from neveridle.memory.embedding import embedder_for
from neveridle.settings import Settings
from neveridle.tools.mcp.servers import McpServers
from neveridle.tools.models import Models
from neveridle.tools.models.prices import Prices
from neveridle.tools.sandbox import make_sandbox
from neveridle.tools.services import ServiceKit, Services, Transports
from neveridle.tools.slack.mirror import Mirror
from neveridle.tools.workspace import Workspaces


async def open_parts(team: Team, stack: AsyncExitStack) -> None:
    """Open everything; what is open already is closed again where the rest fails."""

    settings = team.settings
    team.roster = Roster.load(settings.path(settings.team.souls), settings.agents)
    team.workspaces = Workspaces(settings.repository, settings.home, branch=settings.team.branch)
    await team.workspaces.open()
    team.checks = Checks(settings, team.workspaces)
    team.sandbox, notice = await make_sandbox(settings.sandbox)
    if notice:
        team.notices.append(notice)
    await _check_delivery(team)
    team.board = Board(settings.board_url)
    stack.push_async_callback(team.board.close)
    await team.board.open()
    team.alert = Alert(team.board, settings)
    kit = ServiceKit(
        team.board.breakers, team.board.clock,
        permits=team.board.permits, concurrency=settings.budgets.concurrency,
        transport=team.given_transport or _transports(team, stack),
        environ=_environ(settings),
    )  # fmt: skip
    counting = Counting(team.board, kit.tallies)
    counting.start()
    stack.push_async_callback(counting.stop)
    team.services = Services(settings.services, kit)
    stack.push_async_callback(team.services.aclose)
    team.mcp = McpServers(settings.services.mcp, kit)
    stack.push_async_callback(team.mcp.aclose)
    team.notices += [*team.services.notices, *team.mcp.notices]
    team.verbs.add(*team.services.verbs())
    team.service_tool_makers = team.services.tool_makers()
    team.forge = make_forge(team)
    team.models = Models(
        settings.model, settings.agents, root=settings.root, kit=kit,
        output_tokens=settings.budgets.output_tokens if Caps(settings).any else None,
        seam=team.around.models,
        prices=Prices(settings.prices), replaying=team.replaying,
    )  # fmt: skip
    stack.push_async_callback(team.models.aclose)
    team.purse = Purse(team.board, settings, team.models)
    stack.push_async_callback(team.purse.close)
    embedder = team.given_embedder or embedder_for(settings.memory.embedding)
    team.memory = Memory(
        team.board.memories, home=settings.home, embedder=embedder, settings=settings.memory,
        souls={agent.name: agent.soul.text for agent in team.roster},
    )  # fmt: skip
    team.embedder = embedder
    stack.push_async_callback(team.memory.close)
    team.checkpoints = Checkpoints(settings.home / "checkpoints.db", settings.board_url)
    stack.push_async_callback(team.checkpoints.close)
    team.lessons = Lessons(team.board, team.models, team.purse, team.memory, embedder)
    team.worker = team.given_worker or ModelWorker(
        team.board, team.models, team.checkpoints, team.roster, settings.limits, team.purse,
        idle=settings.idle_timeout, compaction=settings.compaction,
    )  # fmt: skip
    live = {} if team.given_worker else {
        agent: team.models.provider_for("work", agent) for agent in team.roster.names
    }  # fmt: skip
    keys = {one: team.models.credentials_for(one) for one in set(live.values()) if one}
    team.providers = Providers(team.board, live, keys)
    await team.providers.look()
    team.notices += team.providers.notices()
    # Not only the process's id: another host, or container, may have the same one.
    holder = f"{os.getpid()}-{secrets.token_hex(6)}"
    tracker = team.given_tracker or connect_tracker(team)
    outside = tracker if isinstance(tracker, OutsideTracker) else None
    if outside is not None:
        team.verbs.add(*outside.verbs)
    team.tickets = TicketDesk(team, outside)
    team.later = Later(team.board, team.verbs, holder=holder)
    team.sources = Sources(
        team.board, team.workspaces, tracker, team.roster,
        roadmap=settings.team.roadmap, holder=holder, tell=team.note_error,
        full=settings.tracker.full, tickets=settings.tracker.roadmap_tickets,
    )  # fmt: skip
    team.improvement = Improvement(
        team.board, team.workspaces, team.sandbox, team.sources, team.roster, settings,
        holder=holder,
    )  # fmt: skip
    delivery = settings.delivery
    team.janitor = Janitor(
        team.board, team.workspaces, team.checkpoints,
        prefix=delivery.branch_prefix, merges=delivery.mode != "branch",
    )  # fmt: skip
    team.allowances = Allowances(team.board, team.purse.caps, team.roster.names)
    await team.allowances.look()
    team.notices += team.allowances.notices() + unpriced(team)
    team.wakeups = Wakeups(team.board)
    stack.push_async_callback(team.wakeups.stop)
    team.orders = Orders(team.board)
    await team.orders.begin(await team.board.clock.now(), mine=[])
    team.usher = Usher(
        team.board, team.wakeups, team.roster, team.providers, team.orders, team.allowances
    )
    team.fencing = Fencing(team.board.clock, settings.leases.lease)
    team.keeper = Keeper(
        team.board, team.desk, team.wakeups, settings.leases,
        attempts=settings.limits.attempts * 3,
    )  # fmt: skip
    stack.push_async_callback(team.end_runs)
    team.graph = build_graph(team)
    await team.keeper.sweep()
    try:
        await team.janitor.sweep()
        await team.improvement.tidy()
    except (NeveridleError, OSError) as error:  # it gets another chance next time
        await team.note_error(error, "janitor")
    await team.sources.refresh()
    team.notices += await unattended(team.board, team.roster)
    team.notices += unused_roles(settings, team.roster)
    await team.wakeups.look()
    team.keeper.start()
    stack.push_async_callback(team.keeper.stop)
    if outside is not None:
        team.keeper.before.append(team.tickets.watch)
        team.later.looks.append(team.tickets.make_for_roadmap)
        team.later.start()
        stack.push_async_callback(team.later.stop)
    tidying = Tidying(
        team.board, team.janitor, settings.retention, holder=holder, memories=settings.memory.limit
    )
    tidying.start(tell=team.note_error)
    stack.push_async_callback(tidying.stop)
    alerting = Alerting(team.board, settings, team.alert, holder=holder)
    alerting.start(tell=team.note_error)
    stack.push_async_callback(alerting.stop)
    team.consolidating = Consolidating(team.board, team.embedder, settings.memory, holder=holder)
    if settings.memory.enabled:
        team.consolidating.start(team.roster.names, tell=team.note_error)
        stack.push_async_callback(team.consolidating.stop)
        feeding = Feeding(team.memory, team.board.clock)
        feeding.start(tell=team.note_error)
        stack.push_async_callback(feeding.stop)
    checkups = Checkups(
        team.board, settings, team.services, team.mcp, checks=machine_checks(), holder=holder
    )
    checkups.start(tell=team.note_error)
    stack.push_async_callback(checkups.stop)
    slack = settings.services.slack
    if slack is not None and slack.mirror and team.services.slack is not None:
        mirror = Mirror(team.board, team.services.slack, holder=holder)
        mirror.start(tell=team.note_error)
        stack.push_async_callback(mirror.stop)


def _environ(settings: Settings) -> Mapping[str, str]:
    if not settings.services.replay:
        return os.environ
    from neveridle.tools.services.unneeded import replayed_environ

    return replayed_environ(settings.services, os.environ)


def _transports(team: Team, stack: AsyncExitStack) -> Transports | None:
    """What services' requests are sent by, where they are recorded or replayed."""
    settings = team.settings
    if not (settings.services.record or settings.services.replay):
        return None
    from neveridle.tools.recording.http_seam import HttpSeam

    seam = HttpSeam.of(settings.services, root=settings.root, now=team.board.clock.now)
    stack.callback(seam.close)
    return seam.transport


async def _check_delivery(team: Team) -> None:
    delivery = team.settings.delivery
    if delivery.mode == "merge" and not team.sandbox.confines:
        if not delivery.unsandboxed_merge:
            msg = "delivery.mode is merge, and commands cannot be confined on this machine."
            raise SandboxMissing(
                msg,
                remedy='Install bubblewrap, use mode = "branch", or accept it with '
                "unsandboxed_merge = true in [delivery].",
            )
        team.notices.append("Work is merged though commands are not confined.")
    if delivery.mode == "merge":
        dirty = await team.workspaces.dirty_files()
        if dirty:
            team.notices.append(
                f"Uncommitted changes in {', '.join(dirty[:5])}: work that is done will wait "
                "for you to commit or stash them."
            )
