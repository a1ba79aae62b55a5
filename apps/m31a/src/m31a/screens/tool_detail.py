"""Tool calls in full: what went in, and everything that came out."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from m31a.draw.frame import Size, View
from m31a.draw.line import EMPTY, Line, Span, span
from m31a.draw.style import ACCENT, DIM, ERR, STRONG, WARN
from m31a.program.effects import CopyText, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.program.services import Services
from m31a.story.blocks import ToolCard
from m31a.widgets import browse
from m31a.widgets.browse import Browse, Drawn, browse_lines
from m31a.widgets.diff_view import diff_lines
from m31a.widgets.facts import fact_lines, raw_lines, title_lines
from m31a.widgets.row_text import one_row, safe
from m31a.widgets.tool_lines import about
from m31a.widgets.trouble import trouble_lines
from m31a_engine import CommandOutput, FileDiff, Listing, Plain, Refused

MOST_BYTES = 1_000_000
"""Of a longer output the end is shown."""
MOST_ROWS = 5_000
KEYS: KeyTable = (
    *browse.KEYS,
    bind("tool.whole", "o, enter", "load what was cut", hint=True),
    bind("tool.copy", "y", "copy the output", hint=True),
    bind("tool.copy_input", "c", "copy the input"),
    bind("app.back", "escape, q", "back", hint=True),
)
_KEPT = re.compile(r"\[\.\.\. [\d,]+ (?:characters|bytes) cut; all of it: (.+?) \.\.\.\]")


@dataclass(frozen=True, slots=True)
class ToolDetail:
    """Which call is shown, and the whole of an output that was cut."""

    browse: Browse
    call: ToolCard | None = None
    """The only one to be shown; None shows those of the story."""
    whole: str = ""
    whole_of: str = ""
    """The call it belongs to."""
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Loaded(Message):
    """An output in full, or its end."""

    of: str
    text: str


class ToolDetailScreen(Screen[ToolDetail]):
    """The newest call first chosen; a long output is loaded from the session's folder."""

    id = "tool_detail"
    title = "tool calls"

    def init(self, argument: object, scene: Scene) -> Step[ToolDetail]:
        """Opened with a `ToolCard`, or with nothing: then all calls of the run."""
        if isinstance(argument, ToolCard):
            return Step(ToolDetail(Browse(), argument))
        return Step(ToolDetail(Browse(max(0, len(_calls(None, scene)) - 1))))

    def keys(self, state: ToolDetail) -> KeyTable:
        """Choose, scroll, load, copy."""
        return KEYS

    def update(self, state: ToolDetail, message: Message, scene: Scene) -> Step[ToolDetail]:
        """Another call, or more of this one."""
        calls = _calls(state.call, scene)
        match message:
            case Loaded(of=of, text=text):
                return Step(replace(state, whole=text, whole_of=of, trouble=None))
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Pressed(action="tool.whole") if calls:
                return _whole(state, _chosen(state, calls))
            case Pressed(action="tool.copy") if calls:
                return Step(state, (CopyText(_output(state, _chosen(state, calls))),))
            case Pressed(action="tool.copy_input") if calls:
                return Step(state, (CopyText(_pretty(_chosen(state, calls).arguments)),))
            case Pressed(action=action):
                moved = state.browse.applied(
                    action, len(calls), lambda cells: _detail(state, calls, cells), scene.size
                )
                if moved is None:
                    return Step(state)
                gone = moved.at != state.browse.at
                return Step(replace(state, browse=moved, trouble=None if gone else state.trouble))
            case _:
                return Step(state)

    def view(self, state: ToolDetail, size: Size, scene: Scene) -> View:
        """The calls, and the chosen one in full."""
        calls = _calls(state.call, scene)
        lines = browse_lines(
            Drawn(calls, _row),
            lambda cells: _detail(state, calls, cells),
            state.browse.within(len(calls)),
            size,
            empty="No tool was called yet.",
        )
        return View(lines)


def _calls(only: ToolCard | None, scene: Scene) -> tuple[ToolCard, ...]:
    cards = tuple(block for block in scene.story.blocks if isinstance(block, ToolCard))
    if only is None:
        return cards
    same = (card for card in cards if _name(card) == _name(only))
    return (next(same, only),)


def _name(card: ToolCard) -> str:
    return f"{card.conversation}/{card.call_id}"


def _chosen(state: ToolDetail, calls: tuple[ToolCard, ...]) -> ToolCard:
    return calls[min(state.browse.at, len(calls) - 1)]


def _row(card: ToolCard) -> Line:
    running = card.display is None
    glyph, style = ("◌", ACCENT) if running else ("✗", ERR) if card.is_error else ("◆", DIM)
    return Line.of(
        Span(f"{glyph} ", style),
        span(one_row(card.tool), STRONG),
        span(f"  {about(card)}"),
        Span(f"  {one_row(card.conversation)}", DIM),
    )


def _detail(state: ToolDetail, calls: tuple[ToolCard, ...], cells: int) -> tuple[Line, ...]:
    card = _chosen(state, calls)
    word = "running" if card.display is None else "failed" if card.is_error else "done"
    lines = [
        *title_lines(card.tool, cells, after=word),
        *fact_lines((("call", card.call_id), ("in", card.conversation)), cells),
        EMPTY,
        Line.of(Span("input", DIM)),
        *raw_lines(_pretty(card.arguments) or "nothing", cells),
        EMPTY,
        *_output_lines(state, card, cells),
    ]
    if state.trouble is not None:
        lines.extend(trouble_lines(state.trouble, cells))
    return tuple(lines)


def _output_lines(state: ToolDetail, card: ToolCard, cells: int) -> tuple[Line, ...]:
    loaded = state.whole_of == _name(card)
    head = Line.of(Span("output, all of it" if loaded else "output", DIM))
    if isinstance(card.display, FileDiff) and not loaded:
        return (head, *diff_lines(safe(card.display.diff), cells, path=card.display.path))
    text = _output(state, card)
    rows = text.split("\n")
    note: tuple[Line, ...] = ()
    if len(rows) > MOST_ROWS:
        left = len(rows) - MOST_ROWS
        note = (Line.of(Span(f"… {left} rows before this are not shown", WARN)),)
        text = "\n".join(rows[-MOST_ROWS:])
    if not text.strip():
        return (head, Line.of(Span("nothing", DIM)))
    hint = _KEPT.search(text) is not None and not loaded
    more = (Line.of(Span("o loads what was cut", WARN)),) if hint else ()
    return (head, *more, *note, *raw_lines(text, cells))


def _output(state: ToolDetail, card: ToolCard) -> str:
    if state.whole_of == _name(card):
        return state.whole
    match card.display:
        case None:
            return card.output
        case Plain(text=text) | CommandOutput(text=text):
            return text
        case Listing(paths=paths):
            return "\n".join(paths)
        case FileDiff(diff=diff):
            return diff
        case _:
            assert_never(card.display)


def _pretty(arguments: str) -> str:
    """The model's JSON, indented; as it is when it is none."""
    try:
        return json.dumps(json.loads(arguments), indent=2, ensure_ascii=False)
    except ValueError:
        return arguments


def _whole(state: ToolDetail, card: ToolCard) -> Step[ToolDetail]:
    found = _KEPT.search(_output(state, card))
    if found is None:
        return Step(state, (Toast("this is all of it"),))
    name, path = _name(card), found[1]
    return Step(state, (Work(lambda services: Loaded(name, kept_output(services, path))),))


def kept_output(services: Services, path: str) -> str:
    """A long output from a session's folder, or its last `MOST_BYTES`.

    Raises:
        Refused: the path does not lead into a session's folder: the words are a tool's.
        OSError: the file cannot be read.
    """
    sessions = services.sessions().home.sessions.resolve()
    real = Path(path).resolve()
    if sessions not in real.parents or real.parent.name != "outputs":
        raise Refused("what it names is no output kept by a session of this project")
    with real.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MOST_BYTES))
        text = file.read(MOST_BYTES).decode("utf-8", "replace")
    cut = size - MOST_BYTES
    return (
        f"[the first {cut:,} bytes are not shown; the file is {real}]\n{text}" if cut > 0 else text
    )
