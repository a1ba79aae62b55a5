"""Unified hunks as lines, with line numbers and signs that are not told by colour alone."""

import re

from m31a.draw.line import Line, Span, span
from m31a.draw.style import DIM, PLAIN, Style, Tone
from m31a.draw.text import expand_tabs

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")
_ADD, _DEL = Style(fg=Tone.DIFF_ADD), Style(fg=Tone.DIFF_DEL)
_GUTTER = Style(fg=Tone.DIFF_GUTTER, dim=True)


def diff_lines(diff: str, cells: int, *, path: str = "") -> tuple[Line, ...]:
    """The lines of a unified diff, cut at `cells`; `path` is for a diff without file headers."""
    lines: list[Line] = []
    old = new = 0
    for row in diff.rstrip("\n").split("\n"):
        body = expand_tabs(row[1:])
        if found := _HUNK.match(row):
            old, new = int(found[1]), int(found[2])
            if lines:
                lines.append(Line.of(Span("  ⋯ ", _GUTTER), span(found[3].strip(), DIM)))
            continue
        if row.startswith(("diff --git", "index ", "--- ", "+++ ", "new file", "deleted file")):
            if row.startswith("+++ ") and not path:
                lines.append(Line.of(span(row[4:].removeprefix("b/"), Style(bold=True))))
            continue
        match row[:1]:
            case "+":
                lines.append(_row(new, "+", body, _ADD))
                new += 1
            case "-":
                lines.append(_row(old, "-", body, _DEL))
                old += 1
            case "\\":
                lines.append(Line.of(span(f"      {row}", DIM)))
            case _:
                lines.append(_row(new, " ", body, PLAIN))
                old, new = old + 1, new + 1
    return tuple(line.clipped(cells) for line in lines)


def _row(number: int, sign: str, body: str, style: Style) -> Line:
    return Line.of(Span(f"{number:>4} ", _GUTTER), span(f"{sign} {body}", style))
