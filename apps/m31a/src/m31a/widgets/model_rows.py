"""Models as rows: window, prices, and how they compare with the one in use."""

from collections.abc import Sequence
from dataclasses import dataclass

from m31a.draw.line import Line, Part, Span, span
from m31a.draw.style import ACCENT, DIM, OK, PLAIN, WARN, Style
from m31a.draw.text import clip, width
from m31a.program.chrome import short
from m31a.widgets.row_text import one_row
from m31a_engine import ModelInfo

PER_MILLION = 1_000_000
SAMPLE_IN, SAMPLE_OUT = 100_000, 10_000
"""Tokens of the piece of work that models are compared by."""
NARROW = 60
WIDEST_NAME = 72
"""Cells of a name at most: figures far from their names are hard to read."""


@dataclass(frozen=True, slots=True)
class ForPhase:
    """What the model selector is opened with to choose for one field of another screen."""

    phase: str
    """`execute`, or empty for all."""
    current: str = ""


def sample_cost(model: ModelInfo | None) -> float | None:
    """US dollars for `SAMPLE_IN` tokens in and `SAMPLE_OUT` out; None when it is not known."""
    if model is None or model.price_in is None or model.price_out is None:
        return None
    return SAMPLE_IN * model.price_in + SAMPLE_OUT * model.price_out


def price(usd: float | None) -> str:
    """US dollars for a million tokens, from the price of one."""
    if usd is None:
        return "?"
    return "free" if usd == 0 else f"{usd * PER_MILLION:.2f}"


def versus(model: ModelInfo, current: ModelInfo | None) -> tuple[str, Style]:
    """How much more or less the sample costs than with the model in use."""
    if current is not None and model.id == current.id:
        return "now", ACCENT
    mine, theirs = sample_cost(model), sample_cost(current)
    if mine is None or theirs is None:
        return "?", DIM
    if theirs == 0:
        return ("same", DIM) if mine == 0 else ("dearer", WARN)
    change = (mine - theirs) / theirs
    if abs(change) < 0.005:
        return "same", DIM
    if change > 9.995:
        return f"×{mine / theirs:.0f}", WARN
    return f"{'+' if change > 0 else '−'}{abs(change):.0%}", WARN if change > 0 else OK


def header(cells: int, *, compared: bool = True) -> Line:
    """The names of the columns of `row`."""
    names = _columns("in $/M", "out $/M", "context", "vs now", "tools", cells, compared)
    texts = [(name, DIM, wide) for name, wide in names]
    return Line.of("  ", *_row("model", DIM, texts, cells - 2)).clipped(cells)


def row(
    model: ModelInfo, current: ModelInfo | None, cells: int, *, compared: bool = True
) -> tuple[Part, ...]:
    """One model in so many cells, beside the one in use where they are compared."""
    says, style = versus(model, current)
    tools = {True: "yes", False: "no", None: "?"}[model.supports_tools]
    window = "?" if model.context_tokens is None else short(model.context_tokens)
    figures = (price(model.price_in), price(model.price_out), window)
    texts = _columns(*figures, says, tools, cells + 2, compared)
    styled = [
        (text, style if text == says else WARN if text == "no" else PLAIN, wide)
        for text, wide in texts
    ]
    return _row(one_row(model.id), PLAIN, styled, cells)


def _columns(
    price_in: str,
    price_out: str,
    window: str,
    says: str,
    tools: str,
    cells: int,
    compared: bool,
) -> list[tuple[str, int]]:
    versus_column = [(says, 8)] if compared else []
    if cells < NARROW:
        return [(price_out, 8), *versus_column]
    return [(window, 8), (price_in, 8), (price_out, 9), *versus_column, (tools, 7)]


def _row(
    name: str, style: Style, texts: Sequence[tuple[str, Style, int]], cells: int
) -> tuple[Part, ...]:
    """A name on the left, the rest in columns on the right."""
    room = min(WIDEST_NAME, max(8, cells - sum(wide for _, _, wide in texts)))
    shown = clip(name, room - 1, "…")
    parts: list[Part] = [span(shown, style), " " * (room - width(shown))]
    for text, look, wide in texts:
        parts.append(Span(f"{text:>{wide}}", look))
    return tuple(parts)
