"""What a screen may ask the program to do: values, so that `update` stays pure."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from m31a.program.messages import Message
from m31a.program.services import Services
from m31a.story.blocks import Block
from m31a_engine import Answer, Command, Options


@dataclass(frozen=True, slots=True)
class StartRun:
    """Begin a run of a goal; while another is in progress nothing happens."""

    goal: str
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class ResumeRun:
    """Go on with a session; None takes the newest that can."""

    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class ApproveRun:
    """Go on with a waiting session, with a yes to everything it waits for: show that first."""

    session_id: str


@dataclass(frozen=True, slots=True)
class StartDemo:
    """Begin the demo: a project of its own and a recorded model."""


@dataclass(frozen=True, slots=True)
class AnswerAsk:
    """Answer an ask of the run; an answer that comes too late is dropped."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class SendCommand:
    """Steer the run."""

    command: Command


@dataclass(frozen=True, slots=True)
class InterruptRun:
    """Stop the run as soon as may be; what is done so far is kept."""


@dataclass(frozen=True, slots=True)
class Work:
    """Call a plain function in a thread; the screen is told its message.

    An `EngineError` or `OSError` becomes `WorkFailed`; anything else is a bug and ends the app.
    """

    do: Callable[[Services], Message]


@dataclass(frozen=True, slots=True)
class AsyncWork:
    """The same with a coroutine."""

    do: Callable[[Services], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class LongWork:
    """The same with a coroutine that tells its screen how it goes, and ends when that is left."""

    do: Callable[[Services, Callable[[Message], None]], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class RunShell:
    """Run a command line of the person's in the project; `Printed` follows."""

    command: str


@dataclass(frozen=True, slots=True)
class EditText:
    """Open a text in the person's own editor; `Edited` follows."""

    text: str


@dataclass(frozen=True, slots=True)
class CopyText:
    """Put a text on the clipboard, through the terminal (OSC 52)."""

    text: str


@dataclass(frozen=True, slots=True)
class Toast:
    """Show a sentence for some seconds. `level` is info, ok, warn or err."""

    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell a person who looks elsewhere: the bell and, where there is one, a notification."""

    text: str


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """Change how the app looks and behaves from now on; None leaves a thing as it is."""

    theme: str | None = None
    mouse: bool | None = None
    mode: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Reread:
    """Look at the configuration again: what the app shows of it follows."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Replace the goals that wait for the run to end."""

    goals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Redraw:
    """Paint the whole screen anew."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """Give the terminal back and stop, until the shell brings the program back."""


@dataclass(frozen=True, slots=True)
class AddBlock:
    """Put an item at the end of the conversation."""

    block: Block


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the app with this exit code."""

    code: int = 0


Effect = (
    StartRun
    | ResumeRun
    | ApproveRun
    | StartDemo
    | AnswerAsk
    | SendCommand
    | InterruptRun
    | Work
    | AsyncWork
    | LongWork
    | RunShell
    | EditText
    | CopyText
    | Toast
    | Alert
    | ChangeSettings
    | Reread
    | Queue
    | AddBlock
    | Redraw
    | Suspend
    | Quit
)
