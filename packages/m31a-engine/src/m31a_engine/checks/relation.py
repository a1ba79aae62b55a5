"""Whether a test that is red on the base too speaks about what the run changed.

A failure that was there before is no fault of the run's, unless the test exercises the very
files the run worked on: then the run has not done what it was for, and calling it known
would call it done. What cannot be told apart counts as related.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

_WORD = re.compile(r"\w+")
_PLAIN = frozenset({"__init__", "index", "main", "mod", "lib"})
"""Names that say nothing without their folder's."""


def related_failures(
    failing: Iterable[str], changed: Iterable[str], tests: Mapping[str, str]
) -> tuple[str, ...]:
    """The failing tests that mention a changed file, or whose own file cannot be found.

    `tests` are the project's test files and their texts. A test is looked for by the name it
    has in the runner's output, a changed file by its stem or its folder.
    """
    changed = tuple(changed)
    stems = {_stem(path) for path in changed}
    folders = {str(PurePosixPath(path).parent) for path in changed}
    return tuple(
        name
        for name in failing
        if not (homes := _homes(name, tests))
        or any(_mentions(path, tests[path], stems, folders, changed) for path in homes)
    )


def _homes(name: str, tests: Mapping[str, str]) -> list[str]:
    """The test files a name can come from: named by path or module, else holding its words."""
    by_path = [path for path in tests if path in name]
    if by_path:
        return by_path
    words = set(_WORD.findall(name))
    by_module = [path for path in tests if PurePosixPath(path).stem in words]
    if by_module:
        return by_module
    leaf = re.split(r"::|/| > |\.", name)[-1].strip()
    return [path for path, text in tests.items() if leaf and leaf in text]


def _mentions(
    path: str, text: str, stems: set[str], folders: set[str], changed: tuple[str, ...]
) -> bool:
    if path in changed:
        return True
    folder = str(PurePosixPath(path).parent)
    same_package = path.endswith((".go", ".rs")) and folder in folders
    return same_package or not stems.isdisjoint(_WORD.findall(text))


def _stem(path: str) -> str:
    pure = PurePosixPath(path)
    return pure.parent.name if pure.stem in _PLAIN and pure.parent.name else pure.stem
