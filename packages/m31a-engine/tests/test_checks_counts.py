"""Test counts and names of failing tests, from what runners print."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.checks.counts import failing_tests, parse_counts
from m31a_engine.checks.result import TestCounts

PYTEST = """\
============================= test session starts ==============================
collected 6 items
tests/test_a.py .F.sxE
=================================== FAILURES ===================================
=========================== short test summary info ============================
FAILED tests/test_a.py::test_b[1 - 2] - assert 1 == 2
ERROR tests/test_a.py::test_c - ValueError
=== 1 failed, 2 passed, 1 skipped, 1 xfailed, 3 warnings, 1 error in 0.12s ===
"""
UNITTEST = """\
.F.s
======================================================================
FAIL: test_b (test_a.B.test_b)
----------------------------------------------------------------------
AssertionError

Ran 6 tests in 0.001s

FAILED (failures=1, errors=1, skipped=1, expected failures=1)
"""
GO_V = """\
=== RUN   TestA
--- PASS: TestA (0.00s)
=== RUN   TestB
=== RUN   TestB/sub
--- FAIL: TestB (0.00s)
    --- FAIL: TestB/sub (0.00s)
=== RUN   TestC
--- SKIP: TestC (0.00s)
FAIL
FAIL\texample.com/x\t0.004s
"""
GO = (
    "ok  \texample.com/x\t0.1s\nok  \texample.com/y\t(cached)\n"
    "?   \texample.com/z\t[no test files]\n"
)
GO_RED = (
    "--- FAIL: TestB (0.00s)\nFAIL\nFAIL\texample.com/x\t0.1s\nok  \texample.com/y\t0.2s\nFAIL\n"
)
CARGO = """\
running 3 tests
test a::works ... ok
test a::fails ... FAILED
test b ... ignored
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
NODE = """\
not ok 2 - subtracts
# tests 3
# suites 0
# pass 1
# fail 1
# cancelled 0
# skipped 1
# todo 0
"""
TAP = "TAP version 13\n1..4\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP later\nnot ok 4 - d # TODO x\n"
JEST = """\
  ● math › adds

Test Suites: 1 failed, 1 passed, 2 total
Tests:       1 failed, 2 skipped, 1 todo, 5 passed, 9 total
"""
VITEST = " Test Files  1 failed | 1 passed (2)\n      Tests  2 failed | 5 passed | 1 skipped (8)\n"
MOCHA = "  5 passing (10ms)\n  1 pending\n  2 failing\n"
RSPEC = (
    "5 examples, 1 failure, 2 pending\n\nFailed examples:\n\nrspec ./spec/a_spec.rb:3 # A adds\n"
)
MINITEST = "5 runs, 8 assertions, 1 failures, 1 errors, 1 skips\n"
PROVE = (
    "t/a.t .. ok\nt/b.t .. Failed 2/5 subtests failed.\n"
    "Files=2, Tests=8,  0 wallclock secs ( 0.02 usr)\nResult: FAIL\n"
)

OUTPUTS: dict[str, tuple[str, tuple[int, int, int], tuple[str, ...]]] = {
    "pytest": (
        PYTEST,
        (2, 2, 2),
        ("tests/test_a.py::test_b[1 - 2]", "tests/test_a.py::test_c"),
    ),
    "pytest -q": ("3 passed in 0.01s\n", (3, 0, 0), ()),
    "pytest, long": ("1 failed, 5 passed in 75.20s (0:01:15)\n", (5, 1, 0), ()),
    "pytest, nothing": ("no tests ran in 0.01s\n", (0, 0, 0), ()),
    "pytest, deselected": ("=== 4 deselected in 0.01s ===\n", (0, 0, 0), ()),
    "unittest": (UNITTEST, (2, 2, 2), ("test_b (test_a.B.test_b)",)),
    "unittest, green": ("Ran 1 test in 0.000s\n\nOK\n", (1, 0, 0), ()),
    "unittest, nothing": ("Ran 0 tests in 0.000s\n\nOK\n", (0, 0, 0), ()),
    "unittest, nothing since 3.12": ("Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", (0, 0, 0), ()),
    "unittest, twice": ("Ran 1 test in 0.0s\n\nOK\nRan 2 tests in 0.0s\n\nOK\n", (3, 0, 0), ()),
    "go test -v": (GO_V, (1, 1, 1), ("TestB", "TestB/sub", "example.com/x")),
    "go test": (GO, (2, 0, 0), ()),
    "go test, red": (GO_RED, (1, 1, 0), ("TestB", "example.com/x")),
    "go test, nothing": ("?   \texample.com/z\t[no test files]\n", (0, 0, 0), ()),
    "go test, no match": ("ok  \texample.com/z\t0.1s [no tests to run]\n", (0, 0, 0), ()),
    "cargo test": (CARGO, (1, 1, 1), ("a::fails",)),
    "node --test": (NODE, (1, 1, 1), ("subtracts",)),
    "node --test, spec": ("ℹ tests 2\nℹ pass 2\nℹ fail 0\n", (2, 0, 0), ()),
    "TAP": (TAP, (1, 1, 2), ("b",)),
    "jest": (JEST, (5, 1, 3), ("math › adds",)),
    "vitest": (VITEST, (5, 2, 1), ()),
    "mocha": (MOCHA, (5, 2, 1), ()),
    "rspec": (RSPEC, (2, 1, 2), ("./spec/a_spec.rb:3",)),
    "minitest": (MINITEST, (2, 2, 1), ()),
    "prove": (PROVE, (6, 2, 0), ()),
    "prove, verbose": ("1..1\nok 1\nFiles=1, Tests=1,  0 wallclock\nResult: PASS\n", (1, 0, 0), ()),
    "prove, died": ("Files=1, Tests=1,  0 wallclock\nResult: FAIL\n", (0, 1, 0), ()),
    "two runners": ("3 passed in 0.1s\nTests:       2 passed, 2 total\n", (5, 0, 0), ()),
}


@pytest.mark.parametrize("runner", OUTPUTS)
def test_runners_are_understood(runner: str) -> None:
    output, (passed, failed, skipped), failing = OUTPUTS[runner]

    expected = TestCounts(
        passed=passed, failed=failed, skipped=skipped, total=passed + failed + skipped
    )

    assert expected == parse_counts(output)
    assert failing == failing_tests(output)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "all good\n",
        "3 passed, honestly\n",
        "5 passing grades in school\n",
        "Ran 3 tests in 0.1s\n",
        "ok 1 - no plan, no counts\n",
        "in 0.1s\n",
        "99999999999999999999 passed in 0.1s\n",
    ],
)
def test_other_text_has_no_counts(output: str) -> None:
    assert parse_counts(output) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"".join(one[0] for one in OUTPUTS.values()).splitlines(), "x" * 5000])
        | st.text(max_size=40),
        max_size=30,
    )
)
def test_any_text_gives_figures_that_add_up(lines: list[str]) -> None:
    counts = parse_counts("\n".join(lines))

    if counts is not None:
        assert counts.passed + counts.failed + counts.skipped == counts.total
        assert min(counts.passed, counts.failed, counts.skipped) >= 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(1, 999))
def test_figures_are_read_back_as_they_are_shown(passed: int, failed: int) -> None:
    counts = TestCounts(passed=passed, failed=failed, total=passed + failed)

    assert counts == parse_counts(f"=== {counts} in 1.00s ===")
    assert re.fullmatch(r"\d+ passed, \d+ failed", str(counts))
