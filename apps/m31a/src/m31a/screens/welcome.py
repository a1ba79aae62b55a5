"""The first run: a provider, its key, a model, a theme. It can be left at any step."""

from dataclasses import replace
from functools import partial

from m31a.desks import KeyStored, Nearby, StoreKey
from m31a.draw.frame import Point, Size, View, fill
from m31a.first_run.choices import ABOUT, OWN, OWN_NAME, Stage, Way, Welcome, model_name
from m31a.first_run.view import body_view, steps_lines
from m31a.first_run.work import (
    Finished,
    Looked,
    ModelKept,
    NearbyFound,
    Offered,
    ProviderKept,
    keep_model,
    keep_provider,
    keep_theme,
    list_models,
    look,
    search,
)
from m31a.program.ask_lock import LOCK_S, is_locked
from m31a.program.effects import AsyncWork, ChangeSettings, Reread, StartDemo, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Pop, Replace, Screen, Step
from m31a.widgets import editor, field, listing, picker
from m31a.widgets.choice import stepped
from m31a.widgets.draft import BLANK
from m31a.widgets.picker import Picker
from m31a.widgets.trouble import trouble_foot
from m31a_engine.config import BUILT_IN_PROVIDERS

BACK = bind("welcome.back", "shift+tab", "a step back")
LEAVE = bind("welcome.leave", "escape", "leave, for later", hint=True)
PROVIDER: KeyTable = (
    bind("welcome.take", "enter", "take it", hint=True),
    bind("welcome.demo", "d", "see the demo instead", hint=True),
    *listing.KEYS,
    LEAVE,
)
ADDRESS: KeyTable = (
    bind("welcome.take", "enter", "take it", hint=True),
    bind("welcome.list", "shift+tab, up", "back to the list", hint=True),
    LEAVE,
    *field.KEYS,
)
KEY: KeyTable = (
    bind("welcome.take", "enter", "store it; empty: go on", hint=True),
    LEAVE,
    BACK,
    *field.KEYS,
)
MODEL: KeyTable = (
    bind("welcome.take", "enter", "take it", hint=True),
    LEAVE,
    BACK,
    *(each for each in picker.KEYS if each.action not in {"pick.choose", "app.back"}),
)
THEME: KeyTable = (
    bind("welcome.take", "enter", "done", hint=True),
    bind("welcome.right", "right, down, tab, space", "another", hint=True),
    bind("welcome.left", "left, up", "the one before"),
    LEAVE,
    BACK,
)


class WelcomeScreen(Screen[Welcome]):
    """Each step is kept as it is taken: who leaves half-way begins again where they were."""

    id = "welcome"
    title = "welcome"

    def init(self, argument: object, scene: Scene) -> Step[Welcome]:
        """Looks for keys, and for model servers on this machine."""
        ways = (
            *(Way(name, ABOUT.get(name, "with a key")) for name in BUILT_IN_PROVIDERS),
            Way(OWN, "its address"),
        )
        state = Welcome(seen_s=scene.now_s, ways=ways, theme=scene.settings.theme)
        return Step(state, (Work(look), AsyncWork(search)))

    def locked(self, state: Welcome, scene: Scene) -> bool:
        """For a moment keys still go where they were meant to go: this may open by itself."""
        return is_locked(state.seen_s, scene)

    def wake_s(self, state: Welcome, scene: Scene) -> float | None:
        """When the keys unlock."""
        left_s = state.seen_s + LOCK_S - scene.now_s
        return left_s if left_s > 0 else None

    def keys(self, state: Welcome) -> KeyTable:
        """Of the step."""
        match state.stage:
            case Stage.PROVIDER:
                return PROVIDER if state.address is None else ADDRESS
            case Stage.KEY:
                return KEY
            case Stage.MODEL:
                return MODEL
            case Stage.THEME:
                return THEME

    def update(self, state: Welcome, message: Message, scene: Scene) -> Step[Welcome]:
        """Choose, type, go on, go back, leave."""
        match message:
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case Typed(key=key):
                return Step(_written(state, key.text))
            case Pasted(paste=paste):
                return Step(_written(state, " ".join(paste.text.split())))
            case WorkFailed():
                return Step(replace(state, trouble=message, listed=True))
            case _:
                return _told(state, message)

    def view(self, state: Welcome, size: Size, scene: Scene) -> View:
        """The steps, the present one, what went wrong."""
        top = steps_lines(state, size)
        foot = trouble_foot(state.trouble, size.width)
        room = Size(size.width, max(1, size.height - len(top) - len(foot)))
        body = body_view(state, room, scene)
        cursor = body.cursor
        at = None if cursor is None else Point(cursor.column, cursor.row + len(top))
        return View((*top, *fill(body.lines, room), *foot), at)


def _told(state: Welcome, message: Message) -> Step[Welcome]:
    match message:
        case Looked(keyed=keyed):
            ways = tuple(replace(way, has_key=way.name in keyed) for way in state.ways)
            return Step(replace(state, ways=ways))
        case NearbyFound(servers=servers):
            ways = tuple(_way_of(each, index) for index, each in enumerate(servers))
            moved = state.at + len(ways) if state.at or state.address is not None else 0
            return Step(replace(state, ways=(*ways, *state.ways), at=moved, searched=True))
        case ProviderKept():
            return _after_provider(state)
        case KeyStored(told=told):
            step = _to_models(replace(state, key=BLANK))
            return replace(step, effects=(Toast(told, "ok"), *step.effects))
        case Offered(models=models):
            return Step(replace(state, models=state.models.with_items(models), listed=True))
        case ModelKept(model=model):
            done = replace(state, stage=Stage.THEME, trouble=None)
            return Step(done, (ChangeSettings(model=model), Reread()))
        case Finished(trust_next=trust_next):
            said = Toast("all set: say what should be true when it is done", "ok")
            return Step(state, (said,), Replace("trust") if trust_next else Pop())
        case _:
            return Step(state)


def _way_of(server: Nearby, index: int) -> Way:
    name = server.kind.replace(".", "-") + (f"-{index + 1}" if index else "")
    count = len(server.models)
    says = f"on this machine, {count} model{'' if count == 1 else 's'}, no key needed"
    return Way(name, says, server.base_url, server.models)


def _after_provider(state: Welcome) -> Step[Welcome]:
    way = state.way
    kept = replace(state, address=None, trouble=None)
    if way.address or way.has_key:
        return _to_models(kept)
    return Step(replace(kept, stage=Stage.KEY, key=BLANK))


def _to_models(state: Welcome) -> Step[Welcome]:
    known = state.way.models
    step = replace(
        state,
        stage=Stage.MODEL,
        models=Picker(known, model_name),
        listed=bool(known),
        trouble=None,
    )
    return Step(step, () if known else (AsyncWork(list_models),))


def _pressed(state: Welcome, action: str, scene: Scene) -> Step[Welcome]:
    match action:
        case "welcome.leave":
            said = Toast("/welcome comes back to this; /demo needs no key")
            return Step(state, (said,), Pop())
        case "welcome.demo":
            return Step(state, (StartDemo(),), Pop())
        case "welcome.back":
            before = Stage(max(0, state.stage - 1))
            if before is Stage.KEY and state.way.address:
                before = Stage.PROVIDER
            return Step(replace(state, stage=before, trouble=None))
        case "welcome.list":
            return Step(replace(state, address=None))
        case "welcome.take":
            return _taken(state)
        case "welcome.right" | "welcome.left":
            words = ("auto", *scene.themes)
            theme = stepped(words, state.theme, 1 if action == "welcome.right" else -1)
            return Step(replace(state, theme=theme), (ChangeSettings(theme=theme),))
        case _:
            return Step(_edited(state, action))


def _taken(state: Welcome) -> Step[Welcome]:
    match state.stage:
        case Stage.PROVIDER:
            return _provider_taken(state)
        case Stage.KEY:
            text = state.key.text.strip()
            if not text:
                return _to_models(state)
            return Step(replace(state, key=BLANK), (Work(StoreKey(state.way.name, text)),))
        case Stage.MODEL:
            choice = state.models.choice
            model = choice.id if choice is not None else state.models.filter.strip()
            return Step(state, (Work(partial(keep_model, model=model)),) if model else ())
        case Stage.THEME:
            return Step(state, (Work(partial(keep_theme, theme=state.theme)),))


def _provider_taken(state: Welcome) -> Step[Welcome]:
    way = state.way
    if way.name == OWN and state.address is None:
        return Step(replace(state, address=BLANK, trouble=None))
    if state.address is not None:
        address = state.address.text.strip()
        if not address:
            return Step(state)
        way = Way(OWN_NAME, "", address)
        others = tuple(each for each in state.ways if each.name not in {OWN, OWN_NAME})
        last = state.ways[-1]
        state = replace(state, ways=(*others, way, last), at=len(others))
    return Step(state, (Work(partial(keep_provider, name=way.name, address=way.address)),))


def _written(state: Welcome, text: str) -> Welcome:
    match state.stage:
        case Stage.PROVIDER if state.address is not None:
            return replace(state, address=editor.typed(state.address, text), trouble=None)
        case Stage.KEY:
            return replace(state, key=editor.typed(state.key, text), trouble=None)
        case Stage.MODEL:
            return replace(state, models=state.models.typed(text), trouble=None)
        case _:
            return state


def _edited(state: Welcome, action: str) -> Welcome:
    """Editing in the step's field, or moving in its list."""
    match state.stage:
        case Stage.PROVIDER if state.address is not None:
            return replace(state, address=editor.applied(state.address, action) or state.address)
        case Stage.PROVIDER:
            at = listing.moved(action, state.at, len(state.ways))
            return state if at is None else replace(state, at=at)
        case Stage.KEY:
            return replace(state, key=editor.applied(state.key, action) or state.key)
        case Stage.MODEL:
            return replace(state, models=state.models.applied(action) or state.models)
        case Stage.THEME:
            return state
