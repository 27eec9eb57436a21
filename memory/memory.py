"""Memory: what agents remember, and how they recall it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from neveridle.board.selection import Selection
from neveridle.memory.embedding import Embedder
from neveridle.memory.exchange import Exchange, Imported, Progress
from neveridle.memory.explaining import Explainer, Explanation
from neveridle.memory.files import reading, replacing
from neveridle.memory.hit import Hit
from neveridle.memory.indexing import feeder_of, signer
from neveridle.memory.library import Library, Mode
from neveridle.memory.note import Note, Turn
from neveridle.memory.recaller import Recaller
from neveridle.memory.scope import Scope
from neveridle.memory.souls import Souls
from neveridle.memory.store import MemoryStore
from neveridle.memory.writer import Writer

if TYPE_CHECKING:
    from neveridle.board.memory_row import Origin, Visibility
    from neveridle.memory.index.feeder import Progress as IndexProgress
    from neveridle.settings import MemorySettings

DEFAULT_LAYERS: Final = ("short", "long")
FORGOTTEN_AT_ONCE: Final = 1_000


class Memory:
    """Rows on the board, found again by meaning and by words.

    Nothing is imported or opened before it is needed: an empty memory loads
    no model. It belongs to one event loop.

    Args:
        store: the board, where the rows stand.
        home: the team's folder; the index lies in ``<home>/memory``.
        embedder: makes the vectors.
        settings: how long memories are short-term, how many an agent may have; None: the defaults.
        souls: the text of each agent's soul, by its name.
    """

    def __init__(
        self,
        store: MemoryStore,
        *,
        home: Path,
        embedder: Embedder,
        settings: MemorySettings | None = None,
        souls: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        if settings is None:
            from neveridle.settings import MemorySettings

            settings = MemorySettings()
        self._settings = settings
        self._feeder = feeder_of(store, home=home, embedder=embedder, server=settings.server)
        self._library = Library(
            store,
            embedder=embedder,
            sign=signer(embedder),
            short_days=settings.short_days,
            short_tasks=settings.short_tasks,
            feeder=self._feeder,
        )
        self._writer = Writer(store, embedder, limit=settings.limit)
        self._recaller = Recaller(store, embedder, self._library, Souls(souls or {}, embedder))
        self._explainer = Explainer(store, self._library, self._recaller)
        self._exchange = Exchange(store, self._writer)
        self._closed = False

    async def remember(
        self,
        text: str,
        *,
        agent: str,
        kind: str = "note",
        tags: Sequence[str] = (),
        source: str = "",
        importance: float = 0.5,
        at: float | None = None,
        trusted: bool = False,
        visibility: Visibility = "private",
        origin: Origin = "agent",
        task: int | None = None,
    ) -> int:
        """Store a memory with its vectors on the board, secrets taken out; its row's id.

        Once this returns, the memory survives whatever happens to the process, and is found.

        Args:
            text: what to remember; beyond 16,000 characters it is cut, and says so.
            agent: whose memory it is.
            kind: what it is; rows of kind ``working`` are the working memory of a task.
            tags: a few words to find it by.
            source: where it comes from, such as ``task:12``.
            importance: 0 to 1.
            at: when it happened, in seconds since 1970; None: now, by the board's clock.
            trusted: whether it is proven; what tools and trackers said never is.
            visibility: ``private``: its agent alone sees it; ``team``, ``public``.
            origin: whose words they are.
            task: the task that it was learnt in.

        Raises:
            ModelMistake: there is nothing in the text, or no agent is named.
            ValueError: importance, time, visibility or origin are none.
        """
        note = Note(
            text, agent, kind, tuple([tags] if isinstance(tags, str) else tags), source,
            importance, at, trusted, visibility, origin, task,
        )  # fmt: skip
        return (await self.remember_many([note]))[0]

    async def remember_many(self, items: Sequence[Note]) -> list[int]:
        """Store several memories in one transaction, all or none; their ids, in order.

        Raises what ``remember`` does.
        """
        return await self._writer.write(items) if items else []

    async def remember_episode(
        self,
        turns: Sequence[Turn],
        *,
        agent: str,
        key: str = "",
        title: str = "",
        source: str = "",
        tags: Sequence[str] = (),
        visibility: Visibility = "private",
        origin: Origin = "agent",
    ) -> list[int]:
        """Store a conversation or a stretch of work, turn by turn; the ids of all its turns.

        Told again under the same key (all of it, or only how it went on), what is stored
        already stays as it is, and only what is new is added.

        Args:
            turns: who said what, and when, in their order.
            agent: whose memory it is.
            key: names the episode among the agent's; empty: it is a new one.
            title: what it is about.
            source: where it comes from.
            tags: of every turn.
            visibility: who sees it.
            origin: whose words they are.

        Raises:
            ModelMistake: a turn is empty, or no agent is named. Nothing is stored then.
            ValueError: a time, the visibility or the origin is none.
        """
        common = Note(
            "", agent, "episode", tuple([tags] if isinstance(tags, str) else tags), source,
            visibility=visibility, origin=origin,
        )  # fmt: skip
        return await self._writer.write_episode(turns, common, key=key, title=title)

    async def recall(
        self,
        query: str,
        *,
        k: int = 5,
        agent: str | None = None,
        layers: Collection[str] = DEFAULT_LAYERS,
        tags: Collection[str] = (),
        since: float | None = None,
        budget_tokens: int | None = None,
        kinds: Collection[str] = (),
        mode: Mode = "hybrid",
        exact: bool = False,
    ) -> list[Hit]:
        """The ``k`` memories that answer a query best, best first.

        What has been remembered is always found, by whichever process it was.

        Args:
            query: words or sentences.
            k: how many at most, up to 1,000; 0 or less gives none.
            agent: who asks: it sees its own memories, and those of others that are not private;
                None: the operator, who sees all.
            layers: where to look: ``soul``, ``working``, ``short``, ``long``.
            tags: only memories that have all of these.
            since: only what happened then or later, in seconds since 1970.
            budget_tokens: the hits are cut off where their texts exceed so many tokens, by an
                estimate; None: they are not.
            kinds: only of one of these kinds; empty: of any.
            mode: ``hybrid``, or one signal alone: ``dense`` (meaning), ``lexical`` (words).
            exact: compare all vectors of the scope, without any index.

        Raises:
            ValueError: there is no such layer, or ``since`` is no time.
        """
        self._open()
        scope = Scope.of(agent=agent, layers=layers, tags=tags, since=since, kinds=kinds)
        return await self._recaller.recall(
            query, scope, k=k, budget=budget_tokens, mode=mode, exact=exact
        )

    async def explain(
        self,
        query: str,
        memory: int,
        *,
        k: int = 5,
        agent: str | None = None,
        layers: Collection[str] = DEFAULT_LAYERS,
        tags: Collection[str] = (),
        since: float | None = None,
        kinds: Collection[str] = (),
    ) -> Explanation:
        """Why a memory is found for a query, or is not: its rank by each signal, and the scope.

        Args:
            query: as given to ``recall``; so are ``k``, ``layers``, ``tags``, ``since``, ``kinds``.
            memory: the memory's id.
            agent: who asks; what it may not see is not there for it.

        Raises:
            NotFound: there is no such memory for whoever asks.
            ValueError: there is no such layer, or ``since`` is no time.
        """
        self._open()
        scope = Scope.of(agent=agent, layers=layers, tags=tags, since=since, kinds=kinds)
        return await self._explainer.explain(query, memory, scope, k=k)

    async def forget(
        self,
        ids: int | Collection[int] = (),
        *,
        agent: str | None = None,
        tags: Collection[str] = (),
        before: float | None = None,
        source: str | None = None,
    ) -> list[int]:
        """Erase memories for ever, with their vectors; the ids of those that were there.

        Only a bare row stays, so that every index learns of it. Of what is given, all must
        hold: ``forget([3], agent="sam")`` forgets nothing if 3 is another agent's.

        Args:
            ids: these memories; none: whichever fulfil the rest.
            agent: only of this agent.
            tags: only with all of these tags.
            before: only what happened before this time, in seconds since 1970.
            source: only from this source, or one whose name goes on with ``:`` or ``/``.

        Raises:
            ValueError: nothing is said; all is forgotten only by saying whose.
        """
        which = selection(ids, agent=agent, tags=tags, before=before, source=source)
        if not which.narrow:
            msg = "say what to forget: ids, an agent, tags, a source or a time"
            raise ValueError(msg)
        gone: list[int] = []
        after: int | None = None
        while rows := await self._store.select(which, FORGOTTEN_AT_ONCE, after=after):
            after = rows[-1].id
            gone += await self._store.forget([row.id for row in rows])
        return gone

    async def export(
        self,
        to: Path | IO[bytes],
        *,
        agent: str | None = None,
        private: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Write live memories as JSON lines, oldest first; how many. Not their vectors.

        Args:
            to: a file that is written whole or not at all, or an open one.
            agent: only this agent's, its private ones too; None: everybody's.
            private: whether everybody's private ones are written too.
            progress: told how many are written.

        Raises:
            ImportInvalid: the file cannot be written.
        """
        which = Selection(agent=agent, shared=agent is None and not private)
        if isinstance(to, Path):
            with replacing(to) as file:
                return await self._exchange.export(file, which, progress=progress)
        return await self._exchange.export(to, which, progress=progress)

    async def import_(
        self,
        source: Path | IO[bytes],
        *,
        agent: str | None = None,
        trust: bool = False,
        strict: bool = False,
        progress: Progress | None = None,
    ) -> Imported:
        """Remember what stands in JSON lines; each needs ``text`` and ``agent``.

        Everything else may be left out: ``kind``, ``tags``, ``at`` (seconds since 1970, or ISO
        8601), ``importance``, ``visibility``, ``origin``, ``trusted``, ``source``, ``author``,
        ``task``, ``episode`` with ``title`` and ``position``. Other fields are left out and
        counted. What is remembered already is not added again, so that a file can be
        imported twice, or go on where it was interrupted. The file is never held whole.

        Args:
            source: a file, or an open one.
            agent: whose memories they are where a line does not say.
            trust: whether ``trusted`` is believed: only where a person vouches for the file.
            strict: import nothing if one line is bad, or has a field that is none of ours.
            progress: told how many lines are done.

        Raises:
            ImportInvalid: the file cannot be read, or a line is bad and ``strict``.
        """
        if isinstance(source, Path):
            with reading(source) as file:
                return await self.import_(
                    file, agent=agent, trust=trust, strict=strict, progress=progress
                )
        return await self._exchange.take(
            source, agent=agent, trust=trust, strict=strict, progress=progress
        )

    async def reindex(self, progress: IndexProgress | None = None) -> int:
        """Make what vectors are missing, and the dense index anew; rows in it.

        The old index answers until the new one is complete.

        Args:
            progress: told what is made ("vectors", "index"), how many, of how many.

        Raises:
            MemoryUnusable: another process feeds the index, or it cannot be built.
            DiskFull: no space is left.
        """
        self._open()
        return await self._feeder.rebuild(progress)

    async def index_pending(self) -> int:
        """Put rows that are not in the index yet into it; returns how many.

        0 where another process owns the index: that one does it.

        Raises:
            MemoryUnusable: the index cannot be opened, nor built anew.
            DiskFull: no space is left.
        """
        self._open()
        return await self._feeder.feed()

    async def close(self) -> None:
        """Let go of the index. A call under way in its thread is waited for two seconds at most."""
        self._closed = True
        self._library.close()
        await self._feeder.close()

    def _open(self) -> None:
        if self._closed:
            msg = "this Memory is closed"
            raise RuntimeError(msg)


def selection(
    ids: int | Collection[int],
    *,
    agent: str | None,
    tags: Collection[str],
    before: float | None,
    source: str | None,
) -> Selection:
    """What ``forget`` means, in whatever state it is."""
    given = [ids] if isinstance(ids, int) else list(ids)
    words = {tags} if isinstance(tags, str) else set(tags)
    return Selection(
        ids=frozenset(given) if given else None,
        agent=agent,
        tags=frozenset(words),
        before=before,
        source=source,
        states=frozenset({"live", "superseded", "retired"}),
    )
