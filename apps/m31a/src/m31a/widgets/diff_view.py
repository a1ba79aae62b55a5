"""Unified hunks as lines, with line numbers and signs that are not told by colour alone."""

from collections.abc import Iterator

from m31a.draw.line import Line, Span, span
from m31a.draw.style import DIM, PLAIN, Style, Tone
from m31a.draw.text import expand_tabs
from m31a.widgets.patch_reader import LEFT_OUT, FilePatch, Hunk, Row, read_patch

_STYLES = {"+": Style(fg=Tone.DIFF_ADD), "-": Style(fg=Tone.DIFF_DEL)}
_GUTTER = Style(fg=Tone.DIFF_GUTTER, dim=True)
_HEADS = ("diff --git", "index ", "--- ", "+++ ")


def diff_lines(diff: str, cells: int, *, path: str = "") -> tuple[Line, ...]:
    """The lines of a unified diff, cut at `cells`; `path` is for a diff without file headers."""
    lines: list[Line] = []
    for file in read_patch(diff.rstrip("\n")):
        if not path and file.path:
            lines.append(Line.of(span(file.path, Style(bold=True))))
        if not file.hunks:
            lines.extend(_told(file))
        for hunk in file.hunks:
            if lines:
                lines.append(Line.of(Span("  ⋯ ", _GUTTER), span(hunk.within, DIM)))
            lines.extend(_rows(hunk))
    return tuple(line.clipped(cells) for line in lines)


def _told(file: FilePatch) -> Iterator[Line]:
    """What is said of a file instead of its lines: that it is binary, or too long."""
    for row in file.raw.rstrip("\n").split("\n"):
        if not row.startswith(_HEADS):
            yield Line.of(span(f"  {expand_tabs(row)}", DIM))


def _rows(hunk: Hunk) -> Iterator[Line]:
    for row in hunk.rows:
        match row.sign:
            case "\\":
                yield Line.of(span(f"      \\{row.text}", DIM))
            case sign if sign == LEFT_OUT:
                yield Line.of(span(f"      {row.text}", DIM))
            case _:
                yield _row(row)


def _row(row: Row) -> Line:
    number = row.old if row.sign == "-" else row.new
    text = span(f"{row.sign} {expand_tabs(row.text)}", _STYLES.get(row.sign, PLAIN))
    return Line.of(Span(f"{number:>4} ", _GUTTER), text)
