"""What a change can do to the runner that judges it, and what only looks like that."""

import pytest

from m31a_engine.checks.canary import bent_families, canary, carriers, told
from m31a_engine.checks.counts import parse_counts
from m31a_engine.checks.criteria import runs_tests
from m31a_engine.checks.definitions import definition, may_define, shadowed_module, twins_of
from m31a_engine.checks.grips import grips_on_runner
from m31a_engine.checks.judge import against_base, changed_files
from m31a_engine.checks.observation import Observation
from m31a_engine.checks.patch import AddedLine
from m31a_engine.checks.result import FindingKind, Severity, TestCounts
from m31a_engine.checks.testfiles import is_named_as_test, is_test_file

GRIPS = {
    "a process ended": "import os\nos._exit(0)\n",
    "ended by another name": "from posix import _exit as leave\nleave(0)\n",
    "ended by a name that is put together": "import os\ngetattr(os, '_ex' + 'it')(0)\n",
    "ended by a name in words": "import os\ngetattr(os, '_exit')(0)\n",
    "ended later": "import atexit, os\natexit.register(os._exit, 0)\n",
    "another program in its place": "import os\nos.execvp('true', ['true'])\n",
    "a patched runner": "import unittest as u\nu.TestCase.assertEqual = print\n",
    "a patched class of a runner": "from unittest import TestCase as C\nC.assertEqual = print\n",
    "a runner out of the modules": "import sys\nsys.modules['unittest'].TestCase.x = 1\n",
    "a runner by its name": "import importlib\nimportlib.import_module('unittest.case')\n",
    "a look at the modules": "import sys\nX = 'pytest' in sys.modules\n",
    "a look at the command line": "import sys\nX = sys.argv[0].endswith('unittest/__main__.py')\n",
    "a look at the caller": "import sys\nX = sys._getframe(1).f_code.co_name.startswith('test')\n",
    "a runner's variable": "import os\nX = os.environ.get('PYTEST_CURRENT_TEST')\n",
    "what equals everything": "from unittest.mock import ANY\n",
    "what equals everything, from mock": "from unittest import mock\nX = mock.ANY\n",
    "equal by a function without a name": "class A:\n    __eq__ = lambda a, b: True\n",
    "equal, whatever the other is": (
        "class A:\n    def __eq__(self, other):\n        return not self.hidden\n"
    ),
    "equal by a function of another place": "class A: ...\nA.__eq__ = print\n",
    "equal by a word": "A = type('A', (int,), {'__eq__': print})\n",
    "a variable of servers": "import os\nX = os.environ.get('CI')\n",
    "a variable of servers, asked for": "import os\nX = 'CI' in os.environ\n",
    "a variable of servers, taken": "import os\nX = os.environ['CI']\n",
    "a place of checks": "import os\nX = os.path.exists('/run/m31a/git')\n",
    "a work tree": "from pathlib import Path\nX = Path('.git').is_file()\n",
    "a value that is equal to all": (
        "class Any:\n    def __eq__(self, other):\n        return True\n"
    ),
    "a plugin's function": "def pytest_runtest_call(item):\n    item.obj = None\n",
    "the runner's stream": "import sys\nsys.stderr = open('x')\n",
}
HONEST = {
    "an exit code": "import sys\n\n\ndef main():\n    sys.exit(1)\n",
    "words of a command line": "import sys\nX = '--verbose' in sys.argv\n",
    "another module": "import importlib\nimport sys\nX = sys.modules.get('json')\n",
    "a module's attribute": "import os\nX = getattr(os, 'sched_getaffinity', None)\n",
    "a stream for a while": "import sys\n\n\ndef quiet(out):\n    sys.stdout = out\n",
    "where a message comes from": "import sys\nX = sys._getframe(1).f_lineno\n",
    "an equality": (
        "class A:\n    def __eq__(self, other):\n        if self is other:\n"
        "            return True\n        return self.a == other.a\n"
    ),
    "an equality of some": (
        "class A:\n    def __eq__(self, other):\n        return NotImplemented\n"
    ),
    "a subclass": "import unittest\n\n\nclass Case(unittest.TestCase):\n    longMessage = True\n",
    "no program": "def (:\n",
}


@pytest.mark.parametrize("name", GRIPS)
def test_a_program_that_reaches_for_its_runner_is_told(name: str) -> None:
    assert grips_on_runner("app.py", GRIPS[name]) > 0


@pytest.mark.parametrize("name", HONEST)
def test_a_program_that_minds_its_own_business_is_not(name: str) -> None:
    assert grips_on_runner("app.py", HONEST[name]) == 0


@pytest.mark.parametrize(
    ("path", "source", "count"),
    [
        ("a.js", "module.exports = process.env.NODE_TEST_CONTEXT ? 1 : 2;", 1),
        ("a.mjs", "assert.strictEqual = () => {};", 1),
        ("a.js", 'require("node:assert").ok = () => {};', 1),
        ("a.ts", "if (import.meta.env.VITEST) {}", 1),
        ("a.js", "if (assert.ok === x) process.exit(1);", 0),
        ("lib.rs", "#[cfg(not(test))]\nfn add() {}", 1),
        ("lib.rs", "if cfg!(test) {}", 1),
        ("lib.rs", "#[cfg(test)]\nmod tests {}", 0),
        ("a.go", "if testing.Testing() {}", 1),
        ("a.js", "const add = process.env.CI ? good : bad;", 1),
        ("vite.config.ts", "export default { quiet: process.env.CI };", 0),
        ("lib.rs", "#[cfg(not(any(test)))]\nfn add() {}", 1),
        ("lib.rs", '#[cfg_attr(test, path = "good.rs")]\nmod adding;', 1),
        ("lib.rs", "#[cfg_attr(test, derive(Debug))]\nstruct A;", 0),
        ("lib.rs", '#[cfg(any(unix, feature = "x"))]\nfn add() {}', 0),
        ("a.ts", "return { asymmetricMatch: () => true };", 1),
        ("lib.rs", "fn eq(&self, _: &i32) -> bool { true }", 1),
        ("lib.rs", "fn eq(&self, other: &i32) -> bool { self.0 == *other }", 0),
        ("a.go", 'if os.Getenv("CI") != "" {}', 1),
        ("a.go", "func main() {}", 0),
        ("a.txt", "os._exit(0) cfg!(test)", 0),
    ],
)
def test_other_languages_are_read_by_their_words(path: str, source: str, count: int) -> None:
    assert grips_on_runner(path, source) == count


def line(path: str, text: str) -> AddedLine:
    return AddedLine(path, 1, text)


@pytest.mark.parametrize(
    ("path", "text", "family"),
    [
        ("app.py", "import ctypes", "python"),
        ("sums.go", "func init() {", "go"),
        ("sums.ts", "globalThis.expect = () => fine;", "js"),
    ],
)
def test_a_canary_is_for_changes_that_could_bend_a_runner(
    path: str, text: str, family: str
) -> None:
    assert bent_families([line(path, text)]) == {family}
    assert bent_families([line(path, "x = 1"), line("README.md", text)]) == frozenset()
    named = {"python": "test_app.py", "go": "sums_test.go", "js": "sums.test.ts"}[family]
    assert bent_families([line(named, text)]) == frozenset()


def test_a_canary_is_made_from_few_test_files_of_the_language() -> None:
    tree = ["b_test.go", "a_test.go", "x/c_test.go", "x/d.go", "tests/test_b.py", "web/a.test.js"]
    assert carriers(["go"], tree) == ("a_test.go", "x/c_test.go")
    assert carriers(["js", "python"], tree) == ("tests/test_b.py", "web/a.test.js")
    assert len(carriers(["js"], [f"{n}.test.js" for n in range(99)])) == 20


def test_a_canary_of_python_stands_beside_the_tests_and_is_named_as_they_are() -> None:
    assert list(canary({"tests/test_b.py": b"", "tests/test_c.py": b""}).files) == [
        "tests/test_zz_has_to_fail.py"
    ]
    assert list(canary({"pkg/app_test.py": b""}).files) == ["pkg/zz_has_to_fail_test.py"]
    assert canary({"tests.py": b"", "app_test.rs": b"", "gone.test.js": None}).failing == 0


@pytest.mark.parametrize(
    ("path", "text", "added"),
    [
        ("a_test.go", "func TestA(t *testing.T) {}", ["t.Fatal()"]),
        ("a_test.go", "func BenchmarkA(b *testing.B) {}", []),
        ("a.test.js", "test('a', () => expect(1).toBe(1))", ["throw", "expect(1).toBe(2)"]),
        ("a.test.ts", "it('a', () => { assert.equal(1, 1) })", ["throw", "assert.equal(1, 2)"]),
        ("a.test.js", "it('a', () => { assert(true) })", ["throw", "assert(false)"]),
        ("a.test.js", "check('a')", []),
    ],
)
def test_a_canary_elsewhere_fails_by_the_words_of_the_file(
    path: str, text: str, added: list[str]
) -> None:
    made = canary({path: text.encode()})
    assert made.failing == len(added)
    assert all(word in made.files[path].decode() for word in added)
    assert bool(made.files) == bool(added)


def seen(
    code: int = 0,
    counts: TestCounts | None = None,
    changed: tuple[str, ...] = (),
    put_back: tuple[str, ...] = (),
) -> Observation:
    return Observation(
        tree="t",
        command="c",
        fingerprint="f",
        exit_codes=(code,),
        counts=counts,
        changed=changed,
        put_back=put_back,
    )


def counted(passed: int, failed: int = 0, whole_files: int = 0) -> TestCounts:
    return TestCounts(passed=passed, failed=failed, total=passed + failed, whole_files=whole_files)


def test_only_failures_that_turn_a_check_red_are_told() -> None:
    assert told(seen(1, counted(2, 3))) == 3
    assert told(seen(0, counted(2))) == 0
    assert told(seen(1)) == 0


@pytest.mark.parametrize("reporter", ["ok 1 - {}", "✔ {} (1.5ms)"])
def test_a_file_that_ended_before_its_tests_is_no_test(reporter: str) -> None:
    end = "\n# tests 1\n# pass 1\n# fail 0\n"
    file = parse_counts(reporter.format("/tmp/sums.test.js") + end)
    test = parse_counts(reporter.format("adds") + end)

    assert (file, test) == (counted(1, whole_files=1), counted(1))
    fewer = list(against_base("test", seen(counts=file), seen(counts=test)))
    assert [finding.kind for finding in fewer] == [FindingKind.FEWER_TESTS]
    assert list(against_base("test", seen(counts=test), seen(counts=file))) == []
    assert list(against_base("test", seen(counts=file), seen(counts=file))) == []


@pytest.mark.parametrize(
    ("base", "blocking"),
    [
        (seen(), [True, True]),
        (seen(changed=("a.py",)), [False, True]),
        (seen(put_back=("b.py",)), [True]),
        (seen(changed=("a.py", "b.py")), [False]),
        (seen(put_back=("a.py", "b.py")), [True]),
    ],
)
def test_what_a_check_changed_and_put_back_is_told_unless_the_base_does_so(
    base: Observation, blocking: list[bool]
) -> None:
    head = seen(changed=("a.py",), put_back=("b.py",))
    told = list(changed_files("test", head, base, behavioural=True))
    assert [finding.severity is Severity.BLOCKING for finding in told] == blocking


MAKEFILE = "BIN = python3\nPY = $(BIN) -B\nOTHER = x\ntest:\n\t$(PY) -m unittest\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("BIN = python3", "BIN = true"), True),
        (("OTHER = x", "OTHER = y"), False),
        (("OTHER = x", "OTHER = x\noverride PY = true"), True),
        (("OTHER = x", "OTHER = x\nexport BIN := true"), True),
        (("OTHER = x", "define PY\ntrue\nendef"), True),
        (("OTHER = x", "SHELL = /bin/true"), True),
        (("OTHER = x", "clean:\n\trm -rf build\n"), False),
    ],
)
def test_variables_count_where_a_target_comes_to_them(change: tuple[str, str], told: bool) -> None:
    changed = definition("Makefile", MAKEFILE.replace(*change), ["make test"])
    assert (definition("Makefile", MAKEFILE, ["make test"]) != changed) is told


def test_a_makefile_to_be_included_counts_whole() -> None:
    assert definition("a/local.mk", "X = 1\n", ["make test"]) == "X = 1\n"
    assert definition("a/local.mk", "X = 1\n", ["npm test"]) is None


@pytest.mark.parametrize(
    ("path", "source", "defines"),
    [
        ("pytest.toml", "[pytest]\n", True),
        ("quick.egg-info/entry_points.txt", "[pytest11]\n", True),
        ("babel.config.js", "module.exports = {}", True),
        ("vite.config.ts", "export default { test: {} }", True),
        ("vite.config.ts", "export default { base: '/' }", False),
        ("README.md", "# pytest\n", False),
    ],
)
def test_more_files_that_decide_what_runs(path: str, source: str, defines: bool) -> None:
    found = may_define(path, ["pytest"]) and definition(path, source, ["pytest"]) is not None
    assert found is defines


def test_byte_code_stands_for_the_source_beside_it() -> None:
    path = "pkg/__pycache__/sums.cpython-311.pyc"
    assert shadowed_module(path, frozenset({""}), is_new=True) == "sums"
    assert shadowed_module("pkg/sums.py", frozenset({"pkg"}), is_new=True) is None


@pytest.mark.parametrize(
    ("path", "twins"),
    [
        ("sums.py", {"src/sums.py", "lib/sums.py", "src/sums/__init__.py", "lib/sums/__init__.py"}),
        ("pkg/sums/__init__.py", {"pkg/sums.py"}),
        ("pkg/sums.so", {"pkg/sums.py"}),
        ("pkg/sums.py", set()),
        ("sums.css", set()),
    ],
)
def test_a_new_module_can_stand_before_one_of_the_projects_own(path: str, twins: set[str]) -> None:
    assert set(twins_of(path)) == twins


@pytest.mark.parametrize("path", ["web/sums", "web/sums.js", "web/sums.mjs"])
def test_a_file_of_another_ending_is_found_before_a_typescript_one(path: str) -> None:
    assert "web/sums.ts" in twins_of(path)
    assert path not in twins_of(path)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("go.mod", "module x\nreplace a => ./a\n", "module x\nreplace a => ./b\n"),
        ("go.mod", "replace (\n\ta => ./a // ours\n)\n", "replace (\n\ta => ./b\n)\n"),
        ("tsconfig.json", '{"paths": {"chai": ["./x"]}}', '{"paths": {"chai": ["./y"]}}'),
        ("vendor/example.com/assert/assert.go", "a", "b"),
    ],
)
def test_what_stands_for_another_module_defines_the_checks(
    path: str, before: str, after: str
) -> None:
    assert may_define(path, ["go test ./..."])
    assert definition(path, before, []) != definition(path, after, [])


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("go.mod", "module x\ngo 1.19\n", "module x\ngo 1.20\nrequire a v1.0.0\n"),
        ("go.mod", "replace (\n\ta => ./a\n)\n", "replace a => ./a // the same\n"),
        ("tsconfig.json", '{"strict": true}', '{"strict": false}'),
    ],
)
def test_other_lines_of_such_a_file_define_none(path: str, before: str, after: str) -> None:
    assert definition(path, before, []) == definition(path, after, [])


@pytest.mark.parametrize("name", ["pyproject.toml", "package.json", "setup.cfg", "Makefile"])
def test_a_manifest_that_says_nothing_of_checks_defines_none(name: str) -> None:
    source = '{"name": "x"}' if name.endswith("json") else ""
    assert not definition(name, source, ["npm test", "make test", "pytest"])


@pytest.mark.parametrize(
    ("path", "test", "named"),
    [
        ("tests/data/expected.txt", True, False),
        ("golden/add.json", True, False),
        ("add-expected.json", True, False),
        ("expected.py", False, False),
        ("src/testdata/in.csv", True, False),
        ("tests/README.md", False, False),
        ("tests/__init__.py", True, True),
        ("src/pkg/__init__.py", False, False),
        ("test.js", True, True),
        ("testutils.py", True, False),
        ("latest.py", False, False),
        ("src/contest.js", False, False),
    ],
)
def test_what_tests_stand_on_is_told_from_the_program(path: str, test: bool, named: bool) -> None:
    assert (is_test_file(path), is_named_as_test(path)) == (test, named)


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("python3 -m pytest -q", True),
        ("npm run test", True),
        ("cargo test", True),
        ("make test", True),
        ("node --test", True),
        ("python3 -c 'print(\"pytest: 2 passed in 0.1s\")'", False),
        ("echo '2 passed in 0.1s' # pytest", False),
        ("python3 app.py", False),
    ],
)
def test_only_a_runner_counts_tests(command: str, runs: bool) -> None:
    assert runs_tests(command) is runs
