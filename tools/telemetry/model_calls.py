"""Model calls as spans and measurements, by OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from neveridle.tools.telemetry.seam import telemetry
from neveridle.tools.telemetry.spans import (
    Traced,
    Value,
    bounded,
    error_type,
    identifier,
    passes_through,
    span,
)

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from neveridle.tools.telemetry.instruments import Instruments

T = TypeVar("T")

CONVENTIONAL: Final[Mapping[str, str]] = {
    "amazon_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
"""What the conventions call a provider that LangChain calls otherwise."""
UNKNOWN: Final = "unknown"


async def traced_model_call(work: Callable[[], Awaitable[T]], model: object, purpose: str) -> T:
    """Make one request of a model, in a span ``chat <model>``.

    Args:
        work: makes the request.
        model: the LangChain model that is asked; only its name and settings are looked at.
        purpose: what for, such as ``work``.
    """
    found = telemetry()
    if found is None:
        return await work()
    asked = described(model)
    about: dict[str, Value | None] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": asked["provider"],
        "gen_ai.request.model": asked["model"],
    }
    more: dict[str, Value | None] = {
        "gen_ai.request.temperature": asked["temperature"],
        "gen_ai.request.max_tokens": asked["max_tokens"],
        "neveridle.purpose": purpose,
    }
    with span(f"chat {asked['model']}", {**about, **more}, client=True) as traced:
        began = time.monotonic()
        labels = {key: bounded(one) for key, one in about.items() if one is not None}
        try:
            result = await work()
        except BaseException as error:  # measured by its kind and raised on
            if not passes_through(error):
                failed = {**labels, "error.type": error_type(error)}
                found.instruments.model_seconds.record(time.monotonic() - began, failed)
            raise
        _note(traced, found.instruments, labels, answers_of(result), time.monotonic() - began)
        return result


def described(model: object) -> dict[str, Any]:
    """Provider, name and settings of a LangChain model, as it tells them to any tracer."""
    params: dict[str, Any] = {}
    tell = getattr(model, "_get_ls_params", None)
    if callable(tell):
        try:
            params = dict(cast("Mapping[str, Any]", tell()))
        except Exception:  # noqa: BLE001 - of any provider's making; a span is no reason to fail
            params = {}
    provider = identifier(params.get("ls_provider")) or UNKNOWN
    temperature, most = params.get("ls_temperature"), params.get("ls_max_tokens")
    return {
        "provider": CONVENTIONAL.get(provider, provider),
        "model": identifier(params.get("ls_model_name")) or UNKNOWN,
        "temperature": float(temperature) if isinstance(temperature, (int, float)) else None,
        "max_tokens": most if isinstance(most, int) else None,
    }


def answers_of(result: object) -> list[AIMessage]:
    """The messages of the model in what a call gave: an agent's response, or a parsed one."""
    from langchain_core.messages import AIMessage

    if isinstance(result, AIMessage):
        return [result]
    if isinstance(result, dict):
        raw = cast("dict[str, object]", result).get("raw")
        return [raw] if isinstance(raw, AIMessage) else []
    messages = getattr(result, "result", None)
    if not isinstance(messages, list):
        return []
    return [one for one in cast("list[object]", messages) if isinstance(one, AIMessage)]


def _note(
    traced: Traced,
    instruments: Instruments,
    labels: Mapping[str, Value],
    answers: list[AIMessage],
    seconds: float,
) -> None:
    """Note what came back, but for its contents."""
    metadata = [cast("Mapping[str, Any]", one.response_metadata) for one in answers]
    names = (identifier(one.get("model_name") or one.get("model")) for one in metadata)
    model = next((name for name in names if name), "")
    ends = (one.get("finish_reason") or one.get("stop_reason") for one in metadata)
    traced.set("gen_ai.response.model", model)
    traced.set("gen_ai.response.finish_reasons", [e for e in map(identifier, ends) if e])
    measured = {**labels, **({"gen_ai.response.model": model} if model else {})}
    instruments.model_seconds.record(seconds, measured)
    usage = [one.usage_metadata for one in answers if one.usage_metadata is not None]
    if not usage:
        return
    tokens = {
        "input": sum(one["input_tokens"] for one in usage),
        "output": sum(one["output_tokens"] for one in usage),
    }
    for kind, count in tokens.items():
        traced.set(f"gen_ai.usage.{kind}_tokens", count)
        instruments.tokens.record(count, {**measured, "gen_ai.token.type": kind})
    details = [cast("dict[str, Any]", one.get("input_token_details") or {}) for one in usage]
    for kind in ("cache_read", "cache_creation"):
        cached = sum(int(one.get(kind) or 0) for one in details)
        traced.set(f"gen_ai.usage.{kind}.input_tokens", cached or None)
