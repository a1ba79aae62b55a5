"""How many tests ran and which failed, as runners print it.

The output belongs to the code under test, so nothing here makes a check pass: the exit code
decides, and these figures can only take trust away.
"""

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from m31a_engine.checks.result import TestCounts

_NUMBER = r"(\d{1,7})"
_PYTEST_ITEM = re.compile(
    rf"(?<!\d){_NUMBER} (passed|failed|skipped|deselected|xfailed|xpassed|errors?|warnings?|rerun)"
)
_PYTEST_LINE = re.compile(
    r"=* ?(no tests ran|no tests collected|\d[\w, ]{0,200}) in \d[\d.]*s?(?:econds)?"
    r"(?: \(\d[\d:, days]*\))? ?=*"
)
_UNITTEST_RAN = re.compile(rf"Ran {_NUMBER} tests? in \d[\d.]*s")
_UNITTEST_END = re.compile(r"(OK|FAILED|NO TESTS RAN)(?: \(([a-z]+[\w =,]{0,200})\))?")
_CARGO = re.compile(
    rf"test result: (?:ok|FAILED)\. {_NUMBER} passed; {_NUMBER} failed; {_NUMBER} ignored;.*"
)
_NODE = re.compile(rf"(?:#|ℹ) (tests|pass|fail|cancelled|skipped|todo) {_NUMBER}")
_NODE_FILE = re.compile(r"(?:ok \d{1,7} - |✔ )\S*\.[cm]?[jt]sx?(?: \(.*\))?")
"""A file that ended well and in which no test was found, or that ended before one was."""
_TAP_POINT = re.compile(r"(not )?ok\b(.*)")
_JEST = re.compile(rf"Tests:\s+((?:{_NUMBER} [a-z]+, )*){_NUMBER} total")
_VITEST = re.compile(rf"\s*Tests\s\s+(.*\S)\s+\({_NUMBER}\)")
_WORDED = re.compile(rf"{_NUMBER} (passed|failed|skipped|pending|todo)")
_MOCHA = re.compile(rf"\s+{_NUMBER} (passing|failing|pending)\b(?: \(.{{1,20}}\))?")
_RSPEC = re.compile(
    rf"{_NUMBER} examples?, {_NUMBER} failures?(?:, {_NUMBER} pending)?"
    rf"(?:, {_NUMBER} errors? occurred outside of examples)?"
)
_MINITEST = re.compile(
    rf"{_NUMBER} (?:runs|tests), \d+ assertions, {_NUMBER} failures, {_NUMBER} errors,"
    rf" {_NUMBER} (?:skips|pendings)\b.*"
)
_PROVE = re.compile(rf"Files=\d+, Tests={_NUMBER},.*")
_PROVE_FAILED = re.compile(rf".*[ .]{_NUMBER}/\d+ subtests failed\.?")
_GO_TEST = re.compile(r"--- (PASS|FAIL|SKIP): \S+ \(.*\)")
_GO_PACKAGE = re.compile(r"(ok  |FAIL|\?   )\t\S+(?:\t.*| \[.*)?")

_FAILING = (
    re.compile(r"(?:FAILED|ERROR) ([^\s(].*?(?:\[.*?\])?)(?: - .*)?"),
    re.compile(r"(?:FAIL|ERROR): (\S+ \(.+)"),
    re.compile(r"\s*--- FAIL: (\S+) \(.*\)"),
    re.compile(r"FAIL\t(\S+)(?:\t.*| \[.*\])?"),
    re.compile(r"test (\S.*) \.\.\. FAILED"),
    re.compile(r"\s*● (\S.* › .*\S)"),
    re.compile(r"\s*not ok \d{1,7}(?: -)? (?!.*# (?:TODO|SKIP))(\S.*)"),
    re.compile(r"rspec (\./\S+)(?: # .*)?"),
)
_LONGEST_LINE = 2000


def parse_counts(output: str) -> TestCounts | None:
    """What the runners in this output counted, added up; None when none is recognised.

    Known are pytest, unittest, go test, cargo test, node --test and other TAP, jest, vitest,
    mocha, rspec, minitest and prove. Without `-v` go counts packages.
    """
    lines = _lines(output)
    found = [counts for parse in _PARSERS if (counts := parse(lines)) is not None]
    if not found:
        return None
    return _counts(
        passed=sum(counts.passed for counts in found),
        failed=sum(counts.failed for counts in found),
        skipped=sum(counts.skipped for counts in found),
        whole_files=sum(counts.whole_files for counts in found),
    )


def failing_tests(output: str) -> tuple[str, ...]:
    """Names of the tests that failed, as the runner prints them; empty when it names none."""
    names: dict[str, None] = {}
    for line in _lines(output):
        for pattern in _FAILING:
            match = pattern.fullmatch(line)
            if match is not None:
                names[match[1].strip()] = None
                break
    return tuple(names)


def _lines(output: str) -> list[str]:
    return [line for line in output.splitlines() if 0 < len(line) <= _LONGEST_LINE]


def _counts(*, passed: int, failed: int, skipped: int = 0, whole_files: int = 0) -> TestCounts:
    passed = max(passed, 0)
    return TestCounts(
        passed=passed,
        failed=failed,
        skipped=skipped,
        total=passed + failed + skipped,
        whole_files=whole_files,
    )


def _worded(pairs: Iterable[tuple[str, str]], good: str, bad: str, idle: str) -> TestCounts:
    """Counts from (number, word) pairs; each of the three names its words with spaces between."""
    words = dict.fromkeys(f"{good} {bad} {idle}".split(), 0)
    for number, word in pairs:
        if word in words:
            words[word] += int(number)
    return _counts(
        passed=sum(words[word] for word in good.split()),
        failed=sum(words[word] for word in bad.split()),
        skipped=sum(words[word] for word in idle.split()),
    )


def _pytest(lines: Sequence[str]) -> TestCounts | None:
    ends = [match[1] for line in lines if (match := _PYTEST_LINE.fullmatch(line.strip()))]
    items = [_PYTEST_ITEM.findall(end) for end in ends]
    if not any(items) and not any(end.startswith("no tests") for end in ends):
        return None
    pairs = [pair for found in items for pair in found]
    return _worded(pairs, "passed xpassed", "failed error errors", "skipped xfailed")


def _unittest(lines: Sequence[str]) -> TestCounts | None:
    found: TestCounts | None = None
    ran: int | None = None
    for line in lines:
        if match := _UNITTEST_RAN.fullmatch(line):
            ran = int(match[1])
        elif ran is not None and (match := _UNITTEST_END.fullmatch(line)):
            details = dict(
                part.split("=", 1) for part in (match[2] or "").split(", ") if "=" in part
            )
            number = {name: int(value) for name, value in details.items() if value.isdecimal()}
            failed = sum(
                number.get(name, 0) for name in ("failures", "errors", "unexpected successes")
            )
            skipped = number.get("skipped", 0) + number.get("expected failures", 0)
            one = _counts(passed=ran - failed - skipped, failed=failed, skipped=skipped)
            found = _sum(found, one)
            ran = None
    return found


def _go(lines: Sequence[str]) -> TestCounts | None:
    packages = [line for line in lines if _GO_PACKAGE.fullmatch(line)]
    if not packages:
        return None
    if any(line.startswith("=== RUN") for line in lines):
        tests = [match[1] for line in lines if (match := _GO_TEST.fullmatch(line))]
        return _counts(
            passed=tests.count("PASS"), failed=tests.count("FAIL"), skipped=tests.count("SKIP")
        )
    passed = sum(line.startswith("ok") and "[no tests to run]" not in line for line in packages)
    return _counts(passed=passed, failed=sum(line.startswith("FAIL") for line in packages))


def _cargo(lines: Sequence[str]) -> TestCounts | None:
    ends = [match for line in lines if (match := _CARGO.fullmatch(line))]
    if not ends:
        return None
    passed, failed, skipped = (sum(int(end[at]) for end in ends) for at in (1, 2, 3))
    return _counts(passed=passed, failed=failed, skipped=skipped)


def _tap(lines: Sequence[str]) -> TestCounts | None:
    summary = [(match[2], match[1]) for line in lines if (match := _NODE.fullmatch(line))]
    if any(word == "tests" for _, word in summary):
        files = sum(_NODE_FILE.fullmatch(line) is not None for line in lines)
        counts = _worded(summary, "pass", "fail cancelled", "skipped todo")
        return msgspec.structs.replace(counts, whole_files=min(files, counts.passed))
    if not any(re.fullmatch(r"1\.\.\d{1,7}(?: .*)?", line) for line in lines):
        return None
    if any(_PROVE.fullmatch(line) for line in lines):
        return None
    passed = failed = skipped = 0
    for line in lines:
        match = _TAP_POINT.fullmatch(line)
        if match is None:
            continue
        if re.search(r"# *(?:skip|todo)", match[2], re.IGNORECASE):
            skipped += 1
        elif match[1]:
            failed += 1
        else:
            passed += 1
    return _counts(passed=passed, failed=failed, skipped=skipped)


def _jest(lines: Sequence[str]) -> TestCounts | None:
    ends = [match[1] for line in lines if (match := _JEST.fullmatch(line.strip()))]
    if not ends:
        return None
    return _worded(_WORDED.findall(" ".join(ends)), "passed", "failed", "skipped pending todo")


def _vitest(lines: Sequence[str]) -> TestCounts | None:
    ends = [match[1] for line in lines if (match := _VITEST.fullmatch(line))]
    if not ends:
        return None
    return _worded(_WORDED.findall(" ".join(ends)), "passed", "failed", "skipped todo")


def _mocha(lines: Sequence[str]) -> TestCounts | None:
    found = [(match[1], match[2]) for line in lines if (match := _MOCHA.fullmatch(line))]
    if not any(word == "passing" for _, word in found):
        return None
    return _worded(found, "passing", "failing", "pending")


def _rspec(lines: Sequence[str]) -> TestCounts | None:
    found: TestCounts | None = None
    for line in lines:
        if match := _RSPEC.fullmatch(line):
            total, failed, pending, errors = (int(number or 0) for number in match.groups())
            failed, skipped, ran = failed + errors, pending, total - failed - pending
        elif match := _MINITEST.fullmatch(line):
            total, failures, errors, skipped = (int(number) for number in match.groups())
            failed = failures + errors
            ran = total - failed - skipped
        else:
            continue
        found = _sum(found, _counts(passed=ran, failed=failed, skipped=skipped))
    return found


def _prove(lines: Sequence[str]) -> TestCounts | None:
    totals = [int(match[1]) for line in lines if (match := _PROVE.fullmatch(line))]
    if not totals:
        return None
    failed = sum(int(match[1]) for line in lines if (match := _PROVE_FAILED.fullmatch(line)))
    if not failed and "Result: FAIL" in lines:
        failed = 1
    return _counts(passed=sum(totals) - failed, failed=failed)


def _sum(one: TestCounts | None, other: TestCounts) -> TestCounts:
    if one is None:
        return other
    return _counts(
        passed=one.passed + other.passed,
        failed=one.failed + other.failed,
        skipped=one.skipped + other.skipped,
    )


_PARSERS: tuple[Callable[[Sequence[str]], TestCounts | None], ...] = (
    _pytest,
    _unittest,
    _go,
    _cargo,
    _tap,
    _jest,
    _vitest,
    _mocha,
    _rspec,
    _prove,
)
