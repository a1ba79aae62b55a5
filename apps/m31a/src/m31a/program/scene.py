"""What every screen can see: the run's story, the app's settings, the time."""

from dataclasses import dataclass, field

from m31a.draw.frame import Size
from m31a.story.story import Story
from m31a_engine import Mode

DEFAULT_SIZE = Size(80, 20)
NOTES_KEPT = 100


@dataclass(frozen=True, slots=True)
class Command:
    """Something that can be opened or done by name: a row of the palette and a `/` word."""

    name: str
    """Without the slash."""
    says: str
    screen: str = ""
    """The screen it opens; empty for what the REPL does itself."""
    takes: str = ""
    """What its argument is, for people: `GOAL`, `auto|full|fast|direct`."""
    choices: tuple[str, ...] = ()
    """Arguments that complete."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the app looks and behaves now."""

    theme: str = "auto"
    mouse: bool = False
    mode: Mode = Mode.AUTO
    model: str = ""
    provider: str = ""
    permissions: str = "ask"
    budget_usd: float | None = None
    context_limit: int | None = None
    context_warn: float = 0.8
    sandbox: str = ""
    """What confines commands: `bubblewrap`, `landlock in part`; empty while it is not known."""
    trusted: bool = False
    inline: bool = False
    """Whether the conversation goes into the terminal's own history."""
    motion: bool = True
    """Whether anything may move by itself."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence that was shown for some seconds."""

    text: str
    level: str
    """info, ok, warn or err."""
    blocks: int
    """How many blocks the conversation had when it was said."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Something that goes on beside a run, and since when on the app's clock."""

    number: int
    since_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """The world as a screen sees it; the same for all screens at one moment."""

    project: str
    """The project's folder, shortened for people."""
    story: Story = field(default_factory=Story)
    settings: Settings = field(default_factory=Settings)
    commands: tuple[Command, ...] = ()
    queue: tuple[str, ...] = ()
    """Goals that wait for the run to end."""
    files: tuple[str, ...] = ()
    """The project's files, for `@`; filled soon after the start."""
    size: Size = DEFAULT_SIZE
    """What a screen that takes the whole body has to draw in."""
    now_s: float = 0.0
    """The app's clock, monotonic."""
    themes: tuple[str, ...] = ()
    busy: tuple[Busy, ...] = ()
    """What screens have asked for and wait for, the oldest first."""
    notes: tuple[Remark, ...] = ()
    """What was said for some seconds only, the newest last; `NOTES_KEPT` of them at most."""
