"""The home of the app: the conversation above, the prompt below."""

from dataclasses import dataclass, field, replace

from m31a.commands import goal_effects, obey
from m31a.draw.frame import Point, Scrollback, Size, View
from m31a.draw.line import EMPTY, Line, Span
from m31a.draw.style import BORDER
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
from m31a.program.live import Live
from m31a.program.messages import (
    Clicked,
    Edited,
    Message,
    Pasted,
    Pressed,
    Printed,
    Returned,
    RunOver,
    Told,
    Typed,
    WorkFailed,
)
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.program.services import Services
from m31a.prompt import Prompt, applied, keys_of, meant, offer_lines, prompt_view, rows_of
from m31a.story.blocks import Notice, ShellCard, UserSaid
from m31a.widgets import editor, transcript
from m31a.widgets.draft import drafted
from m31a.widgets.going_on import SPIN_S, going_on_lines, welcome_lines
from m31a.widgets.transcript import FOLLOW, Scroll
from m31a_engine import AskOpened, CancelTask, Options, Phase, RunEnded, Steer

AGAIN_S = 2.0
"""Within this time a second escape stops the run, after one that stopped a task."""

SUBMIT: KeyTable = (
    bind("repl.submit", "enter", "send", hint=True),
    bind("repl.steer", "alt+s, ctrl+enter", "tell the run now, without waiting"),
    bind("repl.edit", "ctrl+g, ctrl+x ctrl+e", "write in your editor"),
    bind("repl.copy", "alt+c", "copy the last answer"),
    bind("repl.drop_queue", "alt+up", "take back the last queued goal"),
)
IDLE: KeyTable = (bind("app.help", "?", "keys", hint=True), bind("app.quit", "ctrl+d", "leave"))
BUSY: KeyTable = (bind("repl.stop", "escape", "stop", hint=True),)
AT_REST: KeyTable = (bind("repl.stop", "escape", "follow the end again"),)


@dataclass(frozen=True, slots=True)
class Repl:
    """The prompt, and what part of the conversation is seen."""

    prompt: Prompt = field(default_factory=Prompt)
    scroll: Scroll = FOLLOW
    busy: bool = False
    """Whether a run was in progress when something was told last."""
    stopped_s: float = float("-inf")
    """When escape has stopped a task."""


@dataclass(frozen=True, slots=True)
class Remembered(Message):
    """Goals of earlier sessions, the oldest first."""

    goals: tuple[str, ...]


class ReplScreen(Screen[Repl]):
    """Type a goal and watch it being worked on."""

    id = "repl"
    title = "conversation"

    def init(self, argument: object, scene: Scene) -> Step[Repl]:
        """An empty prompt; a goal given at the start begins at once."""
        effects: tuple[Effect, ...] = (Work(_remember),)
        if isinstance(argument, str) and argument:
            effects = (*effects, StartRun(argument, Options(mode=scene.settings.mode)))
        return Step(Repl(), effects)

    def update(self, state: Repl, message: Message, scene: Scene) -> Step[Repl]:
        """What a key or an event changes."""
        prompt = state.prompt
        match message:
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case Typed(key=key):
                return Step(replace(state, prompt=prompt.typed(key.text)))
            case Pasted(paste=paste):
                return Step(replace(state, prompt=prompt.pasted(paste.text)))
            case Clicked(mouse=mouse) if mouse.action == "press":
                return Step(_clicked(state, mouse.row, scene))
            case Remembered(goals=goals):
                older = replace(prompt, recall=prompt.recall.before(goals))
                return Step(replace(state, prompt=older))
            case Returned(result=str() as line):
                return Step(_holding(state, line))
            case Edited(text=text):
                return Step(_holding(state, text.rstrip("\n")))
            case Printed(command=command, output=output, exit_code=code):
                return Step(state, (AddBlock(ShellCard(command, output, code)),))
            case WorkFailed(text=text, remedy=remedy):
                return Step(state, (AddBlock(Notice(text, remedy, "err")),))
            case Told() | RunOver():
                return _news(state, message, scene)
            case _:
                return Step(state)

    def keys(self, state: Repl) -> KeyTable:
        """What keys mean: completions first, then prompt, conversation and editor."""
        first, last = keys_of(state.prompt)
        if state.prompt.search is not None:
            return first
        idle = IDLE if state.prompt.draft.empty else ()
        stop = BUSY if state.busy else AT_REST
        return (*first, *SUBMIT, *idle, *last, *stop, *editor.KEYS, *transcript.KEYS)

    def wake_s(self, state: Repl, scene: Scene) -> float | None:
        """The spinner turns while a run is in progress."""
        return SPIN_S if scene.story.running and scene.settings.motion else None

    def view(self, state: Repl, size: Size, scene: Scene) -> View:
        """Conversation, what goes on, completions, and the prompt at the bottom."""
        foot = _foot(state, size, scene)
        room = max(0, size.height - len(foot.lines))
        talk = _talk_lines(state, scene, Size(size.width, room))
        at = foot.cursor
        cursor = Point(at.column, at.row + room) if at is not None else None
        return View((*talk, *foot.lines), cursor)

    def live(self, state: Repl, size: Size, scene: Scene) -> Live | None:
        """What still grows and the prompt; who scrolls or unfolds sees all of it on the whole."""
        if state.scroll != FOLLOW:
            return None
        blocks, whole = scene.story.blocks, scene.story.whole
        foot = _foot(state, size, scene)
        growing = transcript.rows_between(blocks, whole, len(blocks), size.width)
        room = max(0, size.height // 2 - len(foot.lines))
        if not blocks:
            growing = (*welcome_lines(scene, size.width), EMPTY)
            room = max(0, size.height - len(foot.lines))
        talk = growing[max(0, len(growing) - room) :]
        at = foot.cursor
        cursor = Point(at.column, at.row + len(talk)) if at is not None else None

        def rows(start: int, stop: int) -> tuple[Line, ...]:
            return transcript.rows_between(blocks, start, stop, size.width)

        return Live(View((*talk, *foot.lines), cursor), Scrollback(whole, rows))


def _foot(state: Repl, size: Size, scene: Scene) -> View:
    """What goes on, what is offered, a rule, and the prompt."""
    below = (*going_on_lines(scene, size.width), *offer_lines(state.prompt, scene, size.width))
    rule = Line.of(Span("─" * size.width, BORDER))
    prompt = prompt_view(state.prompt, size, _placeholder(scene))
    at = prompt.cursor
    cursor = Point(at.column, at.row + len(below) + 1) if at is not None else None
    return View((*below, rule, *prompt.lines), cursor)


def _placeholder(scene: Scene) -> str:
    if scene.story.running:
        return "what to do next (it waits until this run has ended)"
    return "what should be true when it is done?"


def _talk_size(state: Repl, scene: Scene) -> Size:
    """How much of the conversation is seen, for scrolling."""
    size = scene.size
    return Size(size.width, max(1, size.height - rows_of(state.prompt, size) - 2))


def _talk_lines(state: Repl, scene: Scene, size: Size) -> tuple[Line, ...]:
    if size.height <= 0:
        return ()
    if scene.story.blocks:
        return transcript.transcript_lines(scene.story.blocks, state.scroll, size)
    lines = [EMPTY, *welcome_lines(scene, size.width)]
    lines.extend([EMPTY] * size.height)
    return tuple(line.clipped(size.width) for line in lines[: size.height])


def _holding(state: Repl, text: str) -> Repl:
    return replace(state, prompt=state.prompt.holding(drafted(text)))


def _clicked(state: Repl, row: int, scene: Scene) -> Repl:
    """What is long is opened or folded by a click on it; the terminal's history stays."""
    if scene.settings.inline and state.scroll == FOLLOW:
        return state
    foot = _foot(state, scene.size, scene)
    size = Size(scene.size.width, max(0, scene.size.height - len(foot.lines)))
    turned = transcript.turned(scene.story.blocks, state.scroll, size, row)
    return state if turned is None else replace(state, scroll=turned)


def _pressed(state: Repl, action: str, scene: Scene) -> Step[Repl]:
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
        case "repl.edit":
            return Step(state, (EditText(state.prompt.draft.whole),))
        case "repl.copy":
            return Step(state, obey("/copy", scene).effects)
        case "repl.drop_queue":
            return _unqueued(state, scene)
        case _:
            prompt = applied(state.prompt, action, scene)
            return Step(state if prompt is None else replace(state, prompt=prompt))


def _submitted(state: Repl, scene: Scene) -> Step[Repl]:
    draft = state.prompt.draft
    if draft.text.endswith("\\") and draft.at == len(draft.text):
        return Step(_holding(state, f"{draft.text[:-1]}\n"))
    text = draft.whole.strip()
    if not text:
        return Step(state)
    after = replace(state, prompt=state.prompt.sent(text), scroll=state.scroll.following())
    if text.startswith("/") and "\n" not in text:
        obeyed = obey(meant(state.prompt, scene), scene)
        return Step(state if obeyed.refused else after, obeyed.effects, obeyed.nav)
    if text.startswith("!") and text[1:].strip():
        return Step(after, (RunShell(text[1:].strip()),))
    return Step(after, goal_effects(text, scene, scene.settings.mode))


def _steered(state: Repl, scene: Scene) -> Step[Repl]:
    """What is written goes to the run at once; without a run it is a goal like any other."""
    text = state.prompt.draft.whole.strip()
    if not scene.story.running or not text:
        return _submitted(state, scene)
    told = (AddBlock(UserSaid(text)), SendCommand(Steer(text=text)))
    return Step(replace(state, prompt=state.prompt.sent(text)), told)


def _stopped(state: Repl, scene: Scene) -> Step[Repl]:
    """Escape: of several tasks at work the newest, else the run; at rest, back to the end."""
    story = scene.story
    if not story.running:
        end = FOLLOW if scene.settings.inline else state.scroll.following()
        return Step(replace(state, scroll=end))
    at_work = [task.task_id for task in story.tasks if not task.outcome]
    again = scene.now_s - state.stopped_s < AGAIN_S
    if story.phase is Phase.EXECUTE and len(at_work) > 1 and not again:
        said = Toast(f"stopping task {at_work[-1]} · esc again stops the run")
        stopped = replace(state, stopped_s=scene.now_s)
        return Step(stopped, (SendCommand(CancelTask(task_id=at_work[-1])), said))
    return Step(state, (InterruptRun(), Toast("stopping; what is done is kept")))


def _unqueued(state: Repl, scene: Scene) -> Step[Repl]:
    if not scene.queue:
        return Step(state)
    return Step(_holding(state, scene.queue[-1]), (Queue(scene.queue[:-1]),))


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
