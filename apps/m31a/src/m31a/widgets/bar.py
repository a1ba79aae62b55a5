"""A horizontal bar of eighth blocks."""

from m31a.draw.line import Span
from m31a.draw.style import Style, Tone

EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, cells: int, tone: Tone = Tone.BAR_FILL) -> tuple[Span, ...]:
    """`share` (0 to 1) of `cells`, the rest as a track; what is more than nothing is seen."""
    eighths = min(cells * 8, max(0, round(share * cells * 8)))
    if share > 0:
        eighths = max(1, eighths)
    whole, part = divmod(eighths, 8)
    filled = "█" * whole + (EIGHTHS[part] if part else "")
    rest = "·" * (cells - len(filled))
    spans = (Span(filled, Style(fg=tone)), Span(rest, Style(fg=Tone.BAR_REST, dim=True)))
    return tuple(each for each in spans if each.text)
