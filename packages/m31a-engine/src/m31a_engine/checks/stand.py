"""One tree on which commands are watched; each is run there once in a lifetime."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio.to_thread

from m31a_engine.checks.checkout import Checkout, Mounting, clean_checkout
from m31a_engine.checks.counts import failing_tests, parse_counts
from m31a_engine.checks.covered import percent_in
from m31a_engine.checks.environment import check_environment, redirected
from m31a_engine.checks.observation import Observation, ObservationCache
from m31a_engine.checks.result import TAIL_CHARS
from m31a_rollback import Repository, RollbackError
from m31a_tools import (
    CommandNotStarted,
    ProcessResult,
    ToolsError,
    run_process,
    sanitise,
    shell_argv,
    write_atomic,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every tree of one verification has in common."""

    repository: Repository
    scratch: Path
    cache: ObservationCache
    environ: Mapping[str, str]
    mounting: Mounting
    fingerprint: str
    timeout_s: float
    setup: str = ""
    """Run first in each checkout; what it makes replaces dependency folders that lead back."""


@dataclass(slots=True)
class Stand:
    """A commit, perhaps with some files of another one, and what commands do on it."""

    surroundings: Surroundings
    commit: str
    tree: str
    """The id of the tree, or the two ids it is made of."""
    name: str
    overlay: Mapping[str, bytes | None]
    """Files that stand in place of the commit's; None for one that is not there."""
    _open: AsyncExitStack
    _checkout: Checkout | None = field(default=None)
    _setup_error: str = field(default="")

    async def observe(self, command: str) -> Observation:
        """What the command does here: from the cache, or by running it; twice when it is red."""
        around = self.surroundings
        cached = around.cache.get(self.tree, command, around.fingerprint)
        if cached is not None:
            return cached
        blocked = around.mounting.blocked(command)
        if blocked:
            return self.not_run(command, blocked)
        seen = await self._once(command)
        if seen.exit_codes and not (seen.green or seen.timed_out or seen.missing):
            seen = _both(seen, await self._once(command))
        await anyio.to_thread.run_sync(around.cache.put, seen)
        return seen

    async def observe_anew(self, command: str) -> Observation:
        """What the command does here when it is run once more, whatever is known of it."""
        blocked = self.surroundings.mounting.blocked(command)
        return self.not_run(command, blocked) if blocked else await self._once(command)

    def not_run(self, command: str, why: str) -> Observation:
        """What is to be said of a command that was not started here."""
        return Observation(
            tree=self.tree,
            command=command,
            fingerprint=self.surroundings.fingerprint,
            exit_codes=(),
            blocked=why,
        )

    async def close(self) -> None:
        """Take the checkout away; the next command gets a new one."""
        await self._open.aclose()
        self._checkout = None

    async def _once(self, command: str) -> Observation:
        checkout = await self._ready()
        if self._setup_error:
            return self.not_run(command, self._setup_error)
        try:
            result = await self._run(checkout, command)
        except ToolsError as exc:
            return self.not_run(command, str(exc))
        changes = await checkout.changes()
        if any(changes):
            await self.close()
        output = sanitise(result.output)
        return Observation(
            tree=self.tree,
            command=command,
            fingerprint=self.surroundings.fingerprint,
            exit_codes=(result.exit_code,),
            timed_out=result.timed_out,
            counts=parse_counts(output),
            failing=failing_tests(output),
            changed=changes.changed,
            put_back=changes.put_back,
            seconds=round(result.elapsed_s, 3),
            output_tail=output[-TAIL_CHARS:],
            covered_percent=percent_in(output),
        )

    async def _run(self, checkout: Checkout, command: str) -> ProcessResult:
        around = self.surroundings
        project, place = checkout.project, around.mounting.place(checkout)
        launch = await around.mounting.launch(
            checkout,
            shell_argv(redirected(command, project, place), outside=(project, checkout.path)),
            check_environment(around.environ, project, place, checkout.caches),
        )
        try:
            result = await run_process(
                launch.argv,
                cwd=launch.cwd,
                env=launch.env,
                watcher=launch.watcher,
                timeout_s=around.timeout_s,
            )
        finally:
            # An empty folder that held the place of `.venv` would pass for one of the commit's.
            launch.tidy()
        if launch.broke(result.exit_code, result.output):
            raise CommandNotStarted(command, result.output.strip())
        return result

    async def _ready(self) -> Checkout:
        """The checkout with nothing in it but its files, dependencies and what git ignores."""
        around = self.surroundings
        checkout = self._checkout
        if checkout is not None:
            try:
                await checkout.tree.reset_to(self.commit)
            except RollbackError:  # a command broke what makes it a work tree
                await self.close()
                checkout = None
        if checkout is None:
            checkout = await self._open.enter_async_context(
                clean_checkout(
                    around.repository, self.commit, around.scratch / self.name, around.mounting
                )
            )
            self._setup_error = await self._set_up(checkout)
        await around.mounting.prepare(checkout)
        if self.overlay:
            await anyio.to_thread.run_sync(_lay, checkout.path, self.overlay)
            await checkout.remember()
        self._checkout = checkout
        return checkout

    async def _set_up(self, checkout: Checkout) -> str:
        """Why the set-up command failed; "" when it did not, or there is none."""
        if not self.surroundings.setup:
            return ""
        try:
            result = await self._run(checkout, self.surroundings.setup)
        except ToolsError as exc:
            return str(exc)
        if result.exit_code == 0 and not result.timed_out:
            return ""
        return f"the set-up command ended with {result.exit_code}: {self.surroundings.setup}"


@asynccontextmanager
async def stand(
    surroundings: Surroundings,
    name: str,
    commit: str,
    *,
    overlay: Mapping[str, bytes | None] | None = None,
    overlay_of: str = "",
) -> AsyncIterator[Stand]:
    """A place to watch commands on `commit`; its checkout is made when one has to run.

    `overlay_of` names the tree that the files of `overlay` come from.
    """
    tree = await surroundings.repository.tree_of(commit)
    here = Stand(
        surroundings=surroundings,
        commit=commit,
        tree=f"{tree}+{overlay_of}" if overlay else tree,
        name=name,
        overlay=overlay or {},
        _open=AsyncExitStack(),
    )
    try:
        yield here
    finally:
        await here.close()


def _both(first: Observation, second: Observation) -> Observation:
    """Two runs as one observation; what is told is the red one's."""
    codes = (*first.exit_codes, *second.exit_codes)
    told = first if second.green else second
    return Observation(
        tree=told.tree,
        command=told.command,
        fingerprint=told.fingerprint,
        exit_codes=codes,
        timed_out=second.timed_out,
        counts=told.counts,
        failing=tuple(dict.fromkeys((*first.failing, *second.failing))),
        changed=tuple(sorted({*first.changed, *second.changed})),
        put_back=tuple(sorted({*first.put_back, *second.put_back})),
        seconds=told.seconds,
        output_tail=told.output_tail,
        covered_percent=told.covered_percent,
        blocked=second.blocked,
    )


def _lay(root: Path, files: Mapping[str, bytes | None]) -> None:
    """Put files in place of those that are there; links are replaced, never followed."""
    inside = root.resolve()
    for name, data in files.items():
        path = root / name
        if not path.parent.resolve().is_relative_to(inside):
            continue
        _clear(path)
        if data is not None:
            for folder in path.relative_to(root).parents:
                if (root / folder).is_file():
                    (root / folder).unlink()
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, data)


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.parent.is_dir():
        path.unlink(missing_ok=True)
