"""Tests that have to fail: a check that stays green with them proves nothing.

A program can end its runner's process, or bend the runner, in more ways than a reader of its text
knows. Where a change holds words that such ways need, the check is run once with tests that fail
beside the others, and has to tell all of them. In Python one file is enough, for a runner takes
all files into one process; elsewhere they stand in the test files there are, in whose processes
the program is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from m31a_engine.checks.observation import Observation
from m31a_engine.checks.patch import AddedLine
from m31a_engine.checks.testfiles import is_named_as_test, is_test_code

_MOST_FILES = 20
_PYTHON = b"""import unittest


class ThisFails(unittest.TestCase):
    def test_by_an_assert(self):
        raise AssertionError

    def test_by_what_is_not_equal(self):
        self.assertEqual(1, 2)

    def test_by_what_is_not_true(self):
        self.assertTrue(False)
"""
_PLACE = re.compile(r"(test_|)[^/]*?(_test|)\.py")
_GO = "\n\nfunc TestZzHasToFail(t *testing.T) {\n\tt.Fatal()\n}\n"
_JS = '\n;{name}("has to fail {number}", () => {{ {body} }});\n'
_JS_WAYS = (
    (re.compile(r""), 'throw new Error("has to fail");'),
    (re.compile(r"\bexpect\("), "expect(1).toBe(2);"),
    (re.compile(r"\bassert\.strictEqual\("), "assert.strictEqual(1, 2);"),
    (re.compile(r"\bassert\.equal\("), "assert.equal(1, 2);"),
    (re.compile(r"\bassert\("), "assert(false);"),
)
"""What a test file uses to assert, and how that fails."""
_JS_SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx")

_FAMILIES = {".py": "python", ".go": "go", **dict.fromkeys(_JS_SUFFIXES, "js")}
_WORDS = {
    "python": re.compile(
        r"exit|exec|abort|fork|spawn|kill|signal|ctypes|posix|trace|profile|frame|inspect|\bgc\b"
        r"|modules|unittest|pytest|builtins|__dict__|\bvars\b|globals|[gs]etattr|__import__"
        r"|importlib|runpy|thread|stdout|stderr|eval|compile|open\(|pickle|marshal|TestCase"
        r"|__(?:subclasses|mro|bases?|class|globals|code|closure|builtins|self|func|defaults)__"
    ),
    "go": re.compile(
        r"\bos\.(?:Exit|Args|Std\w+|Getenv|Kill|Getpid|FindProcess)\b|\bsyscall\b|\bunsafe\b|\bflag\."
        r"|\bruntime\b|\bfunc init\(|linkname|\"testing\"|\bplugin\b|\"C\"|\bdebug\b"
    ),
    "js": re.compile(
        r"\bglobal(?:This)?\b|\bprocess\b|exit|\bexpect\b|\bassert\b|jest|vi(?:te)?st|mocha|node:"
        r"|child_process|worker_threads|\bvm\b|\beval\b|Function\(|prototype|definePropert"
        r"|\b(?:after|before)(?:All|Each)?\(|\brequire\.(?:cache|main)\b|createRequire"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Files to lay over a tree, and how many tests in them fail."""

    files: Mapping[str, bytes]
    failing: int


def bent_families(lines: Iterable[AddedLine]) -> frozenset[str]:
    """The languages in which a line could be part of a way to keep a runner from telling failures.

    `python`, `go` or `js`.
    """
    found = set[str]()
    for line in lines:
        family = _family(line.path)
        if family and not is_test_code(line.path) and _WORDS[family].search(line.text):
            found.add(family)
    return frozenset(found)


def carriers(families: Iterable[str], paths: Iterable[str]) -> tuple[str, ...]:
    """The test files of these languages that a canary is made from; few of many, always the same.

    In Go one file of each package.
    """
    wanted = frozenset(families)
    found = dict[str, str]()
    for path in sorted(paths):
        family = _family(path)
        if family in wanted and is_named_as_test(path):
            place = str(PurePosixPath(path).parent) if family == "go" else path
            found.setdefault(place, path)
    return tuple(found.values())[:_MOST_FILES]


def canary(tests: Mapping[str, bytes | None]) -> Canary:
    """The test files with tests in or beside them that fail, each in another way."""
    files = dict[str, bytes]()
    failing = 0
    for path, data in sorted(tests.items()):
        match _family(path):
            case "python":
                place = _beside(path)
                if place and _PYTHON not in files.values():
                    files[place] = _PYTHON
                    failing += _PYTHON.count(b"def test_")
            case _ if data is not None:
                added = tuple(_appended(path, data.decode("utf-8", "replace")))
                files |= {path: data + "".join(added).encode()} if added else {}
                failing += len(added)
    return Canary(files=files, failing=failing)


def told(seen: Observation) -> int:
    """How many failures the check told: none where it stayed green or counted nothing."""
    return 0 if seen.green or seen.counts is None else seen.counts.failed


def _family(path: str) -> str:
    return _FAMILIES.get(PurePosixPath(path).suffix, "")


def _beside(path: str) -> str:
    where = PurePosixPath(path)
    match = _PLACE.fullmatch(where.name)
    if match is None or not any(match.groups()):
        return ""
    return str(where.with_name(f"{match[1]}zz_has_to_fail{match[2]}.py"))


def _appended(path: str, text: str) -> Iterator[str]:
    """Failing tests that can stand at the end of a test file."""
    if path.endswith(".go"):
        if re.search(r"\bt \*testing\.T\b", text):
            yield _GO
        return
    name = re.search(r"\b(test|it)\(", text)
    if name is None:
        return
    for number, (used, body) in enumerate(_JS_WAYS):
        if used.search(text):
            yield _JS.format(name=name[1], number=number, body=body)
