"""In which folder a command may start after others have run."""

import posixpath
from collections.abc import Sequence

from m31a_tools.shell.commands import Word

_MAX_FOLDERS = 8


def folders_after(words: Sequence[Word], folders: tuple[str, ...]) -> tuple[str, ...]:
    """The folders in which the next command may start; none when that cannot be told.

    A command that changes folder may fail, or run in a shell of its own: the old ones stay.
    """
    while words and words[0].text in ("builtin", "command"):
        words = words[1:]
    program = words[0].text if words else ""
    if program in ("eval", "source", ".", "popd"):
        return ()
    if program not in ("cd", "pushd"):
        return folders
    to = [word for word in words[1:] if word.text not in ("-P", "-L", "-e", "-@", "--")]
    if len(to) != 1 or not to[0].fixed or to[0].text in ("-", ""):
        return ()
    new = (posixpath.normpath(posixpath.join(each, to[0].text)) for each in folders)
    after = tuple(dict.fromkeys((*folders, *new)))
    return after if len(after) <= _MAX_FOLDERS else ()
