"""The first commit on which a command fails."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.desk.opened import opened, refusing
from m31a_engine.errors import Refused
from m31a_engine.session.home import ProjectHome
from m31a_engine.session.scratch import scratch
from m31a_rollback import BisectResult, WorkTree, bisect
from m31a_tools import CommandNotStarted, child_environment, run_process, shell_argv

SKIP = 125
"""The exit code by which a command says that this commit cannot be judged, as with git."""
CANNOT_RUN = frozenset({126, 127})
"""How a shell says that a program is not there or cannot be started."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What the command did on one commit."""

    commit: str
    exit_code: int | None
    """None when it ran out of time."""
    elapsed_s: float


Tell = Callable[[Judged], None]


@dataclass(frozen=True, slots=True)
class Bisecting:
    """Looks for the first bad commit, in a work tree of its own."""

    project: Path
    home: ProjectHome
    environ: Mapping[str, str]

    async def search(
        self,
        good: str,
        bad: str,
        command: Sequence[str],
        *,
        timeout_s: float,
        repeats: int = 1,
        tell: Tell = lambda _: None,
    ) -> BisectResult:
        """The first commit after `good`, up to `bad`, on which the command fails.

        One word is a shell command, several are a program and its arguments. Exit code 0 is
        good, 125 cannot tell, a command out of time cannot tell either, the rest is bad.

        Raises:
            Refused: no repository, no such commits, or the command cannot be started.
        """
        repository = await opened(self.project)
        line = command[0] if len(command) == 1 else shlex.join(command)
        environment = child_environment(self.environ) | {
            # A cached module of another commit could have the same time and length.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

        async def check(tree: WorkTree) -> bool | None:
            try:
                result = await run_process(
                    shell_argv(line, outside=(tree.path,)),
                    cwd=tree.path,
                    env=environment,
                    timeout_s=timeout_s,
                )
            except CommandNotStarted as exc:
                raise Refused(str(exc)) from exc
            code = None if result.timed_out else result.exit_code
            tell(Judged(commit=await tree.head(), exit_code=code, elapsed_s=result.elapsed_s))
            if code in CANNOT_RUN:
                raise Refused(
                    f"the command ended with {code} on {(await tree.head())[:12]}:"
                    " that says nothing about the commit",
                    remedy=f"look whether it can run there at all: {line}",
                )
            return None if code is None or code == SKIP else code == 0

        with refusing():
            async with scratch(repository, self.home) as folder:
                return await bisect(repository, good, bad, check, repeats, folder=folder)
