"""What a screen can be told. Screens add messages of their own by subclassing `Message`."""

from dataclasses import dataclass

from m31a.terminal.events import Key, Mouse, Paste
from m31a_engine import Envelope


class Message:
    """Anything that `Screen.update` is called with."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Pressed(Message):
    """A key that the screen's tables give a meaning."""

    action: str


@dataclass(frozen=True, slots=True)
class Typed(Message):
    """A key that no table knows; `key.text` is what it types, if anything."""

    key: Key


@dataclass(frozen=True, slots=True)
class Pasted(Message):
    """A text put in as a whole."""

    paste: Paste


@dataclass(frozen=True, slots=True)
class Clicked(Message):
    """Something the mouse did within the screen's area, counted from its corner."""

    mouse: Mouse


@dataclass(frozen=True, slots=True)
class Told(Message):
    """An event of the run; `scene.story` holds it already."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class RunOver(Message):
    """The run is over, or could not begin: the story says which; another may begin."""


@dataclass(frozen=True, slots=True)
class Ticked(Message):
    """The time a screen asked to be woken at has come; `scene.now_s` says which."""


@dataclass(frozen=True, slots=True)
class Returned(Message):
    """The screen that stood above was left; `result` is what it was left with."""

    screen: str
    result: object


@dataclass(frozen=True, slots=True)
class WorkFailed(Message):
    """An effect's work came to an error a person should read."""

    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Edited(Message):
    """What the person's own editor left of a text."""

    text: str


@dataclass(frozen=True, slots=True)
class Printed(Message):
    """What a command of the person's printed, and its exit code."""

    command: str
    output: str
    exit_code: int
