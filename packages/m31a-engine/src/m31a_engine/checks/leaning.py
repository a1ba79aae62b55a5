"""What tests lean on besides the program: helpers that assert, packages that are installed."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from m31a_engine.checks.definitions import declares_dependencies
from m31a_engine.checks.python_tests import count_asserts, read_python_tests
from m31a_engine.checks.result import Finding, FindingKind, Severity
from m31a_engine.checks.testfiles import (
    is_code,
    is_named_as_test,
    is_test_code,
    is_test_file,
)
from m31a_engine.checks.text_tests import read_text_tests
from m31a_rollback import Repository

_LARGEST_BYTES = 2_000_000
_MOST_READ = 500
_PROSE = (".md", ".rst", ".adoc")
_LINK_MODE = "120000"
Sources = Mapping[str, str | None]
"""Text by path; None where there is no file, or no text."""


async def things_of_tests(
    repository: Repository, base: str, head: str, changed: Sequence[str]
) -> tuple[str, ...]:
    """Changed files of the base that only its tests name: data, and code that asserts less now."""
    wanted = [
        path for path in changed if not is_test_file(path) and not declares_dependencies(path)
    ]
    before = texts_of(await repository.blobs(base, wanted)) if wanted else {}
    after = texts_of(await repository.blobs(head, wanted)) if wanted else {}
    fewer = [path for path in wanted if _asserts_less(path, before.get(path), after.get(path))]
    if not fewer:
        return ()
    tests, others = await _code_of(repository, base)
    found: list[str] = []
    for path in fewer:
        called = _module_of(path) if is_code(path) else PurePosixPath(path).name
        name = re.compile(rf"\b{re.escape(called)}\b")
        elsewhere = (text for other, text in others.items() if other != path)
        if name.search(tests) and not any(map(name.search, elsewhere)):
            found.append(path)
    return tuple(found)


async def shadowed_packages(
    repository: Repository, base: str, changed: Sequence[str]
) -> tuple[Finding, ...]:
    """New modules that tests would import in place of what is installed.

    Only for a base whose tests are green: what they import is there, then.
    """
    code = {entry.path for entry in await repository.ls_tree(base) if is_code(entry.path)}
    added = {path for path in changed if path not in code and path.endswith(".py")}
    if not added:
        return ()
    tests, _ = await _code_of(repository, base)
    imported = set(re.findall(r"^\s*(?:from|import)\s+(\w+)", tests, re.MULTILINE))
    own = {_module_of(path) for path in code} | {part for path in code for part in path.split("/")}
    return tuple(
        Finding(
            kind=FindingKind.SHADOWING_MODULE,
            severity=Severity.BLOCKING,
            path=path,
            text=f"it would be imported in place of the installed {_top_module(path)}",
        )
        for path in sorted(added)
        if _top_module(path) in imported - own
    )


async def _code_of(repository: Repository, commit: str) -> tuple[str, dict[str, str]]:
    """All test code of a commit as one text, and its other code by path; few of very many."""
    tree = await repository.ls_tree(commit)
    code = [entry.path for entry in tree if is_code(entry.path) and entry.mode != _LINK_MODE]
    texts = texts_of(await repository.blobs(commit, code[:_MOST_READ]))
    tests = "\n".join(text or "" for path, text in texts.items() if is_test_code(path))
    return tests, {path: text or "" for path, text in texts.items() if not is_test_code(path)}


def _asserts_less(path: str, before: str | None, after: str | None) -> bool:
    """Whether a file lost asserts, or holds something that a program may compare with."""
    if before is None or not is_code(path):
        return before is not None and before != after and not path.endswith(_PROSE)
    return _assertions(path, after or "") < _assertions(path, before)


def _assertions(path: str, text: str) -> int:
    """How many asserts that can fail stand in a file."""
    if path.endswith(".py"):
        return count_asserts(text)
    return read_text_tests(path, text).asserts


def _module_of(path: str) -> str:
    """The name by which others import a file."""
    where = PurePosixPath(path)
    plain = where.stem in ("__init__", "index", "mod") or where.suffix == ".go"
    return where.parent.name if plain and where.parent.name else where.stem


def _top_module(path: str) -> str:
    """The first name under which a module is imported from the root, or from `src`, `lib`."""
    parts = PurePosixPath(path).parts
    parts = parts[1:] if parts[0] in ("src", "lib", "tests", "test") and len(parts) > 1 else parts
    return parts[0].removesuffix(".py")


async def tests_can_fail(repository: Repository, commit: str) -> bool:
    """Whether a test of the commit asserts something; also where no file is named as a test.

    Then they stand in the program's own files, as in Rust, and are not told from it by name.
    """
    paths = [entry.path for entry in await repository.ls_tree(commit)]
    tests = [path for path in paths if is_named_as_test(path) and is_code(path)]
    texts = texts_of(await repository.blobs(commit, tests[:_MOST_READ])) if tests else {}
    return not tests or any(_asserts(path, text or "") for path, text in texts.items())


def _asserts(path: str, text: str) -> bool:
    if not path.endswith(".py"):
        return read_text_tests(path, text).asserts > 0
    read = read_python_tests(text)
    return read is not None and any(test.asserts for test in read.tests.values())


def texts_of(blobs: Mapping[str, bytes | None]) -> dict[str, str | None]:
    """The texts of files; what is too large to be read counts as not there."""
    return {
        path: data.decode("utf-8", "replace")
        if data is not None and len(data) <= _LARGEST_BYTES
        else None
        for path, data in blobs.items()
    }
