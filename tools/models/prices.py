"""What models cost: the prices of the settings, else those that are publicly known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from neveridle.board.budget import NANOS
from neveridle.tools.recording.message import COST

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from neveridle.settings import PriceSettings

MILLION: Final = 1_000_000
REPLAY: Final = "replay:"

# LangChain's names of providers, where genai-prices has another.
IDS: Final[Mapping[str, str]] = {
    "azure_ai": "azure",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "google_anthropic_vertex": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "mistralai": "mistral",
    "xai": "x-ai",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of a call.

    Attributes:
        input_tokens: all that were sent, also those of a cache.
        output_tokens: all that were answered, also those of its reasoning.
        cache_read_tokens: of those sent, those read from the provider's cache.
        cache_write_tokens: of those sent, those written to it.
        estimated: whether the provider did not say, so that they are an estimate.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class PriceLine:
    """Where a model's price comes from, for people.

    Attributes:
        model: as in ``openai:gpt-5``.
        source: ``settings``, ``genai-prices``, ``recording`` (costs what it cost) or ``unknown``.
        text: the price in words; empty: there is none.
    """

    model: str
    source: str
    text: str


class Prices:
    """Prices in nano-dollars; nothing is asked of any network.

    Args:
        own: the tables ``[prices."provider:model"]``, which win.
    """

    def __init__(self, own: Mapping[str, PriceSettings]) -> None:
        self._own = own
        self._unknown: set[str] = set()

    def cost(self, model: str, usage: Usage, *, at: float | None = None) -> int | None:
        """What a call costs, in nano-dollars, rounded up; None: the price is not known.

        Args:
            model: as in ``openai:gpt-5``.
            usage: its tokens.
            at: when it is made, in seconds since 1970; some prices change. None: now.
        """
        own = self._own.get(model)
        if own is not None:
            return _by_table(own, usage)
        if model.startswith(REPLAY):
            return 0  # nobody is paid for what was recorded before; see ``recorded_cost``
        if model in self._unknown:
            return None
        dollars = _known(model, usage, at)
        if dollars is None:
            self._unknown.add(model)
            return None
        return _up(dollars * NANOS)

    def worst(self, model: str, usage: Usage, *, at: float | None = None) -> int | None:
        """The most that as many tokens may cost, however they are cached; None: not known."""
        sent, answered = usage.input_tokens, usage.output_tokens
        plain = self.cost(model, Usage(input_tokens=sent, output_tokens=answered), at=at)
        if plain is None:
            return None
        written = Usage(input_tokens=sent, output_tokens=answered, cache_write_tokens=sent)
        return max(plain, self.cost(model, written, at=at) or 0)

    def set_for(self, model: str) -> bool:
        """Whether the settings have a price of their own for a model."""
        return model in self._own

    def known(self, model: str) -> bool:
        """Whether there is a price for a model."""
        return self.cost(model, Usage(input_tokens=1, output_tokens=1)) is not None

    def line(self, model: str) -> PriceLine:
        """A model's price and where it comes from."""
        own = self._own.get(model)
        if own is not None:
            parts = {"input": own.input, "output": own.output, "cache read": own.cache_read,
                     "cache write": own.cache_write}  # fmt: skip
            said = [f"${value:g}/{name} MTok" for name, value in parts.items() if value is not None]
            return PriceLine(model, "settings", ", ".join(said))
        if model.startswith(REPLAY):
            return PriceLine(model, "recording", "what it cost when it was recorded")
        found = _found(model, Usage(input_tokens=1, output_tokens=1), None)
        if found is None:
            return PriceLine(model, "unknown", "")
        return PriceLine(model, "genai-prices", str(found.model_price))


def usage_of(answers: list[AIMessage]) -> Usage | None:
    """What the provider reported for these messages; None where it reported nothing."""
    reported = [one.usage_metadata for one in answers if one.usage_metadata is not None]
    if not reported:
        return None
    details = [cast("dict[str, Any]", one.get("input_token_details") or {}) for one in reported]

    def total(*names: str) -> int:
        return sum(int(one.get(name) or 0) for one in details for name in names)

    return Usage(
        input_tokens=sum(int(one["input_tokens"]) for one in reported),
        output_tokens=sum(int(one["output_tokens"]) for one in reported),
        cache_read_tokens=total("cache_read"),
        # LangChain says how long they are kept in place of the general number, or beside a 0.
        cache_write_tokens=total(
            "cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"
        ),
    )


def cost_of(prices: Prices, model: str, answer: AIMessage) -> int | None:
    """What an answer cost, in nano-dollars; None: its usage or its price is not known."""
    usage = usage_of([answer])
    return None if usage is None else prices.cost(model, usage)


def recorded_cost(answers: list[AIMessage]) -> int | None:
    """What answers from a live recording cost when they were recorded, in nano-dollars.

    Returns:
        None: they are of no recording, or no price was known then.
    """
    found = [one.response_metadata.get(COST) for one in answers]
    known = [one for one in found if isinstance(one, int)]
    return sum(known) if known and len(known) == len(found) else None


def _by_table(own: PriceSettings, usage: Usage) -> int:
    read = min(usage.cache_read_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - read)
    dollars = (
        (usage.input_tokens - read - written) * own.input
        + read * (own.input if own.cache_read is None else own.cache_read)
        + written * (own.input if own.cache_write is None else own.cache_write)
        + usage.output_tokens * own.output
    ) / MILLION
    return _up(dollars * NANOS)


def _known(model: str, usage: Usage, at: float | None) -> Any:
    found = _found(model, usage, at)
    return None if found is None else found.total_price


def _found(model: str, usage: Usage, at: float | None) -> Any:
    """What genai-prices says; None where it does not know the model."""
    import genai_prices  # 0.2 s, and only where a live model is called

    provider, _, name = model.partition(":")
    provider = provider.strip().replace("-", "_").lower()
    read = min(usage.cache_read_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - read)
    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
    )
    when = None if at is None else datetime.fromtimestamp(at, UTC)
    try:
        return genai_prices.calc_price(
            tokens,
            name.strip(),
            provider_id=IDS.get(provider, provider),
            genai_request_timestamp=when,
        )
    except (LookupError, ValueError):  # no such provider or model, or no price per token
        return None


def _up(nanos: Any) -> int:
    """Whole nano-dollars; what is between two is never lost, and never a float's noise."""
    whole = int(nanos)
    return whole + 1 if nanos - whole > 1e-6 else whole
