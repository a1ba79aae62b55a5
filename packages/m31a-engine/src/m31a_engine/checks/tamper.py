"""What a change does to the checks that are to judge it.

The tests are read, not understood: a finding says what was counted, and a person decides.
Tests that are only added, and asserts that are only added, are no finding.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from m31a_engine.checks.criteria import runs_tests
from m31a_engine.checks.definitions import (
    definition,
    may_define,
    paths_named,
    scripts_at,
    shadowed_module,
    twins_of,
)
from m31a_engine.checks.grips import grips_on_runner
from m31a_engine.checks.leaning import Sources, shadowed_packages, texts_of
from m31a_engine.checks.python_tests import PythonTest, PythonTests, read_python_tests
from m31a_engine.checks.result import Finding, FindingKind, Severity
from m31a_engine.checks.testfiles import is_code, is_named_as_test, is_test_code, is_test_file
from m31a_engine.checks.text_tests import read_text_tests
from m31a_rollback import FileChange, Repository

LINK_MODE = "120000"


async def tampering(
    repository: Repository,
    base: str,
    head: str,
    files: Sequence[FileChange],
    *,
    commands: Sequence[str],
    planned: frozenset[str] = frozenset(),
    green_base: bool = False,
) -> tuple[Finding, ...]:
    """Blocking findings about changed checks and weakened tests between two commits.

    `planned` are files whose change a person accepted: they are not looked at. `green_base` says
    that all that the base's tests import is there.
    """
    tree = await repository.ls_tree(base)
    old = {entry.path for entry in tree}
    changed = [file.path for file in files if file.path not in planned]
    named = await _named_scripts(repository, base, old, commands)
    wanted = [
        path
        for path in changed
        if is_code(path) or is_test_code(path) or may_define(path, commands)
    ]
    before = texts_of(await repository.blobs(base, wanted)) if wanted else {}
    after = texts_of(await repository.blobs(head, wanted)) if wanted else {}
    return (
        *_definitions(changed, old, before, after, commands, named),
        *_shadows(changed, old),
        *_twins(changed, old, {entry.path for entry in await repository.ls_tree(head)}),
        *weakened(before, after),
        *_grips(before, after),
        *(await shadowed_packages(repository, base, changed) if green_base else ()),
    )


async def base_tests(
    repository: Repository, base: str, files: Sequence[FileChange]
) -> dict[str, bytes | None]:
    """What makes the tests those of the base again: its versions, and None for what was added.

    Added are files that a runner takes for tests: one of them could change what the others see.
    Links are left out.
    """
    modes = {entry.path: entry.mode for entry in await repository.ls_tree(base)}
    if not any(is_named_as_test(path) for path in modes):
        return {}
    paths = [
        file.path
        for file in files
        if is_test_file(file.path) and modes.get(file.path, LINK_MODE) != LINK_MODE
    ]
    added = [
        file.path
        for file in files
        if file.path not in modes and (is_named_as_test(file.path) or _stands_in(file.path))
    ]
    return dict.fromkeys(added) | (await repository.blobs(base, paths) if paths else {})


def _stands_in(path: str) -> bool:
    """Whether jest takes the file for a package of its name, without being asked."""
    return "__mocks__" in PurePosixPath(path).parts


def weakened(before: Sources, after: Sources) -> Iterator[Finding]:
    """Tests that were deleted, skipped, emptied or loosened between two sets of files."""
    new = {path: text for path, text in after.items() if text is not None and is_test_code(path)}
    python = {
        path: read
        for path, text in new.items()
        if path.endswith(".py") and (read := read_python_tests(text))
    }
    moved = {
        test.name.rpartition(".")[2] for read in python.values() for test in read.tests.values()
    }
    bodies = {test.body for read in python.values() for test in read.tests.values()}
    named = {name for path, text in new.items() for name in read_text_tests(path, text).names}
    for path, text in sorted(before.items()):
        if text is None or not (is_test_code(path) or (path.endswith(".rs") and "#[test]" in text)):
            continue
        if path.endswith(".py"):
            old = read_python_tests(text)
            if old is not None:
                yield from _python(path, old, python.get(path), moved, bodies)
        else:
            yield from _text(path, text, after.get(path), named)
    for path, read in sorted(python.items()):
        if before.get(path) is None:
            yield from _whole_file(path, _NOTHING, read)


_NOTHING = PythonTests(tests={}, skips=0, filters=0, exits=0, patches=0)


def _python(
    path: str,
    old: PythonTests,
    new: PythonTests | None,
    moved: set[str],
    bodies: set[str],
) -> Iterator[Finding]:
    if new is not None:
        yield from _whole_file(path, old, new)
    for name, test in old.tests.items():
        now = new.tests.get(name) if new is not None else None
        if now is not None:
            yield from _one_test(path, test, now)
        elif name.rpartition(".")[2] not in moved and test.body not in bodies:
            yield _finding(FindingKind.TEST_DELETED, path, f"{name} is gone")


def _whole_file(path: str, old: PythonTests, new: PythonTests) -> Iterator[Finding]:
    if new.skips > old.skips and old is not _NOTHING:
        yield _finding(FindingKind.TEST_SKIPPED, path, "a skip for several tests was added")
    if new.filters > old.filters:
        yield _finding(FindingKind.TEST_SKIPPED, path, "it now decides which tests are collected")
    if new.exits > old.exits:
        yield _finding(FindingKind.TEST_LOOSENED, path, "a call was added that ends the runner")
    if new.patches > old.patches:
        yield _finding(
            FindingKind.TEST_LOOSENED,
            path,
            "it changes, for every test, what another module holds (a guess from its text)",
        )


def _one_test(path: str, old: PythonTest, new: PythonTest) -> Iterator[Finding]:
    if old.body == new.body and old.skips >= new.skips and old.cases <= new.cases:
        return
    if new.skips > old.skips:
        yield _finding(FindingKind.TEST_SKIPPED, path, f"{new.name} is skipped now")
    if old.asserts and not new.asserts and not new.broad:
        yield _finding(FindingKind.TEST_EMPTIED, path, f"{new.name} asserts nothing that can fail")
    elif new.asserts < old.asserts:
        text = f"{new.name} has fewer asserts: {new.asserts}, {old.asserts} before"
        yield _finding(FindingKind.TEST_LOOSENED, path, text)
    elif new.exact < old.exact:
        text = f"{new.name} compares less exactly (a guess from its text)"
        yield _finding(FindingKind.TEST_LOOSENED, path, text)
    if new.trivial > old.trivial or new.broad > old.broad:
        text = f"{new.name} accepts more than before (a guess from its text)"
        yield _finding(FindingKind.TEST_LOOSENED, path, text)
    if new.cases < old.cases:
        text = f"{new.name} runs with {new.cases} cases, {old.cases} before"
        yield _finding(FindingKind.TEST_DELETED, path, text)


def _text(path: str, before: str, after: str | None, named: set[str]) -> Iterator[Finding]:
    old = read_text_tests(path, before)
    if after is None:
        missing = sorted(old.names - named)
        if missing:
            yield _finding(FindingKind.TEST_DELETED, path, f"gone: {', '.join(missing[:5])}")
        return
    new = read_text_tests(path, after)
    missing = sorted(old.names - new.names - named)
    if missing and len(new.names) < len(old.names):
        yield _finding(FindingKind.TEST_DELETED, path, f"gone: {', '.join(missing[:5])}")
    if new.skips > old.skips:
        yield _finding(FindingKind.TEST_SKIPPED, path, "a skip was added")
    if old.asserts and not new.asserts:
        yield _finding(FindingKind.TEST_EMPTIED, path, "nothing in it asserts any more")
    elif new.asserts < old.asserts:
        text = f"fewer asserts: {new.asserts}, {old.asserts} before"
        yield _finding(FindingKind.TEST_LOOSENED, path, text)
    if new.trivial > old.trivial:
        text = "an assert was added that cannot fail (a guess from its text)"
        yield _finding(FindingKind.TEST_LOOSENED, path, text)


def _grips(before: Sources, after: Sources) -> Iterator[Finding]:
    """Program files that began to reach for the runner that is to judge them."""
    for path, text in sorted(after.items()):
        if text is None or not is_code(path) or is_test_code(path):
            continue
        if grips_on_runner(path, text) > grips_on_runner(path, before.get(path) or ""):
            text = "it ends, changes or looks for the runner that tests it (a guess from its text)"
            yield _finding(FindingKind.TEST_LOOSENED, path, text)


async def _named_scripts(
    repository: Repository, base: str, paths: set[str], commands: Sequence[str]
) -> frozenset[str]:
    """Files of the base that the commands run, directly or through a manifest or a makefile."""
    manifests = [
        path
        for path in paths
        if PurePosixPath(path).name
        in ("package.json", "Makefile", "makefile", "GNUmakefile", "tox.ini")
        and "/" not in path
    ]
    texts = texts_of(await repository.blobs(base, manifests)) if manifests else {}
    named = paths_named(list(commands))
    for path, text in texts.items():
        named |= paths_named(definition(path, text, commands))
    modules = re.findall(r"\s-m\s+([\w.]+)", " ".join(commands))
    return frozenset(path for word in (*named, *modules) for path in scripts_at(word)) & paths


def _definitions(
    changed: Sequence[str],
    old: set[str],
    before: Sources,
    after: Sources,
    commands: Sequence[str],
    named: frozenset[str],
) -> Iterator[Finding]:
    tested = any(map(is_test_code, old)) or any(map(_finds_its_own_tests, commands))
    for path in changed:
        if path in named and not is_test_file(path):
            yield _finding(FindingKind.CHECK_DEFINITION, path, "a check runs this file")
            continue
        if not may_define(path, commands) or (not tested and path not in old):
            continue
        was = definition(path, before.get(path), commands)
        now = definition(path, after.get(path), commands)
        if was != now and (was or now):
            yield _finding(
                FindingKind.CHECK_DEFINITION, path, "it decides what the checks run, and changed"
            )


def _finds_its_own_tests(command: str) -> bool:
    """Whether it may have tests where no file is named as one: in Rust, by a script."""
    return runs_tests(command) and not re.search(r"pytest|py\.test|unittest", command)


def _shadows(changed: Sequence[str], old: set[str]) -> Iterator[Finding]:
    roots = {"", "src", "lib", "tests", "test"}
    for path in (*old, *changed):
        if is_test_code(path):
            folder = str(PurePosixPath(path).parent)
            roots.add("" if folder == "." else folder)
    for path in changed:
        module = shadowed_module(path, frozenset(roots), is_new=path not in old)
        if module is not None:
            text = f"it would be imported in place of {module}"
            yield _finding(FindingKind.SHADOWING_MODULE, path, text)


def _twins(changed: Sequence[str], old: set[str], new: set[str]) -> Iterator[Finding]:
    """New modules that tests would import in place of one that the project has and keeps."""
    for path in changed:
        if path in old or path not in new:
            continue
        for other in twins_of(path):
            if other in old and other in new:
                text = f"it would be imported in place of {other}"
                yield _finding(FindingKind.SHADOWING_MODULE, path, text)


def _finding(kind: FindingKind, path: str, text: str) -> Finding:
    return Finding(kind=kind, severity=Severity.BLOCKING, path=path, text=text)
