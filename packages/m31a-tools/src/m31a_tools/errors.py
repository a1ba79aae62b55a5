"""What this package raises: one root, so that a caller can catch all of it."""

from pathlib import Path


class ToolsError(Exception):
    """Root of everything this package raises; its text is a sentence a model can act on."""


class DuplicateTool(ToolsError):
    """Two tools of one toolbox have the same name."""

    def __init__(self, name: str) -> None:
        """Tell which name."""
        super().__init__(f"Two tools are called {name}; give each its own name.")
        self.name = name


class BadArguments(ToolsError):
    """The arguments of a call do not fit the tool."""

    def __init__(self, tool: str, problem: str, expected: str) -> None:
        """`expected` is a sentence that says what would be right."""
        super().__init__(f"The arguments of {tool} are wrong: {problem}. {expected}")
        self.tool = tool
        self.problem = problem


class CallFailed(ToolsError):
    """A tool could not do what was asked; the message says why and what would work."""


class PathRefused(ToolsError):
    """A path leads somewhere the workspace does not allow."""

    def __init__(self, path: str, reason: str) -> None:
        """`reason` ends the sentence *PATH is refused: ...*."""
        super().__init__(f"{path!r} is refused: {reason}.")
        self.path = path
        self.reason = reason


class FileChanged(ToolsError):
    """A file is not what it was when it was read, so it was left alone."""

    def __init__(self, path: str) -> None:
        """Tell which file."""
        super().__init__(
            f"{path} changed since it was read, and nothing was written. Read it again first."
        )
        self.path = path


class ExtraNotInstalled(ToolsError):
    """A tool needs libraries that this installation came without."""

    def __init__(self, tool: str, extra: str) -> None:
        """Tell which tool and what to install."""
        super().__init__(f"{tool} needs more libraries: pip install 'm31a-tools[{extra}]'.")
        self.tool = tool
        self.extra = extra


class CommandNotStarted(ToolsError):
    """A program could not be started at all."""

    def __init__(self, program: str, reason: str) -> None:
        """`reason` is the system's."""
        super().__init__(f"{program!r} could not be started: {reason}.")
        self.program = program
        self.reason = reason


class SandboxMissing(ToolsError):
    """This machine cannot confine a command, so none was started."""

    def __init__(self, reasons: tuple[str, ...], remedies: tuple[str, ...]) -> None:
        """`reasons`: what was tried and why it does not work; `remedies`: what would help."""
        tried = "; ".join(reasons) or "nothing was tried"
        super().__init__(
            f"No sandbox works on this machine, so the command was not run ({tried}). "
            + " ".join(remedies)
        )
        self.reasons = reasons
        self.remedies = remedies


class ConfinementRefused(ToolsError):
    """A path of a confinement cannot be used as asked, so the command was not started."""

    def __init__(self, path: Path, reason: str) -> None:
        """`reason` ends the sentence *PATH …*."""
        super().__init__(f"{path} {reason}; the command was not run. Give another path.")
        self.path = path
        self.reason = reason


class BlockedAddress(ToolsError):
    """A web address may not be fetched."""

    def __init__(self, url: str, reason: str) -> None:
        """`reason` ends the sentence *ADDRESS is not fetched: ...*."""
        super().__init__(f"{url!r} is not fetched: {reason}.")
        self.url = url
        self.reason = reason


class ExitAsked(ToolsError):
    """A person answered a request with *exit*: the run should stop; the call was not made."""

    def __init__(self, tool: str, feedback: str = "") -> None:
        """`feedback` is the person's word, if there was one."""
        super().__init__(f"{tool} was not run: the user asked to stop.")
        self.tool = tool
        self.feedback = feedback
