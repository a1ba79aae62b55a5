"""What fills the model's window, and making room in it."""

from dataclasses import dataclass
from typing import assert_never

from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, wrapped
from m31a.draw.style import DIM, STRONG, WARN, Tone
from m31a.program.chrome import short
from m31a.program.effects import SendCommand, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.story.blocks import Said, Thought, ToolCard
from m31a.story.story import Story
from m31a.widgets.bar import bar
from m31a.widgets.facts import note_lines
from m31a_engine import (
    CommandOutput,
    Consolidate,
    FileDiff,
    Listing,
    Plain,
)

BYTES_PER_TOKEN = 3.5
"""A careful mean for prose, code and JSON."""
FILE_TOOLS = frozenset({"FileRead", "FileList", "Grep", "Glob"})

GAUGE, FIGURES = 80, 29
"""The whole bar at its widest, and what stands before those of its parts: they end together."""
ROOMY = 12
"""Rows from which on blank lines set things apart."""

KEYS: KeyTable = (
    bind("context.compress", "c", "compress", hint=True),
    bind("app.back", "escape, q", "back", hint=True),
)


@dataclass(frozen=True, slots=True)
class Room:
    """There is nothing to remember: the run's story says what fills the window."""


@dataclass(frozen=True, slots=True)
class Share:
    """Something that fills the window."""

    name: str
    tokens: int


class ContextScreen(Screen[Room]):
    """The total is what the server counted; the parts are estimated from their text."""

    id = "context"
    title = "context"

    def init(self, argument: object, scene: Scene) -> Step[Room]:
        """What the run has told so far."""
        return Step(Room())

    def keys(self, state: Room) -> KeyTable:
        """Compress, or leave."""
        return KEYS

    def update(self, state: Room, message: Message, scene: Scene) -> Step[Room]:
        """Ask the run to make room."""
        match message:
            case Pressed(action="context.compress") if scene.story.running:
                said = Toast("older messages become a summary before the next request")
                return Step(state, (SendCommand(Consolidate()), said))
            case Pressed(action="context.compress"):
                return Step(state, (Toast("nothing is running: each run begins empty", "warn"),))
            case _:
                return Step(state)

    def view(self, state: Room, size: Size, scene: Scene) -> View:
        """The total, its parts, and what can be done."""
        used = scene.story.context_tokens
        if not used:
            text = "No request was made yet: the window is empty."
            return View(fill(note_lines(text, size.width), size))
        gap = (EMPTY,) if size.height >= ROOMY else ()
        lines = [*gap, *_total(scene, size.width), *gap]
        parts = shares(scene.story)
        room = max(6, min(GAUGE - FIGURES, size.width - 34))
        for part in parts:
            figure = f"{short(part.tokens):>7} {part.tokens / used:>4.0%} "
            lines.append(
                Line.of(f"  {part.name:<16}", Span(figure, DIM), *bar(part.tokens / used, room))
            )
        note = (
            "The newest conversation. The total is the server's count; the parts are estimated"
            " from their text."
        )
        lines += [EMPTY, *wrapped((Span(note, DIM),), size.width, first="  ", rest="  ")]
        if scene.story.running:
            text = "c replaces older messages by a summary; plan and newest turns stay."
            lines += wrapped((Span(text, DIM),), size.width, first="  ", rest="  ")
        return View(fill(lines, size))


def _total(scene: Scene, cells: int) -> tuple[Line, ...]:
    used = scene.story.context_tokens
    limit = scene.story.context_limit or scene.settings.context_limit
    if not limit:
        said = (Span(short(used), STRONG), Span(" tokens; the window's size is not known", DIM))
        return wrapped(said, cells, first="  ", rest="  ")
    share = used / limit
    warn = share >= scene.settings.context_warn
    tone = Tone.BAR_ERR if share >= 0.95 else Tone.BAR_WARN if warn else Tone.BAR_FILL
    figure = f"{short(used)} of {short(limit)} tokens"
    full = Span(f"  {share:.0%} full", WARN if warn else DIM)
    gauge = Line.of("  ", *bar(min(1.0, share), max(6, min(GAUGE, cells - 4)), tone))
    return (Line.of("  ", Span(figure, STRONG), full).clipped(cells), gauge)


def shares(story: Story) -> tuple[Share, ...]:
    """What the newest conversation is made of, in tokens; together they are the server's count."""
    talks = [each for each in story.blocks if isinstance(each, Said | Thought | ToolCard)]
    newest = talks[-1].conversation if talks else ""
    sizes = {"answers": 0, "tool calls": 0, "files read": 0, "results": 0}
    for block in talks:
        if block.conversation != newest:
            continue
        match block:
            case Said(text=text) | Thought(text=text):
                sizes["answers"] += len(text.encode())
            case ToolCard():
                sizes["tool calls"] += len(block.arguments.encode())
                name = "files read" if block.tool in FILE_TOOLS else "results"
                sizes[name] += _result_bytes(block)
    known = {name: round(size / BYTES_PER_TOKEN) for name, size in sizes.items()}
    total = sum(known.values())
    if total > story.context_tokens:  # the estimate is too high: keep the proportions
        known = {name: part * story.context_tokens // total for name, part in known.items()}
    rest = story.context_tokens - sum(known.values())
    return (Share("rules and goal", rest), *(Share(*each) for each in known.items()))


def _result_bytes(card: ToolCard) -> int:
    match card.display:
        case None:
            return len(card.output.encode())
        case Plain(text=text) | CommandOutput(text=text) | FileDiff(diff=text):
            return len(text.encode())
        case Listing(paths=paths):
            return sum(len(path.encode()) + 1 for path in paths)
        case _:
            assert_never(card.display)
