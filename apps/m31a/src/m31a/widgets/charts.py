"""Small pictures of numbers: bars in eighths of a cell, sparklines, progress."""

from collections.abc import Sequence

from m31a.draw.line import Line, Span
from m31a.draw.style import PLAIN, Style, Tone

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_STEPS = "▁▂▃▄▅▆▇█"
FILL, REST = Style(fg=Tone.BAR_FILL), Style(fg=Tone.BAR_REST)


def bar(share: float, cells: int, style: Style = FILL) -> Span:
    """A bar that takes `share` (0 to 1) of `cells`, exact to an eighth of one, padded."""
    eighths = round(min(1.0, max(0.0, share)) * cells * 8)
    full, rest = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[rest] if rest else "")
    return Span(text.ljust(cells), style)


def sparkline(values: Sequence[float], cells: int, style: Style = FILL) -> Span:
    """The last `cells` values as steps between 0 and the highest; nothing for no values."""
    shown = values[-cells:]
    most = max(shown, default=0.0)
    if most <= 0:
        return Span(_STEPS[0] * len(shown), style)
    return Span("".join(_STEPS[round(max(0.0, each) / most * 7)] for each in shown), style)


def bar_chart(
    rows: Sequence[tuple[str, float, str]], cells: int, *, name_cells: int | None = None
) -> tuple[Line, ...]:
    """A line for each (name, value, figure): the bars are to one scale.

    `name_cells` is the room for names, so that several charts begin their bars together.
    """
    names = name_cells or min(max((len(name) for name, _, _ in rows), default=0), cells // 3)
    figures = max((len(figure) for _, _, figure in rows), default=0)
    room = max(4, cells - names - figures - 2)
    most = max((value for _, value, _ in rows), default=0.0)
    lines = []
    for name, value, figure in rows:
        label = Line.of(Span(name, PLAIN)).fitted(names)
        share = value / most if most > 0 else 0.0
        lines.append(Line.of(*label.spans, " ", bar(share, room), " ", figure.rjust(figures)))
    return tuple(line.clipped(cells) for line in lines)


def progress(done: int, total: int, cells: int) -> Line:
    """How much of something is done: a bar and both figures."""
    figure = f" {done}/{total}"
    room = max(1, cells - len(figure))
    filled = min(room, round(room * done / total)) if total > 0 else 0
    return Line.of(Span("▓" * filled, FILL), Span("░" * (room - filled), REST), figure)
