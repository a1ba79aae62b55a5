"""Questions whose answers change the plan: take the suggestion, write another, or skip."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, OK, STRONG
from m31a.program.ask_lock import LOCKED, is_locked, wake_s
from m31a.program.effects import AnswerAsk
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Returned, Ticked, Typed
from m31a.program.scene import Scene
from m31a.program.screen import Replace, Screen, Step
from m31a.story.blocks import AskCard, Block, Said
from m31a.widgets import editor
from m31a.widgets.draft import BLANK, Draft, drafted, pasted
from m31a.widgets.draft_rows import editor_view, height_of
from m31a.widgets.facts import note_lines
from m31a.widgets.markdown import markdown_lines
from m31a.widgets.row_text import one_row, safe, seconds
from m31a_engine import Phase, Question, QuestionsAnswer, QuestionsAsk

ANSWERING: KeyTable = (
    bind("discuss.next", "enter", "answer, next", hint=True),
    bind("discuss.skip", "alt+s, ctrl+x s", "skip it", hint=True),
    bind("discuss.send", "ctrl+s", "send all, empty as suggested", hint=True),
    bind("discuss.all", "ctrl+o", "one at a time, or all", hint=True),
    bind("discuss.on", "tab, ctrl+n", "next question"),
    bind("discuss.back", "shift+tab, ctrl+p", "question before"),
    bind("discuss.take", "ctrl+t", "write the suggestion into the field"),
    bind("discuss.skip_all", "ctrl+x a", "skip all and go on"),
    *editor.KEYS,
)
ONLY_LOOK: KeyTable = (bind("app.back", "escape, q", "back", hint=True),)
FIELD_ROWS = 3
INDENT = 6


@dataclass(frozen=True, slots=True)
class Discuss:
    """The questions, what is written to each, and which one has the cursor."""

    ask: QuestionsAsk | None
    """None when what was asked before is only looked at."""
    answers: tuple[Draft, ...] = ()
    skipped: frozenset[int] = frozenset()
    at: int = 0
    until_s: float = 0.0
    seen_s: float = -math.inf
    """Since when the questions can be seen."""
    together: bool = True
    """All questions on the screen, or the present one alone."""


class DiscussScreen(Screen[Discuss]):
    """One field a question; an empty field takes the suggestion, a skipped one says nothing."""

    id = "discuss"
    title = "discuss"

    def init(self, argument: object, scene: Scene) -> Step[Discuss]:
        """Opened with the `QuestionsAsk`; with nothing it goes to the ask that waits, or looks."""
        open_asks = (each for each in scene.story.asks if isinstance(each.ask, QuestionsAsk))
        waits = next(open_asks, None)
        if not isinstance(argument, QuestionsAsk):
            nav = Replace("discuss", waits.ask) if waits is not None else None
            return Step(Discuss(None), nav=nav)
        until_s = waits.opened_s + waits.timeout_s if waits is not None else scene.now_s
        seen_s = waits.opened_s if waits is not None else -math.inf
        blank = (BLANK,) * len(argument.questions)
        return Step(Discuss(argument, blank, until_s=until_s, seen_s=seen_s))

    def keys(self, state: Discuss) -> KeyTable:
        """Fields and their editor."""
        return ANSWERING if _answering(state.ask) else ONLY_LOOK

    def wake_s(self, state: Discuss, scene: Scene) -> float | None:
        """When the keys unlock; then the time that is left is shown."""
        return wake_s(state.seen_s, scene) if state.ask is not None else None

    def locked(self, state: Discuss, scene: Scene) -> bool:
        """For a moment keys still go where they were meant to go."""
        return state.ask is not None and is_locked(state.seen_s, scene)

    def update(self, state: Discuss, message: Message, scene: Scene) -> Step[Discuss]:
        """Write, move between questions, skip, send."""
        if not _answering(state.ask) or isinstance(message, Ticked):
            return Step(state)
        match message:
            case Returned(screen=""):  # the question above is settled: this one is seen only now
                return Step(replace(state, seen_s=scene.now_s))
            case Pressed(action="discuss.send"):
                return _sent(state, state.ask)
            case Pressed(action="discuss.skip_all"):
                every = frozenset(range(len(state.answers)))
                return _sent(replace(state, skipped=every), state.ask)
            case Pressed(action="discuss.next" | "discuss.skip" as action):
                changed = _skipping(state, yes=action == "discuss.skip")
                if state.at == len(state.answers) - 1:
                    return _sent(changed, state.ask)
                return Step(replace(changed, at=state.at + 1))
            case Pressed(action=action):
                return Step(_moved(state, state.ask.questions, action, scene))
            case Typed(key=key):
                return Step(_with(state, editor.typed(state.answers[state.at], key.text)))
            case Pasted(paste=paste):
                return Step(_with(state, pasted(state.answers[state.at], paste.text)))
            case _:
                return Step(state)

    def view(self, state: Discuss, size: Size, scene: Scene) -> View:
        """All questions, the present one with its field; or that one alone."""
        if not _answering(state.ask):
            return View(fill(_asked_before(scene, size.width), size))
        lines: list[Line] = []
        cursor = None
        for index, question in enumerate(state.ask.questions):
            if not state.together and index != state.at:
                continue
            head = (EMPTY, *_question_lines(state, index, question, size.width))
            field = _field(state, index, question, size.width)
            if index == state.at and field.cursor is not None:
                row = len(lines) + len(head) + field.cursor.row
                cursor = Point(field.cursor.column + INDENT, row)
            lines.extend(head)
            lines.extend(Line.of(" " * INDENT, *line.spans) for line in field.lines)
            if not state.together and question.suggestion:
                said = (Span(f"suggested: {safe(question.suggestion)}", DIM),)
                lines.extend(wrapped(said, size.width - 1, first=" " * INDENT, rest=" " * INDENT))
        foot = _foot(state, scene, size.width)
        room = max(1, size.height - 1)
        first = max(0, cursor.row - room + 2) if cursor is not None else 0
        shown = fill(lines[first:], Size(size.width, room))
        at = Point(cursor.column, cursor.row - first) if cursor is not None else None
        return View((*shown, foot), at)


def _answering(ask: QuestionsAsk | None) -> TypeGuard[QuestionsAsk]:
    return ask is not None and bool(ask.questions)


def _question_lines(state: Discuss, index: int, question: Question, cells: int) -> tuple[Line, ...]:
    here = index == state.at
    done = not state.answers[index].empty
    sign = " ▸ " if here else " – " if index in state.skipped else " ✓ " if done else "   "
    mark = Span(sign, ACCENT if here else OK)
    title = Span(f"{index + 1}  {safe(question.text)}", STRONG if here else DIM)
    return wrapped((title,), cells - 1, first=mark, rest=" " * INDENT)


def _field(state: Discuss, index: int, question: Question, cells: int) -> View:
    said = safe(question.suggestion)
    hint = f"{said} (suggested)" if said else "no suggestion: empty skips it"
    room = max(1, cells - INDENT - 2)
    rows = height_of(state.answers[index], room, FIELD_ROWS) if index == state.at else 1
    return editor_view(
        state.answers[index],
        Size(room, rows),
        placeholder="skipped" if index in state.skipped else one_row(hint),
    )


def _foot(state: Discuss, scene: Scene, cells: int) -> Line:
    left = seconds(max(0.0, state.until_s - scene.now_s))
    said = LOCKED if is_locked(state.seen_s, scene) else f"in {left} the suggestions count"
    place = f" {state.at + 1} of {len(state.answers)} · {said}"
    return Line.of(Span(place, DIM)).clipped(cells)


def _moved(state: Discuss, questions: Sequence[Question], action: str, scene: Scene) -> Discuss:
    count = len(state.answers)
    match action:
        case "discuss.on":
            return replace(state, at=(state.at + 1) % count)
        case "discuss.back":
            return replace(state, at=(state.at - 1) % count)
        case "discuss.all":
            return replace(state, together=not state.together)
        case "discuss.take":
            return _with(state, drafted(questions[state.at].suggestion))
        case _:
            cells = scene.size.width - INDENT - 2
            draft = editor.applied(state.answers[state.at], action, cells)
            return state if draft is None else _with(state, draft)


def _with(state: Discuss, draft: Draft) -> Discuss:
    answers = (*state.answers[: state.at], draft, *state.answers[state.at + 1 :])
    return replace(state, answers=answers, skipped=state.skipped - {state.at})


def _skipping(state: Discuss, *, yes: bool) -> Discuss:
    """The present question skipped; an answered one is not skipped any more."""
    if yes:
        return replace(state, skipped=state.skipped | {state.at})
    return state


def _sent(state: Discuss, ask: QuestionsAsk) -> Step[Discuss]:
    answers = tuple(
        "" if index in state.skipped else draft.whole.strip() or question.suggestion
        for index, (draft, question) in enumerate(zip(state.answers, ask.questions, strict=True))
    )
    return Step(state, (AnswerAsk(QuestionsAnswer(ask_id=ask.ask_id, answers=answers)),))


def _asked_before(scene: Scene, cells: int) -> tuple[Line, ...]:
    """What was asked and answered in this run; while the model still thinks, what it says."""
    lines: list[Line] = []
    for block in scene.story.blocks:
        if isinstance(block, AskCard) and isinstance(block.ask, QuestionsAsk):
            lines.extend(_settled(block, block.ask, cells))
    if scene.story.running and scene.story.phase is Phase.DISCUSS:
        said = _saying(scene.story.blocks)
        lines.extend(note_lines("the questions come here …", cells))
        lines.extend(
            Line.of("  ", *line.spans)
            for line in markdown_lines(safe(said), max(4, cells - 3), done=False)
        )
    if lines:
        return tuple(lines)
    text = (
        "Nothing was asked: goals in mode full are discussed when something would change the plan."
    )
    return note_lines(text, cells)


def _settled(card: AskCard, ask: QuestionsAsk, cells: int) -> tuple[Line, ...]:
    given = card.answer.answers if isinstance(card.answer, QuestionsAnswer) else ()
    lines: list[Line] = []
    for index, question in enumerate(ask.questions):
        answer = given[index] if index < len(given) else question.suggestion if not given else ""
        mark = Span(" ✓ " if answer else " – ", OK if answer else DIM)
        lines.append(EMPTY)
        lines.extend(
            wrapped((Span(safe(question.text), STRONG),), cells - 1, first=mark, rest="   ")
        )
        said = span(safe(answer)) if answer else Span("skipped", DIM)
        lines.extend(wrapped((said,), cells - 1, first="   → ", rest="     "))
    return tuple(lines)


def _saying(blocks: Sequence[Block]) -> str:
    last = next((block for block in reversed(blocks) if isinstance(block, Said)), None)
    return last.text if last is not None and not last.done else ""
