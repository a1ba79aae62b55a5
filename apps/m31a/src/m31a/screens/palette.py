"""Every command by name: what is not built is not in it."""

from dataclasses import dataclass, replace

from m31a.commands import obey
from m31a.draw.frame import Size, View
from m31a.draw.line import Part, Span
from m31a.draw.style import DIM
from m31a.program.keymap import KeyTable
from m31a.program.messages import Message, Pasted, Pressed, Typed
from m31a.program.scene import Command, Scene
from m31a.program.screen import Placement, Pop, Replace, Screen, Step
from m31a.widgets import picker
from m31a.widgets.picker import Picker, picker_view


def command_name(command: Command) -> str:
    """What a command is found by."""
    return command.name


@dataclass(frozen=True, slots=True)
class Palette:
    """The commands and what was typed."""

    picker: Picker[Command]


class PaletteScreen(Screen[Palette]):
    """Find a command by some of its letters."""

    id = "palette"
    title = "commands"
    placement = Placement.SHEET

    def init(self, argument: object, scene: Scene) -> Step[Palette]:
        """All commands that need no argument, or complete one."""
        return Step(Palette(Picker(scene.commands, command_name)))

    def keys(self, state: Palette) -> KeyTable:
        """Those of a picker."""
        return picker.KEYS

    def update(self, state: Palette, message: Message, scene: Scene) -> Step[Palette]:
        """Filter, choose."""
        match message:
            case Pressed(action="pick.choose"):
                return _chosen(state, scene)
            case Pressed(action=action):
                moved = state.picker.applied(action)
                return Step(state if moved is None else replace(state, picker=moved))
            case Typed(key=key):
                return Step(replace(state, picker=state.picker.typed(key.text)))
            case Pasted(paste=paste):
                text = " ".join(paste.text.split())
                return Step(replace(state, picker=state.picker.typed(text)))
            case _:
                return Step(state)

    def wanted(self, state: Palette, limit: Size, scene: Scene) -> Size:
        """A list of a handy size."""
        return Size(72, min(18, len(state.picker.items) + 2))

    def view(self, state: Palette, size: Size, scene: Scene) -> View:
        """Names, and what they do."""

        def row(command: Command, _: int) -> tuple[Part, ...]:
            says = f"{command.takes}  {command.says}" if command.takes else command.says
            return (f"{command.name:<14}", Span(f" {says}", DIM))

        return picker_view(state.picker, size, row, empty="no command has these letters")


def _chosen(state: Palette, scene: Scene) -> Step[Palette]:
    command = state.picker.choice
    if command is None:
        return Step(state)
    if command.screen:
        return Step(state, nav=Replace(command.screen))
    if command.takes and not command.takes.startswith("["):
        return Step(state, nav=Pop(f"/{command.name} "))
    return Step(state, obey(f"/{command.name}", scene).effects, Pop())
