"""The app as a value: its screens, what a key does, what the whole terminal shows. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from m31a.draw.frame import Frame, Point, Size, View, laid_over
from m31a.draw.line import Line
from m31a.draw.style import DIM
from m31a.program.chrome import Note, body_size, boxed, framed, with_toasts
from m31a.program.effects import (
    ChangeSettings,
    Effect,
    InterruptRun,
    Quit,
    Redraw,
    Suspend,
)
from m31a.program.keymap import GLOBAL, KeyTable, Part, look_up
from m31a.program.live import Live, live_size, surrounded
from m31a.program.messages import Clicked, Message, Pasted, Pressed, Returned, Ticked, Told, Typed
from m31a.program.scene import NOTES_KEPT, Remark, Scene
from m31a.program.screen import Layer, Nav, Placement, Pop, Push, Replace, Turned
from m31a.terminal.events import Key, Mouse, Paste
from m31a_engine import Ask, AskClosed, AskOpened

TWICE_S = 2.0
"""Within this time a second ctrl+c quits."""
TOAST_S = 4.0
WHEEL = {"wheel_up": "wheelup", "wheel_down": "wheeldown"}
"""What the wheel is called in key tables."""
WHEEL_ROWS = 3
"""Rows that a text moves with a notch of the wheel; a list moves by one."""

Mount = Callable[[str, object, Scene], Turned]
"""Opens a screen by its name."""
AskScreen = Callable[[Ask], str]
"""Which screen answers an ask."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place on the stack; the number tells layers of one kind apart."""

    number: int
    layer: Layer


@dataclass(frozen=True, slots=True)
class Asked:
    """An effect and who asked for it."""

    effect: Effect
    slot: int


@dataclass(frozen=True, slots=True)
class App:
    """Everything the app knows; changed by the functions of this module alone."""

    size: Size
    scene: Scene
    stack: tuple[Slot, ...] = ()
    opened: int = 0
    keys: tuple[str, ...] = ()
    """The beginning of a chord of several keys."""
    notes: tuple[Note, ...] = ()
    stopped_s: float = float("-inf")
    """When ctrl+c was pressed last."""

    @property
    def top(self) -> Layer:
        """The screen that has the keys."""
        return self.stack[-1].layer

    def told(self, text: str, level: str = "info") -> "App":
        """The app with a toast."""
        said = " ".join(text.split())
        note = Note(said, level, self.scene.now_s + TOAST_S)
        remark = Remark(said, level, len(self.scene.story.blocks))
        scene = replace(self.scene, notes=(*self.scene.notes, remark)[-NOTES_KEPT:])
        return replace(self, scene=scene, notes=(*self.notes[-2:], note))


Out = tuple[App, tuple[Asked, ...]]


class Stage:
    """Moves an app from one value to the next; holds only what never changes."""

    def __init__(self, mount: Mount, ask_screen: AskScreen, known: Mapping[str, str]) -> None:
        """`known` has the names of all screens with their titles."""
        self._mount = mount
        self._ask_screen = ask_screen
        self._known = known

    def resize(self, app: App, size: Size) -> App:
        """The app on a screen of another size."""
        return replace(app, size=size, scene=replace(app.scene, size=body_size(size)))

    def open(self, app: App, screen: str, argument: object = None) -> Out:
        """The app with a screen on top."""
        return self._goto(app, Push(screen, argument))

    def key(self, app: App, key: Key) -> Out:
        """What a key does."""
        slot = self._focused(app)
        keys = (*app.keys, key.chord)
        found = look_up((slot.layer.keys(), GLOBAL), keys)
        if found is Part.PREFIX:
            return replace(app, keys=keys), ()
        app = replace(app, keys=())
        if found is Part.NOTHING:
            return self._deliver(app, slot, Typed(key)) if len(keys) == 1 else (app, ())
        assert isinstance(found, str)
        if found == "app.back" and slot is not app.stack[-1]:
            return app, ()  # meant for what is below a screen that has just opened: it stays
        if found.startswith("app."):
            return self._global(app, found)
        return self._deliver(app, slot, Pressed(found))

    def paste(self, app: App, paste: Paste) -> Out:
        """Where a pasted text goes."""
        app, asked = self._deliver(app, self._focused(app), Pasted(paste))
        if not paste.complete:
            app = app.told("the end of the paste was not marked; what came is there", "warn")
        return app, asked

    def mouse(self, app: App, mouse: Mouse) -> Out:
        """What the mouse does on the top screen: the wheel is looked up like a key."""
        if (chord := WHEEL.get(mouse.action)) is not None:
            return self._wheeled(app, chord)
        origin = self._origin(app)
        moved = replace(mouse, column=mouse.column - origin.column, row=mouse.row - origin.row)
        return self._deliver(app, app.stack[-1], Clicked(moved))

    def _wheeled(self, app: App, chord: str) -> Out:
        slot = app.stack[-1]
        found = look_up((slot.layer.keys(),), (chord,))
        if not isinstance(found, str):
            return app, ()
        asked: list[Asked] = []
        for _ in range(WHEEL_ROWS if found.startswith("scroll.") else 1):
            app, more = self._deliver(app, slot, Pressed(found))
            slot = app.stack[-1]
            asked.extend(more)
        return app, tuple(asked)

    def tick(self, app: App) -> Out:
        """The time has come for something that moves by itself."""
        notes = tuple(note for note in app.notes if note.until_s > app.scene.now_s)
        return self.tell_all(replace(app, notes=notes), Ticked())

    def tell(self, app: App, number: int, message: Message) -> Out:
        """A message for one screen, wherever it stands; nothing when it is gone."""
        slot = next((each for each in app.stack if each.number == number), None)
        return self._deliver(app, slot, message) if slot is not None else (app, ())

    def tell_all(self, app: App, message: Message) -> Out:
        """A message for every screen, the lowest first; only the top one may lead elsewhere."""
        asked: list[Asked] = []
        for slot in app.stack:
            app, more = self._deliver(app, slot, message)
            asked.extend(more)
        if isinstance(message, Told):
            app, more = self._obey_ask(app, message)
            asked.extend(more)
        return app, tuple(asked)

    def wake_s(self, app: App) -> float | None:
        """In how many seconds something moves by itself."""
        times = [slot.layer.wake_s(app.scene) for slot in app.stack]
        times += [max(0.0, note.until_s - app.scene.now_s) for note in app.notes]
        times += [1.0] if app.scene.busy else []
        return min((time for time in times if time is not None), default=None)

    def frame(self, app: App) -> Frame:
        """What the whole terminal shows; inline, the home screen has the last rows alone."""
        size = app.size
        if app.scene.settings.inline and len(app.stack) == 1:
            live = app.top.live(live_size(size), app.scene)
            if live is not None:
                return _live_frame(app, live)
        base = next(
            index
            for index in range(len(app.stack) - 1, -1, -1)
            if app.stack[index].layer.placement is Placement.FULL
        )
        layer = app.stack[base].layer
        body = layer.view(body_size(size), app.scene)
        tables: tuple[KeyTable, ...] = (self._focused(app).layer.keys(), GLOBAL)
        view = framed(body, layer.title, tables, app.scene, size)
        for slot in app.stack[base + 1 :]:
            view = _sheeted(view, slot.layer, app.scene, size)
        lines = with_toasts(view.lines, app.notes, size.width)
        title = f"m31a · {app.scene.project}"
        return Frame(size, tuple(line.clipped(size.width) for line in lines), view.cursor, title)

    def _focused(self, app: App) -> Slot:
        """The topmost screen that takes keys."""
        taking = (slot for slot in reversed(app.stack) if not slot.layer.locked(app.scene))
        return next(taking, app.stack[0])

    def _origin(self, app: App) -> Point:
        layer = app.top
        if layer.placement is Placement.FULL:
            return Point(0, 2 if body_size(app.size).height < app.size.height - 1 else 0)
        _, at = _sheet_place(layer, app.scene, app.size)
        return Point(at.column + 2, at.row + 1)

    def _deliver(self, app: App, slot: Slot, message: Message) -> Out:
        turned = slot.layer.update(message, app.scene)
        stack = tuple(
            replace(each, layer=turned.layer) if each.number == slot.number else each
            for each in app.stack
        )
        app = replace(app, stack=stack)
        asked = tuple(Asked(effect, slot.number) for effect in turned.effects)
        if turned.nav is None or app.stack[-1].number != slot.number:
            return app, asked
        app, more = self._goto(app, turned.nav)
        return app, (*asked, *more)

    def _goto(self, app: App, nav: Nav) -> Out:
        match nav:
            case Pop(result=result):
                return self._popped(app, result)
            case Push(screen=screen, argument=argument):
                pass
            case Replace(screen=screen, argument=argument):
                app = replace(app, stack=app.stack[:-1])
        turned = self._mount(screen, argument, app.scene)
        number = app.opened + 1
        app = replace(app, stack=(*app.stack, Slot(number, turned.layer)), opened=number)
        asked = tuple(Asked(effect, number) for effect in turned.effects)
        if turned.nav is None:
            return app, asked
        app, more = self._goto(app, turned.nav)
        return app, (*asked, *more)

    def _popped(self, app: App, result: object) -> Out:
        if len(app.stack) == 1:
            return app, ()
        left = app.stack[-1].layer.id
        app = replace(app, stack=app.stack[:-1])
        return self._deliver(app, app.stack[-1], Returned(left, result))

    def _global(self, app: App, action: str) -> Out:
        number = app.stack[-1].number
        match action:
            case "app.interrupt":
                return self._interrupted(app, number)
            case "app.back":
                return self._popped(app, None)
            case "app.help" if app.top.id != "help" and "help" in self._known:
                return self.open(app, "help", (app.top.title, app.top.keys()))
            case "app.palette" if app.top.id != "palette" and "palette" in self._known:
                return self.open(app, "palette")
            case "app.quit" if app.scene.story.running and "confirm_quit" in self._known:
                return self.open(app, "confirm_quit")
            case "app.quit":
                return app, (Asked(Quit(), number),)
            case "app.redraw":
                return app, (Asked(Redraw(), number),)
            case "app.suspend":
                return app, (Asked(Suspend(), number),)
            case "app.mouse":
                return app, (Asked(ChangeSettings(mouse=not app.scene.settings.mouse), number),)
            case _:
                return app, ()

    def _interrupted(self, app: App, number: int) -> Out:
        now = app.scene.now_s
        if now - app.stopped_s < TWICE_S:
            return app, (Asked(Quit(130 if app.scene.story.running else 0), number),)
        app = replace(app, stopped_s=now)
        if app.scene.story.running:
            return app.told("stopping · ctrl+c again quits"), (Asked(InterruptRun(), number),)
        return app.told("ctrl+c again quits"), ()

    def _obey_ask(self, app: App, told: Told) -> Out:
        """A screen for an ask when it opens; none any more when it is settled."""
        match told.envelope.event:
            case AskOpened(ask=ask):
                return self._asked(app, ask)
            case AskClosed(ask_id=ask_id):
                left = tuple(slot for slot in app.stack if _ask_id(slot.layer.argument) != ask_id)
                uncovered = left[-1].number != app.stack[-1].number
                app = replace(app, stack=left)
                return self._deliver(app, left[-1], Returned("", None)) if uncovered else (app, ())
            case _:
                return app, ()

    def _asked(self, app: App, ask: Ask) -> Out:
        """A screen for an ask; below the present one when that is an ask too."""
        above = app.stack[-1:] if _ask_id(app.top.argument) else ()
        below = app.stack[: len(app.stack) - len(above)]
        out, asked = self.open(replace(app, stack=below), self._ask_screen(ask), ask)
        return replace(out, stack=(*out.stack, *above)), asked


def _live_frame(app: App, live: Live) -> Frame:
    tables: tuple[KeyTable, ...] = (app.top.keys(), GLOBAL)
    view = surrounded(live.view, tables, app.notes, app.scene, app.size)
    return Frame(app.size, view.lines, view.cursor, f"m31a · {app.scene.project}", live.above)


def _ask_id(argument: object) -> str:
    return argument.ask_id if isinstance(argument, Ask) else ""


def _sheet_place(layer: Layer, scene: Scene, size: Size) -> tuple[Size, Point]:
    """The inner size of a sheet and its outer corner."""
    limit = Size(max(1, size.width - 4), max(1, size.height - 3))
    inner = layer.wanted(limit, scene)
    column = max(0, (size.width - inner.width - 4) // 2)
    row = max(0, (size.height - inner.height - 2) // 2)
    return inner, Point(column, row)


def _sheeted(view: View, layer: Layer, scene: Scene, size: Size) -> View:
    """A view with a sheet upon it; what is below loses its looks, so that the sheet stands out."""
    inner, at = _sheet_place(layer, scene, size)
    box = boxed(layer.view(inner, scene), layer.title, inner)
    below = tuple(Line.of(*line.restyled(DIM).spans) for line in view.lines)
    lines = laid_over(below, box, at, size.width)
    cursor = Point(box.cursor.column + at.column, box.cursor.row + at.row) if box.cursor else None
    return View(lines, cursor)
