"""A call that needs leave, in full."""

from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import STRONG, WARN, Style, Tone
from m31a.widgets.facts import fact_lines
from m31a.widgets.row_text import one_row, safe
from m31a_engine import PermissionRequest, Risk

TONES = {
    Risk.SAFE: Tone.RISK_SAFE,
    Risk.MEDIUM: Tone.RISK_MEDIUM,
    Risk.DANGEROUS: Tone.RISK_DANGEROUS,
    Risk.DESTRUCTIVE: Tone.RISK_DESTRUCTIVE,
}


def request_lines(request: PermissionRequest, cells: int) -> tuple[Line, ...]:
    """`detail` has every hidden character written out; the command as written is never shown."""
    tone = Style(fg=TONES[request.risk], bold=True)
    head = Line.of(
        span(one_row(request.tool), STRONG), Span(f"  risk {request.risk.value.upper()}", tone)
    )
    facts = (
        ("why", request.reason),
        ("in", request.folder if request.folder != "." else ""),
        ("touches", ", ".join(request.paths)),
        ("outside", ", ".join(request.outside)),
        ("reaches", ", ".join(request.hosts)),
    )
    return (
        head.clipped(cells),
        EMPTY,
        *wrapped((Span(safe(request.detail), STRONG),), cells, first="  ", rest="  "),
        EMPTY,
        *fact_lines((("destroys", ", ".join(request.destroys)),), cells, style=WARN),
        *fact_lines(facts, cells),
    )
