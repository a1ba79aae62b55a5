"""What stands around every screen: header, key hints, status line, toasts, the sheet's border."""

from collections.abc import Sequence
from dataclasses import dataclass

from m31a.draw.frame import Point, Size, View, laid_over
from m31a.draw.line import Line, Part, Span, span
from m31a.draw.style import ACCENT, BORDER, DIM, ERR, OK, PLAIN, STRONG, WARN, Style, Tone
from m31a.draw.text import clip, width
from m31a.program.keymap import KeyTable, shown
from m31a.program.remembering import remembering
from m31a.program.scene import Scene
from m31a_engine import Mode, Phase

STEPS = (
    (Phase.INITIALIZE, "init"),
    (Phase.DISCUSS, "discuss"),
    (Phase.PLAN, "plan"),
    (Phase.EXECUTE, "execute"),
    (Phase.VERIFY, "verify"),
    (Phase.SHIP, "ship"),
)
LEAST_HEIGHT = 10
"""Below this the header and the hints make room for the body."""
APART = 4
"""Cells at least between the two sides of the header."""
DOT = " · "
SOON_S = 1.0
"""Work that takes no longer is not told of."""
LEAST_HINT = 12
"""Cells from which on a hint that is cut short is better than none."""
_LEVELS = {"ok": OK, "warn": WARN, "err": ERR}


@dataclass(frozen=True, slots=True)
class Note:
    """A toast and until when it is shown."""

    text: str
    level: str
    until_s: float


def body_size(size: Size) -> Size:
    """What is left for the screen."""
    taken = 4 if size.height >= LEAST_HEIGHT else 1
    return Size(size.width, max(1, size.height - taken))


def framed(body: View, title: str, tables: Sequence[KeyTable], scene: Scene, size: Size) -> View:
    """A body with everything that stands around it."""
    status = status_line(scene, size.width)
    if size.height == 1:  # no room for both: what goes on is worth more than a piece of a screen
        return View((status,))
    if size.height < LEAST_HEIGHT:
        return View((*body.lines, status), body.cursor)
    top = (header(title, scene, size.width), Line.of(Span("─" * size.width, BORDER)))
    bottom = (hints(tables, size.width), status)
    cursor = Point(body.cursor.column, body.cursor.row + 2) if body.cursor else None
    return View((*top, *body.lines, *bottom), cursor)


def header(title: str, scene: Scene, cells: int) -> Line:
    """Program, screen and project on the left; the phases of the run on the right."""
    left = Line.of(
        Span(" m31a", ACCENT), Span(" │ ", BORDER), Span(title, STRONG), span(f" · {scene.project}")
    )
    story = scene.story
    if not story.running and not story.phases_done:
        return left.fitted(cells)
    right = Line.of(*_steps(scene))
    if left.width + right.width + APART > cells:
        right = _step_now(scene)
    room = max(0, cells - right.width - 2)
    return left.fitted(room).plus(" ", *right.spans).fitted(cells)


def _steps(scene: Scene) -> list[Part]:
    parts: list[Part] = []
    for phase, name in STEPS:
        if phase is scene.story.phase:
            parts.append(Span(f"▸{name.upper()}  ", ACCENT))
        elif phase in scene.story.phases_done:
            parts.append(Span(f"✓ {name}  ", OK))
        else:
            parts.append(Span(f"· {name}  ", DIM))
    return parts


def _step_now(scene: Scene) -> Line:
    order = [phase for phase, _ in STEPS]
    if scene.story.phase not in order:
        report = scene.story.report
        ended = report.outcome.value.replace("_", " ") if report is not None else "done"
        return Line.of(Span("starting " if scene.story.running else f"{ended} ", DIM))
    place = order.index(scene.story.phase)
    return Line.of(Span(f"▸{STEPS[place][1].upper()} {place + 1}/{len(STEPS)} ", ACCENT))


@remembering
def hints(tables: Sequence[KeyTable], cells: int) -> Line:
    """What the keys do here, as many as fit; made from the tables, so that it never lies.

    The way out is always among them, whatever else has to be left out.
    """
    told = _told(tables)
    out = next((each for each in told if each[0] == shown("escape")), None)
    room = cells - 1 - (_wide(out) + len(DOT) if out is not None else 0)
    kept: list[tuple[str, str]] = []
    for each in told:
        if each is out:
            kept.append(each)
            continue
        if room < _wide(each):
            if kept in ([], [out]) and room >= LEAST_HINT:
                said = clip(each[1], room - width(each[0]) - 1, "…")
                kept.append((each[0], said))
            break
        room -= _wide(each) + len(DOT)
        kept.append(each)
    if out is not None and out not in kept:
        kept.append(out)
    parts: list[Part] = []
    for chord, says in kept:
        dot = (Span(DOT, BORDER),) if parts else ()
        parts.extend((*dot, Span(chord, STRONG), Span(f" {says}", DIM)))
    return Line.of(" ", *parts).fitted(cells)


def _told(tables: Sequence[KeyTable]) -> list[tuple[str, str]]:
    """Chords and words of the hints, in order; a chord that an earlier binding has is not told."""
    taken: set[str] = set()
    told: list[tuple[str, str]] = []
    for binding in (each for table in tables for each in table):
        free = [chord for chord in binding.chords if chord not in taken]
        taken.update(binding.chords)
        leaves = binding.action == "app.back" and "escape" in free
        if free and (binding.hint or leaves):
            chord = "escape" if leaves else free[0]
            told.append((shown(chord), binding.says))
    return told


def _wide(hint: tuple[str, str]) -> int:
    return width(hint[0]) + 1 + width(hint[1])


def status_line(scene: Scene, cells: int) -> Line:
    """Phase, model, tokens, cost, context, mode; narrow: what matters least is left out."""
    return _status_row([fact for fact in _facts(scene) if fact[1].text], cells)


@remembering
def _status_row(all_facts: Sequence[tuple[int, Line]], cells: int) -> Line:
    facts = list(all_facts)
    ground = Tone.PANEL
    cell = Style(bg=ground)
    while sum(fact[1].width + 3 for fact in facts) > cells and len(facts) > 1:
        facts.remove(max(facts, key=lambda fact: fact[0]))
    parts: list[Part] = []
    for index, (_, fact) in enumerate(facts):
        parts.append(Span(" " if index == 0 else " │ ", Style(fg=Tone.BORDER, bg=ground)))
        parts.extend(fact.grounded(cell).spans)
    return Line.of(*parts).clipped(cells).padded(cells, cell)


def _facts(scene: Scene) -> list[tuple[int, Line]]:
    """The facts in order, each with how soon it is left out (the higher the sooner)."""
    story, settings = scene.story, scene.settings
    busy = story.running
    phase = story.phase.value if busy and story.phase is not Phase.IDLE else "ready"
    mode = story.mode if busy else settings.mode
    model = (busy and story.model) or settings.model or story.model
    known = Line.of(Span(phase if not busy or phase != "ready" else "starting", STRONG))
    return [
        (0, known),
        (0, _waiting(scene)),
        (4, Line.of("" if mode is Mode.AUTO and busy else mode.value)),
        (2, Line.of(clip(model, 24, "…"))),
        (5, _tokens(scene)),
        (1, _cost(scene)),
        (3, _context(scene)),
        (6, Line.of(settings.permissions)),
        (7, Line.of(f"{len(scene.queue)} queued" if scene.queue else "")),
        (8, Line.of(settings.sandbox and f"sandbox {settings.sandbox}")),
    ]


def _waiting(scene: Scene) -> Line:
    """That something which was asked for takes its time."""
    gone_s = max((scene.now_s - each.since_s for each in scene.busy), default=0.0)
    if gone_s < SOON_S:
        return Line.of()
    return Line.of(Span(f"working {gone_s:.0f} s" if scene.settings.motion else "working", ACCENT))


def _tokens(scene: Scene) -> Line:
    usage = scene.story.usage
    return (
        Line.of(f"↑{short(usage.input_tokens)} ↓{short(usage.output_tokens)}")
        if usage.tokens
        else Line.of()
    )


def _cost(scene: Scene) -> Line:
    usage, limit = scene.story.usage, scene.settings.budget_usd
    if not usage.tokens and limit is None:
        return Line.of()
    spent = "$?" if usage.cost_usd is None and usage.tokens else f"${usage.cost_usd or 0.0:.2f}"
    return Line.of(spent if limit is None else f"{spent} of ${limit:.2f}")


def _context(scene: Scene) -> Line:
    share = context_share(scene)
    if share is None:
        return Line.of()
    filled = min(10, round(share * 10))
    warn = share >= scene.settings.context_warn
    tone = Tone.BAR_ERR if share >= 0.95 else Tone.BAR_WARN if warn else Tone.BAR_FILL
    return Line.of(
        "ctx ",
        Span("▓" * filled, Style(fg=tone)),
        Span("░" * (10 - filled), Style(fg=Tone.BAR_REST)),
        f" {share:.0%}",
    )


def context_share(scene: Scene) -> float | None:
    """How much of the model's window is in use; None while it is not known."""
    limit = scene.story.context_limit or scene.settings.context_limit
    if not limit or not scene.story.context_tokens:
        return None
    return scene.story.context_tokens / limit


def short(count: int) -> str:
    """A count of tokens in four characters or so: `950`, `12.9k`, `1.2M`."""
    if count < 1000:
        return str(count)
    if count < 1_000_000:
        return f"{count / 1000:.1f}k"
    return f"{count / 1_000_000:.1f}M"


def with_toasts(lines: Sequence[Line], notes: Sequence[Note], cells: int) -> tuple[Line, ...]:
    """Lines with the newest notes at the top right, the first on the rule below the header."""
    shown_lines = tuple(lines)
    for index, note in enumerate(notes[-3:]):
        toast = toast_line(note, max(1, cells - 2))
        at = Point(max(0, cells - toast.width - 1), 1 + index)
        shown_lines = laid_over(shown_lines, View((toast,)), at, cells)
    return shown_lines


def toast_line(note: Note, cells: int) -> Line:
    """A note in at most so many cells."""
    style = _LEVELS.get(note.level, PLAIN)
    text = span(f" {note.text} ", Style(fg=style.fg, bold=True, reverse=True))
    return Line.of(text).clipped(cells)


def boxed(view: View, title: str, size: Size) -> View:
    """A view with a border and a title around it; `size` is the view's own."""
    name = clip(f" {title} ", max(0, size.width - 2), "…")
    edge = Style(fg=Tone.BORDER_FOCUS)
    top = Line.of(
        Span("╭─", edge), span(name, STRONG), Span("─" * (size.width - width(name)) + "─╮", edge)
    )
    rows = [
        Line.of(Span("│ ", edge), *line.fitted(size.width).spans, Span(" │", edge))
        for line in view.lines
    ]
    end = Line.of(Span("╰" + "─" * (size.width + 2) + "╯", edge))
    cursor = Point(view.cursor.column + 2, view.cursor.row + 1) if view.cursor else None
    return View((top, *rows, end), cursor)
