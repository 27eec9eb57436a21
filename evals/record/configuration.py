"""The settings of a recorded task: those of the project, without what is of one machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from neveridle.settings.services import ServiceSettings
from neveridle.tools.services.services import MAKERS

if TYPE_CHECKING:
    from neveridle.settings import Settings

RECORDING: Final = "recording.jsonl"
HTTP: Final = "http.jsonl"
PROJECT: Final = "project"
_MODELS: Final = (
    "default", "work", "learn", "compact", "base_url", "temperature", "max_output_tokens", "record",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of a recorded task, and of the live run that it is recorded from.

    Attributes:
        replay: what its ``neveridle.toml`` says.
        live: the same with the project's own models and services, which are recorded.
        notices: what differs from the project's, in words.
    """

    replay: dict[str, Any]
    live: dict[str, Any]
    notices: list[str]


def configure(settings: Settings, *, model: str = "", window: int = 0) -> Configuration:
    """The settings of a recorded task.

    Args:
        settings: the project's.
        model: a model in place of all that are set; empty: those.
        window: tokens of the model's window, which a recording cannot say; 0: the usual.
    """
    data = settings.model_dump(mode="json", exclude_defaults=True, exclude={"root"})
    notices: list[str] = []
    team = data.setdefault("team", {})
    for name in ("souls", "home", "board"):
        team.pop(name, None)
    team["repository"], team["branch"] = PROJECT, "main"
    for name, why in (
        ("escalation", "nobody is called"),
        ("observability", "nothing is logged or exported elsewhere"),
        ("fleet", "one process works"),
    ):
        if data.pop(name, None):
            notices.append(f"[{name}] is left out: {why}.")
    sandbox = data.get("sandbox", {})
    if sandbox.pop("readable", None):
        notices.append("sandbox.readable is left out: it names folders of this machine.")
    if data.get("delivery", {}).get("mode") == "pull_request":
        data["delivery"]["mode"] = "branch"
        notices.append("delivery.mode is branch: a replay has no remote to push to.")
    services = data.setdefault("services", {})
    for name in ("record", "replay"):
        services.pop(name, None)
    if services.pop("mcp", None):
        notices.append("[services.mcp] is left out: its servers' traffic is not recorded.")
    table = data.pop("model", {})
    models = {name: table.pop(name) for name in _MODELS if name in table}
    agents = {name: one.pop("model", "") for name, one in data.get("agents", {}).items()}
    compaction = data.setdefault("compaction", {})
    if window:
        compaction.setdefault("window", window)
    if models.get("max_output_tokens"):  # what a budget holds for a call
        data.setdefault("budgets", {})["output_tokens"] = models["max_output_tokens"]
    live = {**data, "model": {**table, **models, "record": RECORDING}}
    if model:
        live["model"] |= {"default": model, "work": "", "learn": "", "compact": ""}
    else:
        live["agents"] = {
            name: {**one, **({"model": agents[name]} if agents[name] else {})}
            for name, one in data.get("agents", {}).items()
        }
    replay = {**data, "model": {**table, "default": f"replay:{RECORDING}"}}
    if any(name in services for name in MAKERS):
        live["services"] = {**services, "record": HTTP}
        replay["services"] = {**_without_hosts(settings, services), "replay": HTTP}
    return Configuration(_full(replay), _full(live), notices)


def _without_hosts(settings: Settings, services: dict[str, Any]) -> dict[str, Any]:
    """Services whose addresses are nobody's, where they are not the public ones.

    The path stays: it is a part of what is asked.
    """
    made: dict[str, Any] = {}
    for name, table in services.items():
        one = getattr(settings.services, name)
        made[name] = table
        if isinstance(one, ServiceSettings) and "url" in table:
            made[name] = {**table, "url": f"https://{name}.invalid{urlsplit(one.url).path}"}
    return made


def _full(data: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in data.items() if one not in ({}, None)}
