"""Memory: what agents remember, and how they recall it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.memory.embedding import Embedder
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
    from neveridle.settings import MemorySettings

DEFAULT_LAYERS = ("short", "long")


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
        self._writer = Writer(store, embedder)
        self._recaller = Recaller(store, embedder, self._library, Souls(souls or {}, embedder))
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
