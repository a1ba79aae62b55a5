"""What a tool is: a call in, a result out, and what the call would touch."""

from enum import StrEnum
from typing import Protocol, TypeVar

import msgspec

from m31a_tools.workspace import Workspace


class Risk(StrEnum):
    """How much harm a tool can do, least first."""

    SAFE = "safe"
    MEDIUM = "medium"
    DANGEROUS = "dangerous"
    DESTRUCTIVE = "destructive"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call as a model wrote it."""

    id: str
    name: str
    arguments: str
    """JSON text, unchecked."""


class Plain(msgspec.Struct, frozen=True, kw_only=True, tag="plain"):
    """Text to show as it is."""

    text: str


class Listing(msgspec.Struct, frozen=True, kw_only=True, tag="listing"):
    """Paths that were found."""

    paths: tuple[str, ...]


class FileDiff(msgspec.Struct, frozen=True, kw_only=True, tag="diff"):
    """What a call changed in one file."""

    path: str
    diff: str
    """Unified hunks without the two header lines, shortened when long."""
    added: int
    removed: int


class CommandOutput(msgspec.Struct, frozen=True, kw_only=True, tag="command"):
    """A command and what it printed, without terminal control sequences."""

    command: str
    text: str
    exit_code: int


Display = Plain | Listing | FileDiff | CommandOutput


class Outcome(StrEnum):
    """What became of the request to run a call."""

    ALLOWED = "allowed"
    DENIED = "denied"
    DEFERRED = "deferred"


class PermissionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person must know to say yes or no to one call.

    The texts are the model's: a screen shows `detail`, in which every character that could
    hide something is escaped, and never `command`.
    """

    tool: str
    summary: str
    detail: str
    risk: Risk
    paths: tuple[str, ...] = ()
    command: str = ""
    hosts: tuple[str, ...] = ()
    destroys: tuple[str, ...] = ()
    """The parts of the command that can destroy work, by name: `rm -r`, `git reset`."""
    folder: str = "."
    """Where the command starts, seen from the root."""
    network: tuple[str, ...] = ()
    """The parts of the command that use the network, by name: `curl`, `npm install`."""
    outside: tuple[str, ...] = ()
    """What the command writes outside the workspace."""
    overwrites: tuple[str, ...] = ()
    """Files that are there and whose content the command may replace or remove."""
    unclear: tuple[str, ...] = ()
    """Why the command cannot be judged."""
    leaves_sandbox: bool = False
    reason: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call ran or did not."""

    outcome: Outcome
    reason: str
    asked: bool = False
    """A person decided, not the policy."""
    remember: bool = False
    """The person said *always*: `rules_for(request)` are the rules to keep."""
    request: PermissionRequest | None = None


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came to: text for the model, something to show to a person."""

    for_model: str
    display: Display
    is_error: bool = False
    exit_code: int | None = None
    timed_out: bool = False
    snapshot: str = ""
    """What names the copy that was taken before a call that can destroy; empty: none was."""
    decision: Decision | None = None
    """Set by `dispatch`; None when no call was decided on (unknown tool, bad arguments)."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What one call would touch, read off its arguments alone."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    command: str = ""
    folder: str = "."
    """Where the command starts, seen from the root."""
    hosts: tuple[str, ...] = ()
    destroys: tuple[str, ...] = ()
    leaves_sandbox: bool = False
    """The call asks to run its command outside the sandbox."""
    refusal: str = ""
    """A sentence that refuses the call whatever the policy says."""
    summary: str
    """One line for a person: `write src/a.py`."""
    detail: str = ""


A = TypeVar("A", bound=msgspec.Struct)


class Tool(Protocol[A]):
    """A named action with typed arguments; `args_type` is also its JSON Schema."""

    @property
    def name(self) -> str:
        """The name the model calls it by."""
        ...

    @property
    def description(self) -> str:
        """What the model is told about it; short, for it is sent with every request."""
        ...

    @property
    def risk(self) -> Risk:
        """How much harm it can do."""
        ...

    @property
    def read_only(self) -> bool:
        """Calls change nothing, so several may run at once."""
        ...

    @property
    def output_chars(self) -> int:
        """Longer results are cut by `dispatch`."""
        ...

    @property
    def args_type(self) -> type[A]:
        """The frozen struct its arguments are decoded into."""
        ...

    def access(self, args: A) -> Access:
        """What the call would touch; pure."""
        ...

    def claims(self, args: A) -> frozenset[str]:
        """What two running calls may not both hold, or {"read"}, which does not exclude itself."""
        ...

    async def run(self, args: A, workspace: Workspace) -> ToolResult:
        """Do it. `ToolsError` and `OSError` become error results in `dispatch`."""
        ...


def failure(text: str) -> ToolResult:
    """A result that says what went wrong, to the model and to a person alike."""
    return ToolResult(for_model=text, display=Plain(text=text), is_error=True)
