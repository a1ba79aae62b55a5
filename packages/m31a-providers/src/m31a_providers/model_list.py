"""Lists of models as servers give them, read into `ModelInfo`. Pure."""

import msgspec

from m31a_providers.models import ModelInfo


class _Pricing(msgspec.Struct, frozen=True, kw_only=True):
    prompt: str | float | None = None
    completion: str | float | None = None
    input_cache_read: str | float | None = None
    input_cache_write: str | float | None = None


class _TopProvider(msgspec.Struct, frozen=True, kw_only=True):
    context_length: float | None = None
    max_completion_tokens: float | None = None


class _Meta(msgspec.Struct, frozen=True, kw_only=True):
    n_ctx: float | None = None
    n_ctx_train: float | None = None


class _Ability(msgspec.Struct, frozen=True, kw_only=True):
    supported: bool | None = None


class _Abilities(msgspec.Struct, frozen=True, kw_only=True):
    thinking: _Ability | None = None


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    display_name: str | None = None
    context_length: float | None = None
    context_window: float | None = None
    max_model_len: float | None = None
    loaded_context_length: float | None = None
    max_context_length: float | None = None
    max_input_tokens: float | None = None
    max_tokens: float | None = None
    """Of an answer; only where `max_input_tokens` stands beside it."""
    meta: _Meta | None = None
    pricing: _Pricing | None = None
    top_provider: _TopProvider | None = None
    supported_parameters: list[str] | None = None
    capabilities: _Abilities | list[str] | None = None


class _List(msgspec.Struct, frozen=True, kw_only=True):
    data: list[msgspec.Raw]


def read_models(body: bytes) -> tuple[ModelInfo, ...]:
    """The models of a `GET /models` answer; entries without a readable id are left out.

    Raises:
        ValueError: the body is no list of models.
    """
    try:
        entries = msgspec.json.decode(body, type=_List | list[msgspec.Raw])
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"no list of models: {exc}") from exc
    found = {}
    for entry in entries.data if isinstance(entries, _List) else entries:
        try:
            model = msgspec.json.decode(entry, type=_Model)
        except (ValueError, RecursionError):
            continue
        found[model.id] = _info(model)
    return tuple(found.values())


def price_per_token(price: str | float | None) -> float | None:
    """US dollars, from a number or its text; negative ones ("depends") are unknown."""
    try:
        figure = None if price is None or price == "" else float(price)
    except ValueError:
        return None
    return figure if figure is not None and 0 <= figure < float("inf") else None


def _info(model: _Model) -> ModelInfo:
    pricing = model.pricing or _Pricing()
    top = model.top_provider or _TopProvider()
    most_output = top.max_completion_tokens or (model.max_input_tokens and model.max_tokens)
    return ModelInfo(
        id=model.id,
        name=model.name or model.display_name or "",
        context_tokens=_served(model),
        trained_context_tokens=_first(
            model.max_context_length, model.meta.n_ctx_train if model.meta else None
        ),
        max_output_tokens=_first(most_output),
        price_in=price_per_token(pricing.prompt),
        price_out=price_per_token(pricing.completion),
        price_cached=price_per_token(pricing.input_cache_read),
        price_cache_written=price_per_token(pricing.input_cache_write),
        supports_tools=_supports_tools(model),
        supports_reasoning=_supports_reasoning(model),
    )


def _supports_tools(model: _Model) -> bool | None:
    if model.supported_parameters is not None:
        return "tools" in model.supported_parameters
    # LM Studio names it so; a list without it may only be short.
    listed = model.capabilities
    return True if isinstance(listed, list) and "tool_use" in listed else None


def _supports_reasoning(model: _Model) -> bool | None:
    if model.supported_parameters is not None:
        return "reasoning" in model.supported_parameters
    if isinstance(model.capabilities, _Abilities) and model.capabilities.thinking is not None:
        return model.capabilities.thinking.supported
    return None


def _served(model: _Model) -> int | None:
    """The window in use; what the model could do if it were loaded so is another figure."""
    return _first(
        model.loaded_context_length,
        model.meta.n_ctx if model.meta else None,
        model.max_model_len,
        model.context_length,
        model.context_window,
        model.max_input_tokens,
    )


def _first(*figures: float | None) -> int | None:
    return next((int(figure) for figure in figures if figure and 0 < figure < 1e12), None)
