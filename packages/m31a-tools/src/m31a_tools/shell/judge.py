"""One reading of a command line: each command in it by itself, and what all of it would do."""

import posixpath
from dataclasses import dataclass
from functools import lru_cache

from m31a_tools.sanitise import encodable, hides_something
from m31a_tools.shell.commands import Command, Target


@dataclass(frozen=True, slots=True)
class Reading:
    """What a command line would do, as far as its text tells."""

    commands: tuple[Command, ...] = ()
    targets: tuple[Target, ...] = ()
    """What redirections and well-known programs write."""
    hosts: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    """Why it cannot be judged; what is found all the same is still listed."""
    network: tuple[str, ...] = ()
    sockets: bool = False
    """A redirection opens a connection."""
    reads: tuple[str, ...] = ()
    """Files that redirections read, as written."""

    @property
    def destroys(self) -> tuple[str, ...]:
        """What can destroy work that nothing else holds, by name."""
        return tuple(dict.fromkeys(each.destroys for each in self.commands if each.destroys))

    @property
    def targets_of_redirections(self) -> tuple[Target, ...]:
        """What redirections write."""
        return tuple(target for target in self.targets if target.redirected)

    @property
    def commits(self) -> bool:
        """Whether it makes a git commit."""
        return any(
            [word.text for word in each.action[:2]] == ["git", "commit"] for each in self.commands
        )


@lru_cache(maxsize=128)
def read_command(command: str, folder: str = ".") -> Reading:
    """The reading of a command line that a shell starts in `folder`, seen from the root."""
    # The parser and the tables of programs are loaded with the first command that is read.
    from m31a_tools.shell.reader import Reader

    reader = Reader()
    reader.read(command, (posixpath.normpath(folder or "."),), 0)
    if hides_something(command):
        reader.unclear["it has characters that a reader would not see"] = None
    return Reading(
        commands=tuple(reader.commands),
        targets=tuple(dict.fromkeys(reader.targets)),
        hosts=tuple(dict.fromkeys(reader.hosts)),
        unclear=tuple(map(encodable, reader.unclear)),
        network=tuple(dict.fromkeys(reader.network)),
        sockets=reader.sockets,
        reads=tuple(dict.fromkeys(reader.reads)),
    )
