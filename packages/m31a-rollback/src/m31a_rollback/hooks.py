"""The commit hooks of a trusted repository, run in a work tree of ours, never in the user's."""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import HookFailed
from m31a_rollback.git import run_git
from m31a_rollback.private_index import private_index
from m31a_rollback.settings import last
from m31a_rollback.worktrees import WorkTree, write_all

COMMIT_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """A hook about to run: what to start, where, with which variables on top."""

    hook: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookResult:
    """How a hook ended."""

    hook: str
    exit_code: int
    output: str


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
    worktree: WorkTree, message: str, run_hook: RunHook | None = None
) -> Prepared:
    """Tree and message to commit: everything in the work tree, as the hooks leave it.

    In an untrusted repository no hook runs. They get an index of their own; what they change in
    the work tree is part of the tree.

    Args:
        run_hook: starts each hook; None starts it as it is, with the rights of this process.

    Raises:
        HookFailed: a hook refused.
        EmbeddedRepository: a folder holds a repository of its own.
    """
    checkout = worktree.checkout
    hooks = await existing_hooks(checkout) if checkout.trusted else ()
    async with private_index(checkout) as index:
        tree = await write_all(checkout, index)
        if not hooks:
            return Prepared(tree=tree, message=message, ran=())
        note = checkout.git_dir / "COMMIT_EDITMSG"
        note.write_text(message, encoding="utf-8", errors="replace")
        arguments = {
            "pre-commit": (),
            "prepare-commit-msg": (str(note), "message"),
            "commit-msg": (str(note),),
        }
        folder = await _hooks_folder(checkout)
        ran = []
        for hook in hooks:
            call = _call(checkout, index, folder, hook, arguments[hook])
            result = await (run_hook or start_hook)(call)
            if result.exit_code != 0:
                raise HookFailed(hook, result.exit_code, result.output)
            ran.append(result)
        said = note.read_text(encoding="utf-8", errors="replace")
        if not said.strip():
            raise HookFailed(ran[-1].hook, 0, "it left no commit message")
        return Prepared(tree=await write_all(checkout, index), message=said, ran=tuple(ran))


async def start_hook(call: HookCall) -> HookResult:
    """The hook run with the rights of this process."""
    output = await run_git(
        call.argv[1:], cwd=call.cwd, env=call.env, hardened=False, check=False, deadline_s=600
    )
    text = output.stdout.decode("utf-8", "replace") + output.stderr
    return HookResult(hook=call.hook, exit_code=output.exit_code, output=text)


def _call(
    checkout: Checkout, index: Path, folder: Path, hook: str, arguments: tuple[str, ...]
) -> HookCall:
    return HookCall(
        hook=hook,
        argv=("git", "-c", f"core.hooksPath={folder}", "hook", "run", hook, "--", *arguments),
        cwd=checkout.root,
        env={
            "GIT_DIR": str(checkout.git_dir),
            "GIT_WORK_TREE": str(checkout.root),
            "GIT_INDEX_FILE": str(index),
            "GIT_EDITOR": ":",
        },
    )


async def _hooks_folder(checkout: Checkout) -> Path:
    configured = last(await checkout.settings(), "core.hookspath")
    if configured is None:
        return checkout.common_dir / "hooks"
    return checkout.root / Path(configured).expanduser()
