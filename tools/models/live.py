"""One short call of each model that is set, for a person who wants to know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from neveridle.errors import ModelNotConfigured, NeveridleError
from neveridle.health import Check, Finding, examine, problem

if TYPE_CHECKING:
    from neveridle.settings import Settings

SECONDS: Final = 30.0
"""Real seconds in which a model has to answer."""
TOKENS: Final = 64
"""Tokens of its answer."""
SYSTEM: Final = "You are asked for a sign of life."
QUESTION: Final = "Answer with the word OK."


async def look_at_live(settings: Settings) -> Sequence[Finding]:
    """Call each model once, all at once; a few tokens each. Recordings are not called."""
    from neveridle.tools.models.models import PURPOSES, REPLAY, Models

    models = Models(settings.model, settings.agents, root=settings.root)
    agents = [*(name for name, own in settings.agents.items() if own.model), ""]
    try:
        names = sorted({models.name_for(p, agent) for agent in agents for p in PURPOSES})
    except ModelNotConfigured:  # the check of the settings says so
        return []
    live = [name for name in names if not name.startswith(REPLAY)]
    checks = [Check(f"model {name}", _call(name), seconds=SECONDS) for name in live]
    return await examine(checks, settings)


def _call(name: str) -> Callable[[Settings], Awaitable[Sequence[Finding]]]:
    async def look(settings: Settings) -> Sequence[Finding]:
        from neveridle.tools.models.failures import classify_model_error
        from neveridle.tools.models.providers import make_client, split_name

        brief = settings.model.model_copy(update={"max_output_tokens": TOKENS, "timeout": SECONDS})
        about = f"model {name}"
        try:
            client = make_client(name, brief)
        except NeveridleError as error:
            return [problem(about, error)]
        try:
            await client.ainvoke([("system", SYSTEM), ("human", QUESTION)])
        except Exception as error:  # noqa: BLE001 - each provider's client has its own
            return [problem(about, classify_model_error(error, split_name(name)[0]))]
        finally:
            connections = getattr(client, "http_async_client", None)
            if connections is not None:
                await connections.aclose()
        return [Finding(about=about, message=f"{name} answers.")]

    return look
