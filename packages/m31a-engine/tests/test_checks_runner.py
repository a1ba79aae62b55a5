"""The checker on real repositories, with real runners."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from m31a_engine.checks.criteria import TaskCriterion
from m31a_engine.checks.result import (
    CheckResult,
    CheckStatus,
    FindingKind,
    Severity,
    TestCounts,
    Verdict,
    Verification,
)
from m31a_engine.checks.runner import Checker
from m31a_engine.config_sections import RedFirst
from m31a_engine.planning.plan import RunCriterion, TextCriterion
from m31a_engine.project.facts import CheckCommand
from m31a_rollback import Repository

pytestmark = pytest.mark.anyio

PYTHON = str(Path(sys.executable).resolve())
"""Without the packages of the environment these tests run in: it starts faster."""
UNITTEST = f"{PYTHON} -m unittest discover -s tests -t ."
PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider"
GOOD = "def add(a, b):\n    return a + b\n"
BAD = "def add(a, b):\n    return a - b\n"
TEST = (
    "import unittest\nfrom app import add\n\n\nclass AddTest(unittest.TestCase):\n"
    "    def test_adds(self):\n        self.assertEqual(5, add(2, 3))\n\n"
    "    def test_zero(self):\n        self.assertEqual(0, add(0, 0))\n"
)


@dataclass
class Project:
    """A repository in a folder of its own, and a checker for it."""

    root: Path
    home: Path
    told: list[CheckResult] = field(default_factory=list)

    def git(self, *arguments: str) -> str:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environ, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str | None]) -> str:
        for name, text in files.items():
            path = self.root / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if text.startswith("#!"):
                path.chmod(0o755)
            self.git("add", "-f", name)
        self.git("add", "-u")
        self.git("commit", "-q", "--allow-empty", "-m", "step")
        return self.git("rev-parse", "HEAD")

    async def check(
        self,
        base: str,
        head: str,
        *commands: str,
        criteria: Sequence[TaskCriterion] = (),
        behavioural: bool = True,
        timeout_s: float = 60,
        dependency_folders: Sequence[str] = (),
        setup: str = "",
        known_failures: frozenset[str] = frozenset(),
        allow: frozenset[str] = frozenset(),
        planned: frozenset[str] = frozenset(),
        may_run: Callable[[str], bool] = lambda command: True,
        predicted: Sequence[str] | None = None,
        fingerprint_before: str = "",
        environ: Mapping[str, str] | None = None,
        red_first: RedFirst = RedFirst.OFF,
        criteria_read: bool = False,
    ) -> Verification:
        checker = await self.checker(
            base,
            *commands,
            behavioural=behavioural,
            timeout_s=timeout_s,
            dependency_folders=dependency_folders,
            setup=setup,
            known_failures=known_failures,
            allow=allow,
            planned=planned,
            may_run=may_run,
            environ=environ,
            red_first=red_first,
            criteria_read=criteria_read,
        )
        verification = await checker.run(
            head,
            criteria,
            predicted=predicted,
            manual_steps=("look at it",),
            fingerprint_before=fingerprint_before,
        )
        leftovers = [path for path in (self.home / "scratch").iterdir() if path.name != "empty"]
        assert leftovers == []
        assert len(self.git("worktree", "list").splitlines()) == 1
        return verification

    async def checker(
        self,
        base: str,
        *commands: str,
        behavioural: bool = True,
        timeout_s: float = 60,
        dependency_folders: Sequence[str] = (),
        setup: str = "",
        known_failures: frozenset[str] = frozenset(),
        allow: frozenset[str] = frozenset(),
        planned: frozenset[str] = frozenset(),
        may_run: Callable[[str], bool] = lambda command: True,
        environ: Mapping[str, str] | None = None,
        red_first: RedFirst = RedFirst.OFF,
        criteria_read: bool = False,
    ) -> Checker:
        return Checker(
            repository=await Repository.open(self.root),
            base=base,
            commands=[
                CheckCommand(
                    name=f"test{at}" if at else "test",
                    command=command,
                    behavioural=behavioural,
                    sure=True,
                )
                for at, command in enumerate(commands)
            ],
            scratch=self.home / "scratch",
            cache=self.home / "cache",
            environ=environ or {"PATH": os.environ["PATH"], "HOME": str(self.home)},
            emit=self._tell,
            timeout_s=timeout_s,
            dependency_folders=dependency_folders,
            setup=setup,
            known_failures=known_failures,
            allow=allow,
            planned_tests=planned,
            may_run=may_run,
            red_first=red_first,
            criteria_read=criteria_read,
        )

    async def _tell(self, result: CheckResult) -> None:
        self.told.append(result)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "home").mkdir()
    made = Project(root=root, home=tmp_path / "home")
    made.git("init", "-q", "-b", "main")
    return made


def kinds(verification: Verification) -> set[FindingKind]:
    return {
        finding.kind for finding in verification.findings if finding.severity is Severity.BLOCKING
    }


async def test_green_tests_on_the_committed_tree_are_verified(project: Project) -> None:
    base = project.commit({"app.py": BAD, "tests/test_app.py": TEST, "tests/__init__.py": ""})
    head = project.commit({"app.py": GOOD})

    result = await project.check(base, head, UNITTEST)

    assert (result.verdict, result.findings) == (Verdict.VERIFIED, ())
    syntax, test = result.checks
    assert (syntax.name, syntax.passed, syntax.note) == ("syntax", True, "1 file")
    assert TestCounts(passed=2, failed=0, total=2) == test.counts
    assert (0, project.git("rev-parse", "HEAD^{tree}")) == (test.exit_code, test.tree)
    assert result.tree == test.tree
    assert result.manual_steps == ("look at it",)
    assert list(result.checks) == project.told


async def test_red_tests_are_run_twice_and_compared_with_the_base(project: Project) -> None:
    base = project.commit({"app.py": GOOD, "tests/test_app.py": TEST, "tests/__init__.py": ""})
    head = project.commit({"app.py": BAD})
    runs = project.home / "runs"

    result = await project.check(base, head, f"echo x >> {runs}; {UNITTEST}")

    assert Verdict.FAILED is result.verdict
    assert "FAIL: test_adds" in result.checks[-1].output_tail
    assert TestCounts(passed=1, failed=1, total=2) == result.checks[-1].counts
    assert len(runs.read_text().split()) == 3


ONE_BACKEND = pytest.mark.parametrize("anyio_backend", ["asyncio"])
"""The commands below do the work; that both backends run them is shown above."""

INIT = {"tests/__init__.py": ""}
GREEN = {"app.py": GOOD, "tests/test_app.py": TEST, **INIT}
MAKE = "test:\n\t" + UNITTEST + "\n"
BYPASS = "import os, unittest\nunittest.main = lambda *a, **k: os._exit(0)\n"
HOOK = (
    "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport():\n"
    "    result = yield\n    result.get_result().outcome = 'passed'\n"
)
EXIT = "import os\nprint('Ran 2 tests in 0.001s\\n\\nOK', flush=True)\nos._exit(0)\n"


@dataclass(frozen=True)
class Attack:
    """A change that breaks the program and gets, or tries to get, its checks green."""

    head: Mapping[str, str | None]
    kinds: frozenset[FindingKind] = frozenset()
    base: Mapping[str, str | None] = field(default_factory=lambda: GREEN)
    command: str = UNITTEST
    verdict: Verdict = Verdict.FAILED


def found(*names: FindingKind) -> frozenset[FindingKind]:
    return frozenset(names)


K = FindingKind
ATTACKS = {
    "test deleted": Attack(
        {"app.py": BAD, "tests/test_app.py": None},
        found(K.TEST_DELETED, K.FEWER_TESTS, K.BASE_TESTS_RED),
    ),
    "one test deleted": Attack(
        {"app.py": BAD, "tests/test_app.py": TEST.replace("test_adds", "check_adds")},
        found(K.TEST_DELETED, K.FEWER_TESTS, K.BASE_TESTS_RED),
    ),
    "test skipped": Attack(
        {
            "app.py": BAD,
            "tests/test_app.py": TEST.replace(
                "    def test_adds", "    @unittest.skip('x')\n    def test_adds"
            ),
        },
        found(K.TEST_SKIPPED, K.FEWER_TESTS, K.BASE_TESTS_RED),
    ),
    "expected value changed": Attack(
        {"app.py": BAD, "tests/test_app.py": TEST.replace("5, add", "-1, add")},
        found(K.BASE_TESTS_RED),
    ),
    "assert emptied": Attack(
        {
            "app.py": BAD,
            "tests/test_app.py": TEST.replace("self.assertEqual(5, add(2, 3))", "add(2, 3)"),
        },
        found(K.TEST_EMPTIED, K.BASE_TESTS_RED),
    ),
    "stdlib module shadowed": Attack(
        {"app.py": BAD, "unittest.py": EXIT}, found(K.SHADOWING_MODULE)
    ),
    "runner's module shadowed": Attack(
        {"app.py": BAD, "argparse.py": EXIT}, found(K.SHADOWING_MODULE)
    ),
    "sitecustomize": Attack(
        {"app.py": BAD, "sitecustomize.py": BYPASS}, found(K.SHADOWING_MODULE, K.CHECK_DEFINITION)
    ),
    "program ends the runner": Attack({"app.py": "import os\nos._exit(0)\n"}, found(K.FEWER_TESTS)),
    "program fakes the summary": Attack({"app.py": EXIT}, found(K.TEST_LOOSENED)),
    "program patches the runner": Attack(
        {"app.py": BAD + "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\n"},
        found(K.TEST_LOOSENED),
    ),
    "conftest hook": Attack(
        {"app.py": BAD, "conftest.py": HOOK}, found(K.CHECK_DEFINITION), command=PYTEST
    ),
    "makefile target": Attack(
        {"app.py": BAD, "Makefile": "test:\n\ttrue\n"},
        found(K.CHECK_DEFINITION, K.FEWER_TESTS),
        base={**GREEN, "Makefile": MAKE},
        command="make -s test",
    ),
    "makefile variable": Attack(
        {"app.py": BAD, "Makefile": "RUN = true\ntest:\n\t$(RUN) " + UNITTEST + "\n"},
        found(K.CHECK_DEFINITION, K.FEWER_TESTS),
        base={**GREEN, "Makefile": "RUN = env\ntest:\n\t$(RUN) " + UNITTEST + "\n"},
        command="make -s test",
    ),
    "check script": Attack(
        {"app.py": BAD, "check.sh": "#!/bin/sh\nexit 0\n"},
        found(K.CHECK_DEFINITION, K.FEWER_TESTS),
        base={**GREEN, "check.sh": "#!/bin/sh\n" + UNITTEST + "\n"},
        command="./check.sh",
    ),
    "a new test file patches the program": Attack(
        {
            "app.py": BAD,
            "tests/test_a.py": "import app\napp.add = lambda a, b: a + b\n"
            + TEST.split("\n", 2)[0]
            + "\n",
        },
        found(K.TEST_LOOSENED),
    ),
    "failing text, exit code 0": Attack({"app.py": BAD}, command=f"{UNITTEST} || true"),
    "the check mends the program": Attack(
        {"app.py": BAD},
        found(K.CHECK_CHANGED_FILES),
        command=f"printf 'def add(a, b):\\n    return a + b\\n' > app.py; {UNITTEST}",
        base={**GREEN, "app.py": GOOD},
    ),
    "a test mends the program": Attack(
        {
            "app.py": BAD,
            "tests/test_0.py": f"open('app.py', 'w').write({GOOD!r})\n",
        },
        found(K.CHECK_CHANGED_FILES),
    ),
    "time-out": Attack({"app.py": "while True:\n    pass\n"}),
    "no program": Attack({"app.py": BAD}, command="m31a-no-such-program --check"),
    "no program any more": Attack(
        {"app.py": BAD, "check.sh": None},
        found(K.CHECK_DEFINITION, K.FEWER_TESTS),
        base={**GREEN, "check.sh": "#!/bin/sh\n" + UNITTEST + "\n"},
        command="./check.sh",
    ),
    "no test collected": Attack(
        {"app.py": BAD}, base={"app.py": GOOD, **INIT}, verdict=Verdict.PARTIAL
    ),
    "all tests skip": Attack(
        {"app.py": BAD},
        base={
            "app.py": GOOD,
            "tests/test_app.py": TEST.replace("class", "@unittest.skip('x')\nclass"),
            **INIT,
        },
        verdict=Verdict.PARTIAL,
    ),
    "nothing that shows behaviour": Attack({"app.py": BAD}, command="", verdict=Verdict.PARTIAL),
    "syntax error in a file no test imports": Attack({"other.py": "def f(:\n"}),
    "tests green only by a file that is not committed": Attack(
        {"app.py": "from local import add\n"},
    ),
}


@ONE_BACKEND
@pytest.mark.parametrize("name", ATTACKS)
async def test_broken_programs_are_never_called_verified(project: Project, name: str) -> None:
    attack = ATTACKS[name]
    base = project.commit(attack.base)
    head = project.commit(attack.head)
    (project.root / "local.py").write_text(GOOD)
    commands = [attack.command] if attack.command else []

    result = await project.check(base, head, *commands, timeout_s=0.5 if name == "time-out" else 30)

    assert attack.verdict is result.verdict, result
    assert attack.kinds <= kinds(result)


KNOWN_RED = TEST + "\n    def test_old(self):\n        self.assertEqual(1, add(1, 1))\n"


@ONE_BACKEND
async def test_what_is_red_on_the_base_too_is_a_known_failure(project: Project) -> None:
    base = project.commit({**GREEN, "tests/test_app.py": KNOWN_RED})
    head = project.commit({"other.py": "x = 1\n"})

    result = await project.check(base, head, UNITTEST)

    assert Verdict.VERIFIED_KNOWN_FAILURES is result.verdict
    assert CheckStatus.KNOWN_FAILURE is result.checks[-1].status
    assert len(result.known_failures) == 1
    assert result.known_failures[0].startswith("test_old (")


@ONE_BACKEND
async def test_a_new_failure_beside_known_ones_fails(project: Project) -> None:
    base = project.commit({**GREEN, "tests/test_app.py": KNOWN_RED})
    head = project.commit({"app.py": BAD})

    result = await project.check(base, head, UNITTEST)

    assert (result.verdict, result.known_failures) == (Verdict.FAILED, ())


@ONE_BACKEND
async def test_red_on_both_sides_without_one_passing_test_proves_nothing(project: Project) -> None:
    base = project.commit({"app.py": GOOD})
    head = project.commit({"app.py": BAD})

    result = await project.check(base, head, "exit 3")

    assert Verdict.PARTIAL is result.verdict
    assert result.known_failures == ("test",)


@ONE_BACKEND
async def test_declared_failures_are_known_without_the_base_being_red(project: Project) -> None:
    base = project.commit(GREEN)
    head = project.commit({"app.py": BAD})
    failing = "test_adds (tests.test_app.AddTest.test_adds)"

    declared = await project.check(base, head, UNITTEST, known_failures=frozenset({failing}))
    other = await project.check(base, head, UNITTEST, known_failures=frozenset({"test_zero"}))

    assert Verdict.VERIFIED_KNOWN_FAILURES is declared.verdict
    assert (failing,) == declared.known_failures
    assert Verdict.FAILED is other.verdict


@ONE_BACKEND
async def test_red_and_green_on_one_tree_is_flaky_and_not_verified(project: Project) -> None:
    base = project.commit(GREEN)
    head = project.commit({"other.py": "x = 1\n"})
    mark = project.home / "ran"
    command = f"{UNITTEST}; code=$?; test -e {mark} || {{ touch {mark}; exit 1; }}; exit $code"

    result = await project.check(base, head, command)

    assert (result.verdict, result.checks[-1].status) == (Verdict.PARTIAL, CheckStatus.FLAKY)


@ONE_BACKEND
async def test_a_command_runs_once_on_a_tree_whatever_session_asks(project: Project) -> None:
    base = project.commit(GREEN)
    head = project.commit({"other.py": "x = 1\n"})
    runs = project.home / "runs"
    command = f"echo x >> {runs}; {UNITTEST}"

    first = await project.check(base, head, command)
    second = await project.check(base, head, command)
    after = project.commit({"third.py": "y = 2\n"})
    third = await project.check(head, after, command)

    assert first.checks[1:] == second.checks[1:]
    assert Verdict.VERIFIED is third.verdict
    assert len(runs.read_text().split()) == 3


@ONE_BACKEND
async def test_a_cached_result_counts_for_its_own_tree_and_environment_only(
    project: Project,
) -> None:
    base = project.commit(GREEN)
    head = project.commit({"app.py": BAD})
    await project.check(base, base, UNITTEST)
    cache = project.home / "cache"
    (green,) = cache.iterdir()
    await project.check(base, head, UNITTEST)
    (red,) = (path for path in cache.iterdir() if path != green)

    red.write_bytes(green.read_bytes())

    assert Verdict.FAILED is (await project.check(base, head, UNITTEST)).verdict
    red.write_bytes(b"torn")
    assert Verdict.FAILED is (await project.check(base, head, UNITTEST)).verdict


LESS = TEST.replace("5, add", "-1, add").partition("    def test_zero")[0]


@ONE_BACKEND
async def test_findings_are_lifted_by_a_person_and_recorded(project: Project) -> None:
    base = project.commit(GREEN)
    head = project.commit({"app.py": BAD, "tests/test_app.py": LESS})

    refused = await project.check(base, head, UNITTEST)
    allowed = await project.check(base, head, UNITTEST, allow=frozenset({"test-changes"}))
    planned = await project.check(base, head, UNITTEST, planned=frozenset({"tests/test_app.py"}))

    assert Verdict.FAILED is refused.verdict
    assert {FindingKind.TEST_DELETED, FindingKind.FEWER_TESTS, FindingKind.BASE_TESTS_RED} == kinds(
        refused
    )
    assert (Verdict.VERIFIED, set()) == (allowed.verdict, kinds(allowed))
    assert len([finding for finding in allowed.findings if "(allowed)" in finding.text]) == 2
    assert (planned.verdict, planned.findings) == (Verdict.VERIFIED, ())


@ONE_BACKEND
async def test_new_asserts_and_new_tests_are_no_finding(project: Project) -> None:
    base = project.commit(GREEN)
    more = (
        TEST
        + "        self.assertEqual(1, add(0, 1))\n\n"
        + "    def test_new(self):\n        self.assertTrue(add(1, 0))\n"
    )
    head = project.commit({"tests/test_app.py": more, "tests/test_more.py": TEST})

    result = await project.check(base, head, UNITTEST)

    assert (result.verdict, result.findings) == (Verdict.VERIFIED, ())
    assert result.checks[-1].name == "base tests on head (test)"
    assert result.checks[-1].passed


@ONE_BACKEND
async def test_run_criteria_count_when_a_person_read_them_and_the_base_fails_them(
    project: Project,
) -> None:
    base = project.commit({"README": "x"})
    head = project.commit({"app.py": GOOD})
    shown = f"{PYTHON} -c 'import app; assert app.add(2, 3) == 5'"

    async def verdict(*commands: str, leave: bool = True, read: bool = True) -> Verdict:
        criteria = [
            TaskCriterion(criterion=RunCriterion(command=command), task="1") for command in commands
        ]
        result = await project.check(
            base, head, criteria=criteria, criteria_read=read, may_run=lambda command: leave
        )
        return result.verdict

    assert Verdict.VERIFIED is await verdict(shown)
    assert Verdict.PARTIAL is await verdict(shown, read=False)
    assert Verdict.PARTIAL is await verdict("true", "test -f app.py", "python3 -c 'print(1)'")
    assert Verdict.PARTIAL is await verdict(f"{PYTHON} -m py_compile app.py")
    assert Verdict.FAILED is await verdict(shown, f"{PYTHON} -c 'import app; app.sub'")
    assert Verdict.PARTIAL is await verdict(shown, leave=False)


@ONE_BACKEND
@pytest.mark.parametrize(
    ("test", "worth"),
    [
        (TEST, Verdict.VERIFIED),
        (re.sub(r"self.assert.*", "self.assertTrue(True)", TEST), Verdict.PARTIAL),
        (re.sub(r"self.assert.*", "add(2, 3)", TEST), Verdict.PARTIAL),
    ],
)
async def test_a_criterion_of_the_runs_own_tests_counts_where_they_can_fail(
    project: Project, test: str, worth: Verdict
) -> None:
    base = project.commit({"README": "x"})
    head = project.commit({"app.py": GOOD, "tests/test_app.py": test, **INIT})
    criterion = TaskCriterion(criterion=RunCriterion(command=UNITTEST), task="1")

    assert worth is (await project.check(base, head, criteria=[criterion])).verdict


@ONE_BACKEND
async def test_text_criteria_are_searched_and_prove_nothing(project: Project) -> None:
    base = project.commit({"README": "x"})
    head = project.commit({"app.py": GOOD})
    criteria = [
        TaskCriterion(criterion=TextCriterion(text=text), files=("app.py",), task="1")
        for text in ("app.py contains `def add`", "`def sub` in app.py", "the moon is shining")
    ]

    result = await project.check(base, head, criteria=criteria)

    assert Verdict.PARTIAL is result.verdict
    assert [check.passed for check in result.checks[1:]] == [True, False, False]


@ONE_BACKEND
async def test_predicted_files_are_compared_with_the_real_ones(project: Project) -> None:
    base = project.commit(GREEN)
    head = project.commit({"app.py": GOOD + "\n", "extra.py": "x = 1\n"})

    result = await project.check(base, head, UNITTEST, predicted=["app.py", "never.py"])

    assert Verdict.VERIFIED is result.verdict
    assert [(finding.kind, finding.path) for finding in result.findings] == [
        (FindingKind.UNPREDICTED_CHANGE, "extra.py"),
        (FindingKind.PREDICTED_UNCHANGED, "never.py"),
    ]


@ONE_BACKEND
async def test_checks_leave_the_users_folder_alone(project: Project) -> None:
    base = project.commit(GREEN)
    head = project.commit({"app.py": BAD})
    (project.root / "app.py").write_text(GOOD)
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(project.root),
        "OPENAI_API_KEY": "sk-x",
        "HOME": str(project.home),
    }
    seen = project.home / "seen"

    result = await project.check(
        base, head, f"cd {project.root} && env > {seen}; {UNITTEST}", environ=environ
    )

    assert Verdict.FAILED is result.verdict
    assert "sk-x" not in seen.read_text()
    assert str(project.root) + "\n" not in seen.read_text()
    assert sorted(path.name for path in project.root.iterdir() if path.name != ".git") == [
        "app.py",
        "tests",
    ]
    assert list(project.root.rglob("__pycache__")) == []


@ONE_BACKEND
async def test_what_a_killed_check_left_behind_is_not_in_the_next_checkout(
    project: Project,
) -> None:
    base = project.commit(GREEN)
    head = project.commit({"app.py": "from stale import add\n"})
    place = project.home / "scratch" / "head"
    project.git("worktree", "add", "-q", "--detach", str(place), head)
    (place / "stale.py").write_text(GOOD)

    result = await project.check(base, head, UNITTEST)

    assert Verdict.FAILED is result.verdict


@ONE_BACKEND
async def test_what_one_check_leaves_is_gone_for_the_next(project: Project) -> None:
    base = project.commit({"app.py": "from made import add\n", "tests/test_app.py": TEST, **INIT})
    maker = f"printf 'def add(a, b):\\n    return a + b\\n' > made.py; {PYTHON} -c 'import app'"

    result = await project.check(base, base, maker, UNITTEST)

    assert [check.passed for check in result.checks] == [True, False]


@ONE_BACKEND
async def test_packages_installed_on_the_way_block_unless_a_manifest_says_so(
    project: Project,
) -> None:
    site = project.root / ".venv" / "lib" / "python3.11" / "site-packages"
    (site / "old-1.dist-info").mkdir(parents=True)
    base = project.commit({**GREEN, ".gitignore": ".venv\n"})
    head = project.commit({"other.py": "x = 1\n"})
    checker = await project.checker(base, UNITTEST, dependency_folders=[".venv"])
    before = await checker.fingerprint()
    assert before == await checker.fingerprint()
    (site / "new-1.dist-info").mkdir()

    silent = await project.check(
        base, head, UNITTEST, dependency_folders=[".venv"], fingerprint_before=before
    )
    told = await project.check(
        base,
        project.commit({"requirements.txt": "new==1\n"}),
        UNITTEST,
        dependency_folders=[".venv"],
        fingerprint_before=before,
    )

    assert {FindingKind.ENVIRONMENT_CHANGED} == kinds(silent)
    assert (silent.verdict, told.verdict) == (Verdict.FAILED, Verdict.VERIFIED)


def make_venv(root: Path, **files: str) -> Path:
    """A folder laid out as a virtual environment whose interpreter is this one."""
    site = root / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    site.mkdir(parents=True)
    (root / ".venv" / "pyvenv.cfg").write_text(
        f"home = {Path(sys.executable).resolve().parent}\ninclude-system-site-packages = false\n"
    )
    (root / ".venv" / "bin").mkdir()
    (root / ".venv" / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    for name, text in files.items():
        (site / name).write_text(text)
    return site


VENV_UNITTEST = ".venv/bin/python -m unittest discover -s tests -t ."


@ONE_BACKEND
async def test_a_virtual_environment_that_leads_nowhere_back_is_linked(project: Project) -> None:
    site = make_venv(project.root)
    (site / "helper.py").write_text("VALUE = 5\n")
    base = project.commit({**GREEN, ".gitignore": ".venv/\n"})
    test = TEST.replace("import add", "import add\nimport helper").replace("5,", "helper.VALUE,")
    head = project.commit({"tests/test_app.py": test})

    result = await project.check(base, head, VENV_UNITTEST, dependency_folders=[".venv"])

    assert Verdict.VERIFIED is result.verdict
    assert (site / "helper.py").is_file()


@ONE_BACKEND
async def test_an_editable_install_is_not_trusted_to_test_the_commit(project: Project) -> None:
    source = project.root / "src"
    site = make_venv(project.root)
    (site / "app.pth").write_text(f"{source}\n")
    base = project.commit(
        {".gitignore": ".venv\n", "src/app.py": GOOD, "tests/test_app.py": TEST, **INIT}
    )
    head = project.commit({"src/app.py": BAD})
    (source / "app.py").write_text(GOOD)

    result = await project.check(base, head, VENV_UNITTEST, dependency_folders=[".venv"])
    setup = (
        f"{PYTHON} -m venv --without-pip .venv && echo $PWD/src > "
        f".venv/lib/python3.{sys.version_info.minor}/site-packages/app.pth"
    )
    remade = await project.check(
        base, head, VENV_UNITTEST, dependency_folders=[".venv"], setup=setup
    )
    broken = await project.check(
        base, head, VENV_UNITTEST, dependency_folders=[".venv"], setup="exit 4"
    )

    assert (result.verdict, result.checks[-1].status) == (Verdict.PARTIAL, CheckStatus.NOT_RUN)
    assert ".venv leads back into the project (lib/" in result.checks[-1].note
    assert (remade.verdict, remade.checks[-1].exit_code) == (Verdict.FAILED, 1)
    assert Verdict.PARTIAL is broken.verdict
    assert "set-up command ended with 4" in broken.checks[-1].note


@ONE_BACKEND
async def test_an_editable_install_in_an_interpreter_outside_is_seen_too(
    project: Project, tmp_path: Path
) -> None:
    site = make_venv(tmp_path / "outside")
    (site / "__editable___app_finder.py").write_text(
        f"MAPPING = {{'app': '{project.root}/src/app'}}\n"
    )
    base = project.commit({"app.py": GOOD})
    outside = tmp_path / "outside" / ".venv" / "bin" / "python"

    result = await project.check(base, base, f"{outside} -c 'import app'", "true")

    assert [check.status for check in result.checks] == [CheckStatus.NOT_RUN, CheckStatus.PASSED]
    assert "__editable___app_finder.py" in result.checks[0].note


@ONE_BACKEND
async def test_links_and_paths_into_the_users_folder_block(project: Project) -> None:
    base = project.commit(GREEN)
    (project.root / "data").symlink_to(project.root / "app.py")
    head = project.commit(
        {"data2.py": f"PLACE = '{project.root}'\n", "NOTES.md": str(project.root)}
    )
    project.git("add", "data")
    project.git("commit", "-q", "-m", "link")
    head = project.git("rev-parse", "HEAD")

    result = await project.check(base, head, UNITTEST)

    assert Verdict.FAILED is result.verdict
    assert [(finding.kind, finding.path) for finding in result.findings] == [
        (FindingKind.LEADS_OUTSIDE, "data"),
        (FindingKind.LEADS_OUTSIDE, "data2.py"),
    ]


@ONE_BACKEND
async def test_files_that_a_check_changes_on_the_base_as_well_are_a_warning(
    project: Project,
) -> None:
    base = project.commit({**GREEN, "stamp.txt": "0"})
    head = project.commit({"other.py": "x = 1\n"})

    result = await project.check(base, head, f"date +%N > stamp.txt; {UNITTEST}")

    assert Verdict.VERIFIED is result.verdict
    assert [(finding.kind, finding.severity) for finding in result.findings] == [
        (FindingKind.CHECK_CHANGED_FILES, Severity.WARNING)
    ]


@ONE_BACKEND
async def test_a_check_that_destroys_its_checkout_harms_nothing_else(project: Project) -> None:
    base = project.commit(GREEN)

    result = await project.check(base, base, "rm .git", UNITTEST, "rm -rf $PWD", f"{UNITTEST} -v")

    assert [check.exit_code == 0 for check in result.checks] == [True, True, True, True]
    assert {FindingKind.CHECK_CHANGED_FILES} == {finding.kind for finding in result.findings}
    assert (project.root / "app.py").read_text() == GOOD


def scaled(test: str) -> str:
    """The tests, and one for a function that the base does not have."""
    return test.replace("import add", "import add, scale") + (
        "\n    def test_scales(self):\n        self.assertEqual(6, scale(2, 3))\n"
    )


SCALE = "\n\ndef scale(a, b):\n    return a * b\n"


@pytest.mark.parametrize(
    ("files", "wanted", "kinds"),
    [
        ({"app.py": GOOD + SCALE, "tests/test_app.py": scaled(TEST)}, RedFirst.BLOCK, []),
        ({"app.py": GOOD + SCALE}, RedFirst.WARN, [Severity.WARNING]),
        ({"app.py": GOOD + SCALE}, RedFirst.BLOCK, [Severity.BLOCKING]),
        ({"app.py": GOOD + SCALE}, RedFirst.OFF, []),
        (
            {"app.py": GOOD + SCALE, "tests/test_more.py": TEST.replace("AddTest", "MoreTest")},
            RedFirst.WARN,
            [Severity.WARNING],
        ),
    ],
    ids=["a test is red without it", "no test", "no test, strict", "off", "a test green without"],
)
async def test_a_change_is_shown_by_a_test_that_is_red_without_it(
    project: Project, files: dict[str, str | None], wanted: RedFirst, kinds: list[Severity]
) -> None:
    base = project.commit({"app.py": GOOD, "tests/__init__.py": "", "tests/test_app.py": TEST})
    head = project.commit(files)

    verification = await project.check(base, head, UNITTEST, red_first=wanted)

    found = [
        finding.severity
        for finding in verification.findings
        if finding.kind is FindingKind.NO_TEST_SHOWS_CHANGE
    ]
    assert found == kinds
    assert (verification.verdict is Verdict.FAILED) == (Severity.BLOCKING in kinds)


async def test_a_bug_whose_test_was_red_before_is_shown_by_that_test(project: Project) -> None:
    base = project.commit({"app.py": BAD, "tests/__init__.py": "", "tests/test_app.py": TEST})
    head = project.commit({"app.py": GOOD})

    verification = await project.check(base, head, UNITTEST, red_first=RedFirst.BLOCK)

    assert verification.findings == ()
    assert verification.verdict is Verdict.VERIFIED


@pytest.mark.parametrize(("length", "at"), [(6, 3), (2, 1), (5, 5)])
async def test_the_commit_that_broke_a_check_is_named(
    project: Project, length: int, at: int
) -> None:
    base = project.commit({"app.py": GOOD, "tests/__init__.py": "", "tests/test_app.py": TEST})
    chain = [
        project.commit({f"part_{number}.py": "x = 1\n"} | ({"app.py": BAD} if number == at else {}))
        for number in range(1, length + 1)
    ]
    checker = await project.checker(base, UNITTEST)

    culprit = await checker.find_culprit(chain[-1], "test", UNITTEST)

    assert culprit.commit == chain[at - 1]
    assert (culprit.inconclusive, culprit.subject) == ("", "step")
    assert len(project.git("worktree", "list").splitlines()) == 1


async def test_a_check_that_is_red_on_the_base_has_no_culprit(project: Project) -> None:
    base = project.commit({"app.py": BAD, "tests/__init__.py": "", "tests/test_app.py": TEST})
    head = project.commit({"a.py": "x = 1\n"})
    checker = await project.checker(base, UNITTEST)

    culprit = await checker.find_culprit(head, "test", UNITTEST)

    assert culprit.commit is None
    assert culprit.inconclusive
