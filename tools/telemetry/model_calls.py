"""Model calls as spans and measurements, by OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from neveridle.tools.telemetry.seam import telemetry
from neveridle.tools.telemetry.spans import (
    Traced,
    Value,
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
    "azure_ai": "azure.ai.inference",
    "azure_openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
"""What the conventions call a provider that LangChain calls otherwise."""
REPLAY: Final = "replay"
UNKNOWN: Final = "unknown"


async def traced_model_call(
    work: Callable[[], Awaitable[T]],
    name: str,
    purpose: str,
    answers: Callable[[T], list[AIMessage]],
) -> T:
    """Make one request of a model, in a span ``chat <model>``.

    Args:
        work: makes the request.
        name: the model as it is configured, such as ``openai:gpt-5``.
        purpose: what for, such as ``work``.
        answers: the messages of the model in what came of it.
    """
    found = telemetry()
    if found is None:
        return await work()
    provider, model = named(name)
    about: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
    }
    asked = {**about, "neveridle.purpose": purpose}
    with span(f"chat {model}", asked, client=True) as traced:
        began = time.monotonic()
        try:
            result = await work()
        except BaseException as error:  # measured by its kind and raised on
            if not passes_through(error):
                failed = {**about, "error.type": error_type(error)}
                found.instruments.model_seconds.record(time.monotonic() - began, failed)
            raise
        _note(traced, found.instruments, about, answers(result), time.monotonic() - began)
        return result


def named(name: str) -> tuple[str, str]:
    """Provider and model as the conventions call them; of a recording not where it lies."""
    provider, _, model = name.partition(":")
    provider = provider.strip().replace("-", "_").lower()
    if provider == REPLAY:
        return REPLAY, REPLAY
    provider = identifier(provider) or UNKNOWN
    return CONVENTIONAL.get(provider, provider), identifier(model.strip()) or UNKNOWN


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
