"""Tests that have to fail: a check that stays green with them proves nothing.

A program can end its runner's process, or bend the runner, in more ways than a reader of its text
knows. Where a change holds words that such ways need, the check is run once with tests beside
the others that fail each in another way, and has to tell all of them.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from m31a_engine.checks.observation import Observation
from m31a_engine.checks.patch import AddedLine
from m31a_engine.checks.testfiles import is_test_code

FAILING = 3
"""How many tests of the canary fail."""
_CANARY = b"""import unittest


class ThisFails(unittest.TestCase):
    def test_by_an_assert(self):
        raise AssertionError

    def test_by_what_is_not_equal(self):
        self.assertEqual(1, 2)

    def test_by_what_is_not_true(self):
        self.assertTrue(False)
"""
_WORDS = re.compile(
    r"exit|exec|abort|fork|spawn|kill|signal|ctypes|posix|trace|profile|frame|inspect|\bgc\b|modules"
    r"|unittest|pytest|builtins|__dict__|\bvars\b|globals|[gs]etattr|__import__|importlib|runpy"
    r"|thread|stdout|stderr|eval|compile|open\(|pickle|marshal"
)
_PLACE = re.compile(r"(test_|)[^/]*?(_test|)\.py")


def can_bend_runner(lines: Iterable[AddedLine]) -> bool:
    """Whether one of the lines could be part of a way to keep a runner from telling failures."""
    return any(
        line.path.endswith(".py") and not is_test_code(line.path) and _WORDS.search(line.text)
        for line in lines
    )


def canary(tests: Iterable[str]) -> dict[str, bytes]:
    """A file of failing tests beside the first of these test files, named so that it is found."""
    for path in sorted(tests):
        where = PurePosixPath(path)
        match = _PLACE.fullmatch(where.name)
        if match and any(match.groups()):
            name = f"{match[1]}zz_has_to_fail{match[2]}.py"
            return {str(where.with_name(name)): _CANARY}
    return {}


def told_all(seen: Observation) -> bool:
    """Whether the check was red and counted each failing test."""
    return not seen.green and seen.counts is not None and seen.counts.failed >= FAILING
