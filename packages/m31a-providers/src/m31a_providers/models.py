"""What is known about a model, and what a use of it costs."""

import msgspec

from m31a_providers.messages import Usage


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a server; `None` where the server does not say."""

    id: str
    name: str = ""
    context_tokens: int | None = None
    """The window as it is served."""
    trained_context_tokens: int | None = None
    """The window the model was made for; a local server may have loaded it with less."""
    max_output_tokens: int | None = None
    price_in: float | None = None
    """US dollars per input token; 0 is free."""
    price_out: float | None = None
    """US dollars per output token, reasoning included; 0 is free."""
    price_cached: float | None = None
    """US dollars per input token read from the server's cache; `None` counts as `price_in`."""
    price_cache_written: float | None = None
    """US dollars per input token put into that cache; `None` counts as `price_in`."""
    supports_tools: bool | None = None
    supports_reasoning: bool | None = None


def cost_of(usage: Usage, model: ModelInfo) -> float | None:
    """US dollars for these tokens, or `None` when a price that matters is unknown."""
    cached = min(usage.cached_tokens, usage.input_tokens)
    written = min(usage.cache_written_tokens, usage.input_tokens - cached)
    priced = (
        (usage.input_tokens - cached - written, model.price_in),
        (cached, _price(model.price_cached, model)),
        (written, _price(model.price_cache_written, model)),
        (usage.output_tokens, model.price_out),
    )
    total = 0.0
    for tokens, price in priced:
        if not tokens:
            continue
        if price is None:
            return None
        total += tokens * price
    return total


def _price(special: float | None, model: ModelInfo) -> float | None:
    return model.price_in if special is None else special
