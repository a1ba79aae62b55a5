"""The home of the app: the conversation above, the prompt below."""

from dataclasses import dataclass, replace

from m31a import completion
from m31a.commands import goal_effects, obey
from m31a.completion import Offer
from m31a.draw.frame import Point, Size, View
from m31a.draw.line import EMPTY, Line, Span, span
from m31a.draw.style import ACCENT, BORDER, DIM, STRONG, WARN
from m31a.program.chrome import context_share
from m31a.program.effects import (
    AddBlock,
    Alert,
    EditText,
    Effect,
    InterruptRun,
    Queue,
    RunShell,
    SendCommand,
    StartRun,
    Toast,
    Work,
)
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import (
    Clicked,
    Edited,
    Message,
    Pasted,
    Pressed,
    Printed,
    Returned,
    RunFailed,
    RunOver,
    Told,
    Typed,
    WorkFailed,
)
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.program.services import Services
from m31a.story.blocks import Notice, ShellCard, UserSaid
from m31a.widgets import editor, transcript
from m31a.widgets.editor import BLANK, Draft, drafted
from m31a.widgets.row_text import seconds
from m31a.widgets.transcript import FOLLOW, Scroll
from m31a_engine import AskOpened, Options, RunEnded, Steer

MOST_ROWS = 10
"""Rows the prompt may take."""
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPIN_S = 0.125
MOST_HISTORY = 500

SUBMIT: KeyTable = (
    bind("repl.submit", "enter", "send", hint=True),
    bind("repl.steer", "alt+s, ctrl+enter", "tell the run now, without waiting"),
    bind("repl.edit", "ctrl+g", "write in your editor"),
    bind("repl.copy", "alt+c", "copy the last answer"),
    bind("repl.drop_queue", "alt+up", "take back the last queued goal"),
)
IDLE: KeyTable = (bind("app.help", "?", "keys", hint=True), bind("app.quit", "ctrl+d", "leave"))
BUSY: KeyTable = (bind("repl.stop", "escape", "stop", hint=True),)
AT_REST: KeyTable = (bind("repl.stop", "escape", "follow the end again"),)
WRITING: KeyTable = (bind("repl.clear", "ctrl+c", "empty the prompt"),)
OFFER: KeyTable = (
    bind("repl.offer_up", "up", "the one above"),
    bind("repl.offer_down", "down, ctrl+n", "the one below"),
    bind("repl.offer_take", "tab", "take it", hint=True),
    bind("repl.offer_close", "escape", "close", hint=True),
)


@dataclass(frozen=True, slots=True)
class Repl:
    """The prompt, its history, and what part of the conversation is seen."""

    draft: Draft = BLANK
    history: tuple[str, ...] = ()
    recalled: int | None = None
    """Which line of the history stands in the prompt."""
    kept: Draft = BLANK
    """What stood there before."""
    scroll: Scroll = FOLLOW
    offered: int = 0
    closed_for: str = ""
    """The text for which the completions were closed."""
    busy: bool = False
    """Whether a run was in progress when something was told last."""


@dataclass(frozen=True, slots=True)
class Remembered(Message):
    """Goals of earlier sessions, the oldest first."""

    goals: tuple[str, ...]


class ReplScreen(Screen[Repl]):
    """Type a goal and watch it being worked on."""

    id = "repl"
    title = "repl"

    def init(self, argument: object, scene: Scene) -> Step[Repl]:
        """An empty prompt; a goal given at the start begins at once."""
        effects: tuple[Effect, ...] = (Work(_remember),)
        if isinstance(argument, str) and argument:
            effects = (*effects, StartRun(argument, Options(mode=scene.settings.mode)))
        return Step(Repl(), effects)

    def update(self, state: Repl, message: Message, scene: Scene) -> Step[Repl]:
        """What a key or an event changes."""
        match message:
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case Typed(key=key):
                return Step(_written(state, editor.typed(state.draft, key.text)))
            case Pasted(paste=paste):
                return Step(_written(state, editor.pasted(state.draft, paste.text)))
            case Clicked(mouse=mouse):
                rows = {"wheel_up": -1, "wheel_down": 1}.get(mouse.action, 0)
                return Step(_scrolled(state, scene, rows * transcript.WHEEL_ROWS))
            case Remembered(goals=goals):
                return Step(replace(state, history=(*goals, *state.history)[-MOST_HISTORY:]))
            case Returned(result=str() as line):
                return Step(_written(state, drafted(line)))
            case Edited(text=text):
                return Step(_written(state, drafted(text.rstrip("\n"))))
            case Printed(command=command, output=output, exit_code=code):
                return Step(state, (AddBlock(ShellCard(command, output, code)),))
            case WorkFailed(text=text, remedy=remedy):
                return Step(state, (AddBlock(Notice(text, remedy, "err")),))
            case Told() | RunFailed() | RunOver():
                return _news(state, message, scene)
            case _:
                return Step(state)

    def keys(self, state: Repl) -> KeyTable:
        """What keys mean: completions first, then prompt, conversation and editor."""
        offer = OFFER if _begins_offer(state) else ()
        idle = IDLE if state.draft.empty else WRITING
        stop = BUSY if state.busy else AT_REST
        return (*offer, *SUBMIT, *idle, *stop, *transcript.KEYS, *editor.KEYS)

    def wake_s(self, state: Repl, scene: Scene) -> float | None:
        """The spinner turns while a run is in progress."""
        return SPIN_S if scene.story.running and scene.settings.motion else None

    def view(self, state: Repl, size: Size, scene: Scene) -> View:
        """Conversation, what goes on, completions, and the prompt at the bottom."""
        rows = editor.height_of(state.draft, size.width - 3, _most_rows(size))
        below = (*_progress(scene, size.width), *_offer_lines(state, scene, size.width))
        prompt = editor.editor_view(
            state.draft,
            Size(max(1, size.width - 3), rows),
            placeholder=_placeholder(scene),
        )
        room = max(0, size.height - rows - 1 - len(below))
        talk = _talk_lines(state, scene, Size(size.width, room))
        rule = Line.of(Span("─" * size.width, BORDER))
        marked = (
            Line.of(Span(" ❯ " if index == 0 else "   ", ACCENT), *line.spans)
            for index, line in enumerate(prompt.lines)
        )
        at = prompt.cursor
        top = room + len(below) + 1
        cursor = Point(at.column + 3, at.row + top) if at is not None else None
        return View((*talk, *below, rule, *marked), cursor)


def _most_rows(size: Size) -> int:
    return max(1, min(MOST_ROWS, size.height // 3))


def _placeholder(scene: Scene) -> str:
    if scene.story.running:
        return "what to do next (it waits until this run has ended)"
    return "what should be true when it is done?"


def _talk_size(state: Repl, scene: Scene) -> Size:
    """How much of the conversation is seen, for scrolling."""
    size = scene.size
    rows = editor.height_of(state.draft, size.width - 3, _most_rows(size))
    return Size(size.width, max(1, size.height - rows - 2))


def _talk_lines(state: Repl, scene: Scene, size: Size) -> tuple[Line, ...]:
    if size.height <= 0:
        return ()
    if scene.story.blocks:
        return transcript.transcript_lines(scene.story.blocks, state.scroll, size)
    lines = [EMPTY, *welcome_lines(scene)]
    lines.extend([EMPTY] * size.height)
    return tuple(line.clipped(size.width) for line in lines[: size.height])


def welcome_lines(scene: Scene) -> tuple[Line, ...]:
    """What stands on the screen before anything was said."""
    settings = scene.settings
    model = settings.model or "none is named yet: /welcome helps, /model ID names one"
    trust = "trusted" if settings.trusted else "not trusted: its settings and checks are not used"
    return (
        Line.of("  ", Span("Say what should be true when it is done.", STRONG)),
        EMPTY,
        Line.of(Span("  model    ", DIM), span(model)),
        Line.of(Span("  project  ", DIM), span(scene.project), Span(f"  ({trust})", DIM)),
        EMPTY,
        Line.of(Span("  /demo shows a run that needs no key · / lists all commands", DIM)),
    )


def _progress(scene: Scene, cells: int) -> tuple[Line, ...]:
    """What goes on, what waits, and a warning when the context is nearly full."""
    lines: list[Line] = []
    story = scene.story
    if story.running:
        turn = int((scene.now_s - story.began_s) / SPIN_S) % len(SPINNER)
        glyph = SPINNER[turn] if scene.settings.motion else "·"
        took = seconds(max(0.0, scene.now_s - story.began_s)) if scene.settings.motion else ""
        doing = story.phase.value if story.phase.value != "idle" else "starting"
        lines.append(Line.of(Span(f" {glyph} {doing} ", ACCENT), Span(f"{took} · esc stops", DIM)))
    for goal in scene.queue[-2:]:
        waits = " ".join(goal.split())
        lines.append(Line.of(Span(" ⧗ queued: ", WARN), span(waits), Span("  alt+↑ edits", DIM)))
    share = context_share(scene)
    if share is not None and share >= scene.settings.context_warn:
        lines.append(Line.of(Span(f" ▲ the context is {share:.0%} full", WARN)))
    return tuple(line.clipped(cells) for line in lines)


def _begins_offer(state: Repl) -> bool:
    return state.draft.text != state.closed_for and completion.begins(state.draft)


def _offers(state: Repl, scene: Scene) -> tuple[Offer, ...]:
    return completion.offers(state.draft, scene) if _begins_offer(state) else ()


def _offer_lines(state: Repl, scene: Scene, cells: int) -> tuple[Line, ...]:
    return completion.offer_lines(_offers(state, scene), state.offered, scene.size.height, cells)


def _written(state: Repl, draft: Draft) -> Repl:
    return replace(state, draft=draft, recalled=None, offered=0)


def _scrolled(state: Repl, scene: Scene, rows: int) -> Repl:
    size = _talk_size(state, scene)
    return replace(state, scroll=transcript.scrolled(scene.story.blocks, state.scroll, size, rows))


def _pressed(state: Repl, action: str, scene: Scene) -> Step[Repl]:
    if action.startswith("repl.offer"):
        return _offer_pressed(state, action, scene)
    moved = transcript.scroll_applied(
        scene.story.blocks, state.scroll, _talk_size(state, scene), action
    )
    if moved is not None:
        return Step(replace(state, scroll=moved))
    match action:
        case "repl.submit":
            return _submitted(state, scene)
        case "repl.steer":
            return _steered(state, scene)
        case "repl.stop":
            return _stopped(state, scene)
        case "repl.clear":
            return Step(replace(state, draft=BLANK, kept=state.draft, recalled=None))
        case "repl.edit":
            return Step(state, (EditText(state.draft.whole),))
        case "repl.copy":
            return Step(state, obey("/copy", scene).effects)
        case "repl.drop_queue":
            return _unqueued(state, scene)
        case _:
            return _edited(state, action, scene)


def _offer_pressed(state: Repl, action: str, scene: Scene) -> Step[Repl]:
    offers = _offers(state, scene)
    at = min(state.offered, max(0, len(offers) - 1))
    match action:
        case "repl.offer_up" | "repl.offer_down" if offers:
            step = -1 if action == "repl.offer_up" else 1
            return Step(replace(state, offered=(at + step) % len(offers)))
        case "repl.offer_take" if offers:
            return Step(_written(state, completion.taken(state.draft, offers[at][0])))
        case "repl.offer_close":
            return Step(replace(state, closed_for=state.draft.text))
        case _:
            return Step(state)


def _edited(state: Repl, action: str, scene: Scene) -> Step[Repl]:
    draft = editor.applied(state.draft, action, scene.size.width - 4)
    if draft is not None:
        return Step(replace(state, draft=draft, offered=0))
    if action in {"edit.up", "edit.down"}:
        return Step(_recalled(state, -1 if action == "edit.up" else 1))
    return Step(state)


def _recalled(state: Repl, step: int) -> Repl:
    """An older or newer line that begins as what was typed."""
    start = len(state.history) if state.recalled is None else state.recalled
    kept = state.draft if state.recalled is None else state.kept
    prefix = kept.text
    index = start + step
    while 0 <= index < len(state.history):
        if state.history[index].startswith(prefix) and state.history[index] != state.draft.text:
            text = state.history[index]
            return replace(state, draft=drafted(text), recalled=index, kept=kept)
        index += step
    if step > 0 and state.recalled is not None:
        return replace(state, draft=kept, recalled=None)
    return state


def _submitted(state: Repl, scene: Scene) -> Step[Repl]:
    draft = state.draft
    if draft.text.endswith("\\") and draft.at == len(draft.text):
        return Step(_written(state, drafted(f"{draft.text[:-1]}\n")))
    text = draft.whole.strip()
    if not text:
        return Step(state)
    after = replace(
        state,
        draft=BLANK,
        recalled=None,
        history=(*(each for each in state.history if each != text), text)[-MOST_HISTORY:],
        scroll=Scroll(opened=state.scroll.opened),
        closed_for="",
    )
    if text.startswith("/") and "\n" not in text:
        return _commanded(state, after, _command_line(state, scene, text), scene)
    if text.startswith("!") and text[1:].strip():
        return Step(after, (RunShell(text[1:].strip()),))
    return Step(after, goal_effects(text, scene, scene.settings.mode))


def _command_line(state: Repl, scene: Scene, text: str) -> str:
    """What is meant: the chosen completion when one is offered and nothing stands behind it."""
    offers = _offers(state, scene)
    known = {command.name for command in scene.commands}
    if offers and " " not in text and text[1:] not in known:
        return offers[min(state.offered, len(offers) - 1)][0]
    return text


def _commanded(before: Repl, after: Repl, line: str, scene: Scene) -> Step[Repl]:
    obeyed = obey(line, scene)
    return Step(before if obeyed.refused else after, obeyed.effects, obeyed.nav)


def _steered(state: Repl, scene: Scene) -> Step[Repl]:
    """What is written goes to the run at once; without a run it is a goal like any other."""
    text = state.draft.whole.strip()
    if not scene.story.running or not text:
        return _submitted(state, scene)
    told = (AddBlock(UserSaid(text)), SendCommand(Steer(text=text)))
    history = (*(each for each in state.history if each != text), text)[-MOST_HISTORY:]
    return Step(replace(state, draft=BLANK, recalled=None, history=history), told)


def _stopped(state: Repl, scene: Scene) -> Step[Repl]:
    if scene.story.running:
        return Step(state, (InterruptRun(), Toast("stopping; what is done is kept")))
    return Step(replace(state, scroll=Scroll(opened=state.scroll.opened)))


def _unqueued(state: Repl, scene: Scene) -> Step[Repl]:
    if not scene.queue:
        return Step(state)
    return Step(_written(state, drafted(scene.queue[-1])), (Queue(scene.queue[:-1]),))


def _news(state: Repl, message: Message, scene: Scene) -> Step[Repl]:
    state = replace(state, busy=scene.story.running)
    match message:
        case Told(envelope=envelope):
            match envelope.event:
                case AskOpened():
                    return Step(state, (Alert("M31A needs an answer"),))
                case RunEnded(outcome=outcome):
                    return Step(state, (Alert(f"the run has ended: {outcome.value}"),))
                case _:
                    return Step(state)
        case RunOver() if scene.queue:
            following = StartRun(scene.queue[0], Options(mode=scene.settings.mode))
            return Step(state, (Queue(scene.queue[1:]), following))
        case _:
            return Step(state)


def _remember(services: Services) -> Message:
    """The goals of this project's earlier sessions."""
    return Remembered(tuple(info.goal for info in reversed(services.sessions().list())))
