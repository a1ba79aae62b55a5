"""Lists of models as servers give them, read into `ModelInfo`. Pure."""

import msgspec

from m31a_providers.models import ModelInfo


class _Pricing(msgspec.Struct, frozen=True, kw_only=True):
    prompt: str | float | None = None
    completion: str | float | None = None
    input_cache_read: str | float | None = None


class _TopProvider(msgspec.Struct, frozen=True, kw_only=True):
    context_length: float | None = None
    max_completion_tokens: float | None = None


class _Meta(msgspec.Struct, frozen=True, kw_only=True):
    n_ctx: float | None = None
    n_ctx_train: float | None = None


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    context_length: float | None = None
    context_window: float | None = None
    max_model_len: float | None = None
    loaded_context_length: float | None = None
    max_context_length: float | None = None
    meta: _Meta | None = None
    pricing: _Pricing | None = None
    top_provider: _TopProvider | None = None
    supported_parameters: list[str] | None = None


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
    abilities = model.supported_parameters
    top = model.top_provider or _TopProvider()
    return ModelInfo(
        id=model.id,
        name=model.name or "",
        context_tokens=_context(model),
        max_output_tokens=_tokens(top.max_completion_tokens),
        price_in=price_per_token(pricing.prompt),
        price_out=price_per_token(pricing.completion),
        price_cached=price_per_token(pricing.input_cache_read),
        supports_tools=None if abilities is None else "tools" in abilities,
        supports_reasoning=None if abilities is None else "reasoning" in abilities,
    )


def _context(model: _Model) -> int | None:
    meta = model.meta or _Meta()
    # What is loaded now counts before what the model could do.
    for figure in (
        model.loaded_context_length,
        meta.n_ctx,
        model.max_model_len,
        model.context_length,
        model.context_window,
        model.max_context_length,
        meta.n_ctx_train,
    ):
        if figure:
            return _tokens(figure)
    return None


def _tokens(figure: float | None) -> int | None:
    return int(figure) if figure and 0 < figure < 1e12 else None
