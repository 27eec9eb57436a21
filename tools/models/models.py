"""The models of a team: by purpose and agent, live or from a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import ModelNotConfigured, RecordingInvalid
from neveridle.tools.models.prices import cost_of
from neveridle.tools.models.providers import EXAMPLE, PROVIDERS, make_client, split_name
from neveridle.tools.models.replaying import Replaying
from neveridle.tools.recording import Recording, RecordingWriter, Scope
from neveridle.tools.recording.writer import check_appendable
from neveridle.tools.redacted_logs import redact_logs

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from neveridle.settings import AgentSettings, ModelSettings
    from neveridle.tools.models.prices import Prices
    from neveridle.tools.resilience import Guard
    from neveridle.tools.services import ServiceKit

REPLAY: Final = "replay:"
PURPOSES: Final = ("work", "learn", "compact")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSeam:
    """What stands around the models that a team asks, where it is tried out.

    Attributes:
        wrap: what is asked in place of a model, for a scope.
        replay: the provider that a recording counts as, so that its calls pass a guard with
            retries and a breaker, as those of a live one; empty: they pass none.
    """

    wrap: Callable[[BaseChatModel, Scope], BaseChatModel]
    replay: str = ""


class Models:
    """Gives each scope its model; clients and recordings are made once.

    Belongs to one event loop; ``await aclose()`` at its end.

    Args:
        settings: the table ``[model]``.
        agents: the tables ``[agents.<name>]``.
        root: the folder that paths in the settings are relative to.
        kit: where breakers and time come from; None: calls pass no guard.
        seam: what stands around them; None: nothing.
        output_tokens: what live models may answer at most where the settings do not say it,
            since a budget has to know the worst; None: what their providers allow.
        prices: what is recorded of what calls cost; None: nothing is.
        replaying: how recordings are replayed.
    """

    def __init__(
        self,
        settings: ModelSettings,
        agents: Mapping[str, AgentSettings],
        *,
        root: Path,
        kit: ServiceKit | None = None,
        output_tokens: int | None = None,
        seam: ModelSeam | None = None,
        prices: Prices | None = None,
        replaying: Replaying | None = None,
    ) -> None:
        self._settings = settings
        self._live = settings
        if settings.max_output_tokens is None and output_tokens is not None:
            self._live = settings.model_copy(update={"max_output_tokens": output_tokens})
        self._kit = kit
        self._seam = seam
        self._prices = prices
        self._replaying = replaying or Replaying()
        self._guards: dict[str, Guard] = {}
        self._agents = agents
        self._root = root
        self._clients: dict[str, BaseChatModel] = {}
        self._recordings: dict[Path, Recording] = {}
        self._writer: RecordingWriter | None = None

    def name_for(self, purpose: str, agent: str) -> str:
        """The name of the model: the agent's, the purpose's, or the default.

        Args:
            purpose: ``work``, ``learn`` or ``compact``.
            agent: the agent's name; empty asks for what agents have that say nothing.

        Raises:
            ModelNotConfigured: none is set; says what to set.
        """
        own = self._agents.get(agent)
        by_purpose = getattr(self._settings, purpose, "") if purpose in PURPOSES else ""
        if purpose == "compact" and not by_purpose:  # the conversation is of the work
            by_purpose = self._settings.work
        name: str = (own.model if own else "") or by_purpose or self._settings.default
        if not name.strip():
            whom = f"agent {agent!r} to {purpose} with" if agent else f"agents to {purpose} with"
            raise ModelNotConfigured(
                f"No model is set for {whom}.",
                remedy="Set `default` in [model] of neveridle.toml, or the environment variable "
                f'NEVERIDLE_MODEL__DEFAULT, for example to "{EXAMPLE}", "openai:gpt-5", '
                '"ollama:qwen3" or "replay:recording.jsonl". `neveridle demo` works without one.',
            )
        return name.strip()

    def check(self, roster: Iterable[str] | None = None) -> None:
        """Make every model that may be needed, without a network call.

        Args:
            roster: the agents that will ask. None: the agents with a table of their own,
                and those without one unless each that has a table names a model.

        Raises:
            ModelNotConfigured, ExtraMissing, RecordingInvalid: as soon as one is met.
        """
        if roster is None:
            named = [agent for agent, own in self._agents.items() if own.model]
            roster = list(self._agents)
            if not named or len(named) < len(roster):
                roster.append("")
        live = False
        for name in sorted({self.name_for(p, agent) for agent in roster for p in PURPOSES}):
            if name.startswith(REPLAY):
                self._recording(name)
            else:
                live = True
                self._client(name)
        path = self._root / self._settings.record
        if live and self._settings.record and path.exists():
            check_appendable(path)

    def names(self) -> list[str]:
        """The models that are called for anything by anybody; those not set are left out."""
        found: set[str] = set()
        for agent in ("", *self._agents):
            for purpose in PURPOSES:
                with suppress(ModelNotConfigured):
                    found.add(self.name_for(purpose, agent))
        return sorted(found)

    def for_scope(self, scope: Scope, *, workspace: Path | None = None) -> BaseChatModel:
        """The model to use for a scope.

        Args:
            scope: who asks, what for.
            workspace: the folder the work is done in; its path counts as the same in every
                run. None: only ``root`` and temporary folders are treated so.

        Raises:
            ModelNotConfigured, ExtraMissing, RecordingInvalid: see ``check``.
        """
        made = self._for_scope(scope, workspace)
        return made if self._seam is None else self._seam.wrap(made, scope)

    def _for_scope(self, scope: Scope, workspace: Path | None) -> BaseChatModel:
        name = self.name_for(scope.purpose, scope.agent)
        roots = {"root": self._root.resolve()}
        if workspace is not None:
            roots["workspace"] = workspace.resolve()
        if name.startswith(REPLAY):
            from neveridle.tools.recording.replayer import ReplayChatModel

            return ReplayChatModel(
                recording=self._recording(name),
                scope=scope,
                roots=roots,
                sampling=self._sampling(),
                wait=self._replaying.wait,
            )
        client = self._client(name)
        if not self._settings.record:
            return client
        from neveridle.tools.recording.recorder import RecordingChatModel

        return RecordingChatModel(
            inner=client,
            writer=self._recorder(model=name),
            scope=scope,
            roots=roots,
            profile=client.profile,
            cost=partial(cost_of, self._prices, name) if self._prices is not None else None,
            wait=self._replaying.wait,
        )

    @property
    def recordings(self) -> list[Recording]:
        """The recordings that were asked so far, with what they did not hold exactly."""
        return list(self._recordings.values())

    def provider_for(self, purpose: str, agent: str) -> str:
        """The provider whose breaker an agent's calls pass; empty: none, or no model is set.

        Of a live recording, it is the provider that was recorded: what failed then fails again,
        and what came of it comes again.
        """
        try:
            name = self.name_for(purpose, agent)
            if name.startswith(REPLAY):  # its failures are those of the model that was recorded
                recorded = self._recording(name).provenance
                if recorded.kind != "live":
                    return "" if self._seam is None else self._seam.replay
                name = recorded.model
            return split_name(name)[0] if name else ""
        except (ModelNotConfigured, RecordingInvalid):  # said where the model is asked for
            return ""

    def guard_for(self, purpose: str, agent: str) -> Guard | None:
        """What an agent's calls pass; None: nothing."""
        provider = self.provider_for(purpose, agent)
        if self._kit is None or not provider:
            return None
        if provider not in self._guards:
            self._guards[provider] = self._guard(provider, self._kit)
        return self._guards[provider]

    def credentials_for(self, provider: str) -> str:
        """A fingerprint of the key a provider's calls are made with here; empty: none."""
        from neveridle.tools.services.http import fingerprint

        known = PROVIDERS.get(provider)
        environ: Mapping[str, str] = {} if self._kit is None else self._kit.environ
        keys = (environ.get(key, "") for key in (known.keys if known else ()))
        return fingerprint(next((key for key in keys if key), ""))

    def _guard(self, provider: str, kit: ServiceKit) -> Guard:
        from neveridle.board.breaker import BreakerPolicy
        from neveridle.tools.models.failures import classify_model_error
        from neveridle.tools.resilience import Guard, RetryPolicy

        settings = self._settings
        return Guard(
            provider,
            kit.breakers,
            kit.clock,
            retry=RetryPolicy(attempts=settings.attempts, total=settings.total_timeout),
            breaker=BreakerPolicy(
                threshold=settings.breaker_threshold,
                reset=settings.breaker_reset,
                probe=settings.timeout * 2,
            ),
            credentials=self.credentials_for(provider),
            classify=classify_model_error,
        )

    async def aclose(self) -> None:
        """Close connections and the recording; what is asked for later is made anew."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            connections = getattr(client, "http_async_client", None)
            if connections is not None:
                await connections.aclose()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _client(self, name: str) -> BaseChatModel:
        if name not in self._clients:
            redact_logs()
            self._clients[name] = make_client(name, self._live)
        return self._clients[name]

    def _recording(self, name: str) -> Recording:
        relative = name.removeprefix(REPLAY).strip()
        if not relative:
            raise RecordingInvalid(
                f"The model name {name!r} names no recording.",
                remedy="Write the file's path after `replay:`.",
            )
        path = (self._root / relative).resolve()
        if path not in self._recordings:
            self._recordings[path] = Recording.load(path, lenient=self._replaying.lenient)
        return self._recordings[path]

    def _recorder(self, *, model: str) -> RecordingWriter:
        if self._writer is None:
            path = (self._root / self._settings.record).resolve()
            self._writer = RecordingWriter(path, model=model)
        return self._writer

    def _sampling(self) -> dict[str, Any]:
        """What the settings ask of a replay; what they leave open, the recording says."""
        asked = {
            "temperature": self._settings.temperature,
            "max_tokens": self._settings.max_output_tokens,
        }
        return {name: value for name, value in asked.items() if value is not None}
