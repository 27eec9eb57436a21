"""Prices: the user's table, what is publicly known, and what nobody knows."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from neveridle.settings import PriceSettings
from neveridle.tools.models.prices import Prices, Usage, usage_of

SONNET = "anthropic:claude-sonnet-4-5"
OWN = {"openai:mine": PriceSettings(input=1.0, output=4.0, cache_read=0.1)}
COUNTS = st.integers(0, 3_000_000)


def test_the_tables_of_the_settings_win() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, cache_read_tokens=300)
    own = Prices({"openai:gpt-5": PriceSettings(input=2.0, output=20.0)})
    assert Prices({}).cost("openai:gpt-5", usage) == 700 * 1250 + 300 * 125 + 100 * 10_000
    assert own.cost("openai:gpt-5", usage) == 1000 * 2000 + 100 * 20_000  # cached: as input
    assert own.line("openai:gpt-5").source == "settings"
    assert Prices({}).line("openai:gpt-5").source == "genai-prices"


def test_the_public_prices_know_caches_and_dear_long_requests() -> None:
    prices = Prices({})
    plain = Usage(input_tokens=1000, output_tokens=10)
    cached = Usage(input_tokens=1000, output_tokens=10, cache_read_tokens=1000)
    written = Usage(input_tokens=1000, output_tokens=10, cache_write_tokens=1000)
    assert prices.cost(SONNET, plain) == 1000 * 3000 + 10 * 15_000
    assert prices.cost(SONNET, cached) == 1000 * 300 + 10 * 15_000
    assert prices.cost(SONNET, written) == 1000 * 3750 + 10 * 15_000
    long = prices.cost(SONNET, Usage(input_tokens=300_000, output_tokens=10))
    assert long is not None
    assert long > 300_000 * 3000 + 10 * 15_000
    assert prices.cost("google_genai:gemini-2.5-pro", plain) is not None  # LangChain's name


def test_what_nobody_knows_has_no_price_and_a_recording_costs_nothing() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    prices = Prices({})
    for name in ("openai:of-my-own", "nobody:gpt-5", "gpt-5"):
        assert prices.cost(name, usage) is None
        assert prices.worst(name, usage) is None
        assert not prices.known(name)
        assert prices.line(name).source == "unknown"
    assert prices.cost("replay:x.jsonl", usage) == 0
    assert prices.line("replay:x.jsonl").source == "recording"


@pytest.mark.parametrize("name", ["openai:mine", SONNET, "openai:gpt-5", "replay:x"])
@given(sent=COUNTS, answered=COUNTS, read=COUNTS, written=COUNTS)
def test_no_call_costs_more_than_its_worst_case(
    name: str, sent: int, answered: int, read: int, written: int
) -> None:
    """Whatever a provider says of its cache, also where it makes no sense."""
    prices = Prices(OWN)
    worst = prices.worst(name, Usage(input_tokens=sent, output_tokens=answered))
    cost = prices.cost(
        name,
        Usage(
            input_tokens=sent,
            output_tokens=answered,
            cache_read_tokens=read,
            cache_write_tokens=written,
        ),
    )
    assert worst is not None
    assert cost is not None
    assert 0 <= cost <= worst


def test_usage_is_read_as_langchain_reports_it() -> None:
    one = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
    details = {"cache_read": 3, "cache_creation": 0, "ephemeral_5m_input_tokens": 4,
               "ephemeral_1h_input_tokens": 1}  # fmt: skip
    said = [
        AIMessage("a", usage_metadata=one),
        AIMessage("b", usage_metadata={**one, "input_token_details": details}),
        AIMessage("c"),
    ]
    assert usage_of(said) == Usage(
        input_tokens=20, output_tokens=4, cache_read_tokens=3, cache_write_tokens=5
    )
    assert usage_of([AIMessage("c")]) is None


def test_the_package_is_imported_where_a_price_is_asked_for_and_no_sooner() -> None:
    code = (
        "import sys, neveridle.agents.purse\n"
        "from neveridle.tools.models.prices import Prices, Usage\n"
        "usage = Usage(input_tokens=1, output_tokens=1)\n"
        "Prices({}).cost('replay:x', usage)\n"
        "assert 'genai_prices' not in sys.modules\n"
        "Prices({}).cost('openai:gpt-5', usage)\n"
        "assert 'genai_prices' in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
