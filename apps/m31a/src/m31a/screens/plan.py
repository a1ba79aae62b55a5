"""The plan before it is carried out: approve it, say what to change, ask for questions, reject."""

import math
from dataclasses import dataclass, replace

from m31a.draw.frame import Point, Size, View
from m31a.draw.line import EMPTY, Line, Span, span
from m31a.draw.style import ACCENT, BORDER, DIM, STRONG
from m31a.program.ask_lock import LOCKED, is_locked, wake_s
from m31a.program.effects import AnswerAsk, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Returned, Told, Typed
from m31a.program.scene import Scene
from m31a.program.screen import Push, Replace, Screen, Step
from m31a.widgets import browse, editor
from m31a.widgets.browse import FIRST, Browse, browse_lines
from m31a.widgets.draft import BLANK, Draft, pasted
from m31a.widgets.draft_rows import editor_view
from m31a.widgets.plan_text import layer_of, overview_lines, task_lines
from m31a.widgets.row_text import one_row, seconds
from m31a_engine import Plan, PlanAnswer, PlanAsk, PlanChoice, PlanDrafted

DECIDE: KeyTable = (
    bind("plan.approve", "a, y", "approve", hint=True),
    bind("plan.refine", "r", "refine with a note", hint=True),
    bind("plan.discuss", "d", "ask me more first", hint=True),
    bind("plan.reject", "n", "reject", hint=True),
)
LOOK: KeyTable = (
    bind("plan.versions", "v", "compare versions", hint=True),
    *browse.KEYS,
)
ONLY_LOOK: KeyTable = (*LOOK, bind("app.back", "escape, q", "back", hint=True))
NOTE: KeyTable = (
    bind("plan.send", "enter", "send", hint=True),
    bind("plan.cancel", "escape", "back", hint=True),
    *editor.KEYS,
)
PLACEHOLDERS = {
    PlanChoice.REFINE: "what should be different?",
    PlanChoice.DISCUSS: "what should be asked? (may be empty)",
}
NOTE_ROWS = 4


@dataclass(frozen=True, slots=True)
class PlanReview:
    """The plan, the row that is chosen (0 is the whole), and the note that is being written."""

    plan: Plan | None
    version: int = 0
    ask: PlanAsk | None = None
    """None when the plan is only looked at."""
    until_s: float = 0.0
    seen_s: float = -math.inf
    """Since when the question can be seen."""
    browse: Browse = FIRST
    note: Draft | None = None
    purpose: PlanChoice = PlanChoice.REFINE
    """What the note is sent with."""

    @property
    def count(self) -> int:
        """How many rows there are to choose from."""
        return 0 if self.plan is None else len(self.plan.tasks) + 1


class PlanScreen(Screen[PlanReview]):
    """Nothing is carried out before somebody says yes."""

    id = "plan"
    title = "plan"

    def init(self, argument: object, scene: Scene) -> Step[PlanReview]:
        """Opened with a `PlanAsk`; with nothing it goes to the ask that waits, or only shows."""
        waits = next((each for each in scene.story.asks if isinstance(each.ask, PlanAsk)), None)
        if isinstance(argument, PlanAsk):
            until_s = waits.opened_s + waits.timeout_s if waits is not None else scene.now_s
            seen_s = waits.opened_s if waits is not None else -math.inf
            return Step(PlanReview(argument.plan, argument.version, argument, until_s, seen_s))
        shown = PlanReview(scene.story.plan, scene.story.plan_version)
        return Step(shown, nav=Replace("plan", waits.ask) if waits is not None else None)

    def keys(self, state: PlanReview) -> KeyTable:
        """Decide, look around, or write a note."""
        if state.note is not None:
            return NOTE
        return (*DECIDE, *LOOK) if state.ask is not None else ONLY_LOOK

    def wake_s(self, state: PlanReview, scene: Scene) -> float | None:
        """When the keys unlock; then the time that is left is shown."""
        return wake_s(state.seen_s, scene) if state.ask is not None else None

    def locked(self, state: PlanReview, scene: Scene) -> bool:
        """For a moment keys still go where they were meant to go."""
        return state.ask is not None and is_locked(state.seen_s, scene)

    def update(self, state: PlanReview, message: Message, scene: Scene) -> Step[PlanReview]:
        """Decide, look around, or write a note."""
        match message:
            case Pressed(action=action) if state.note is not None:
                return _noted(state, state.note, action)
            case Pressed(action=action):
                return _decided(state, action, scene)
            case Typed(key=key) if state.note is not None:
                return Step(replace(state, note=editor.typed(state.note, key.text)))
            case Pasted(paste=paste) if state.note is not None:
                return Step(replace(state, note=pasted(state.note, paste.text)))
            case Returned(screen=""):  # the question above is settled: this one is seen only now
                return Step(replace(state, seen_s=scene.now_s))
            case Told(envelope=envelope) if state.ask is None:
                if isinstance(envelope.event, PlanDrafted):
                    event = envelope.event
                    return Step(PlanReview(event.plan, event.version))
                return Step(state)
            case _:
                return Step(state)

    def view(self, state: PlanReview, size: Size, scene: Scene) -> View:
        """The tasks, and the chosen one in full; at the bottom the time left, or the note."""
        foot = _foot(state, scene, size)
        body = Size(size.width, max(1, size.height - len(foot.lines)))
        shown = browse_lines(
            _rows(state),
            lambda cells: _detail(state, cells),
            state.browse,
            body,
            empty="There is no plan yet: goals in mode full get one.",
        )
        filled = (*shown, *(EMPTY,) * (body.height - len(shown)))
        at = foot.cursor
        cursor = Point(at.column, at.row + body.height) if at is not None else None
        return View((*filled, *foot.lines), cursor)


def _rows(state: PlanReview) -> tuple[Line, ...]:
    plan = state.plan
    if plan is None:
        return ()
    problems = len(state.ask.problems) if state.ask is not None else 0
    noted = problems + len(plan.review_required) + len(plan.open_questions)
    whole = Line.of(
        Span("the whole plan", STRONG),
        Span(f"  version {state.version}", DIM),
        Span(f"  ! {noted}" if noted else "", ACCENT),
    )
    level = layer_of(plan)
    many = max(level.values(), default=1) > 1
    rows = [
        Line.of(
            Span(f"{task.id:>2} ", ACCENT),
            Span(f"L{level[task.id]} " if many else "", DIM),
            span(one_row(task.description)),
            Span(f" ←{','.join(map(str, task.dependencies))}" if task.dependencies else "", DIM),
        )
        for task in plan.tasks
    ]
    return (whole, *rows)


def _detail(state: PlanReview, cells: int) -> tuple[Line, ...]:
    plan = state.plan
    if plan is None:
        return ()
    if state.browse.at == 0:
        problems = state.ask.problems if state.ask is not None else ()
        return overview_lines(plan, state.version, problems, cells)
    return task_lines(plan, plan.tasks[min(state.browse.at, len(plan.tasks)) - 1], cells)


def _foot(state: PlanReview, scene: Scene, size: Size) -> View:
    if state.ask is None:
        return View(())
    if state.note is None:
        left = seconds(max(0.0, state.until_s - scene.now_s))
        said = LOCKED if is_locked(state.seen_s, scene) else f"in {left} it counts as not accepted"
        return View((Line.of(Span(f" {said}", DIM)).clipped(size.width),))
    field = editor_view(
        state.note,
        Size(max(1, size.width - 4), NOTE_ROWS - 1),
        placeholder=PLACEHOLDERS[state.purpose],
    )
    rule = Line.of(Span("─" * size.width, BORDER))
    rows = (Line.of("  ", *line.spans) for line in field.lines)
    at = field.cursor
    return View((rule, *rows), Point(at.column + 2, at.row + 1) if at is not None else None)


def _decided(state: PlanReview, action: str, scene: Scene) -> Step[PlanReview]:
    match action:
        case "plan.approve" if state.ask is not None:
            return _answered(state, state.ask, PlanChoice.ACCEPT)
        case "plan.reject" if state.ask is not None:
            return _answered(state, state.ask, PlanChoice.REJECT)
        case "plan.refine":
            return Step(replace(state, note=BLANK, purpose=PlanChoice.REFINE))
        case "plan.discuss":
            return Step(replace(state, note=BLANK, purpose=PlanChoice.DISCUSS))
        case "plan.versions" if len(scene.story.plans) < 2:
            return Step(state, (Toast("there is one version only"),))
        case "plan.versions":
            return Step(state, nav=Push("plan_versions"))
        case _:
            moved = state.browse.applied(
                action, state.count, lambda cells: _detail(state, cells), scene.size
            )
            return Step(state if moved is None else replace(state, browse=moved))


def _noted(state: PlanReview, note: Draft, action: str) -> Step[PlanReview]:
    said = note.whole.strip()
    match action:
        case "plan.send" if state.ask is not None and (said or state.purpose is PlanChoice.DISCUSS):
            return _answered(state, state.ask, state.purpose, said)
        case "plan.send":
            return Step(state, (Toast("say what should be different", "warn"),))
        case "plan.cancel":
            return Step(replace(state, note=None))
        case _:
            return Step(replace(state, note=editor.applied(note, action) or note))


def _answered(
    state: PlanReview, ask: PlanAsk, choice: PlanChoice, feedback: str = ""
) -> Step[PlanReview]:
    answer = PlanAnswer(ask_id=ask.ask_id, choice=choice, feedback=feedback, by_person=True)
    return Step(state, (AnswerAsk(answer),))
