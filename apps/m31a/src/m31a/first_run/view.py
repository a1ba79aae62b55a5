"""The steps of the first run as people see them."""

from collections.abc import Sequence

from m31a.draw.frame import Point, Size, View
from m31a.draw.line import EMPTY, Line, Part, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, OK, STRONG
from m31a.first_run.choices import Stage, Way, Welcome
from m31a.program.scene import Scene
from m31a.widgets import field, listing
from m31a.widgets.choice import choice_line
from m31a.widgets.model_rows import NARROW, header, row
from m31a.widgets.picker import picker_view
from m31a.widgets.row_text import one_row
from m31a_engine import ModelInfo

ROOMY = 12
"""Rows from which on blank lines set things apart."""


def steps_lines(state: Welcome, size: Size) -> tuple[Line, ...]:
    """All steps, the present one marked."""
    cells = size.width
    parts: list[Part] = [" "]
    for stage in Stage:
        name = f" {stage + 1} {stage.name.lower()} "
        if stage < state.stage:
            parts += [Span(" ✓", OK), Span(name, DIM)]
        elif stage is state.stage:
            parts += [Span(" ▸", ACCENT), Span(name, STRONG)]
        elif cells >= 50:
            parts += [Span("  ", DIM), Span(name, DIM)]
    line = Line.of(*parts)
    if line.width > cells:
        name = f" {state.stage + 1} {state.stage.name.lower()}"
        line = Line.of("  ", Span("▸", ACCENT), Span(name, STRONG), Span(f" of {len(Stage)}", DIM))
    gap = (EMPTY,) if size.height >= ROOMY else ()
    return (*gap, line.clipped(cells), *gap)


def body_view(state: Welcome, room: Size, scene: Scene) -> View:
    """The present step."""
    match state.stage:
        case Stage.PROVIDER:
            return _provider_body(state, room)
        case Stage.KEY:
            return _key_body(state, room)
        case Stage.MODEL:
            return _model_body(state, room)
        case Stage.THEME:
            words = ("auto", *scene.themes)
            line = choice_line("  theme  ", words, state.theme, room.width)
            note = "This is how it looks. /settings has everything else."
            return View((line, EMPTY, *_dim(note, room.width)))


def _dim(text: str, cells: int) -> tuple[Line, ...]:
    return wrapped((Span(text, DIM),), cells, first="  ", rest="  ")


def _provider_body(state: Welcome, room: Size) -> View:
    gap = (EMPTY,) if room.height >= ROOMY - 2 else ()
    says = " A model server of your own, or one of these with a key." if gap else ""
    title = (*_dim(f"Who answers?{says}", room.width), *gap)
    foot, column = _provider_foot(state, room.width)
    foot = (*gap, *foot)
    rows = [_way_line(way, room.width - 2) for way in state.ways]
    height = max(1, min(len(rows), room.height - len(title) - len(foot)))
    lines = (*title, *listing.listing_lines(rows, state.at, Size(room.width, height)), *foot)
    cursor = None if column is None else Point(column, len(title) + height + len(gap))
    return View(lines, cursor)


def _provider_foot(state: Welcome, cells: int) -> tuple[tuple[Line, ...], int | None]:
    """The address that is typed, or what was found on this machine."""
    if state.address is not None:
        drawn = field.field_view(
            "  address  ", state.address, cells, placeholder="http://127.0.0.1:8080/v1"
        )
        return (drawn.line,), drawn.cursor
    if not state.searched:
        return _dim("looking for model servers on this machine …", cells), None
    if any(way.address for way in state.ways):
        return (), None
    nothing = "no model server was found on this machine"
    demo = "; d shows a demo that needs none" if cells >= NARROW else ""
    return _dim(f"{nothing}{demo}", cells), None


def _way_line(way: Way, cells: int) -> Line:
    keyed = (Span("  ✓ has a key", OK),) if way.has_key else ()
    says = way.says if not way.address or way.models else way.address
    return Line.of(span(f"{way.name:<16}", STRONG), span(one_row(says), DIM), *keyed).clipped(cells)


def _key_body(state: Welcome, room: Size) -> View:
    gap = (EMPTY,) if room.height >= ROOMY - 2 else ()
    name = state.way.name
    title = (*_dim(f"The key of {name}:", room.width), *gap)
    drawn = field.field_view("  key  ", state.key, room.width, secret=True, placeholder="paste it")
    kept = "It goes into the system's keychain and is never shown or kept elsewhere."
    other = f"Or set {name.upper()}_API_KEY yourself, and press enter here."
    cursor = None if drawn.cursor is None else Point(drawn.cursor, len(title))
    notes = (*_dim(kept, room.width), *_dim(other, room.width))
    return View((*title, drawn.line, *gap, *notes), cursor)


def _model_body(state: Welcome, room: Size) -> View:
    if not state.listed:
        return View(_dim("asking for the models …", room.width))

    def drawn(model: ModelInfo, cells: int) -> Sequence[Part]:
        return row(model, None, cells, compared=False)

    nothing = "type a model's id: enter takes it as it is"
    view = picker_view(state.models, room, drawn, empty=nothing)
    lines = list(view.lines)
    if len(lines) > 1 and state.models.found:
        lines[1] = header(room.width, compared=False)
    return View(tuple(lines), view.cursor)
