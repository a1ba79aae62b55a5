"""For tests of screens: the app driven by hand, with no terminal, no clock and no loop."""

from collections.abc import Iterable
from dataclasses import replace

from m31a import catalogue
from m31a.draw.frame import Frame, Size
from m31a.draw.theme import THEMES
from m31a.program.app import App, Out, Stage
from m31a.program.effects import Effect
from m31a.program.messages import Message, Told
from m31a.program.scene import Scene, Settings
from m31a.program.screen import Layer
from m31a.story.story import begin
from m31a.story.telling import hear, tell
from m31a.terminal.events import Key, Mouse, Paste
from m31a.terminal.ink import Depth, Ink
from m31a_engine import Envelope, Event, Mode

SIZES = (Size(40, 12), Size(80, 24), Size(100, 30), Size(200, 60))
"""The sizes every screen is looked at in."""
LOOKS = ((THEMES["dark"], Depth.TRUE), (THEMES["light"], Depth.TRUE), (THEMES["dark"], Depth.MONO))
"""Dark, light, and NO_COLOR."""


def sample_scene(events: Iterable[Event] = (), *, goal: str = "") -> Scene:
    """A scene in which these events have happened."""
    story = Scene(project="").story
    if goal:
        story = begin(story, goal, 0.0)
    for event in events:
        story = tell(story, event)
    settings = Settings(
        mode=Mode.AUTO,
        model="sample-model",
        provider="sample",
        trusted=True,
        budget_usd=2.0,
        context_limit=128_000,
        motion=False,
    )
    return Scene(
        project="~/slugs",
        story=story,
        settings=settings,
        commands=catalogue.commands(),
        files=("README.md", "slugs.py", "test_slugs.py"),
        themes=tuple(THEMES),
    )


class Desk:
    """An app with one screen on it. Keys, texts and events go in; frames and effects come out."""

    def __init__(
        self,
        screen: str,
        argument: object = None,
        *,
        scene: Scene | None = None,
        size: Size = SIZES[1],
    ) -> None:
        self._stage = Stage(catalogue.open_screen, catalogue.screen_for, catalogue.TITLES)
        self.effects: list[Effect] = []
        """What was asked for since the last look; tests clear it."""
        self._seq = 0
        self.app = self._stage.resize(App(size, scene or sample_scene()), size)
        if screen != "repl":
            self._take(self._stage.open(self.app, "repl"))
            self.effects.clear()
        self._take(self._stage.open(self.app, screen, argument))

    @property
    def top(self) -> Layer:
        """The screen that has the keys."""
        return self.app.top

    def press(self, *chords: str) -> "Desk":
        """Keys by their names: `enter`, `ctrl+c`, `y`."""
        for chord in chords:
            text = " " if chord == "space" else chord if len(chord) == 1 else ""
            self._take(self._stage.key(self.app, Key(chord, text)))
        return self

    def type(self, text: str) -> "Desk":
        """Text, letter by letter."""
        return self.press(*("space" if letter == " " else letter for letter in text))

    def paste(self, text: str) -> "Desk":
        """A whole text."""
        self._take(self._stage.paste(self.app, Paste(text)))
        return self

    def mouse(self, action: str, column: int, row: int) -> "Desk":
        """What the mouse does at a cell of the terminal, counted from 0."""
        self._take(self._stage.mouse(self.app, Mouse(action, column, row)))
        return self

    def tell(self, *events: Event) -> "Desk":
        """Events of a run."""
        for event in events:
            self._seq += 1
            scene = self.app.scene
            envelope = Envelope(seq=self._seq, at="", session="sample", event=event)
            story = hear(scene.story, envelope, scene.now_s)
            self.app = replace(self.app, scene=replace(scene, story=story))
            self._take(self._stage.tell_all(self.app, Told(envelope)))
        return self

    def send(self, message: Message) -> "Desk":
        """A message for the top screen: what its work came to."""
        self._take(self._stage.tell(self.app, self.app.stack[-1].number, message))
        return self

    def wait(self, seconds: float) -> "Desk":
        """Time passes; screens that want to be woken are."""
        scene = replace(self.app.scene, now_s=self.app.scene.now_s + seconds)
        self._take(self._stage.tick(replace(self.app, scene=scene)))
        return self

    def resize(self, size: Size) -> "Desk":
        """Another size."""
        self.app = self._stage.resize(self.app, size)
        return self

    @property
    def frame(self) -> Frame:
        """What the whole terminal shows."""
        return self._stage.frame(self.app)

    @property
    def text(self) -> str:
        """The frame's characters, lines without blanks at their ends."""
        return "\n".join(line.text.rstrip() for line in self.frame.lines)

    def painted(self, ink: Ink) -> str:
        """The frame's lines as they are sent."""
        return "\n".join(map(ink.line, self.frame.lines))

    def _take(self, out: Out) -> None:
        self.app, asked = out
        self.effects.extend(each.effect for each in asked)
