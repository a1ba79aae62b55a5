import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_providers import (
    AssistantMessage,
    Message,
    ModelInfo,
    Stop,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
    cost_of,
)
from m31a_providers.chat_wire import WireUsage
from m31a_providers.model_list import price_per_token, read_models
from m31a_providers.reply import usage_of

counts = st.integers(0, 10**6)
usages = st.builds(
    Usage,
    input_tokens=counts,
    cached_tokens=counts,
    output_tokens=counts,
    reasoning_tokens=counts,
    cost_usd=st.none() | st.integers(0, 100).map(float),
    estimated=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(usages, usages, usages)
def test_usages_add_up_in_any_order_and_nothing_changes_nothing(
    one: Usage, two: Usage, three: Usage
) -> None:
    assert one + two == two + one
    assert (one + two).tokens == one.tokens + two.tokens
    assert one + Usage() == one == Usage() + one
    spent = [usage for usage in (one, two, three) if usage.tokens or usage.cost_usd is not None]
    if any(usage.cost_usd is None for usage in spent):
        assert (one + two + three).cost_usd is None
    elif spent:
        assert (one + two + three).cost_usd == sum(usage.cost_usd or 0 for usage in spent)


@pytest.mark.parametrize(
    ("told", "cost"),
    [(0, 0.0), ("0.25", 0.25), (None, None), (-1, None), ("-0.5", None), ("much", None)]
    + [(spoilt, None) for spoilt in ("nan", "inf", "-inf")],
)
def test_a_servers_figure_that_is_no_sum_of_money_is_unknown(
    told: float | str | None, cost: float | None
) -> None:
    assert usage_of(WireUsage(cost=told)).cost_usd == cost


def test_a_cost_that_is_unknown_once_stays_unknown() -> None:
    known, unknown = Usage(input_tokens=1, cost_usd=1.0), Usage(input_tokens=1)
    assert (known + unknown + known).cost_usd is None
    assert (known + known).cost_usd == 2.0


@pytest.mark.parametrize(
    ("usage", "model", "cost"),
    [
        (Usage(input_tokens=10, output_tokens=5), ModelInfo(id="m", price_in=1, price_out=2), 20),
        (Usage(input_tokens=10), ModelInfo(id="m", price_in=1), 10),
        (Usage(input_tokens=10, output_tokens=1), ModelInfo(id="m", price_in=1), None),
        (Usage(input_tokens=10, output_tokens=1), ModelInfo(id="m"), None),
        (Usage(input_tokens=9, output_tokens=1), ModelInfo(id="m", price_in=0, price_out=0), 0),
        (Usage(), ModelInfo(id="m"), 0),
        (Usage(input_tokens=10, cached_tokens=8), ModelInfo(id="m", price_in=1), 10),
        (
            Usage(input_tokens=10, cached_tokens=8),
            ModelInfo(id="m", price_in=1, price_cached=0.25),
            4,
        ),
        (
            Usage(input_tokens=4, cached_tokens=9),
            ModelInfo(id="m", price_in=1, price_cached=0.5),
            2,
        ),
        (
            Usage(input_tokens=10, cached_tokens=4, cache_written_tokens=4),
            ModelInfo(id="m", price_in=1, price_cached=0.25, price_cache_written=1.25),
            8,
        ),
        (
            Usage(input_tokens=10, cache_written_tokens=4),
            ModelInfo(id="m", price_in=1),
            10,
        ),
    ],
)
def test_the_cost_counts_cached_tokens_and_never_takes_unknown_for_free(
    usage: Usage, model: ModelInfo, cost: float | None
) -> None:
    assert cost_of(usage, model) == cost


@pytest.mark.parametrize(
    ("price", "figure"),
    [
        ("0.000003", 3e-6),
        (0.5, 0.5),
        ("0.0", 0.0),
        (0, 0.0),
        (None, None),
        ("", None),
        ("-1", None),
        ("free", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_prices_are_numbers_or_their_text(price: str | float | None, figure: float | None) -> None:
    assert price_per_token(price) == figure


def test_lists_of_models_are_read_in_every_dialect() -> None:
    openrouter = {
        "id": "a/b",
        "name": "B",
        "context_length": 1000,
        "pricing": {
            "prompt": "0.1",
            "completion": "0.2",
            "input_cache_read": 0.05,
            "input_cache_write": "0.125",
        },
        "supported_parameters": ["tools", "temperature"],
        "top_provider": {"max_completion_tokens": 99},
    }
    llama = {"id": "tiny", "meta": {"n_ctx_train": 8192}}
    vllm = {"id": "big", "max_model_len": 32768}
    studio = {"id": "s", "max_context_length": 9000, "loaded_context_length": 4096}
    claude = {
        "id": "claude-x",
        "display_name": "Claude X",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "capabilities": {"thinking": {"supported": True}},
    }
    odd: list[object] = [{"name": "no id"}, 7, {"id": "free", "pricing": {"prompt": 0}}]
    body = msgspec.json.encode({"data": [openrouter, llama, vllm, studio, claude, *odd, llama]})
    assert read_models(body) == (
        ModelInfo(
            id="a/b",
            name="B",
            context_tokens=1000,
            max_output_tokens=99,
            price_in=0.1,
            price_out=0.2,
            price_cached=0.05,
            price_cache_written=0.125,
            supports_tools=True,
            supports_reasoning=False,
        ),
        ModelInfo(id="tiny", trained_context_tokens=8192),
        ModelInfo(id="big", context_tokens=32768),
        ModelInfo(id="s", context_tokens=4096, trained_context_tokens=9000),
        ModelInfo(
            id="claude-x",
            name="Claude X",
            context_tokens=200_000,
            max_output_tokens=64_000,
            supports_reasoning=True,
        ),
        ModelInfo(id="free", price_in=0.0),
    )
    assert read_models(b'[{"id": "bare"}]') == (ModelInfo(id="bare"),)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": 1}', b"[" * 3000])
def test_what_is_no_list_of_models_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="no list of models"):
        read_models(body)


def test_messages_survive_a_file_as_what_they_were() -> None:
    call = ToolCall(id="1", name="read", arguments="{}")
    messages: tuple[Message, ...] = (
        SystemMessage(text="s"),
        UserMessage(text="u"),
        AssistantMessage(parts=(TextPart(text="a"), call), model="m", stop=Stop.tool_calls),
        ToolMessage(call_id="1", text="t", is_error=True),
    )
    encoded = msgspec.json.encode(messages)
    assert msgspec.json.decode(encoded, type=tuple[Message, ...]) == messages
    assert [message["role"] for message in msgspec.json.decode(encoded)] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
