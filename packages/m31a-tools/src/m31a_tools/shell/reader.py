"""Reads a command line with all that it runs: what each command destroys, reaches, writes."""

import posixpath
from dataclasses import replace

from m31a_tools.shell.commands import Command, Simple, Target, Unclear, Word, targets_at
from m31a_tools.shell.effects import destroys, hosts_of, reaches_out, writes
from m31a_tools.shell.git import git_call, git_destroys, git_inner, git_reaches_out
from m31a_tools.shell.options import names
from m31a_tools.shell.syntax import take_apart
from m31a_tools.shell.wrappers import Inner, unwrap

_MAX_DEPTH = 8
_MAX_COMMANDS = 500
_INERT = names(": true false exit return break continue pwd echo test")
_SHELL_OPTIONS = names("-e -u -x -eu -ex -ux -eux -o pipefail -euo -euxo -exo -uo +e +x")


class Reader:
    """What has been read so far, in the order in which a shell would come to it."""

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
        taken = take_apart(text, folders)
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
        """Read a command whose program is written out."""
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
        """Read a command of git's, whose subcommand says what it does."""
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


def _targets(word: Word, folders: tuple[str, ...], *, loses: bool) -> tuple[Target, ...]:
    found = targets_at(word, folders, loses=loses)
    return tuple(replace(target, redirected=False) for target in found)
