"""Which model is good enough for a task and costs least. Pure."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from m31a_providers.messages import Usage
from m31a_providers.models import ModelInfo, cost_of

# At the beginning of words: "api" is in "rapid" and means nothing there.
_WORDS = {
    "complex": re.compile(
        r"\b(design|architect|migrate|rewrite|system|containerize|deploy|infrastructure"
        r"|microservice|distributed|benchmark|security audit)"
    ),
    "moderate": re.compile(
        r"\b(implement|create|refactor|restructure|database|api|frontend|backend|authentication"
        r"|integration|test suite|monitor|pipeline)"
    ),
}
_MANY = 3
_TOKENS_PER_FILE = 500
_COMPLEX_CONTEXT_TOKENS = 64_000
_FEWEST_RUNS = 3
_MOST_ALTERNATIVES = 3


class Complexity(StrEnum):
    """How much a task asks of a model."""

    simple = "simple"
    moderate = "moderate"
    complex = "complex"


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """A task, as far as the choice of its model goes."""

    text: str
    files: int = 0
    dependencies: int = 0
    needs_tools: bool = True


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How a model has done at tasks of the same complexity."""

    wins: int = 0
    losses: int = 0


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A model, and why it and no other."""

    model: str
    complexity: Complexity
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """The estimate for this task, failures priced in; `None` when it has no price or no fit."""
    saving_usd: float
    """Against the default model; 0 when that one stays or its price is unknown."""
    alternatives: tuple[str, ...] = ()
    """Others within the threshold, cheapest first."""
    reason: str


def complexity_of(need: Need) -> Complexity:
    """By the words of the task, one level up for many files and one for many dependencies."""
    levels = list(Complexity)
    text = need.text.lower()
    found = (level for level, words in _WORDS.items() if words.search(text))
    level = levels.index(Complexity(next(found, "simple")))
    level += (need.files > _MANY) + (need.dependencies > _MANY)
    return levels[min(level, len(levels) - 1)]


def estimate_usage(need: Need, complexity: Complexity) -> Usage:
    """The tokens such a task usually takes."""
    tokens_in, tokens_out = {
        Complexity.simple: (2000, 1000),
        Complexity.moderate: (5500, 2750),
        Complexity.complex: (14000, 7000),
    }[complexity]
    more = _TOKENS_PER_FILE * need.files
    return Usage(input_tokens=tokens_in + more, output_tokens=tokens_out + more, estimated=True)


def choose_model(
    need: Need,
    catalogue: Sequence[ModelInfo],
    *,
    default: str,
    threshold: float = 0.3,
    records: Mapping[str, Record] | None = None,
    least_success: float = 0.5,
) -> Choice:
    """The cheapest model that can do the task; the default unless another saves enough.

    Args:
        need: the task.
        catalogue: the models on offer; those without a price are never chosen.
        default: the model that is used when nothing better is found.
        threshold: the part of the default's cost that must be saved to leave it.
        records: how models did at tasks of this complexity; their failures are priced in.
        least_success: a model that did worse than this is not chosen.
    """
    complexity = complexity_of(need)
    usage = estimate_usage(need, complexity)
    known = records or {}
    costs = {}
    for model in catalogue:
        cost, success = cost_of(usage, model), _success(known.get(model.id))
        if cost is None or success <= 0 or success < least_success:
            continue
        if _can(model, need, complexity, usage):
            # A task that fails is paid for again.
            costs[model.id] = cost / success
    chosen, saving, reason = _best(costs, catalogue, default, threshold)
    return Choice(
        model=chosen,
        complexity=complexity,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=costs.get(chosen),
        saving_usd=saving,
        alternatives=_close_to(chosen, costs, threshold),
        reason=f"{complexity} task: {reason}",
    )


def _best(
    costs: Mapping[str, float], catalogue: Sequence[ModelInfo], default: str, threshold: float
) -> tuple[str, float, str]:
    """(model, US dollars saved against the default, why)."""
    if not costs:
        return default, 0.0, f"no priced model fits, {default} stays"
    # Ties go to the first in the catalogue.
    best = min(costs, key=lambda name: costs[name])
    if best == default:
        return best, 0.0, f"{best} is the cheapest that fits"
    if default in costs:
        against = costs[default]
        saving = against - costs[best]
        if saving <= threshold * against:
            too_little = f"{_dollars(saving)} of {_dollars(against)}"
            return default, 0.0, f"{best} would save {too_little}, too little to leave {default}"
        return best, saving, f"{best} saves {_dollars(saving)} of {_dollars(against)}"
    listed = next((model for model in catalogue if model.id == default), None)
    if listed is None or listed.price_in is None or listed.price_out is None:
        return default, 0.0, f"the price of {default} is unknown, so it stays"
    return best, 0.0, f"{default} does not fit, {best} is the cheapest that does"


def _can(model: ModelInfo, need: Need, complexity: Complexity, usage: Usage) -> bool:
    if need.needs_tools and model.supports_tools is False:
        return False
    window = model.context_tokens
    if complexity is Complexity.complex:
        return window is not None and window >= max(_COMPLEX_CONTEXT_TOKENS, usage.tokens)
    return window is None or window >= usage.tokens


def _success(record: Record | None) -> float:
    """The part of its tasks a model did; 1 while too little is known of it."""
    runs = record.wins + record.losses if record else 0
    return record.wins / runs if record and runs >= _FEWEST_RUNS else 1.0


def _close_to(model: str, costs: Mapping[str, float], threshold: float) -> tuple[str, ...]:
    limit = costs.get(model, 0.0) * (1 + threshold)
    others = sorted((name for name in costs if name != model), key=lambda name: costs[name])
    return tuple(name for name in others if costs[name] <= limit)[:_MOST_ALTERNATIVES]


def _dollars(figure: float) -> str:
    return f"${figure:.4f}"
