"""What the commands of a run may see and change: this machine's sandbox, put to use.

A task's commands, a check and a hook see a work tree at the project's own path, so that virtual
environments, editable installs and workspace links lead into it and not into the user's files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread

from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_rollback import HookCall, Repository, WorkTree
from m31a_tools import Confined, Confinement, Mount, Sandbox, write_atomic

GIT_AT = Path("/run/m31a/git")
"""Where a command finds the repository whose folder a work tree was mounted over."""


@dataclass(slots=True)
class Shelter:
    """The sandbox of one session, looked for once, beside the first request."""

    repository: Repository
    config: Config
    default: PermissionMode
    home: Path
    """M31A_HOME: out of the commands' sight."""
    _found: Sandbox | None = None
    _finding: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def mode(self) -> PermissionMode:
        """The permission mode in force."""
        return self.config.permissions.mode or self.default

    async def sandbox(self) -> Sandbox:
        """What confines commands here; tried for real when it is first asked for."""
        async with self._finding:
            if self._found is None:
                self._found = await anyio.to_thread.run_sync(Sandbox.detect, self.home / "cache")
        return self._found

    async def confines_commands(self) -> bool:
        """Whether a task's commands run in a sandbox: wherever there is one, unless all may."""
        return self.mode is not PermissionMode.ALLOW_ALL and (await self.sandbox()).works

    async def allows_checks(self) -> bool:
        """Whether the project's check commands may run: confined, or where that is not needed."""
        if self.mode is PermissionMode.ALLOW_ALL or (await self.sandbox()).works:
            return True
        return self.config.trusted and self.mode is not PermissionMode.SANDBOXED

    async def remedy(self) -> str:
        """What to do where commands wait for leave because nothing confines them."""
        remedies = (await self.sandbox()).remedies
        trusting = "or look at the project and resume with --permissions rules --trust-project"
        return " ".join((*remedies, trusting))

    async def around_task(self, tree: WorkTree, folders: Sequence[str]) -> Confined | None:
        """How the commands of a task run that works in `tree`; None where nothing confines them.

        `folders` are the project's dependency folders, which are seen and stay as they are.
        """
        if not await self.confines_commands():
            return None
        return await self._around(tree, folders, writable=True)

    async def around_reading(self, tree: WorkTree, folders: Sequence[str]) -> Confined | None:
        """As `around_task`, for commands that may look and change nothing."""
        if not (await self.sandbox()).works:
            return None
        return await self._around(tree, folders, writable=False)

    async def around_check(
        self, tree: WorkTree, folders: Sequence[str], temp: Path
    ) -> Confined | None:
        """As `around_task`, for a check on a checkout, with caches in `temp`."""
        if not (await self.sandbox()).works:
            return None
        return await self._around(tree, folders, writable=True, temp=temp)

    async def allows_hooks(self) -> bool:
        """Whether commit hooks of a trusted folder may run: confined, or where all may."""
        unconfined = self.mode in {PermissionMode.ALLOW_ALL, PermissionMode.RULES}
        return unconfined or (await self.sandbox()).works

    async def around_hook(
        self, tree: WorkTree, folders: Sequence[str], call: HookCall, store: Path | None
    ) -> Confined | None:
        """As `around_task`, for a commit hook, which also writes to its desk.

        `store` is the folder of a program that installs hooks; it is seen and stays as it is.
        """
        if not (await self.sandbox()).works:
            return None
        temp = call.desk / "tmp"
        temp.mkdir(exist_ok=True)
        around = await self._around(tree, folders, writable=True, temp=temp)
        given = around.confinement
        seen = (call.hooks, *(() if store is None else (store,)))
        further = (
            *(Mount(path, path) for path in seen if around.seen_at(path) == path),
            Mount(call.desk, around.seen_at(call.desk), writable=True),
        )
        return Confined(around.sandbox, replace(given, mounts=(*given.mounts, *further)))

    async def around_probe(self) -> Confined | None:
        """As `around_reading`, for programs that are asked what they are."""
        sandbox = await self.sandbox()
        return Confined(sandbox, Confinement()) if sandbox.works else None

    async def _around(
        self,
        tree: WorkTree,
        folders: Sequence[str],
        *,
        writable: bool,
        temp: Path | None = None,
    ) -> Confined:
        sandbox = await self.sandbox()
        if not sandbox.mounts:
            writables = (tree.path,) if writable else ()
            seen = tuple(Mount(path, path) for path in self._read_in_place(folders))
            given = Confinement(writable=writables, mounts=seen, hidden=(self.home,), temp=temp)
            return Confined(sandbox, given)
        mounts = await anyio.to_thread.run_sync(self._mounts, tree, tuple(folders), writable)
        return Confined(sandbox, Confinement(mounts=mounts, hidden=(self.home,), temp=temp))

    def _read_in_place(self, folders: Sequence[str]) -> tuple[Path, ...]:
        """What a work tree leads to and nothing can be mounted for: it may lie out of sight."""
        root = self.repository.root
        there = ((root / name).resolve() for name in folders if (root / name).is_dir())
        return tuple(dict.fromkeys((self.repository.common_dir.resolve(), *there)))

    def _mounts(self, tree: WorkTree, folders: Sequence[str], writable: bool) -> tuple[Mount, ...]:
        """The work tree over the project, with its dependencies and its repository in place."""
        root = self.repository.root
        dependencies = [
            root / name
            for name in folders
            if (root / name).is_dir()
            and (Path(name).is_absolute() or not _holds_something(tree.path / name))
        ]
        return (
            Mount(tree.path, root, writable),
            *(Mount(folder, folder) for folder in dependencies),
            *(mount for folder in dependencies for mount in _scratch_mounts(folder, tree)),
            *self._git_mounts(tree),
        )

    def _git_mounts(self, tree: WorkTree) -> tuple[Mount, ...]:
        """The repository where the work tree's `.git` file says, once its folder is covered."""
        root, common = self.repository.root, self.repository.common_dir
        if not common.is_relative_to(root):
            return ()
        own = tree.checkout.git_dir
        note = own / "m31a" / "gitfile"
        note.parent.mkdir(exist_ok=True)
        write_atomic(note, f"gitdir: {GIT_AT / own.relative_to(common)}\n".encode())
        return (Mount(common, GIT_AT), Mount(note, root / ".git"))


def _scratch_mounts(folder: Path, tree: WorkTree) -> tuple[Mount, ...]:
    """A place of the work tree's own where vite writes what it makes of its configuration.

    It insists on one within `node_modules`, and leaves it there empty wherever it has run; where
    it never ran the empty folder is made, for in a folder that is read-only nothing can be mounted.
    """
    place = folder / ".vite-temp"
    if not (folder / "vite" / "package.json").is_file() or place.is_symlink():
        return ()
    own = tree.checkout.git_dir / "m31a" / "vite-temp"
    try:
        place.mkdir(exist_ok=True)
        own.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ()
    return (Mount(own, place, writable=True),)


def _holds_something(path: Path) -> bool:
    """Whether a folder or file of the work tree's own is there; a stand-in is empty."""
    return any(path.iterdir()) if path.is_dir() else path.exists()
