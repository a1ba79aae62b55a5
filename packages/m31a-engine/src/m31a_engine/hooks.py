"""The repository's commit hooks, run where they can reach nothing but the task's work tree."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread

from m31a_engine.config import Config
from m31a_engine.errors import WaitingForApproval
from m31a_engine.shelter import Shelter
from m31a_engine.shipping.secrets import redact
from m31a_rollback import (
    COMMIT_HOOKS,
    HookCall,
    HookResult,
    Prepared,
    Repository,
    WorkTree,
    run_commit_hooks,
)
from m31a_tools import Confined, ToolsError, run_process, sanitise, write_atomic

TAIL_CHARS = 6_000
NEVER_RAN = 126
"""The exit code of a hook that could not be started, as shells count."""
_STORE_FILES = ("db.db", "README")
"""What the pre-commit program writes to in its store; environments are used where they stand."""


@dataclass(frozen=True, slots=True)
class HookRunner:
    """Runs the commit hooks of a trusted repository on work that is to be committed."""

    repository: Repository
    config: Config
    shelter: Shelter
    environment: Callable[[], dict[str, str]]
    """What commands see."""
    folders: Callable[[], Sequence[str]]
    """The project's dependency folders."""

    async def skipped(self) -> str:
        """Which hooks there are and why they do not run; "" when they run or there are none."""
        hooks = await self.repository.commit_hooks()
        if not hooks:
            return ""
        names = ", ".join(hooks)
        if not self.config.git.hooks:
            return f"the repository's commit hooks were not run: {names} ([git] hooks is off)"
        if not self.repository.trusted:
            return f"the repository's commit hooks were not run: {names} (folder not trusted)"
        return ""

    async def wanted(self) -> tuple[str, ...]:
        """The hooks that have their say on each commit."""
        if not (self.config.git.hooks and self.repository.trusted):
            return ()
        return await self.repository.commit_hooks()

    async def run(
        self, tree: WorkTree, message: str, hooks: Sequence[str] = COMMIT_HOOKS
    ) -> Prepared:
        """What is to be committed of a work tree, as the hooks leave it.

        Raises:
            HookFailed: a hook refused.
            WaitingForApproval: nothing confines hooks here, and they have no leave to run.
        """
        if not await self.shelter.allows_hooks():
            raise WaitingForApproval(
                "the repository's commit hooks were not run: there is no sandbox to run them in",
                remedy=await self.shelter.remedy(),
            )

        async def start(call: HookCall) -> HookResult:
            return await self._start(tree, call)

        return await run_commit_hooks(
            tree, message, start, hooks=hooks, owner=self.repository.checkout
        )

    async def _start(self, tree: WorkTree, call: HookCall) -> HookResult:
        environment = self.environment()
        store = _pre_commit_store(environment)
        if store is not None:
            desk_store = await anyio.to_thread.run_sync(_store_on_desk, store, call.desk)
            environment["PRE_COMMIT_HOME"] = str(desk_store)
        environment |= call.env
        around = await self.shelter.around_hook(tree, self.folders(), call, store)
        try:
            exit_code, output = await self._run(call, around, environment)
        except ToolsError as exc:
            exit_code, output = NEVER_RAN, str(exc)
        text = redact(sanitise(output))[-TAIL_CHARS:]
        hint = around.explain(text) if around is not None and exit_code != 0 else ""
        return HookResult(
            hook=call.hook, exit_code=exit_code, output="\n".join(filter(None, (text, hint)))
        )

    async def _run(
        self, call: HookCall, around: Confined | None, environment: Mapping[str, str]
    ) -> tuple[int, str]:
        limit_s = self.config.verify.timeout_s
        if around is None:
            result = await run_process(call.argv, cwd=call.cwd, env=environment, timeout_s=limit_s)
        else:
            seen = {name: _seen(around, value) for name, value in environment.items()}
            argv = [_seen(around, word) for word in call.argv]
            launch = around.launch(argv, cwd=call.cwd, env=seen)
            try:
                result = await run_process(
                    launch.argv,
                    cwd=launch.cwd,
                    env=launch.env,
                    watcher=launch.watcher,
                    timeout_s=limit_s,
                )
            finally:
                launch.tidy()
        late = f"\nit was stopped after {limit_s:g} s" if result.timed_out else ""
        return result.exit_code or int(result.timed_out), result.output + late


async def spoilt(
    repository: Repository, head: str, said: Prepared, proof: Sequence[tuple[str, str]]
) -> str:
    """What hooks for the message have changed that is proven already; "" when nothing."""
    if said.tree != await repository.tree_of(head):
        return "it changed files that are verified already"
    tried = await repository.commit_tree(
        said.tree, (), said.message, at=datetime.fromtimestamp(0, UTC), sign=False
    )
    if not set(await repository.trailers(tried)).issuperset(proof):
        return "it changed the trailers that hold the proof"
    return ""


def _seen(around: Confined, word: str) -> str:
    """A path as it is seen inside; what is no path stays."""
    return str(around.seen_at(Path(word))) if word.startswith("/") else word


def _pre_commit_store(environment: Mapping[str, str]) -> Path | None:
    """Where the pre-commit program keeps the hooks it has installed, if it has any."""
    named = environment.get("PRE_COMMIT_HOME")
    cache = Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    store = Path(named) if named else cache / "pre-commit"
    return store.resolve() if (store / "db.db").is_file() else None


def _store_on_desk(store: Path, desk: Path) -> Path:
    """A store of the hook's own that knows what is installed in the user's.

    What a hook writes there would be run by the user's own commits later.
    """
    own = desk / "pre-commit"
    own.mkdir(exist_ok=True)
    for name in _STORE_FILES:
        with suppress(OSError):
            write_atomic(own / name, (store / name).read_bytes())
    return own
