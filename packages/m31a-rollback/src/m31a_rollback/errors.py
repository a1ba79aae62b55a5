"""What can go wrong, named by what the caller can do about it.

RollbackError
├─ GitMissing · GitTooOld(version, need)
├─ GitFailed(command, stderr, exit_code) ── GitTimedOut(deadline_s)
├─ NotARepository(path) · BareRepository(path) · UnsafeOwner(path) · UnsafeFolder(path)
├─ OperationInProgress(kind) · NoIdentity · UnbornBranch · Locked(path, holder)
├─ UnknownCommit(name) · NotADescendant(commit, base) · BadName(name)
├─ RefMoved(ref, expected, found) · Conflict(paths) · EmbeddedRepository(paths)
├─ HookFailed(hook, exit_code, output) · CannotSign(reason)
└─ NotOfThisRun(commits) · OnUpstream(commits) · NothingToUndo
"""

from pathlib import Path


def printable(text: str) -> str:
    """The text with everything that could steer a terminal written as an escape."""
    return "".join(
        letter
        if letter.isprintable() or letter == "\n"
        else letter.encode("unicode_escape", "backslashreplace").decode("ascii")
        for letter in text
    )


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(printable(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


class RollbackError(Exception):
    """Root of everything this distribution raises."""


class GitMissing(RollbackError):
    """There is no `git` program on the PATH."""

    def __init__(self) -> None:
        super().__init__("git was not found: install git 2.38 or newer and put it on the PATH")


class GitTooOld(RollbackError):
    """The `git` program lacks what this distribution needs."""

    def __init__(self, version: str, need: str) -> None:
        super().__init__(f"git {printable(version)} is too old: git {need} or newer is needed")
        self.version = version
        self.need = need


class GitFailed(RollbackError):
    """Git ended with a failure that has no name of its own here."""

    def __init__(self, command: tuple[str, ...], stderr: str, exit_code: int) -> None:
        verb = printable(command[0]) if command else "git"
        said = printable(stderr.strip()) or "it said nothing"
        super().__init__(f"git {verb} failed with exit code {exit_code}: {said}")
        self.command = command
        self.stderr = stderr
        self.exit_code = exit_code


class GitTimedOut(GitFailed):
    """Git did not end in time and was killed, with all that it had started."""

    def __init__(self, command: tuple[str, ...], deadline_s: float) -> None:
        super().__init__(command, f"not done after {deadline_s:g} s, stopped", -9)
        self.deadline_s = deadline_s


class NotARepository(RollbackError):
    """The folder is not inside the work tree of a git repository that can be used."""

    def __init__(self, path: Path, *, broken: bool = False) -> None:
        shown = printable(str(path))
        super().__init__(
            f"git cannot use the .git of {shown}: `git status` says there what is to be mended"
            if broken
            else f"{shown} is not in a git repository: run git init there"
        )
        self.path = path
        self.broken = broken
        """Whether there is a `.git` all the same, which git refuses."""


class BareRepository(RollbackError):
    """The repository has no work tree."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{printable(str(path))} is a bare repository: open a clone with files")
        self.path = path


class UnsafeOwner(RollbackError):
    """The repository belongs to another user, so git obeys nothing in it."""

    def __init__(self, path: Path) -> None:
        shown = printable(str(path))
        super().__init__(
            f"{shown} belongs to another user: if you trust it, run "
            f"git config --global --add safe.directory {shown}"
        )
        self.path = path


class UnsafeFolder(RollbackError):
    """The folder is one in which nobody wants an agent to work: home or `/`."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{printable(str(path))} is not a project folder: choose one below it")
        self.path = path


class OperationInProgress(RollbackError):
    """The user is in the middle of a merge, rebase, cherry-pick, revert, am, bisect or rollback."""

    def __init__(self, kind: str) -> None:
        way_out = {
            "bisect": "end it with git bisect reset",
            "rollback": "it was cut short, so undo it first",
        }.get(kind, f"finish it, or give it up with git {kind} --abort")
        super().__init__(f"a {kind} is in progress: {way_out}")
        self.kind = kind


class NoIdentity(RollbackError):
    """Git does not know in whose name to commit."""

    def __init__(self) -> None:
        super().__init__(
            "git has no user.name and user.email: set them with "
            'git config --global user.name "Your Name" and user.email "you@example.com"'
        )


class UnbornBranch(RollbackError):
    """The branch has no commit yet, and the operation needs one."""

    def __init__(self) -> None:
        super().__init__("the branch has no commit yet: make a first commit")


class Locked(RollbackError):
    """Another git process, or another landing, holds the index."""

    def __init__(self, path: Path, holder: str | None = None) -> None:
        who = f"process {holder}" if holder else "another git process"
        super().__init__(
            f"{printable(str(path))} exists, so {who} is at work: wait for it, or remove the file "
            "if nothing is running"
        )
        self.path = path
        self.holder = holder


class UnknownCommit(RollbackError):
    """The name does not lead to a commit of this repository."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{printable(name)!r} names no commit of this repository")
        self.name = name


class NotADescendant(RollbackError):
    """Moving a branch to the commit would drop commits."""

    def __init__(self, commit: str, base: str) -> None:
        super().__init__(f"commit {commit[:12]} does not come after {base[:12]}")
        self.commit = commit
        self.base = base


class BadName(RollbackError):
    """The text cannot name a branch, a reference or a file here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{printable(name)!r} is not a name git accepts here")
        self.name = name


class RefMoved(RollbackError):
    """A reference is not where the caller last saw it; nothing was changed."""

    def __init__(self, ref: str, expected: str | None, found: str | None) -> None:
        at = found[:12] if found else "missing"
        wanted = expected[:12] if expected else "missing"
        super().__init__(f"{printable(ref)} is {at} and not {wanted}: look at it and try again")
        self.ref = ref
        self.expected = expected
        self.found = found


class Conflict(RollbackError):
    """Two sides change the same places; nothing was changed."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(f"both sides change {_some(paths)}")
        self.paths = paths


class EmbeddedRepository(RollbackError):
    """Folders with a `.git` of their own cannot be committed as files."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(
            f"{_some(paths)} holds a git repository of its own: remove its .git folder, "
            "or have it ignored"
        )
        self.paths = paths


class HookFailed(RollbackError):
    """A hook of the repository refused the commit."""

    def __init__(self, hook: str, exit_code: int, output: str) -> None:
        super().__init__(f"the {hook} hook refused (exit {exit_code}): {printable(output.strip())}")
        self.hook = hook
        self.exit_code = exit_code
        self.output = output


class CannotSign(RollbackError):
    """The user wants commits signed, and none can be."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"commits are to be signed here and cannot be: {printable(reason)}")
        self.reason = reason


class NothingToUndo(RollbackError):
    """No reset, restore or file revert is left to undo."""

    def __init__(self) -> None:
        super().__init__("there is no rollback to undo")


class NotOfThisRun(RollbackError):
    """Commits that would be undone were made by somebody else."""

    def __init__(self, commits: tuple[str, ...]) -> None:
        short = tuple(commit[:12] for commit in commits)
        super().__init__(f"{_some(short)} not made by this run: revert with new commits instead")
        self.commits = commits


class OnUpstream(RollbackError):
    """Commits that would be undone are already on an upstream branch."""

    def __init__(self, commits: tuple[str, ...]) -> None:
        short = tuple(commit[:12] for commit in commits)
        super().__init__(f"{_some(short)} already published: revert with new commits instead")
        self.commits = commits
