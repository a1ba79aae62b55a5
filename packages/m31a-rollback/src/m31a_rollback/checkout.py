"""A work tree with its git folder: where commands of one repository run, and under which trust."""

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from m31a_rollback.git import ConfigPairs, GitOutput, run_git
from m31a_rollback.settings import (
    NETWORK_OFF,
    UNTRUSTED,
    Setting,
    blanked,
    last,
    may_name_programs,
    read_settings,
)

_OWN_PROGRAMS = (
    "gpg.program",
    "gpg.openpgp.program",
    "gpg.x509.program",
    "gpg.ssh.program",
    "gpg.ssh.defaultkeycommand",
)

WHOLE: ConfigPairs = (("core.sparseCheckout", "false"),)
_DAY_S = 86_400
EMPTY_TREES = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


class _Settings:
    """The configuration, read once and only when somebody asks for it."""

    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.listed: tuple[Setting, ...] | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """One work tree and the git folder that belongs to it.

    Git is always told both folders, so a `.git` file changed afterwards leads nowhere else.
    """

    root: Path
    git_dir: Path
    common_dir: Path
    object_format: str
    trusted: bool
    whole: bool = False
    """Whether every file is there, whatever part of it the user has checked out (`WHOLE`)."""
    known: dict[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)
    """Where ids lead, by id and kind of object, once git has told: they never lead elsewhere."""
    _settings: _Settings = field(default_factory=_Settings, repr=False, compare=False)

    @property
    def zero(self) -> str:
        """The object id git reads as `there is none`."""
        return "0" * (40 if self.object_format == "sha1" else 64)

    @property
    def empty_tree(self) -> str:
        """The id of the tree without entries."""
        return EMPTY_TREES[self.object_format]

    async def git(
        self,
        *args: str,
        input: bytes | None = None,  # noqa: A002 - the name subprocess has for it
        index: Path | None = None,
        work_tree: Path | None = None,
        env: Mapping[str, str] | None = None,
        config: ConfigPairs = (),
        converts: bool = False,
        deadline_s: float = 60,
        check: bool = True,
        max_stdout_bytes: int | None = None,
    ) -> GitOutput:
        """What git left behind, run in this work tree.

        Args:
            index: an index file other than the user's.
            work_tree: a folder to put files in other than the user's.
            converts: the command passes contents through filters or merge drivers, so in an
                untrusted repository their names have to be known first.

        Raises:
            GitFailed: see `run_git`.
        """
        root = work_tree or self.root
        variables = self.folders(root)
        if index is not None:
            variables["GIT_INDEX_FILE"] = str(index)
        if not self.trusted:
            variables |= NETWORK_OFF
        return await run_git(
            args,
            cwd=root,
            env=variables | dict(env or {}),
            config=(*await self.guards(converts=converts), *(WHOLE if self.whole else ()), *config),
            input=input,
            deadline_s=deadline_s,
            check=check,
            max_stdout_bytes=max_stdout_bytes,
        )

    async def settings(self, *, again: bool = False) -> tuple[Setting, ...]:
        """The configuration as git sees it here; `again` reads it anew."""
        async with self._settings.lock:
            if again or self._settings.listed is None:
                self._settings.listed = await read_settings(self.root, self.folders(self.root))
            return self._settings.listed

    def private_path(self, name: str) -> Path:
        """A file of ours inside the git folder, unique to this process and call."""
        folder = self.git_dir / "m31a"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}-{os.getpid()}-{os.urandom(6).hex()}"

    def sweep_drafts(self) -> None:
        """Take away private files that processes killed more than a day ago have left."""
        for path in (self.git_dir / "m31a").glob("*-*-*"):
            with suppress(OSError):
                if time.time() - path.lstat().st_mtime > _DAY_S:
                    if path.is_dir() and not path.is_symlink():
                        shutil.rmtree(path)
                    else:
                        path.unlink()

    async def guards(self, *, converts: bool) -> ConfigPairs:
        """The settings that keep an untrusted repository from running programs of its choice."""
        if self.trusted:
            return ()
        if not converts and not may_name_programs(self.git_dir, self.common_dir):
            return UNTRUSTED
        listed = await self.settings()
        own = tuple(
            (key, value)
            for key in _OWN_PROGRAMS
            if (value := last(listed, key, own=True)) is not None
        )
        return (*UNTRUSTED, *own, *blanked(listed))

    def folders(self, root: Path) -> dict[str, str]:
        """The variables that tell git where it works."""
        return {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(root)}
