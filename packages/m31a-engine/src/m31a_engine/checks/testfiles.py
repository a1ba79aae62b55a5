"""Which files of a project are tests, by their names."""

import re
from pathlib import PurePosixPath

_FOLDERS = frozenset(
    {"test", "tests", "__tests__", "spec", "specs", "t", "__snapshots__", "testing"}
)
_NAMED = re.compile(
    r"test_.*\.py|.*_tests?\.py|tests?\.py|conftest\.py"
    r"|.*[._-](?:test|spec|tests|specs)\.(?:[cm]?[jt]sx?|snap)|.*\.(?:test|spec)\.[cm]?[jt]sx?\.snap"
    r"|.*_test\.(?:go|rs|rb|exs|cc|cpp|c|php|dart)|test_.*\.(?:rb|c|cc|cpp|sh|bats)|.*\.bats"
    r"|.*_spec\.rb|(?:spec|rails|test)_helper\.rb|.*(?:Test|Tests|TestCase|Spec|IT)\.(?:java|kt|scala|php|cs)"
    r"|(?:.+\.)?snap"
)
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc"})
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
    if _NAMED.fullmatch(where.name):
        return True
    below = _FOLDERS.intersection(where.parts[:-1])
    return bool(below) and where.suffix.lower() not in _PROSE


def is_test_code(path: str) -> bool:
    """Whether the file is a test that is looked at for skips, asserts and the like."""
    return is_test_file(path) and PurePosixPath(path).suffix in _CODE
