"""What past runs came to: charts of all, the rows, and each row in full."""

from dataclasses import dataclass, replace
from enum import StrEnum

from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import Line, Part, Span, span
from m31a.draw.style import ACCENT, BORDER, DIM, STRONG
from m31a.program.effects import CopyText, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, RunOver, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Push, Screen, Step
from m31a.widgets import browse, field
from m31a.widgets.browse import FIRST, TOP, Browse, Drawn, browse_lines
from m31a.widgets.draft import BLANK, Draft, drafted
from m31a.widgets.editor import applied, typed
from m31a.widgets.facts import counted, note_lines
from m31a.widgets.field import field_view
from m31a.widgets.ledger_rows import Book, figure_lines, read_book, run_line, run_lines
from m31a.widgets.scroll import Window, window_lines
from m31a.widgets.trouble import trouble_lines

LOOK: KeyTable = (
    bind("ledger.tab", "tab, l, right, h, left", "rows or statistics", hint=True),
    bind("ledger.query", "/", "search", hint=True),
    bind("ledger.all", "x", "all rows again"),
    bind("ledger.diff", "enter, d", "the run's changes", hint=True),
    bind("ledger.copy", "y", "copy what is shown"),
    bind("ledger.again", "r", "read it again"),
    *(each for each in browse.KEYS),
    bind("app.back", "escape, q", "back", hint=True),
)
NOTHING: KeyTable = (bind("ledger.again", "r", "read it again", hint=True), LOOK[-1])
ASKING: KeyTable = (
    bind("ledger.search", "enter", "search", hint=True),
    bind("ledger.drop", "escape", "back", hint=True),
    *field.KEYS,
)
LINES = {"list.up": "scroll.line_up", "list.down": "scroll.line_down"}
ENDS = {"list.first": "scroll.top", "list.last": "scroll.bottom"}
HEAD_ROWS = 2
STATS_WORDS = frozenset({"stats", "statistics"})


class Tab(StrEnum):
    """What is shown."""

    ROWS = "rows"
    STATS = "statistics"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The book (None while it is read), what of it is shown, and what is searched for."""

    book: Book | None = None
    tab: Tab = Tab.ROWS
    browse: Browse = FIRST
    window: Window = TOP
    words: str = ""
    asking: Draft | None = None
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Read(Message):
    """The ledger as it is now."""

    book: Book


class LedgerScreen(Screen[Ledger]):
    """Every run leaves one row; demos are marked and left out of the statistics."""

    id = "ledger"
    title = "ledger"

    def init(self, argument: object, scene: Scene) -> Step[Ledger]:
        """Opened with `stats` for the charts, or with words to search for."""
        if argument in STATS_WORDS:
            return _reading(Ledger(tab=Tab.STATS))
        return _reading(Ledger(words=argument if isinstance(argument, str) else ""))

    def keys(self, state: Ledger) -> KeyTable:
        """Look around, or write what to search for."""
        if state.trouble is not None:
            return NOTHING
        return LOOK if state.asking is None else ASKING

    def update(self, state: Ledger, message: Message, scene: Scene) -> Step[Ledger]:
        """What was read, what is chosen, what is searched for."""
        match message:
            case Read(book=book):
                at = state.browse.within(len(book.rows))
                return Step(replace(state, book=book, browse=at, trouble=None))
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case RunOver():
                return _reading(state)
            case Pressed(action=action) if state.asking is not None:
                return _asking(state, state.asking, action)
            case Typed(key=key) if state.asking is not None:
                return Step(replace(state, asking=typed(state.asking, key.text)))
            case Pasted(paste=paste) if state.asking is not None:
                return Step(replace(state, asking=field.pasted(state.asking, paste.text)))
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case _:
                return Step(state)

    def view(self, state: Ledger, size: Size, scene: Scene) -> View:
        """The tabs on the first line, what is chosen below."""
        if state.trouble is not None:
            return View(fill(trouble_lines(state.trouble, size.width), size))
        if state.book is None:
            return View(fill(note_lines("reading …", size.width), size))
        head, cursor = _head(state, state.book, size.width)
        body = Size(size.width, max(1, size.height - HEAD_ROWS))
        rule = Line.of(Span("─" * size.width, BORDER))
        return View(fill((head, rule, *_body(state, state.book, body)), size), cursor)


def _head(state: Ledger, book: Book, cells: int) -> tuple[Line, Point | None]:
    if state.asking is not None:
        asked = field_view(" search ", state.asking, cells, placeholder="words of a goal")
        return asked.line, Point(asked.cursor, 0) if asked.cursor is not None else None
    parts: list[Part] = []
    for tab in Tab:
        here = tab is state.tab
        parts.append(Span(f" {'▸' if here else ' '}{tab.value} ", ACCENT if here else DIM))
    parts.append(Span(f"  {counted(len(book.rows), 'run')}", DIM))
    if state.words:
        parts.extend((Span("  like ", DIM), span(state.words, STRONG)))
    return Line.of(*parts).clipped(cells), None


def _body(state: Ledger, book: Book, size: Size) -> tuple[Line, ...]:
    if not book.rows and not state.words:
        text = "No run has ended yet: each leaves one row here."
        return note_lines(text, size.width)
    if state.tab is Tab.STATS:
        return window_lines(_figures(book, size.width), state.window, size)
    return browse_lines(
        Drawn(book.rows, run_line),
        lambda cells: _detail(state, book, cells),
        state.browse,
        size,
        empty="no run is like that",
    )


def _figures(book: Book, cells: int) -> tuple[Line, ...]:
    return tuple(Line.of("  ", *line.spans) for line in figure_lines(book, cells - 4))


def _detail(state: Ledger, book: Book, cells: int) -> tuple[Line, ...]:
    if not book.rows:
        return ()
    return run_lines(book.rows[min(state.browse.at, len(book.rows) - 1)], cells)


def _pressed(state: Ledger, action: str, scene: Scene) -> Step[Ledger]:
    book = state.book
    match action:
        case "ledger.again":
            return _reading(state)
        case "ledger.all":
            return _reading(replace(state, words=""))
        case "ledger.query":
            return Step(replace(state, asking=drafted(state.words) if state.words else BLANK))
        case "ledger.tab":
            other = Tab.ROWS if state.tab is Tab.STATS else Tab.STATS
            return Step(replace(state, tab=other, window=TOP))
        case _ if book is None:
            return Step(state)
        case "ledger.copy":
            stats = state.tab is Tab.STATS
            lines = figure_lines(book, 90) if stats else _detail(state, book, 90)
            return Step(state, (CopyText("\n".join(line.text.rstrip() for line in lines)),))
        case "ledger.diff" if book.rows and state.tab is Tab.ROWS:
            return Step(state, nav=Push("diff", book.rows[state.browse.at].session))
        case _:
            return _scrolled(state, book, action, scene)


def _scrolled(state: Ledger, book: Book, action: str, scene: Scene) -> Step[Ledger]:
    body = Size(scene.size.width, max(1, scene.size.height - HEAD_ROWS))
    if state.tab is Tab.STATS:
        action = LINES.get(action, ENDS.get(action, action))
        window = state.window.applied(action, len(_figures(book, body.width)), body.height)
        return Step(state if window is None else replace(state, window=window))
    moved = state.browse.applied(
        action, len(book.rows), lambda cells: _detail(state, book, cells), body
    )
    return Step(state if moved is None else replace(state, browse=moved))


def _asking(state: Ledger, draft: Draft, action: str) -> Step[Ledger]:
    match action:
        case "ledger.drop":
            return Step(replace(state, asking=None))
        case "ledger.search":
            words = draft.whole.strip()
            found = replace(state, asking=None, words=words, tab=Tab.ROWS, browse=FIRST)
            return _reading(found)
        case _:
            return Step(replace(state, asking=applied(draft, action) or draft))


def _reading(state: Ledger) -> Step[Ledger]:
    words = state.words
    return Step(state, (Work(lambda services: Read(read_book(services, words))),))
