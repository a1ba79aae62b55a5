"""What a screen is, and how screens follow one another."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Generic, Protocol, TypeVar

from m31a.draw.frame import Size, View, fill
from m31a.program.effects import Effect
from m31a.program.keymap import KeyTable
from m31a.program.live import Live
from m31a.program.messages import Message
from m31a.program.scene import Scene

S = TypeVar("S")


class Placement(StrEnum):
    """Whether a screen takes the whole body or lies over the one below."""

    FULL = "full"
    SHEET = "sheet"


@dataclass(frozen=True, slots=True)
class Push:
    """Go to a screen; the present one waits below."""

    screen: str
    argument: object = None


@dataclass(frozen=True, slots=True)
class Pop:
    """Leave this screen; the one below is told `Returned(result)`."""

    result: object = None


@dataclass(frozen=True, slots=True)
class Replace:
    """Go to a screen in place of this one."""

    screen: str
    argument: object = None


Nav = Push | Pop | Replace


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """What `update` gives: the next state, what is to be done, where to go."""

    state: S
    effects: tuple[Effect, ...] = ()
    nav: Nav | None = None


class Screen(ABC, Generic[S]):
    """One screen. Everything it decides is a pure function of its state, a message and the scene.

    A screen is one file in `m31a.screens` with a frozen state `S` and no attributes of its own.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    placement: ClassVar[Placement] = Placement.FULL

    @abstractmethod
    def init(self, argument: object, scene: Scene) -> Step[S]:
        """The first state; effects that load what it shows."""

    @abstractmethod
    def update(self, state: S, message: Message, scene: Scene) -> Step[S]:
        """The state after a message. A message it does not know gives `Step(state)`."""

    @abstractmethod
    def view(self, state: S, size: Size, scene: Scene) -> View:
        """Exactly `size.height` lines, none wider than `size.width`; `draw.frame.fill` helps."""

    @abstractmethod
    def keys(self, state: S) -> KeyTable:
        """What keys mean now; keys that mean nothing here are looked up in `keymap.GLOBAL`."""

    def live(self, state: S, size: Size, scene: Scene) -> Live | None:  # noqa: ARG002 - a default
        """What is shown on the main screen in inline mode; None takes the alternate screen."""
        return None

    def wanted(self, state: S, limit: Size, scene: Scene) -> Size:  # noqa: ARG002 - a default
        """The size a sheet would like, borders left out; it gets no more than `limit`."""
        return limit

    def locked(self, state: S, scene: Scene) -> bool:  # noqa: ARG002 - a default
        """Whether keys still go to the screen below (a modal that has just opened)."""
        return False

    def wake_s(self, state: S, scene: Scene) -> float | None:  # noqa: ARG002 - a default
        """In how many seconds `Ticked` is wanted; None when nothing moves by itself."""
        return None


class Layer(Protocol):
    """A screen with its state, as the program holds it."""

    @property
    def id(self) -> str:
        """The screen's name."""
        ...

    @property
    def title(self) -> str:
        """What the header calls it."""
        ...

    @property
    def placement(self) -> Placement:
        """Whole body, or a sheet."""
        ...

    @property
    def argument(self) -> object:
        """What it was opened with."""
        ...

    def update(self, message: Message, scene: Scene) -> "Turned":
        """The layer after a message."""
        ...

    def view(self, size: Size, scene: Scene) -> View:
        """Its lines, cut and filled to the size."""
        ...

    def live(self, size: Size, scene: Scene) -> Live | None:
        """Its rows on the main screen, where it has some."""
        ...

    def keys(self) -> KeyTable:
        """What keys mean now."""
        ...

    def wanted(self, limit: Size, scene: Scene) -> Size:
        """The size of a sheet."""
        ...

    def locked(self, scene: Scene) -> bool:
        """Whether it takes no keys yet."""
        ...

    def wake_s(self, scene: Scene) -> float | None:
        """When it wants to be woken."""
        ...


@dataclass(frozen=True, slots=True)
class Turned:
    """A layer after an update, what it asks for, and where it leads."""

    layer: Layer
    effects: tuple[Effect, ...] = ()
    nav: Nav | None = None


@dataclass(frozen=True, slots=True)
class Mounted(Generic[S]):
    """A screen and its state: what `Layer` asks for."""

    screen: Screen[S]
    state: S
    argument: object = None

    @property
    def id(self) -> str:
        """The screen's name."""
        return self.screen.id

    @property
    def title(self) -> str:
        """What the header calls it."""
        return self.screen.title

    @property
    def placement(self) -> Placement:
        """Whole body, or a sheet."""
        return self.screen.placement

    def update(self, message: Message, scene: Scene) -> Turned:
        """The layer after a message."""
        step = self.screen.update(self.state, message, scene)
        return Turned(replace(self, state=step.state), step.effects, step.nav)

    def view(self, size: Size, scene: Scene) -> View:
        """Its lines, cut and filled to the size."""
        view = self.screen.view(self.state, size, scene)
        at = view.cursor
        inside = at is not None and at.column < size.width and at.row < size.height
        return View(fill(view.lines, size), at if inside else None)

    def live(self, size: Size, scene: Scene) -> Live | None:
        """Its rows on the main screen, where it has some."""
        return self.screen.live(self.state, size, scene)

    def keys(self) -> KeyTable:
        """What keys mean now."""
        return self.screen.keys(self.state)

    def wanted(self, limit: Size, scene: Scene) -> Size:
        """The size of a sheet, within its limit."""
        want = self.screen.wanted(self.state, limit, scene)
        return Size(min(want.width, limit.width), min(want.height, limit.height))

    def locked(self, scene: Scene) -> bool:
        """Whether it takes no keys yet."""
        return self.screen.locked(self.state, scene)

    def wake_s(self, scene: Scene) -> float | None:
        """When it wants to be woken."""
        return self.screen.wake_s(self.state, scene)


def mount(screen: Screen[S], argument: object, scene: Scene) -> Turned:
    """A screen just opened."""
    step = screen.init(argument, scene)
    return Turned(Mounted(screen, step.state, argument), step.effects, step.nav)
