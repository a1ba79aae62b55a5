"""The ledger's rows as the screens show them: a table, one row in full, and charts of all."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from m31a.desks import desk_of
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import DIM, OK, STRONG, WARN, Style
from m31a.draw.text import width
from m31a.program.services import Services
from m31a.widgets.charts import bar, bar_chart, sparkline
from m31a.widgets.facts import fact_lines, list_lines, note_lines, title_lines
from m31a.widgets.row_text import one_row, seconds
from m31a_engine.books import Wanted

GOOD_WORDS = frozenset({"shipped", "shipped_on_branch", "answered"})
CHART_CELLS = 90
SPARK_CELLS = 60


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as the ledger remembers it; a cost of None is unknown, not 0."""

    session: str
    at: str
    project: str
    model: str
    mode: str
    outcome: str
    tasks: int
    failed: int
    healed: int
    commits: int
    cost_usd: float | None
    duration_s: float
    keywords: tuple[str, ...]
    failures: tuple[str, ...]
    demo: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a model succeeded at goals of one complexity."""

    name: str
    share: float | None
    """0 to 1; None when no run speaks for or against it."""
    sessions: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What all runs add up to; demos are left out."""

    sessions: int
    tasks_mean: float
    failed: int
    healed: int
    cost_usd: float | None
    cost_known: int
    duration_mean_s: float
    failures: tuple[tuple[str, int], ...]
    frameworks: tuple[tuple[str, int], ...]
    models: tuple[Rate, ...]
    ended: tuple[tuple[str, int], ...]
    costs_usd: tuple[float, ...]
    """Of each run, the oldest first; 0 where it is not known."""
    durations_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """The rows, the newest first; the figures of all; lines of the file that cannot be read."""

    rows: tuple[RunRow, ...]
    figures: Figures
    problems: tuple[str, ...]


def read_book(services: Services, words: str) -> Book:
    """The ledger; with words only the rows that are like them, the most alike first.

    Raises:
        ConfigError: the configuration cannot be used.
        Refused: the ledger cannot be read.
    """
    ledger = desk_of(services).ledger
    found = ledger.query(Wanted(words=words), None) if words else ledger.newest()
    stats = ledger.stats()
    runs = [each for each in reversed(ledger.newest()) if not each.is_demo]
    rows = tuple(
        RunRow(
            session=each.session,
            at=each.at,
            project=each.project,
            model=each.model,
            mode=each.mode,
            outcome=each.outcome,
            tasks=each.tasks,
            failed=each.failed,
            healed=each.healed,
            commits=each.commits,
            cost_usd=each.cost_usd,
            duration_s=each.duration_s,
            keywords=each.keywords,
            failures=each.failures,
            demo=each.is_demo,
        )
        for each in found
    )
    figures = Figures(
        sessions=stats.sessions,
        tasks_mean=stats.tasks_mean,
        failed=stats.failed,
        healed=stats.healed,
        cost_usd=stats.cost_total_usd,
        cost_known=stats.cost_known,
        duration_mean_s=stats.duration_mean_s,
        failures=tuple((each.name, each.count) for each in stats.top_failures),
        frameworks=tuple((each.name, each.count) for each in stats.top_frameworks),
        models=tuple(
            Rate(f"{each.model} {each.complexity}".strip(), each.success_rate, each.sessions)
            for each in stats.models
        ),
        ended=tuple(Counter(each.outcome or "unknown" for each in runs).most_common(6)),
        costs_usd=tuple(each.cost_usd or 0.0 for each in runs),
        durations_s=tuple(each.duration_s for each in runs),
    )
    problems = tuple(f"line {each.line}: {each.reason}" for each in ledger.problems())
    return Book(rows, figures, problems)


def money(cost_usd: float | None) -> str:
    """A cost; one that is not known is `$?`."""
    return "$?" if cost_usd is None else f"${cost_usd:.2f}"


def outcome_style(row: RunRow) -> tuple[str, Style]:
    """The sign and the look of how a run ended."""
    return ("✓", OK) if row.outcome in GOOD_WORDS else ("!", WARN)


def run_line(row: RunRow) -> Line:
    """A run on one line."""
    glyph, style = outcome_style(row)
    about = " ".join(row.keywords) or row.session
    return Line.of(
        Span(f"{glyph} ", style),
        Span(f"{row.at[:10]} ", DIM),
        span(f"{money(row.cost_usd):>7}  "),
        span(one_row(about)),
        Span("  demo" if row.demo else "", DIM),
    )


def run_lines(row: RunRow, cells: int) -> tuple[Line, ...]:
    """A run in full."""
    cost = "unknown" if row.cost_usd is None else f"${row.cost_usd:.4f}"
    return (
        *title_lines(row.outcome.replace("_", " ") or "no outcome", cells, after=row.at),
        EMPTY,
        *fact_lines(
            (
                ("about", " ".join(row.keywords)),
                ("project", row.project),
                ("model", row.model),
                ("mode", row.mode),
                ("cost", cost),
                ("took", seconds(row.duration_s)),
                ("tasks", f"{row.tasks}, {row.failed} failed, {row.healed} healed"),
                ("commits", str(row.commits)),
                ("session", row.session),
            ),
            cells,
        ),
        *list_lines("went wrong", row.failures, cells, style=WARN),
    )


class Room(NamedTuple):
    """Cells of a chart, and those of the names before its bars."""

    cells: int
    names: int


def figure_lines(book: Book, cells: int) -> tuple[Line, ...]:
    """All runs as figures and charts."""
    figures = book.figures
    if not figures.sessions:
        return note_lines("Only demos have ended so far: they are left out of the figures.", cells)
    cost = (
        "unknown"
        if figures.cost_usd is None
        else f"${figures.cost_usd:.2f} ({figures.cost_known} runs with a known cost)"
    )
    head = fact_lines(
        (
            ("runs", str(figures.sessions)),
            ("cost", cost),
            ("a run", f"{seconds(figures.duration_mean_s)}, {figures.tasks_mean:.1f} tasks"),
            ("tasks", f"{figures.failed} failed, {figures.healed} healed"),
        ),
        cells,
    )
    ended = [(name.replace("_", " "), count) for name, count in figures.ended]
    rates = figures.models[:6]
    named = (*ended, *figures.failures, *figures.frameworks, *((rate.name, 0) for rate in rates))
    widest = max((width(one_row(name)) for name, _ in named), default=0)
    room = Room(min(cells, CHART_CELLS), min(max(1, widest), cells // 3))
    return (
        *head,
        *_spark("cost of each run", figures.costs_usd, money, room),
        *_spark("time of each run", figures.durations_s, seconds, room),
        *_chart("how they ended", _counts(ended), room),
        *_shares("models: share that succeeded", rates, room),
        *_chart("what went wrong most", _counts(figures.failures), room),
        *_chart("frameworks", _counts(figures.frameworks), room),
        *list_lines("lines of the ledger that cannot be read", book.problems, cells, style=WARN),
    )


def _shares(title: str, rates: Sequence[Rate], room: Room) -> tuple[Line, ...]:
    """Bars of which a full one is all."""
    if not rates:
        return ()
    lines = [EMPTY, Line.of(Span(title, STRONG))]
    for rate in rates:
        share = "none judged" if rate.share is None else f"{rate.share:.0%}"
        figure = f" {share} of {rate.sessions}"
        wide = max(4, room.cells - room.names - len(figure) - 1)
        name = Line.of(span(one_row(rate.name))).fitted(room.names)
        lines.append(name.plus(" ", bar(rate.share or 0.0, wide), figure).clipped(room.cells))
    return tuple(lines)


def _counts(counts: Sequence[tuple[str, int]]) -> list[tuple[str, float, str]]:
    return [(one_row(name), float(count), str(count)) for name, count in counts]


def _spark(
    title: str, values: Sequence[float], figure: Callable[[float], str], room: Room
) -> tuple[Line, ...]:
    """The newest runs as steps, and what the highest step stands for."""
    if len(values) < 2 or not any(values):
        return ()
    shown = values[-min(SPARK_CELLS, room.cells) :]
    says = f", the newest on the right; the highest is {figure(max(shown))}"
    head = wrapped((Span(title, STRONG), Span(says, DIM)), room.cells)
    return (EMPTY, *head, Line.of(sparkline(shown, len(shown))))


def _chart(title: str, rows: Sequence[tuple[str, float, str]], room: Room) -> tuple[Line, ...]:
    if not rows:
        return ()
    bars = bar_chart(rows, room.cells, name_cells=room.names)
    return (EMPTY, Line.of(Span(title, STRONG)), *bars)
