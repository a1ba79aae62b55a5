"""One model more closely: what it can do, and what it costs beside the one in use."""

from m31a.draw.frame import Size
from m31a.draw.line import EMPTY, Line, Span, span
from m31a.draw.style import BORDER, DIM, Tone
from m31a.draw.text import clip, width
from m31a.widgets.bar import bar
from m31a.widgets.model_rows import sample_cost
from m31a.widgets.row_text import one_row
from m31a_engine import ModelInfo

DETAIL_ROWS = 6
LEAST_FOR_DETAIL = 14
"""Rows a screen must have for this to be worth its place."""


def detail_lines(
    choice: ModelInfo | None, current: ModelInfo | None, size: Size
) -> tuple[Line, ...]:
    """What a piece of work costs with a model and with the one in use; nothing on low screens."""
    if choice is None or size.height < LEAST_FOR_DETAIL:
        return ()
    shown = (choice,) if current is None or choice is current else (choice, current)
    costs = [sample_cost(model) for model in shown]
    most = max((cost for cost in costs if cost), default=0.0)
    cells = size.width
    title = f"─ {one_row(choice.name or choice.id)} "
    lines = [
        Line.of(Span(clip(title, cells - 4, "… "), BORDER)),
        Line.of("  ", Span(_about(choice), DIM)),
        Line.of("  ", Span("100k tokens in and 10k out cost", DIM)),
    ]
    lines[0] = lines[0].plus(Span("─" * (cells - lines[0].width), BORDER))
    room = max(4, min(40, cells - 44))
    for model, cost in zip(shown, costs, strict=True):
        text = "not known" if cost is None else f"${cost:.2f}"
        name = clip(one_row(model.id), 28, "…")
        spans = bar(cost / most, room, Tone.BAR_FILL) if cost and most else ()
        pad = " " * (30 - width(name))
        lines.append(Line.of("  ", span(name), pad, *spans, f" {text}"))
    lines = [line.clipped(cells) for line in lines]
    return tuple(lines) + (EMPTY,) * (DETAIL_ROWS - len(lines))


def _about(model: ModelInfo) -> str:
    facts = [
        f"answers up to {model.max_output_tokens} tokens" if model.max_output_tokens else "",
        "cache reads cost less"
        if model.price_cached is not None
        and model.price_in is not None
        and model.price_cached < model.price_in
        else "",
        "reasons" if model.supports_reasoning else "",
        "cannot use tools" if model.supports_tools is False else "",
    ]
    return " · ".join(fact for fact in facts if fact) or "the provider tells no more of it"
