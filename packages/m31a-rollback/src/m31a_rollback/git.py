"""The one door to git: starts it as a process, hardened, with a deadline.

Nothing else in the distribution starts git. Output is asked for in `-z` formats and never read
for words; hooks, fsmonitor, pagers and signing are off unless a caller turns them on; an
untrusted repository gets no program of its own choice run at all (see `settings`).
"""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from m31a_rollback.errors import GitFailed, GitMissing, GitTimedOut, NotARepository

ConfigPairs = tuple[tuple[str, str], ...]

_KEPT_VARIABLES = frozenset(
    {
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",
        "GIT_EXEC_PATH",
    }
)

HARDENED: ConfigPairs = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.quotePath", "false"),
    ("core.splitIndex", "false"),
    ("diff.external", ""),
    ("diff.ignoreSubmodules", "dirty"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("submodule.recurse", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("safe.bareRepository", "explicit"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("trailer.separators", ":"),
)
"""What every command gets: no program may start that the caller has not asked for."""

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class GitOutput:
    """What one git process left behind."""

    stdout: bytes
    stderr: str
    exit_code: int
    cut: bool = False
    """True when more came than `max_stdout_bytes` and git was stopped."""

    def line(self) -> str:
        """Standard output as one line of text, its line end removed."""
        return os.fsdecode(self.stdout.removesuffix(b"\n"))

    def items(self) -> list[str]:
        """Standard output as the texts between NUL bytes; odd bytes become surrogates."""
        return [os.fsdecode(item) for item in self.stdout.split(b"\0") if item]


def environment(
    extra: Mapping[str, str] | None = None, config: ConfigPairs = (), *, hardened: bool = True
) -> dict[str, str]:
    """The variables a git process gets: the caller's, without those that would steer git.

    Settings travel as GIT_CONFIG_KEY_n pairs and not as `-c`, for a name may hold any character.
    `hardened=False` is for the user's own hooks, which expect git as the user has it.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT_VARIABLES
    }
    if not hardened:
        return kept | dict(extra or {})
    kept |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_EDITOR": "false",
        "GIT_PAGER": "cat",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    pairs = (*HARDENED, *config)
    kept["GIT_CONFIG_COUNT"] = str(len(pairs))
    for number, (key, value) in enumerate(pairs):
        kept[f"GIT_CONFIG_KEY_{number}"] = key
        kept[f"GIT_CONFIG_VALUE_{number}"] = value
    return kept | dict(extra or {})


async def run_git(
    args: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    config: ConfigPairs = (),
    hardened: bool = True,
    input: bytes | None = None,  # noqa: A002 - the name subprocess has for it
    deadline_s: float = 60,
    check: bool = True,
    max_stdout_bytes: int | None = None,
) -> GitOutput:
    """What git left behind, started with `args` in `cwd`.

    Args:
        args: the words after `git`; odd bytes as surrogates.
        env: variables on top of the hardened ones.
        config: settings on top of the hardened ones, which they override.
        check: raise when the exit code is not 0.
        max_stdout_bytes: stop git when it has written that much.

    Raises:
        GitMissing: there is no git.
        NotARepository: `cwd` is no folder.
        GitTimedOut: not done within `deadline_s`; git and what it started are gone.
        GitFailed: the exit code is not 0 and `check` is set.
    """
    command = tuple(args)
    if not Path(cwd).is_dir():
        raise NotARepository(Path(cwd))
    try:
        # cancelled in here, git would be ended and what it has started would live on
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                ["git", *command],
                stdin=DEVNULL if input is None else PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=cwd,
                env=environment(env, config, hardened=hardened),
                start_new_session=True,
            )
    except FileNotFoundError as exc:
        raise GitMissing from exc
    try:
        with anyio.fail_after(deadline_s):
            output = await _converse(process, input, max_stdout_bytes)
    except TimeoutError as exc:
        raise GitTimedOut(command, deadline_s) from exc
    finally:
        await _bury(process)
    if check and output.exit_code != 0 and not output.cut:
        raise GitFailed(command, output.stderr, output.exit_code)
    return output


async def _converse(process: Process, given: bytes | None, limit: int | None) -> GitOutput:
    """Feed and read all three streams at once, so that no full pipe can stop either side."""
    out, err = bytearray(), bytearray()
    async with anyio.create_task_group() as group:
        if given is not None:
            assert process.stdin is not None
            group.start_soon(_feed, process.stdin, given)
        assert process.stderr is not None
        group.start_soon(_drain, process.stderr, err, None)
        assert process.stdout is not None
        cut = await _drain(process.stdout, out, limit)
        if cut:
            _kill(process)
    exit_code = await process.wait()
    stderr = err.decode("utf-8", "replace")
    return GitOutput(stdout=bytes(out), stderr=stderr, exit_code=exit_code, cut=cut)


async def _feed(stream: ByteSendStream, given: bytes) -> None:
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        await stream.send(given)
    await stream.aclose()


async def _drain(stream: ByteReceiveStream, into: bytearray, limit: int | None) -> bool:
    """Fill `into` until the end (False) or until `limit` bytes are there and more came (True)."""
    while True:
        try:
            chunk = await stream.receive(_CHUNK_BYTES)
        except anyio.EndOfStream:
            return False
        into += chunk
        if limit is not None and len(into) > limit:
            del into[limit:]
            return True


def _kill(process: Process) -> None:
    """End git and everything it started: it leads a session of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _bury(process: Process) -> None:
    """Leave neither a process nor a pipe behind, whatever happened."""
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            _kill(process)
        await process.aclose()
