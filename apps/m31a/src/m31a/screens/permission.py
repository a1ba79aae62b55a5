"""May this call run? The whole command before the eyes; the safe answer is the easy one."""

from dataclasses import dataclass, replace

from m31a.draw.frame import Point, Size, View
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import DIM, STRONG, WARN, Style, Tone
from m31a.program.ask_lock import LOCKED, is_locked, wake_s
from m31a.program.effects import AnswerAsk, Effect, InterruptRun
from m31a.program.keymap import KeyTable, bind, shown
from m31a.program.messages import Message, Pasted, Pressed, Returned, Typed
from m31a.program.scene import Scene
from m31a.program.screen import Placement, Screen, Step
from m31a.widgets import editor, field
from m31a.widgets.draft import Draft
from m31a.widgets.draft_rows import editor_view
from m31a.widgets.row_text import seconds
from m31a_engine import Grant, PermissionAnswer, PermissionAsk, Risk

WIDTH = 96

ANSWERS: KeyTable = (
    bind("permission.allow", "y", "allow once", hint=True),
    bind("permission.always", "a", "always", hint=True),
    bind("permission.deny", "n", "deny, say why", hint=True),
    bind("permission.exit", "e", "deny and stop the run", hint=True),
    bind("permission.up", "up, pageup, k, wheelup", "scroll up"),
    bind("permission.down", "down, pagedown, j, wheeldown", "scroll down"),
    bind("permission.defer", "escape", "put it off", hint=True),
)
REASON: KeyTable = (
    bind("permission.send", "enter", "deny", hint=True),
    bind("permission.back", "escape", "back", hint=True),
    *field.KEYS,
)
SHORT = {
    "permission.allow": "once",
    "permission.always": "always",
    "permission.deny": "deny",
    "permission.exit": "deny, stop",
    "permission.defer": "later",
}
"""The answers where there is little room."""
TIGHT = 14
"""On a screen with fewer rows nothing but the call and the answers is said."""
TONES = {
    Risk.SAFE: Tone.RISK_SAFE,
    Risk.MEDIUM: Tone.RISK_MEDIUM,
    Risk.DANGEROUS: Tone.RISK_DANGEROUS,
    Risk.DESTRUCTIVE: Tone.RISK_DESTRUCTIVE,
}


@dataclass(frozen=True, slots=True)
class Permission:
    """The question, since when it can be seen, and what is being said to a no."""

    ask: PermissionAsk
    seen_s: float
    until_s: float
    top: int = 0
    reason: Draft | None = None


class PermissionScreen(Screen[Permission]):
    """y, a, n or e; nothing else answers."""

    id = "permission"
    title = "permission"
    placement = Placement.SHEET

    def init(self, argument: object, scene: Scene) -> Step[Permission]:
        """Opened with the `PermissionAsk`."""
        assert isinstance(argument, PermissionAsk)
        waits = (each for each in scene.story.asks if each.ask.ask_id == argument.ask_id)
        opened = next(waits, None)
        until_s = opened.opened_s + opened.timeout_s if opened else scene.now_s
        return Step(Permission(argument, scene.now_s, until_s))

    def locked(self, state: Permission, scene: Scene) -> bool:
        """For a moment keys still go where they were meant to go."""
        return is_locked(state.seen_s, scene)

    def wake_s(self, state: Permission, scene: Scene) -> float | None:
        """When the keys unlock, then every second for the time that is left."""
        return wake_s(state.seen_s, scene)

    def keys(self, state: Permission) -> KeyTable:
        """Four answers, or the editor of the reason."""
        return ANSWERS if state.reason is None else REASON

    def update(self, state: Permission, message: Message, scene: Scene) -> Step[Permission]:
        """Answer, scroll, or write why not."""
        match message:
            case Pressed(action=action) if state.reason is None:
                return _chosen(state, action, scene)
            case Pressed(action=action) if state.reason is not None:
                return _reasoned(state, state.reason, action)
            case Typed(key=key) if state.reason is not None:
                return Step(replace(state, reason=editor.typed(state.reason, key.text)))
            case Pasted(paste=paste) if state.reason is not None:
                return Step(replace(state, reason=field.pasted(state.reason, paste.text)))
            case Returned():  # the question above is settled: this one is seen only now
                return Step(replace(state, seen_s=scene.now_s))
            case _:
                return Step(state)

    def wanted(self, state: Permission, limit: Size, scene: Scene) -> Size:
        """As high as its text."""
        cells = min(WIDTH, limit.width)
        tight = _is_tight(scene)
        return Size(cells, len(_facts(state, cells, tight)) + len(_foot(state, scene, cells)))

    def view(self, state: Permission, size: Size, scene: Scene) -> View:
        """What is asked, scrolled; the answers at the bottom."""
        foot = _foot(state, scene, size.width)
        facts = _facts(state, size.width, _is_tight(scene))
        room = max(1, size.height - len(foot))
        top = min(state.top, max(0, len(facts) - room))
        body = facts[top : top + room]
        if top + room < len(facts):
            more = Span(f"… {len(facts) - top - room} more lines (↓)", WARN)
            body = (*body[:-1], Line.of(more).clipped(size.width))
        filled = (*body, *(EMPTY,) * (room - len(body)))
        at = _cursor(state, size)
        return View((*filled, *foot), at)


def _is_tight(scene: Scene) -> bool:
    return scene.size.height < TIGHT


def _facts(state: Permission, cells: int, tight: bool) -> tuple[Line, ...]:
    """Everything about the call; `detail` has every hidden character written out."""
    request = state.ask.request
    gap = () if tight else (EMPTY,)
    tone = Style(fg=TONES[request.risk], bold=True)
    head = Line.of(
        Span(request.tool, STRONG),
        "" if tight else " wants to run",
        span(f"  {state.ask.task}" if state.ask.task else "", DIM),
        Span(f"  {'' if tight else 'risk '}{request.risk.value.upper()}", tone),
    )
    lines = [*wrapped(head.spans, cells), *gap]
    lines.extend(wrapped((Span(request.detail, STRONG),), cells, first="  ", rest="  "))
    lines.extend(gap)
    rows = (
        ("why", request.reason),
        ("destroys", ", ".join(request.destroys)),
        ("reaches", ", ".join(request.hosts)),
        ("touches", ", ".join(request.paths)),
    )
    for name, text in rows:
        if text:
            mark = Span(f"  {name:9}", WARN if name == "destroys" else DIM)
            lines.extend(wrapped((span(text),), cells, first=mark, rest=" " * 11))
    return tuple(lines)


def _foot(state: Permission, scene: Scene, cells: int) -> tuple[Line, ...]:
    left = f"in {seconds(max(0.0, state.until_s - scene.now_s))} it is put off"
    if is_locked(state.seen_s, scene):
        left = LOCKED
    timer = Line.of(Span(left, DIM)).clipped(cells)
    tight = _is_tight(scene)
    gap = () if tight else (EMPTY,)
    if state.reason is not None:
        reason = editor_view(state.reason, Size(max(1, cells - 8), 1), placeholder="why not?")
        return (*gap, Line.of(Span("deny:   ", WARN), *reason.lines[0].spans), timer)
    return (*gap, *_answers(tight, cells), timer)


def _answers(tight: bool, cells: int) -> tuple[Line, ...]:
    """Each answer with its key, never broken in between."""
    lines: list[Line] = []
    apart = "  " if tight else "   "
    for binding in ANSWERS:
        if not binding.hint:
            continue
        says = SHORT[binding.action] if tight else binding.says
        answer = (Span(shown(binding.chords[0]), STRONG), Span(f" {says}", DIM))
        line = lines[-1].plus(apart, *answer) if lines else Line.of(*answer)
        if lines and line.width <= cells:
            lines[-1] = line
        else:
            lines.append(Line.of(*answer).clipped(cells))
    return tuple(lines)


def _cursor(state: Permission, size: Size) -> Point | None:
    if state.reason is None:
        return None
    inner = editor_view(state.reason, Size(max(1, size.width - 8), 1)).cursor
    return Point(8 + inner.column, size.height - 2) if inner is not None else None


def _chosen(state: Permission, action: str, scene: Scene) -> Step[Permission]:
    match action:
        case "permission.allow":
            return Step(state, _answer(state, Grant.ONCE))
        case "permission.always":
            return Step(state, _answer(state, Grant.ALWAYS))
        case "permission.deny":
            return Step(replace(state, reason=Draft()))
        case "permission.exit":
            return Step(state, (*_answer(state, Grant.DENY), InterruptRun()))
        case "permission.defer":
            return Step(state, _answer(state, Grant.DEFER))
        case "permission.up":
            return Step(replace(state, top=max(0, state.top - 3)))
        case "permission.down":
            rows = len(_facts(state, min(WIDTH, scene.size.width - 4), _is_tight(scene)))
            return Step(replace(state, top=min(rows, state.top + 3)))
        case _:
            return Step(state)


def _reasoned(state: Permission, reason: Draft, action: str) -> Step[Permission]:
    match action:
        case "permission.send":
            return Step(state, _answer(state, Grant.DENY, reason.whole.strip()))
        case "permission.back":
            return Step(replace(state, reason=None))
        case _:
            return Step(replace(state, reason=editor.applied(reason, action) or reason))


def _answer(state: Permission, grant: Grant, feedback: str = "") -> tuple[Effect, ...]:
    answer = PermissionAnswer(ask_id=state.ask.ask_id, grant=grant, feedback=feedback)
    return (AnswerAsk(answer),)
