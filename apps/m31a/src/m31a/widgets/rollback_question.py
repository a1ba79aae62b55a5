"""The question before something is undone: what leaves, what stays, how it is confirmed."""

from dataclasses import dataclass, replace

from m31a.draw.frame import Size, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, BORDER, DIM, STRONG, WARN
from m31a.widgets.browse import TOP
from m31a.widgets.facts import counted, list_lines, title_lines
from m31a.widgets.repository_facts import Between
from m31a.widgets.scroll import Window, window_lines
from m31a_engine.desk.undoing import Reset, ShippedCommit

SAYS = {
    Reset.SAFE: "Branch, index and files go back, but only when every commit that leaves is a run's"
    " own and on no remote. Uncommitted work is kept in a snapshot and given back.",
    Reset.SOFT: "The branch alone goes back. Index and files stay: what the commits brought is then"
    " staged, to be changed or committed anew.",
    Reset.HARD: "Branch, index and files go back, whoever made the commits. A backup branch keeps"
    " them, a snapshot keeps uncommitted work, which is given back where it fits.",
}
FOOT_ROWS = 2
"""Of a hard reset: a rule, and the letters."""
LETTERS = 4
"""So many of the commit's must be typed before a hard reset."""


@dataclass(frozen=True, slots=True)
class Sure:
    """What is about to be done and what it means; `how` None undoes the last deed."""

    how: Reset | None
    commit: ShippedCommit | None = None
    between: Between | None = None
    """None while it is looked for."""
    typed: str = ""
    window: Window = TOP
    """How far the text is scrolled."""

    @property
    def target(self) -> str:
        """The commit that is gone to: the one before the chosen one."""
        return self.commit.parent if self.commit is not None else ""

    @property
    def meant(self) -> bool:
        """Whether the letters that a hard reset needs are there."""
        return self.typed == self.target[:LETTERS]


def sure_lines(sure: Sure, size: Size) -> tuple[Line, ...]:
    """Exactly `size.height` lines: what it does, what it would take away, the answer."""
    foot = _foot(sure, size.width)
    room = Size(size.width, max(1, size.height - len(foot)))
    shown = window_lines(_text(sure, size.width - 3), sure.window, room)
    return fill((*shown, *foot), size)


def scrolled(sure: Sure, action: str, size: Size) -> Sure:
    """The question with its text scrolled, on a screen of this size."""
    rows = len(_text(sure, size.width - 3))
    foot = FOOT_ROWS if sure.how is Reset.HARD else 0
    moved = sure.window.applied(action, rows, max(1, size.height - foot))
    return sure if moved is None else replace(sure, window=moved)


def _text(sure: Sure, cells: int) -> tuple[Line, ...]:
    if sure.how is None:
        says = "The state before the last reset, file rollback or undo comes back."
        lines = (*title_lines("undo", cells), *wrapped((Span(says, DIM),), cells))
    else:
        lines = _reset_lines(sure, sure.how, cells)
    return (EMPTY, *(Line.of(" ", *line.spans) for line in lines))


def _reset_lines(sure: Sure, how: Reset, cells: int) -> tuple[Line, ...]:
    head = title_lines(f"{how.value} reset to {sure.target[:12]}", cells)
    says = wrapped((Span(SAYS[how], DIM),), cells)
    if sure.between is None:
        return (*head, *says, EMPTY, Line.of(Span("looking at what would leave …", DIM)))
    leaving, files = sure.between.leaving, sure.between.files
    commits = counted(len(leaving), "commit")
    return (
        *head,
        *list_lines(f"taken off the branch: {commits}", leaving, cells, style=WARN),
        *list_lines(f"different from now: {counted(len(files), 'file')}", files, cells),
        EMPTY,
        *says,
    )


def _foot(sure: Sure, cells: int) -> tuple[Line, ...]:
    """What has to be typed; the answers to an easier question stand among the hints."""
    if sure.how is not Reset.HARD:
        return ()
    rest = "_" * (LETTERS - len(sure.typed))
    asked = Line.of(
        Span(f" type the first {LETTERS} of ", DIM),
        Span(sure.target[:8], ACCENT),
        Span(": ", DIM),
        span(sure.typed + rest, STRONG),
    )
    return (Line.of(Span("─" * cells, BORDER)), asked)
