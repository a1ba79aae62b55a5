"""The commit hooks of a trusted repository, run in a work tree of ours, never in the user's."""

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import HookFailed
from m31a_rollback.git import run_git
from m31a_rollback.private_index import copy_index
from m31a_rollback.settings import last
from m31a_rollback.worktrees import WorkTree

COMMIT_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg")
MESSAGE_HOOKS = ("prepare-commit-msg", "commit-msg")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """A hook about to run: what to start, where, with which variables on top.

    Every path in `argv` and `env` is a whole word, so that a caller can put another in its place.
    """

    hook: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    hooks: Path
    """The folder the hooks stand in."""
    desk: Path
    """All of the repository that the hook has to write: its index, new objects, the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookResult:
    """How a hook ended."""

    hook: str
    exit_code: int
    output: str


_LONGEST_MESSAGE_BYTES = 1_000_000

RunHook = Callable[[HookCall], Awaitable[HookResult]]
"""Starts a hook; a caller gives one of its own to confine it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is to be committed, after the hooks have had their say."""

    tree: str
    message: str
    ran: tuple[HookResult, ...]


async def existing_hooks(checkout: Checkout) -> tuple[str, ...]:
    """The commit hooks the repository has, whether or not they will run."""
    folder = await _hooks_folder(checkout)
    return tuple(name for name in COMMIT_HOOKS if os.access(folder / name, os.X_OK))


async def run_commit_hooks(
    worktree: WorkTree,
    message: str,
    run_hook: RunHook | None = None,
    *,
    hooks: Sequence[str] = COMMIT_HOOKS,
    owner: Checkout | None = None,
) -> Prepared:
    """Tree and message to commit: everything in the work tree, as the hooks leave it.

    In an untrusted repository no hook runs. They get an index and a store of objects of their
    own, which are thrown away: what they change in the work tree is part of the tree, what they
    only stage is not.

    Args:
        run_hook: starts each hook; None starts it as it is, with the rights of this process.
        hooks: which of `COMMIT_HOOKS` may run.
        owner: where hooks stand that are named by a path within the project; None is the work
            tree itself, in which a task could have changed them.

    Raises:
        HookFailed: a hook refused.
        EmbeddedRepository: a folder holds a repository of its own.
    """
    checkout = worktree.checkout
    tree = await worktree.tree_id()
    found = await existing_hooks(owner or checkout) if checkout.trusted else ()
    wanted = tuple(hook for hook in found if hook in hooks)
    if not wanted:
        return Prepared(tree=tree, message=message, ran=())
    folder = await _hooks_folder(owner or checkout)
    ran: list[HookResult] = []
    with _desk(checkout) as desk:
        note = desk / "COMMIT_EDITMSG"
        note.write_text(message, encoding="utf-8", errors="replace")
        arguments = {"prepare-commit-msg": (str(note), "message"), "commit-msg": (str(note),)}
        for hook in wanted:
            call = _call(checkout, desk, folder, hook, arguments.get(hook, ()))
            result = await (run_hook or start_hook)(call)
            if result.exit_code != 0:
                raise HookFailed(hook, result.exit_code, result.output)
            ran.append(result)
        said = _read(note)
    if not said.strip():
        raise HookFailed(ran[-1].hook, 0, "it left no commit message")
    return Prepared(tree=await worktree.tree_id(), message=said, ran=tuple(ran))


def _read(note: Path) -> str:
    """The message a hook has left; a link, a pipe or nothing in its place is no message."""
    with suppress(OSError):
        if note.is_file() and not note.is_symlink():
            with note.open("rb") as handle:
                return handle.read(_LONGEST_MESSAGE_BYTES).decode("utf-8", "replace")
    return ""


@contextmanager
def _desk(checkout: Checkout) -> Iterator[Path]:
    """A folder for hooks to write in, with a copy of the index `tree_id` has just kept."""
    desk = checkout.private_path("hooks")
    (desk / "objects").mkdir(parents=True)
    try:
        copy_index(checkout.git_dir / "m31a" / "seen", desk / "index")
        yield desk
    finally:
        shutil.rmtree(desk, ignore_errors=True)


async def start_hook(call: HookCall) -> HookResult:
    """The hook run with the rights of this process."""
    output = await run_git(
        call.argv[1:], cwd=call.cwd, env=call.env, hardened=False, check=False, deadline_s=600
    )
    text = output.stdout.decode("utf-8", "replace") + output.stderr
    return HookResult(hook=call.hook, exit_code=output.exit_code, output=text)


def _call(
    checkout: Checkout, desk: Path, folder: Path, hook: str, arguments: tuple[str, ...]
) -> HookCall:
    return HookCall(
        hook=hook,
        argv=("git", "hook", "run", hook, "--", *arguments),
        cwd=checkout.root,
        env={
            "GIT_DIR": str(checkout.git_dir),
            "GIT_WORK_TREE": str(checkout.root),
            "GIT_INDEX_FILE": str(desk / "index"),
            "GIT_OBJECT_DIRECTORY": str(desk / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(checkout.common_dir / "objects"),
            "GIT_EDITOR": ":",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(folder),
        },
        hooks=folder,
        desk=desk,
    )


async def _hooks_folder(checkout: Checkout) -> Path:
    configured = last(await checkout.settings(), "core.hookspath")
    if configured is None:
        return checkout.common_dir / "hooks"
    return Path(os.path.normpath(checkout.root / Path(configured).expanduser()))
