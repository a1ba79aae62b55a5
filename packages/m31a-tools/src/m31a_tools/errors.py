"""What this package raises: one root, so that a caller can catch all of it."""


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


class CommandNotStarted(ToolsError):
    """A program could not be started at all."""

    def __init__(self, program: str, reason: str) -> None:
        """`reason` is the system's."""
        super().__init__(f"{program!r} could not be started: {reason}.")
        self.program = program
        self.reason = reason
