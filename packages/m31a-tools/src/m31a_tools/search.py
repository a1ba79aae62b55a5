"""Finding lines in files: by ripgrep where it is, else by a worker process of our own."""

import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import anyio.from_thread
import anyio.to_thread
import msgspec

from m31a_tools.errors import CommandNotStarted
from m31a_tools.globs import glob_matcher, name_filter
from m31a_tools.process import stream_process
from m31a_tools.walk import Fitting, walk
from m31a_tools.workspace import Workspace

MAX_HITS = 20_000
"""Collected before they are sorted; so many are enough to know that the pattern is too wide."""

_SIMPLE_GLOB = re.compile(r"[\w.*?{},-]+", re.ASCII)
_LINE_CHARS = 1000
_BAD_PATTERN = 2
_STOPPED = b": WARNING: stopped searching binary file"


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that matches."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, and where."""

    pattern: str
    path: str = "."
    glob: str = ""
    ignore_case: bool = False
    timeout_s: float = 30.0


@dataclass(slots=True)
class Found:
    """The hits in order, and what is to be said about them."""

    hits: list[Hit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = True


async def search(query: Query, workspace: Workspace, *, ripgrep: str = "") -> Found:
    """All lines that match, up to MAX_HITS, sorted by path and line.

    `ripgrep` is the program to use, "" does without. The lines are the same
    with and without it, as far as Python's regular expressions and Rust's agree. A pattern that
    neither understands is looked for as it stands. Raises PathRefused, OSError.
    """
    is_folder = stat.S_ISDIR(workspace.stat(query.path).st_mode)
    if ripgrep and is_folder and _git_root(workspace):
        found = await _with_ripgrep(ripgrep, query, workspace)
        if found is not None:
            return _sorted(found)
    names = await anyio.to_thread.run_sync(_names, query, workspace, is_folder)
    answer = await _with_worker(query, workspace, names)
    if isinstance(answer, Found):
        return _sorted(answer)
    literally = await _with_worker(_literal(query), workspace, names)
    assert isinstance(literally, Found)
    literally.notes.insert(0, f"not a regular expression ({answer}); looked for as it stands")
    return _sorted(literally)


def _sorted(found: Found) -> Found:
    found.hits.sort(key=lambda hit: (hit.path.split("/"), hit.line))
    return found


def _literal(query: Query) -> Query:
    return Query(
        re.escape(query.pattern), query.path, query.glob, query.ignore_case, query.timeout_s
    )


def _git_root(workspace: Workspace) -> bool:
    """Whether ripgrep will stop at the root when it looks for ignore files further up."""
    return (workspace.root / ".git").exists()


@dataclass(slots=True)
class _Collector:
    """Splits output into records and keeps the hits."""

    parse: Callable[[bytes], Hit | None]
    wanted: Callable[[str], bool]
    found: Found = field(default_factory=Found)
    messages: list[str] = field(default_factory=list)
    rest: bytes = b""

    async def take(self, data: bytes) -> bool:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            hit = self.parse(line)
            if hit is None:
                self.messages.append(line.decode("utf-8", "replace"))
            elif self.wanted(hit.path):
                self.found.hits.append(hit)
            if len(self.found.hits) >= MAX_HITS or len(self.messages) > MAX_HITS:
                self.found.complete = False
                return False
        return True


async def _with_ripgrep(program: str, query: Query, workspace: Workspace) -> Found | None:
    """What ripgrep finds, None when it does not understand the pattern or does not start."""
    with workspace.walk_root(query.path) as (fd, real):
        prefix = "" if real == "." else f"{real}/"
        wanted = _wanted(query, workspace, prefix)
        collector = _Collector(parse=_RipgrepLines(prefix).hit, wanted=wanted)
        argv = _ripgrep_argv(program, query)
        try:
            ended = await stream_process(
                argv,
                cwd=_open_folder(fd, workspace.root / real),
                env=workspace.variables(),
                timeout_s=query.timeout_s,
                grace_s=0.1,
                take=collector.take,
            )
        except CommandNotStarted:
            return None
    if ended.exit_code == _BAD_PATTERN and not collector.found.hits:
        return None
    return _timed(collector.found, query, timed_out=ended.timed_out)


def _open_folder(fd: int, path: Path) -> Path:
    """The open folder itself where that has a name: what `path` leads to may have changed."""
    by_descriptor = Path(f"/proc/self/fd/{fd}")
    return by_descriptor if by_descriptor.exists() else path


def _ripgrep_argv(program: str, query: Query) -> list[str]:
    argv = [program, "--no-config", "--hidden", "--no-require-git", "--no-ignore-dot"]
    argv += ["--no-ignore-global", "--no-ignore-exclude", "--no-messages", "--crlf"]
    argv += ["--no-heading", "--with-filename", "--line-number", "--null", "--color=never"]
    argv += [f"--max-columns={_LINE_CHARS * 4}", "--max-columns-preview"]
    argv += ["--glob=!.git", "--glob=!.m31a"]
    if query.ignore_case:
        argv.append("--ignore-case")
    if query.glob and _SIMPLE_GLOB.fullmatch(query.glob):
        # A type only leaves files out; a --glob would bring ignored ones back.
        argv += ["--type-clear=asked", f"--type-add=asked:{query.glob}", "--type=asked"]
    return [*argv, f"--regexp={query.pattern}", "./"]


@dataclass(slots=True)
class _RipgrepLines:
    """Reads `./path NUL number:text`; a path may have newlines in it."""

    prefix: str
    begun: bytes = b""

    def hit(self, line: bytes) -> Hit | None:
        line = self.begun + line
        path, nul, rest = line.partition(b"\0")
        begins = not nul and line.startswith(b"./") and _STOPPED not in line
        self.begun = line + b"\n" if begins else b""
        number, colon, text = rest.partition(b":")
        if not (colon and number.isdigit()):
            return None
        shown = text.decode("utf-8", "replace").removesuffix("\r")[:_LINE_CHARS]
        return Hit(self.prefix + os.fsdecode(path.removeprefix(b"./")), int(number), shown)


def _fits(query: Query, prefix: str) -> tuple[Fitting | None, Callable[[str], object] | None]:
    """The query's glob as a choice of names or a test of real paths; neither without a glob."""
    if not query.glob:
        return None, None
    if "/" not in query.glob:
        # About names, at any depth.
        return name_filter(query.glob), None
    matches = glob_matcher(query.glob.removeprefix("/"))
    return None, lambda path: matches(path[len(prefix) :])


def _wanted(query: Query, workspace: Workspace, prefix: str) -> Callable[[str], bool]:
    """Whether a real path that ripgrep names is one to search."""
    by_name, by_path = _fits(query, prefix)

    def wanted(path: str) -> bool:
        if workspace.hidden and workspace.is_hidden(path):
            return False
        steps = path.split("/")
        if any(workspace.is_protected(name) for name in steps):
            return False
        if by_name is not None:
            return bool(by_name(steps[-1:]))
        return by_path is None or bool(by_path(path))

    return wanted


def _names(query: Query, workspace: Workspace, is_folder: bool) -> list[str]:
    """The real paths of the files to search."""
    real = workspace.locate(query.path)
    if not is_folder:
        return [real]
    by_name, by_path = _fits(query, "" if real == "." else f"{real}/")
    found: list[str] = []
    for folder in walk(workspace, query.path, fitting=by_name, regular=True):
        anyio.from_thread.check_cancelled()
        paths = [folder.path + name for name in sorted(folder.names)]
        found += paths if by_path is None else filter(by_path, paths)
    return found


async def _with_worker(query: Query, workspace: Workspace, names: list[str]) -> Found | str:
    """What our own search finds; the error when the pattern is no regular expression."""
    if names and names[0].startswith("/"):
        # A readable folder besides the root.
        base, names = "/", [name[1:] for name in names]
    else:
        base = ""
    collector = _Collector(parse=lambda line: _worker_hit(line, names, base), wanted=lambda _: True)
    request = msgspec.json.encode({"pattern": query.pattern, "ignore_case": query.ignore_case})
    listed = os.fsencode("".join(f"{name}\0" for name in names))
    source = files("m31a_tools").joinpath("regex_worker.py").read_text(encoding="utf-8")
    ended = await stream_process(
        [sys.executable, "-I", "-S", "-c", source],
        cwd=base or workspace.root,
        timeout_s=query.timeout_s,
        grace_s=0,
        take=collector.take,
        stdin=request + b"\n" + listed,
    )
    if ended.exit_code == _BAD_PATTERN and not collector.found.hits:
        return collector.rest.decode("utf-8", "replace")
    return _timed(collector.found, query, timed_out=ended.timed_out)


def _worker_hit(line: bytes, names: Sequence[str], base: str) -> Hit | None:
    try:
        file, number, text = msgspec.json.decode(line, type=tuple[int, int, str])
    except msgspec.MsgspecError:
        return None
    return Hit(base + names[file], number, text)


def _timed(found: Found, query: Query, *, timed_out: bool) -> Found:
    if timed_out:
        found.complete = False
        found.notes.append(f"stopped after {query.timeout_s:g} s; narrow the path or the pattern")
    return found
