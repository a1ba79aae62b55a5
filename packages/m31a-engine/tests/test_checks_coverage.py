"""The coverage gate: how it is measured and judged, and what is said where nothing measures."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from m31a_engine.checks.coverage import Gate, judge_coverage, left_out, not_measured
from m31a_engine.checks.covered import percent_in
from m31a_engine.checks.observation import Observation
from m31a_engine.checks.patch import AddedLine
from m31a_engine.checks.result import CheckStatus, Severity
from m31a_engine.config_sections import VerifySection
from m31a_engine.project.detect import detect

PYTHON_TABLE = """Name      Stmts   Miss  Cover
-----------------------------
sums.py       4      1    75%
-----------------------------
TOTAL         4      1    75%
"""
BRANCHES = "TOTAL        412     12    120      4  96.43%"
ISTANBUL = """----------|---------|----------|---------|---------|-------------------
File      | % Stmts | % Branch | % Funcs | % Lines | Uncovered Line #s
----------|---------|----------|---------|---------|-------------------
All files |      50 |      100 |      50 |   66.66 |
 sums.js  |      50 |      100 |      50 |      50 | 2
"""
SUMMARY = "Statements   : 80% ( 4/5 )\nLines        : 85.71% ( 6/7 )\n"
GO = "example.com/sums/sums.go:3:\tAdd\t100.0%\ntotal:\t\t\t(statements)\t66.7%\n"


@pytest.mark.parametrize(
    ("output", "percent"),
    [
        (PYTHON_TABLE, 75),
        (BRANCHES, 96.43),
        (ISTANBUL, 66.66),
        (SUMMARY, 85.71),
        (GO, 66.7),
        (GO + PYTHON_TABLE, 66.7),
        ("TOTAL of 100%", None),
        ("TOTAL " + "9 " * 1000 + "100%", None),
        ("3 passed", None),
    ],
)
def test_the_figure_is_read_as_tools_print_it_and_the_lowest_counts(
    output: str, percent: float | None
) -> None:
    assert percent_in(output) == percent


def seen(percent: float | None, code: int = 0, *, timed_out: bool = False) -> Observation:
    return Observation(
        tree="t",
        command="c",
        fingerprint="f",
        exit_codes=(code,),
        covered_percent=percent,
        timed_out=timed_out,
    )


NOT_STARTED = Observation(tree="t", command="", fingerprint="f", exit_codes=(), blocked="no tool")
ASKED = Gate(least_percent=80, command="c")


@pytest.mark.parametrize(
    ("head", "base", "status", "says"),
    [
        (seen(80), None, CheckStatus.PASSED, "80 % covered, 80 % are asked for"),
        (seen(79.9), seen(90), CheckStatus.FAILED, "90 % on the base"),
        (seen(79.9), None, CheckStatus.FAILED, "80 % are asked for"),
        (seen(70), seen(70), CheckStatus.KNOWN_FAILURE, "70 % on the base"),
        (seen(70), seen(71), CheckStatus.FAILED, "71 % on the base"),
        (seen(70), seen(99, 1), CheckStatus.FAILED, "80 % are asked for"),
        (seen(None), None, CheckStatus.NOT_RUN, "not measured: its command printed no figure"),
        (seen(100, 1), None, CheckStatus.NOT_RUN, "not measured: its command ended with 1"),
        (seen(100, 127), None, CheckStatus.NOT_RUN, "not measured: the program"),
        (seen(100, timed_out=True), None, CheckStatus.NOT_RUN, "not measured: its command was"),
        (NOT_STARTED, None, CheckStatus.NOT_RUN, "not measured: no tool"),
    ],
)
def test_too_little_is_red_and_known_where_the_base_had_no_more(
    head: Observation, base: Observation | None, status: CheckStatus, says: str
) -> None:
    result = judge_coverage(ASKED, head, base)

    assert result.status is status
    assert says in result.note
    assert not result.behavioural
    told = [finding.severity for finding in not_measured(result)]
    assert told == ([Severity.WARNING] if status is CheckStatus.NOT_RUN else [])


def test_what_is_taken_out_of_the_measure_blocks() -> None:
    texts = ["x()  # pragma: no cover", "/* istanbul ignore next */", "// c8 ignore next", "x = 1"]
    found = left_out([AddedLine("a", at, text) for at, text in enumerate(texts, 1)])
    assert [finding.text[:6] for finding in found] == ["line 1", "line 2", "line 3"]


CASE = "import unittest\nclass T(unittest.TestCase): ...\n"
FUNCTION = "def test_a(): ...\n"
JEST = '{"scripts": {"test": "jest"}}'
VITEST = '{"scripts": {"test": "vitest"}}'
NODE = '{"scripts": {"test": "node --test"}}'
SITE = "env/lib/python3.11/site-packages"
COVERAGE = {f"{SITE}/coverage/__init__.py": ""}
PYTEST = {f"{SITE}/pytest/__init__.py": ""}
TOOLS: dict[str, tuple[Mapping[str, str], Mapping[str, str], str]] = {
    "unittest": (
        {"test_a.py": CASE},
        COVERAGE,
        "python3 -m coverage run --source=. -m unittest discover"
        " && python3 -m coverage report --omit='*/tests/*,*/test/*,"
        "*/test_*.py,*_test.py,*/conftest.py'",
    ),
    "pytest, configured": (
        {
            "tests/test_a.py": FUNCTION,
            "src/a/__init__.py": "",
            ".coveragerc": "[run]\nsource = a\n",
        },
        {**COVERAGE, **PYTEST},
        "PYTHONPATH=src python3 -m coverage run -m pytest -q && python3 -m coverage report",
    ),
    "pytest-cov": (
        {"test_a.py": FUNCTION},
        {**PYTEST, f"{SITE}/pytest_cov/__init__.py": ""},
        "python3 -m pytest -q --cov=. --cov-report=term",
    ),
    "nothing installed": ({"test_a.py": CASE}, {}, "coverage is not installed for python3"),
    "several folders": (
        {"one/test_a.py": CASE, "two/test_b.py": CASE},
        COVERAGE,
        "the tests run in several commands: name one in [verify] coverage",
    ),
    "go": (
        {"go.mod": "module x\n", "a_test.go": ""},
        {},
        'go test -coverprofile="$TMPDIR/cover.out" ./...'
        ' && go tool cover -func="$TMPDIR/cover.out"',
    ),
    "a script": (
        {"package.json": '{"scripts": {"test": "jest", "coverage": "x"}}'},
        {},
        "npm run coverage",
    ),
    "jest": ({"package.json": JEST}, {"project/node_modules/jest/x": ""}, "npm test -- --coverage"),
    "vitest": (
        {"package.json": VITEST, "yarn.lock": ""},
        {"project/node_modules/@vitest/coverage-v8/x": ""},
        "CI=true yarn test --coverage",
    ),
    "c8": (
        {"package.json": VITEST},
        {"project/node_modules/.bin/c8": ""},
        "CI=true node_modules/.bin/c8 npm test",
    ),
    "node without": (
        {"package.json": NODE},
        {},
        "neither the test runner nor c8 or nyc measures it here",
    ),
    "rust": (
        {"Cargo.toml": "", "src/lib.rs": "#[test]\nfn x() {}\n"},
        {},
        "no tool is known that measures rust here",
    ),
    "no tests": ({"a.py": ""}, COVERAGE, "there are no tests"),
}


def facts_of(
    folder: Path, files: Mapping[str, str], installed: Mapping[str, str], section: VerifySection
) -> str:
    programs = folder / "env" / "bin"
    programs.mkdir(parents=True)
    (folder / "env" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    for name in ("python3", "go", "npm", "yarn", "cargo"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    project = {f"project/{path}": text for path, text in files.items()}
    for path, text in {**project, **installed}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    found = detect(folder / "project", list(files), section, environ={"PATH": str(programs)})
    return found.coverage or found.coverage_note


@pytest.mark.parametrize("case", TOOLS)
def test_a_project_is_measured_by_a_tool_that_is_there_or_the_reason_is_given(
    tmp_path: Path, case: str
) -> None:
    files, installed, told = TOOLS[case]
    assert facts_of(tmp_path, files, installed, VerifySection()) == told


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (VerifySection(coverage="make cover"), "make cover"),
        (VerifySection(coverage="off"), "[verify] coverage is off"),
        (
            VerifySection(test="make t"),
            "the test command is not one that was detected: name one in [verify] coverage",
        ),
    ],
)
def test_what_is_configured_decides_how_it_is_measured(
    tmp_path: Path, section: VerifySection, told: str
) -> None:
    assert facts_of(tmp_path, {"test_a.py": CASE}, COVERAGE, section) == told
