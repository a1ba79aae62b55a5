"""One reading of a command line: each command in it by itself, and what all of it would do."""

import posixpath
from dataclasses import dataclass, replace
from functools import lru_cache

from m31a_tools.sanitise import encodable, hides_something
from m31a_tools.shell.commands import Simple, Taken, Target, Unclear, Word, targets_at
from m31a_tools.shell.effects import destroys, hosts_of, reaches_out, writes
from m31a_tools.shell.git import git_call, git_destroys, git_inner, git_reaches_out
from m31a_tools.shell.options import names
from m31a_tools.shell.wrappers import Inner, unwrap

_MAX_DEPTH = 8
_MAX_COMMANDS = 500
_INERT = names(": true false exit return break continue pwd echo test")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a command line, wrappers and substitutions taken apart."""

    words: tuple[Word, ...]
    shown: str
    action: tuple[Word, ...]
    """The words that say what it does: general options of git, and the folder of the program,
    left out."""
    inert: bool = False
    """It does nothing that needs leave, or nothing besides what it runs, which is listed too."""
    exact_only: str = ""
    """Why its first words do not say what it does; empty when they do."""
    steered: bool = False
    """Variables are set for it, or it sets some: not even all its words say what it does."""
    moved: bool = False
    """It may run in another folder than the command line started in."""
    destroys: str = ""
    network: str = ""

    @property
    def runs_git(self) -> bool:
        """Whether it is a git command."""
        return bool(self.action) and self.action[0].text == "git"


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
    reader = _Reader()
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


class _Reader:
    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.targets: list[Target] = []
        self.hosts: list[str] = []
        self.network: list[str] = []
        self.reads: list[str] = []
        self.sockets = False
        self.unclear: dict[str, None] = {}

    def read(
        self,
        text: str,
        folders: tuple[str, ...],
        depth: int,
        *,
        moved: bool = False,
        prefixed: bool = False,
    ) -> None:
        """Read a text for a shell."""
        taken = _take_apart(text, folders)
        self.targets.extend(taken.targets)
        self.unclear.update(dict.fromkeys(taken.unclear))
        self.reads.extend(taken.reads)
        if taken.sockets:
            self.network.append("/dev/tcp")
            self.sockets = True
        for simple in taken.commands:
            within = replace(
                simple, moved=simple.moved or moved, prefixed=simple.prefixed or prefixed
            )
            self.take(within, depth)

    def take(self, simple: Simple, depth: int) -> None:
        """Read one command, and what it runs."""
        if len(self.commands) >= _MAX_COMMANDS or depth > _MAX_DEPTH:
            self.unclear["it has too many commands, or nested too deeply"] = None
            return
        first = simple.words[0]
        if simple.sets:
            self.commands.append(Command(simple.words, simple.shown, (), steered=True))
            return
        if not first.fixed or not first.text:
            self.unclear[f"the program is not written out: {first.text[:40]}"] = None
            return
        program = posixpath.basename(first.text).casefold()
        try:
            self.known(simple, program, depth)
        except Unclear as exc:
            self.unclear[str(exc)] = None
            self.commands.append(_command(simple, program, exact_only=str(exc)))

    def known(self, simple: Simple, program: str, depth: int) -> None:
        words = simple.words[1:]
        if program == "git":
            self.git(simple, depth)
            return
        opened = unwrap(program, simple.words, simple.data)
        network = reaches_out(program, words)
        if network:
            self.network.append(network)
            self.hosts += hosts_of(words)
        self.commands.append(
            _command(
                simple,
                program,
                exact_only=opened.opaque,
                inert=opened.through or _inert(program, simple),
                destroys=destroys(program, words),
                network=network,
            )
        )
        for word, loses in writes(program, words):
            self.targets += _targets(word, simple.folders, loses=loses)
        prefixed = simple.prefixed or opened.prefixed
        for inner in opened.inner:
            self.inside(inner, replace(simple, prefixed=prefixed), depth)

    def git(self, simple: Simple, depth: int) -> None:
        call = git_call(simple.words[1:])
        name = f"git {call.action}".strip()
        network = name if git_reaches_out(call) else ""
        if network:
            self.network.append(network)
            self.hosts += hosts_of(call.rest)
        action = (Word("git"), *((Word(call.action),) if call.action else ()), *call.rest)
        found = _command(
            simple,
            "git",
            exact_only=call.opaque or ("git in another place" if call.elsewhere else ""),
            destroys=name if git_destroys(call) else "",
            network=network,
        )
        self.commands.append(replace(found, action=action))
        for inner in git_inner(call):
            self.inside(inner, simple, depth)

    def inside(self, inner: Inner, simple: Simple, depth: int) -> None:
        """Read what a command runs; it inherits folder and variables."""
        if inner.text:
            self.read(
                inner.text,
                simple.folders,
                depth + 1,
                moved=simple.moved,
                prefixed=simple.prefixed,
            )
        elif inner.words:
            shown = " ".join(word.text for word in inner.words)
            self.take(replace(simple, words=inner.words, shown=shown, data=None), depth + 1)


def _command(
    simple: Simple,
    program: str,
    *,
    exact_only: str = "",
    inert: bool = False,
    destroys: str = "",
    network: str = "",
) -> Command:
    return Command(
        words=simple.words,
        shown=simple.shown,
        action=(Word(program), *simple.words[1:]),
        inert=inert and not simple.prefixed,
        exact_only=exact_only,
        steered=simple.prefixed,
        moved=simple.moved,
        destroys=destroys,
        network=network,
    )


def _inert(program: str, simple: Simple) -> bool:
    """Whether a builtin does nothing that anybody needs leave for."""
    words = simple.words
    if words[0].text != program:
        return False
    if program == "cd":
        to = words[1].text if len(words) == 2 and words[1].fixed else "/"
        return not posixpath.normpath(to).startswith(("/", "..", "-"))
    if program == "set":
        return all(word.fixed and word.text in _SHELL_OPTIONS for word in words[1:])
    return program in _INERT


_SHELL_OPTIONS = names("-e -u -x -eu -ex -ux -eux -o pipefail -euo -euxo -exo -uo +e +x")


def _take_apart(text: str, folders: tuple[str, ...]) -> Taken:
    # The parser is loaded with the first command that is read.
    from m31a_tools.shell.syntax import take_apart

    return take_apart(text, folders)


def _targets(word: Word, folders: tuple[str, ...], *, loses: bool) -> tuple[Target, ...]:
    found = targets_at(word, folders, loses=loses)
    return tuple(replace(target, redirected=False) for target in found)
