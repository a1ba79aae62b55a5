"""One folder, two names: where it is, and where the model thinks it is."""

import re
import shlex
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from m31a_tools.errors import CallFailed

_NAME_CHARS = string.ascii_letters + string.digits + "_.-+@%/"
_GOES_ON = re.compile(r"[\w+@%-]|\.\w")


@dataclass(frozen=True, slots=True)
class PathNames:
    """Rewrites absolute paths in commands and in what they print."""

    root: Path
    shown_as: Path | None

    def real(self, command: str) -> str:
        """The command with the shown folder's paths made real. Raises CallFailed."""
        if self.shown_as is None or str(self.shown_as) not in command:
            return command
        root = str(self.root)
        if shlex.quote(root) != root:
            raise CallFailed("Use paths relative to the work folder in commands.")
        return _renamed(command, str(self.shown_as), root, begins=_begins)

    def shown(self, text: str) -> str:
        """The text with the real folder's paths made what the model knows."""
        if self.shown_as is None:
            return text
        # The real path is one that nothing else ends in, whatever stands before it.
        return _renamed(text, str(self.root), str(self.shown_as), begins=lambda _: True)


def _renamed(text: str, old: str, new: str, *, begins: Callable[[str], bool]) -> str:
    """`text` with the path `old` replaced where it is not a piece of a longer name."""
    if old == new:
        return text
    out: list[str] = []
    at = 0
    while (found := text.find(old, at)) >= 0:
        end = found + len(old)
        alone = not _GOES_ON.match(text, end) and begins(text[max(0, found - 256) : found])
        out += [text[at:found], new if alone else old]
        at = end
    return "".join(out) + text[at:] if out else text


def _begins(before: str) -> bool:
    """Whether a path may begin behind this text; in /mnt/proj, /proj does not."""
    run = before[len(before.rstrip(_NAME_CHARS)) :]
    return not run.strip("/") or (run.startswith("-") and "/" not in run)
