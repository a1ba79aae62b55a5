"""The environment a check runs in: what it is made of, and whether it leads back to the user."""

import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import msgspec

from m31a_engine.checks.dependencies import (
    Family,
    WayBack,
    families_of,
    family_of,
    ways_back,
)
from m31a_tools import Confined, Launch, ToolsError, child_environment, run_process

_PROBE = (
    "import json, sys\n"
    "print('\\0' + json.dumps({'version': sys.version, 'prefix': sys.prefix, 'path': sys.path}))"
)
_PYTHON = re.compile(r"python[\d.]*")
_INSTALLED_STATE = (
    ".package-lock.json",
    ".yarn-state.yml",
    ".yarn-integrity",
    ".modules.yaml",
    "modules.txt",
    "installed.json",
)
"""What installers leave in a dependency folder to say what they put there."""
_PROBE_TIMEOUT_S = 20
_MOST_MODULES = 50_000
"""So many modules of an environment are looked at, and no more."""


class Interpreter(msgspec.Struct, frozen=True):
    """What a Python interpreter says about itself."""

    version: str
    prefix: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a set of commands would run with."""

    fingerprint: str
    """Changes when an interpreter, a program or an installed dependency does."""
    ways_back: tuple[WayBack, ...] = ()


async def examine(
    *,
    project: Path,
    commands: Iterable[str],
    also: Iterable[str] = (),
    dependency_folders: Sequence[str],
    environ: Mapping[str, str],
    scratch: Path,
    confined: Confined | None = None,
) -> Environment:
    """What the commands would run with, were they run in `project`.

    Python interpreters are started once, confined as said, to be asked where they import from;
    `scratch` is an empty folder to do that in. The commands of `also` are looked at for ways
    back, and leave the fingerprint as it is.
    """
    wanted = tuple(commands)
    others = tuple(also)
    env = child_environment(environ)
    env.pop("PYTHONPATH", None)
    interpreters: dict[str, Interpreter | None] = {}
    counted = frozenset(_pythons(wanted, project, env))
    for program in sorted(counted.union(_pythons(others, project, env))):
        interpreters[program] = await _ask(program, scratch, env, confined)
    return await anyio.to_thread.run_sync(
        _examine, project, wanted, tuple(dependency_folders), env, interpreters, counted
    )


def redirected(text: str, project: Path, to: Path) -> str:
    """`text` with every mention of the project's path turned into the path `to`."""
    for place in sorted({str(project), str(project.resolve())}, key=len, reverse=True):
        text = re.sub(re.escape(place) + r"(?![\w.-])", lambda _: str(to), text)
    return text


def check_environment(
    environ: Mapping[str, str], project: Path, checkout: Path, caches: Path
) -> dict[str, str]:
    """The variables of a check: no secrets, no path into the project, caches of its own."""
    env = child_environment(environ)
    # Byte code is neither written nor taken from a place that knew another commit at this path;
    # that of installed packages stays in use: to compile it again each time is what costs.
    env.pop("PYTHONPYCACHEPREFIX", None)
    env = {name: redirected(value, project, checkout) for name, value in env.items()}
    return env | {
        "PWD": str(checkout),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": str(caches / "xdg"),
        "TMPDIR": str(caches / "tmp"),
        "CI": "true",
    }


def _pythons(commands: Sequence[str], project: Path, env: Mapping[str, str]) -> Iterator[str]:
    """Paths of the interpreters that these commands would use, as far as their words tell."""
    for command in commands:
        families = families_of(command)
        if Family.PYTHON not in families:
            continue
        words = {word for word in _words(command) if "=" not in word}
        if len(families) > 1:
            words |= {"python3", "python", "pytest"}
        for word in words:
            program = _resolve(word, project, env)
            if program is None:
                continue
            yield from [program] if _PYTHON.fullmatch(Path(word).name) else _shebang(program)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _resolve(word: str, project: Path, env: Mapping[str, str]) -> str | None:
    if "/" in word:
        path = project / word
        return str(path) if path.is_file() and os.access(path, os.X_OK) else None
    return shutil.which(word, path=env.get("PATH"))


def _shebang(program: str) -> list[str]:
    try:
        with Path(program).open("rb") as file:
            line = file.readline(400)
    except OSError:
        return []
    words = line[2:].split() if line.startswith(b"#!") else []
    if not words or not _PYTHON.fullmatch(Path(os.fsdecode(words[0])).name):
        return []
    return [os.fsdecode(words[0])]


async def _ask(
    program: str, scratch: Path, env: Mapping[str, str], confined: Confined | None
) -> Interpreter | None:
    argv = (program, "-c", _PROBE)
    launch = Launch(argv=argv, cwd=scratch, env=env, watcher=False)
    try:
        if confined is not None:
            launch = confined.launch(argv, cwd=scratch, env=env)
        result = await run_process(
            launch.argv,
            cwd=launch.cwd,
            env=launch.env,
            watcher=launch.watcher,
            timeout_s=_PROBE_TIMEOUT_S,
        )
    except ToolsError:
        return None
    try:
        answer = result.output.rpartition("\0")[2]
        return msgspec.json.decode(answer.encode(), type=Interpreter)
    except msgspec.DecodeError:
        return None


def _examine(
    project: Path,
    commands: Sequence[str],
    folders: Sequence[str],
    env: Mapping[str, str],
    interpreters: Mapping[str, Interpreter | None],
    counted: frozenset[str],
) -> Environment:
    digest = hashlib.sha256()
    found: list[WayBack] = []

    def note(*facts: object) -> None:
        digest.update(repr(facts).encode("utf-8", "surrogatepass"))

    for program in sorted({word for command in commands for word in _words(command)}):
        if "/" in program and not any(program.startswith(f"{name}/") for name in folders):
            continue  # a file of the project: it belongs to the tree, not to the environment
        path = _resolve(program, project, env)
        if path is not None:
            note("program", program, path, _stat(Path(path)))
    for name in sorted(folders):
        folder = project / name
        if not folder.is_dir():
            continue
        sites = _sites(folder)
        note("folder", name, _listing(folder), [(_listing(site), _modules(site)) for site in sites])
        note("state", [_hash(folder / state) for state in _INSTALLED_STATE])
        why = next(ways_back(folder, project), None)
        if why is not None:
            family = family_of(name) or Family.OTHER
            found.append(WayBack(family=family, folder=name, why=why))
    for program, told in interpreters.items():
        places = told.path if told else ()
        if program in counted:
            note("python", program, told and told.version)
            sites = [Path(place) for place in places if _is_site(place)]
            note("sites", [(str(site), _listing(site), _modules(site)) for site in sites])
        for place in filter(None, places):  # "" is the folder it is started in
            found.extend(_python_ways_back(program, Path(place), project, folders))
    return Environment(fingerprint=digest.hexdigest()[:32], ways_back=tuple(found))


def _python_ways_back(
    program: str, place: Path, project: Path, folders: Sequence[str]
) -> Iterator[WayBack]:
    root = project.resolve()
    if any(place.is_relative_to(project / name) for name in folders):
        return  # searched as a dependency folder
    if place.resolve().is_relative_to(root) or place.is_relative_to(project):
        yield WayBack(family=Family.PYTHON, folder=program, why=f"it imports from {place}")
    elif _is_site(str(place)):
        why = next(ways_back(place, project, follow=False), None)
        if why is not None:
            yield WayBack(family=Family.PYTHON, folder=str(place), why=why)


def _is_site(place: str) -> bool:
    return "site-packages" in place or "dist-packages" in place


def _sites(folder: Path) -> list[Path]:
    return sorted(folder.glob("lib/python*/site-packages"))


def _listing(folder: Path) -> list[tuple[str, object]]:
    """What is installed there: names, and the times of files that caches do not touch."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    listed: list[tuple[str, object]] = []
    for entry in entries:
        if entry.name in ("__pycache__", ".cache", ".vite", ".vite-temp", ".bin"):
            continue
        path = Path(entry.path)
        if not entry.is_dir():
            listed.append((entry.name, _stat(path)))
        elif entry.name.startswith("@"):
            listed.append((entry.name, _listing(path)))
        else:
            marks = (path / name for name in ("package.json", "__init__.py", "RECORD"))
            listed.append((entry.name, [_stat(mark) for mark in marks]))
    return listed


def _modules(site: Path) -> str:
    """What stands in the Python packages there, by the sizes and times of their modules."""
    digest = hashlib.sha256()
    seen = 0
    for here, folders, names in os.walk(site):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            if name.endswith((".py", ".so")):
                path = os.path.join(here, name)  # noqa: PTH118 - half the time, ten thousand times
                digest.update(f"{path}\0{_stat(path)}\0".encode("utf-8", "surrogateescape"))
                seen += 1
        if seen > _MOST_MODULES:
            break
    return digest.hexdigest()


def _stat(path: str | Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - of a string: no path is made for each module
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
