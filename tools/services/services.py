"""The services of a team: clients that are connected when first used, their verbs and tools."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import ExtraMissing, SettingsInvalid

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from neveridle.settings.services import ServiceSettings, ServicesSettings
    from neveridle.tools.effects import Performer, ToolMaker, Verb
    from neveridle.tools.services.kit import ServiceKit


@dataclass(frozen=True, slots=True)
class Maker:
    """Where a service's parts are; they are imported once the service is used.

    Attributes:
        client: module and class of the client, which has ``connect(settings, kit)`` and
            ``aclose()``.
        verbs: module and function that makes its verbs of a client; it has none where
            empty, or where there is no such module.
        tools: the same for what makes its tools of a client, its settings and a performer.
        anonymous: whether it can be used without a token.
    """

    client: str
    verbs: str = ""
    tools: str = ""
    anonymous: bool = False


def _maker(name: str, client: str, **more: bool) -> Maker:
    package = f"neveridle.tools.{name}"
    return Maker(
        f"{package}.client:{client}",
        f"{package}.verbs:{name}_verbs",
        f"{package}.toolset:{name}_tools",
        **more,
    )


MAKERS: Final[Mapping[str, Maker]] = {
    "linear": _maker("linear", "Linear"),
    "github": _maker("github", "GitHub"),
    "vercel": _maker("vercel", "Vercel"),
    "convex": _maker("convex", "Convex", anonymous=True),
    "slack": _maker("slack", "Slack"),
}
"""Where the services are that settings can name."""


class Services:
    """``team.services``: one client for each service that is configured and has its token.

    Belongs to one event loop; ``await aclose()`` at its end.

    Args:
        settings: the tables ``[services.<name>]``.
        kit: where breakers, time and tokens come from.
        makers: where the services' parts are.

    Attributes:
        notices: what an operator should see at start: tokens or packages that are missing.
    """

    def __init__(
        self,
        settings: ServicesSettings,
        kit: ServiceKit,
        makers: Mapping[str, Maker] = MAKERS,
    ) -> None:
        self.kit = kit
        self._settings = settings
        self._makers = dict(makers)
        self._clients: dict[str, Any] = {}
        self._broken: set[str] = set()
        missing = without_token(settings, kit.environ, makers)
        self.notices = [missing_token(one) for one in missing]
        for name in self.usable:
            try:
                _load(self._makers[name].client, name)
            except ExtraMissing as error:
                self.notices.append(str(error))
                self._broken.add(name)

    @property
    def configured(self) -> tuple[str, ...]:
        """Names of the services that settings turn on, whether or not there is a token."""
        found = (name for name in self._makers if getattr(self._settings, name, None) is not None)
        return tuple(name for name in found if self._of(name).enabled)

    @property
    def usable(self) -> tuple[str, ...]:
        """Names of those configured that are installed, with their token or in need of none."""
        return tuple(
            name
            for name in self.configured
            if name not in self._broken
            and (self._makers[name].anonymous or self.kit.token(self._of(name)))
        )

    @property
    def linear(self) -> Any | None:
        """Linear's client; None: it is not used."""
        return self.client("linear")

    @property
    def github(self) -> Any | None:
        """GitHub's client; None: it is not used."""
        return self.client("github")

    @property
    def vercel(self) -> Any | None:
        """Vercel's client; None: it is not used."""
        return self.client("vercel")

    @property
    def convex(self) -> Any | None:
        """Convex's client; None: it is not used."""
        return self.client("convex")

    @property
    def slack(self) -> Any | None:
        """Slack's client; None: it is not used."""
        return self.client("slack")

    def client(self, name: str) -> Any | None:
        """A service's client, made when first asked for; no request is made.

        Returns:
            None: the service is not configured or turned off, or its token or its package is
                missing; ``notices`` says which.
        """
        if name not in self.usable:
            return None
        if name not in self._clients:
            self._clients[name] = connect(name, self._of(name), self.kit, self._makers)
        return self._clients[name]

    def verbs(self) -> list[Verb]:
        """All ways of writing to the services that are used."""
        found: list[Verb] = []
        for name in self.usable:
            make = _part(self._makers[name].verbs, name)
            found.extend(make(self.client(name)) if make is not None else ())
        return found

    def tool_makers(self) -> list[ToolMaker]:
        """What makes each service's tools, for one attempt."""
        made = ((name, _part(self._makers[name].tools, name)) for name in self.usable)
        return [self._tool_maker(name, make) for name, make in made if make is not None]

    def _tool_maker(self, name: str, make: Callable[..., Sequence[BaseTool]]) -> ToolMaker:
        def tools(performer: Performer) -> Sequence[BaseTool]:
            return make(self.client(name), self._of(name), performer)

        return tools

    async def aclose(self) -> None:
        """Close all clients; may be called twice. What is asked for later is made anew."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    def _of(self, name: str) -> ServiceSettings:
        found: ServiceSettings | None = getattr(self._settings, name)
        if found is None:
            msg = f"[services.{name}] is not set."
            raise SettingsInvalid(msg, remedy="Add the table to neveridle.toml.")
        return found


def connect(
    name: str, settings: ServiceSettings, kit: ServiceKit, makers: Mapping[str, Maker] = MAKERS
) -> Any:
    """A client of a service; the caller closes it. No request is made.

    Raises:
        ExtraMissing: its package is not installed.
        SettingsInvalid: something it needs is not set.
    """
    return _load(makers[name].client, name).connect(settings, kit)


def missing_token(settings: ServiceSettings) -> str:
    """What an operator is told of a service without a token."""
    return (
        f"{settings.name} is configured, and {settings.token_env} is not set: it is not used, "
        "and no agent gets its tools."
    )


def without_token(
    settings: ServicesSettings, environ: Mapping[str, str], makers: Mapping[str, Maker] = MAKERS
) -> Iterable[ServiceSettings]:
    """The services that are turned on and whose token is missing."""
    for name, maker in makers.items():
        one: ServiceSettings | None = getattr(settings, name, None)
        if one is None or not one.enabled or maker.anonymous:
            continue
        if not environ.get(one.token_env, "").strip():
            yield one


def _part(path: str, service: str) -> Callable[..., Any] | None:
    module = path.partition(":")[0]
    if not module:
        return None
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            return None
    part: Callable[..., Any] = _load(path, service)
    return part


def _load(path: str, service: str) -> Any:
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        msg = f"The client of {service} cannot be loaded: {error}."
        remedy = f"Install what is missing, or set enabled = false in [services.{service}]."
        raise ExtraMissing(msg, remedy=remedy) from error
