"""Which files of a project are tests, by their names."""

import re
from pathlib import PurePosixPath

_FOLDERS = frozenset(
    {"test", "tests", "__tests__", "spec", "specs", "t", "__snapshots__", "testing"}
)
_NAMED = re.compile(
    r"test_.*\.py|.*_tests?\.py|tests?\.py|conftest\.py"
    r"|(?:.*[._-])?(?:test|spec|tests|specs)\.(?:[cm]?[jt]sx?|snap)|.*\.(?:test|spec)\.[cm]?[jt]sx?\.snap"
    r"|.*_test\.(?:go|rs|rb|exs|cc|cpp|c|php|dart)|test_.*\.(?:rb|c|cc|cpp|sh|bats)|.*\.bats"
    r"|.*_spec\.rb|(?:spec|rails|test)_helper\.rb|.*(?:Test|Tests|TestCase|Spec|IT)\.(?:java|kt|scala|php|cs)"
    r"|(?:.+\.)?snap"
)
_DATA = re.compile(
    r"(?:expected|goldens?|fixtures|__fixtures__|__mocks__|testdata|test[-_]data|snapshots|cassettes)"
)
"""Folders of what tests compare with, wherever they stand."""
_COMPARED = re.compile(r"(?:.*[._-])?(?:expected|golden|approved)(?:[._-].*)?", re.IGNORECASE)
_PROSE = re.compile(r"(?:README|CHANGELOG|CONTRIBUTING|NOTES?)(?:\.\w+)?", re.IGNORECASE)
"""Files beside tests that no test reads."""
_SUPPORT = re.compile(r"tests?[-_]?(?:utils?|helpers?|support|base|cases?|lib)\.\w+")
_CODE = frozenset(
    [
        ".py",
        ".js",
        ".mjs",
        ".cjs",
        ".ts",
        ".mts",
        ".cts",
        ".jsx",
        ".tsx",
        ".go",
        ".rs",
        ".rb",
        ".t",
        ".pl",
        ".java",
        ".kt",
        ".scala",
        ".php",
        ".cs",
        ".c",
        ".cc",
        ".cpp",
        ".sh",
        ".bats",
        ".ex",
        ".exs",
        ".dart",
    ]
)


def is_test_file(path: str) -> bool:
    """Whether the file is a test, or stands beside tests to serve them (data, fixtures)."""
    where = PurePosixPath(path)
    if is_named_as_test(path) or _SUPPORT.fullmatch(where.name):
        return True
    folders = where.parts[:-1]
    below = not _FOLDERS.isdisjoint(folders) or any(map(_DATA.fullmatch, folders))
    if below or (not is_code(path) and _COMPARED.fullmatch(where.name)):
        return not _PROSE.fullmatch(where.name)
    return False


def is_named_as_test(path: str) -> bool:
    """Whether a runner takes the file for a test by its name, or its folder's `__init__.py`."""
    where = PurePosixPath(path)
    return _NAMED.fullmatch(where.name) is not None or (
        where.name == "__init__.py" and where.parent.name in ("test", "tests")
    )


def is_test_code(path: str) -> bool:
    """Whether the file is a test that is looked at for skips, asserts and the like."""
    return is_test_file(path) and is_code(path)


def is_code(path: str) -> bool:
    """Whether the file is a program, by its name."""
    return PurePosixPath(path).suffix in _CODE
