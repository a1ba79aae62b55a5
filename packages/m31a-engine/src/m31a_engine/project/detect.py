"""What a project is, by the marker files it holds, and the commands that check it.

Nothing is started and nothing outside the project is read but the folders in which
interpreters keep their packages: a command is offered only where it can run.
"""

import os
import posixpath
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from m31a_engine.config_sections import VerifySection
from m31a_engine.project.coverage_command import Measured, coverage_of
from m31a_engine.project.facts import CheckCommand, ProjectFacts, ProjectType
from m31a_engine.project.node_checks import recognise_node
from m31a_engine.project.other_checks import (
    recognise_cmake,
    recognise_go,
    recognise_java,
    recognise_make,
    recognise_php,
    recognise_ruby,
    recognise_rust,
    recognise_static,
)
from m31a_engine.project.python_checks import recognise_python
from m31a_engine.project.tree import Read, Recognised, Tree, disk_reader

INSTRUCTIONS_FILE = "AGENTS.md"
MAX_INSTRUCTIONS_CHARS = 8000
_MAX_NESTED = 8
_OFF = frozenset({"off", "-"})

Recogniser = Callable[[Tree], Recognised]

_MARKERS: tuple[tuple[tuple[str, ...], Recogniser], ...] = (
    (("go.mod",), recognise_go),
    (("Cargo.toml",), recognise_rust),
    (("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile"), recognise_python),
    (("pom.xml", "build.gradle", "build.gradle.kts"), recognise_java),
    (("Gemfile", "Rakefile"), recognise_ruby),
    (("composer.json",), recognise_php),
    (("package.json",), recognise_node),
    (("CMakeLists.txt",), recognise_cmake),
    (("Makefile", "makefile", "GNUmakefile"), recognise_make),
)
_BY_SUFFIX: Mapping[str, Recogniser] = {
    ".py": recognise_python,
    ".js": recognise_node,
    ".mjs": recognise_node,
    ".ts": recognise_node,
    ".rb": recognise_ruby,
    ".html": recognise_static,
}
_SOURCES = re.compile(
    r".*\.(?:pyi?|[cm]?[jt]sx?|vue|svelte|go|rs|rb|java|kt|scala|php|c|h|cc|cpp|hpp|cs|swift|m|exs?"
    r"|erl|clj|hs|ml|lua|pl|r|jl|dart|sh|sql)",
    re.IGNORECASE,
)
_DEPENDENCIES = (
    ".venv",
    "venv",
    "node_modules",
    "vendor",
    ".tox",
    ".nox",
    "bower_components",
)


_READ = re.compile(
    r"(?:[^/]+/){0,3}(?:AGENTS\.md|pyproject\.toml|setup\.(?:cfg|py)|tox\.ini|Pipfile"
    r"|(?:requirements/)?[\w.-]*\.txt|package\.json|Cargo\.toml|Gemfile(?:\.lock)?|Rakefile"
    r"|(?:GNU)?[Mm]akefile)"
)
_SAMPLED = re.compile(r"(?:.*/)?(?:test[^/]*\.py|[^/]*_test\.py|[^/]+\.rs)")
_MAX_READ = 100
_MAX_SAMPLED = 200


def paths_to_read(files: Sequence[str]) -> tuple[str, ...]:
    """The files `detect` may want to read, for a caller that fetches them all at once."""
    manifests = [path for path in sorted(files, key=_depth) if _READ.fullmatch(path)]
    sampled = [path for path in sorted(files) if _SAMPLED.fullmatch(path)]
    return tuple(manifests[:_MAX_READ] + sampled[:_MAX_SAMPLED])


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def detect(
    root: Path,
    files: Sequence[str],
    verify: VerifySection,
    *,
    read: Read | None = None,
    environ: Mapping[str, str] | None = None,
    trusted: bool = False,
) -> ProjectFacts:
    """The facts of the project in `root`; nothing is started.

    `files` are its tracked paths; `read` gives the bytes of one of them (None: not there), so
    that a commit's tree can be looked at without a checkout (`paths_to_read` says which may be
    asked for); left out, they are read from disk. `root` is asked which dependencies are
    installed, PATH of `environ` which programs. AGENTS.md is read only when `trusted`.
    """
    tree = Tree(
        root=root,
        folder="",
        files=frozenset(files),
        read=read or disk_reader(root),
        environ=os.environ if environ is None else environ,
    )
    found = _recognised(tree)
    checks = _with_configured(found.checks, verify)
    coverage = _coverage(tree, found.type, checks, verify)
    return ProjectFacts(
        type=found.type,
        framework=found.framework,
        package_manager=found.package_manager,
        checks=checks,
        dependency_folders=_dependency_folders(tree),
        instructions=_instructions(tree) if trusted else "",
        coverage=coverage.command,
        coverage_note=coverage.why_not,
        notes=found.notes,
    )


def _recognised(tree: Tree) -> Recognised:
    """The first recogniser's facts; where it knows no tests, those of others and of subfolders."""
    here = [recognise(tree) for markers, recognise in _MARKERS if tree.has(*markers)]
    if here and _has_test(here[0]):
        return here[0]
    folders = list(_nested_projects(tree))
    at_root = any("/" not in path and _suffix(path) in _BY_SUFFIX for path in tree.files)
    if not here and (at_root or not folders) and (recognise := _by_suffix(tree)):
        here = [recognise(tree)]
    first = here[0] if here else Recognised(type=ProjectType.UNKNOWN)
    for other in here:
        if _has_test(other):
            tests = tuple(check for check in other.checks if check.name == "test")
            more = () if other is first else tests
            return replace(first, checks=(*first.checks, *more), notes=other.notes)
    nested = [(folder, recognise(tree.below(folder))) for folder, recognise in folders]
    return _joined(first, nested)


def _has_test(found: Recognised) -> bool:
    return any(check.name == "test" for check in found.checks)


def _by_suffix(tree: Tree) -> Recogniser | None:
    """What most source files are written in."""
    suffixes = Counter(map(_suffix, tree.files))
    known = [(count, suffix) for suffix, count in suffixes.items() if suffix in _BY_SUFFIX]
    return _BY_SUFFIX[max(known)[1]] if known else None


def count_sources(files: Iterable[str]) -> int:
    """How many of these paths are program text, by their endings."""
    return sum(_SOURCES.fullmatch(path) is not None for path in files)


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1]


def _nested_projects(tree: Tree) -> Iterator[tuple[str, Recogniser]]:
    """Folders, at most three deep, that hold a project of their own; none below another."""
    folders = sorted({posixpath.dirname(path) for path in tree.files} - {""})
    taken: list[str] = []
    for folder in folders:
        if folder.count("/") > 2 or any(folder.startswith(outer + "/") for outer in taken):
            continue
        parts = folder.split("/")
        if any(part.startswith(".") or part in (*_DEPENDENCIES, "target") for part in parts):
            continue
        for markers, recognise in _MARKERS:
            if any(f"{folder}/{marker}" in tree.files for marker in markers):
                taken.append(folder)
                yield folder, recognise
                break
        if len(taken) == _MAX_NESTED:
            return


def _joined(first: Recognised, nested: list[tuple[str, Recognised]]) -> Recognised:
    """One project of several folders: each check says which folder it is for."""
    checks = list(first.checks)
    notes = list(first.notes)
    for folder, part in nested:
        checks += [
            msgspec.structs.replace(
                check,
                name=f"{check.name} ({folder})",
                command=f"cd {shlex.quote(folder)} && {check.command}",
            )
            for check in part.checks
        ]
        notes += [f"{folder}: {note}" for note in part.notes]
    types = {part.type for _, part in nested}
    kind = first.type
    if kind is ProjectType.UNKNOWN and len(types) == 1:
        kind = types.pop()
    return replace(first, type=kind, checks=tuple(checks), notes=tuple(notes))


def _with_configured(
    detected: tuple[CheckCommand, ...], verify: VerifySection
) -> tuple[CheckCommand, ...]:
    """The checks with `[verify]` taking the place of what was detected under the same name."""
    found: list[CheckCommand] = []
    for name, configured in (("build", verify.build), ("test", verify.test), ("lint", verify.lint)):
        command = configured.strip()
        if not command:
            found += [check for check in detected if check.name.partition(" ")[0] == name]
        elif command.lower() not in _OFF:
            found.append(
                CheckCommand(
                    name=name,
                    command=command,
                    behavioural=name == "test",
                    sure=True,
                    source="configured",
                    why=f"[verify] {name}",
                )
            )
    return tuple(found)


def _coverage(
    tree: Tree, kind: ProjectType, checks: tuple[CheckCommand, ...], verify: VerifySection
) -> Measured:
    command = verify.coverage.strip()
    if command.lower() in _OFF:
        return Measured(why_not="[verify] coverage is off")
    if command:
        return Measured(command=command)
    tests = tuple(check for check in checks if check.behavioural)
    return coverage_of(tree, kind, tests)


def _dependency_folders(tree: Tree) -> tuple[str, ...]:
    """Folders with installed dependencies that are there and no part of the repository.

    What is built stays out: `target` is made anew, in the tree that is judged.
    """
    places = {""} | {posixpath.dirname(path) for path in tree.files if _is_manifest(path)}
    candidates = (posixpath.join(place, name) for place in sorted(places) for name in _DEPENDENCIES)
    # A path of the repository's own can also be a link, and lead anywhere.
    tracked = tree.files | {
        "/".join(parts[:depth])
        for parts in (path.split("/") for path in tree.files)
        for depth in range(1, len(parts))
        if parts[depth - 1] in _DEPENDENCIES
    }
    return tuple(
        folder for folder in candidates if folder not in tracked and (tree.root / folder).is_dir()
    )


def _is_manifest(path: str) -> bool:
    name = posixpath.basename(path)
    return any(name in markers for markers, _ in _MARKERS[:7])


def _instructions(tree: Tree) -> str:
    text = tree.text(INSTRUCTIONS_FILE).strip()
    if len(text) <= MAX_INSTRUCTIONS_CHARS:
        return text
    return text[:MAX_INSTRUCTIONS_CHARS] + f"\n[{INSTRUCTIONS_FILE} is cut here]"
