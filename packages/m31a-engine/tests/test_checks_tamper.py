"""Tampering, case by case: what changed between base and head, and what is found."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from m31a_engine.checks.leaning import shadowed_packages, things_of_tests
from m31a_engine.checks.result import FindingKind as K
from m31a_engine.checks.result import Severity
from m31a_engine.checks.tamper import base_tests, tampering, weakened
from m31a_rollback import Repository

PY = """\
import unittest
import pytest
from app import add


def test_adds():
    assert add(2, 3) == 5
    assert add(1, 1) == 2


@pytest.mark.parametrize("a", [1, 2, 3])
def test_many(a):
    assert add(a, 0) == a


class Case(unittest.TestCase):
    def test_unit(self):
        self.assertEqual(2, add(1, 1))

    def test_raises(self):
        with self.assertRaises(TypeError):
            add(1, None)
"""
JS = """\
const { add } = require('./app');
describe('add', () => {
  it('adds', () => { expect(add(2, 3)).toBe(5); });
  it('zero', () => { expect(add(0, 0)).toBe(0); });
});
"""
GO = """\
package x

func TestAdd(t *testing.T) {
\tif Add(2, 3) != 5 {
\t\tt.Fatal("no")
\t}
}

func TestZero(t *testing.T) {
\tif Add(0, 0) != 0 {
\t\tt.Errorf("no")
\t}
}
"""
RUST = """\
pub fn add(a: i32, b: i32) -> i32 { a + b }

#[cfg(test)]
mod tests {
    #[test]
    fn adds() { assert_eq!(super::add(2, 3), 5); }

    #[test]
    fn zero() { assert_eq!(super::add(0, 0), 0); }
}
"""
RUBY = """\
describe 'x' do
  it 'adds' do
    expect(add(2, 3)).to eq 5
  end
  it 'zero' do
    expect(add(0, 0)).to eq 0
  end
end
"""
JAVA = """\
class AddTest {
  @Test
  void adds() { assertEquals(5, add(2, 3)); }
  @Test
  void zero() { assertEquals(0, add(0, 0)); }
}
"""
BATS = '@test "adds" {\n  [ "$(add 2 3)" = 5 ]\n}\n'


def swap(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


# path, before, after, kinds found
Case = tuple[str, str, str | None, set[K]]
WEAKENED: dict[str, Case] = {
    "nothing changed": ("test_a.py", PY, PY, set()),
    "file deleted": ("test_a.py", PY, None, {K.TEST_DELETED}),
    "file no longer parses": ("test_a.py", PY, PY + "def (", {K.TEST_DELETED}),
    "test renamed away": ("test_a.py", PY, swap(PY, "def test_adds", "def adds"), {K.TEST_DELETED}),
    "test renamed": ("test_a.py", PY, swap(PY, "def test_adds", "def test_sums"), set()),
    "asserts added": (
        "test_a.py",
        PY,
        swap(PY, "== 2\n", "== 2\n    assert add(9, 1) == 10\n"),
        set(),
    ),
    "test added": ("test_a.py", PY, PY + "\n\ndef test_new():\n    assert add(0, 1)\n", set()),
    "layout and comments": ("test_a.py", PY, "# note\n" + swap(PY, "2, 3", "2,  3"), set()),
    "skip mark": (
        "test_a.py",
        PY,
        swap(PY, "def test_adds", "@pytest.mark.skip\ndef test_adds"),
        {K.TEST_SKIPPED},
    ),
    "skip mark with reason": (
        "test_a.py",
        PY,
        swap(PY, "def test_adds", "@pytest.mark.skip(reason='x')\ndef test_adds"),
        {K.TEST_SKIPPED},
    ),
    "skipif": (
        "test_a.py",
        PY,
        swap(PY, "def test_adds", "@pytest.mark.skipif(True, reason='x')\ndef test_adds"),
        {K.TEST_SKIPPED},
    ),
    "xfail": (
        "test_a.py",
        PY,
        swap(PY, "def test_adds", "@pytest.mark.xfail\ndef test_adds"),
        {K.TEST_SKIPPED},
    ),
    "unittest.skip": (
        "test_a.py",
        PY,
        swap(PY, "    def test_unit", "    @unittest.skip('x')\n    def test_unit"),
        {K.TEST_SKIPPED},
    ),
    "expectedFailure": (
        "test_a.py",
        PY,
        swap(PY, "    def test_unit", "    @unittest.expectedFailure\n    def test_unit"),
        {K.TEST_SKIPPED},
    ),
    "class skipped": (
        "test_a.py",
        PY,
        swap(PY, "class Case", "@unittest.skip('x')\nclass Case"),
        {K.TEST_SKIPPED},
    ),
    "skip call": (
        "test_a.py",
        PY,
        swap(
            PY, "    assert add(2, 3) == 5\n", "    pytest.skip('x')\n    assert add(2, 3) == 5\n"
        ),
        {K.TEST_SKIPPED},
    ),
    "skipTest call": (
        "test_a.py",
        PY,
        swap(
            PY, "        self.assertEqual", "        self.skipTest('x')\n        self.assertEqual"
        ),
        {K.TEST_SKIPPED},
    ),
    "raise SkipTest": (
        "test_a.py",
        PY,
        swap(PY, "    assert add(2, 3) == 5\n", "    raise unittest.SkipTest('x')\n"),
        {K.TEST_SKIPPED, K.TEST_LOOSENED},
    ),
    "pytestmark": (
        "test_a.py",
        PY,
        swap(PY, "import pytest\n", "import pytest\npytestmark = pytest.mark.skip\n"),
        {K.TEST_SKIPPED},
    ),
    "whole file skipped": (
        "test_a.py",
        PY,
        swap(PY, "import pytest\n", "import pytest\npytest.skip('x', allow_module_level=True)\n"),
        {K.TEST_SKIPPED},
    ),
    "importorskip": (
        "test_a.py",
        PY,
        swap(PY, "from app", "pytest.importorskip('nothing')\nfrom app"),
        {K.TEST_SKIPPED},
    ),
    "setUpModule skips": (
        "test_a.py",
        PY,
        PY + "\n\ndef setUpModule():\n    raise unittest.SkipTest('x')\n",
        {K.TEST_SKIPPED},
    ),
    "__test__ = False": (
        "test_a.py",
        PY,
        swap(
            PY,
            "class Case(unittest.TestCase):\n",
            "class Case(unittest.TestCase):\n    __test__ = False\n\n",
        ),
        {K.TEST_SKIPPED},
    ),
    "load_tests": (
        "test_a.py",
        PY,
        PY + "\n\ndef load_tests(loader, tests, pattern):\n    return unittest.TestSuite()\n",
        {K.TEST_SKIPPED},
    ),
    "assert removed": (
        "test_a.py",
        PY,
        swap(PY, "    assert add(1, 1) == 2\n", ""),
        {K.TEST_LOOSENED},
    ),
    "all asserts removed": (
        "test_a.py",
        PY,
        swap(PY, "        self.assertEqual(2, add(1, 1))", "        pass"),
        {K.TEST_EMPTIED},
    ),
    "return before the asserts": (
        "test_a.py",
        PY,
        swap(PY, "    assert add(2, 3) == 5\n", "    return\n    assert add(2, 3) == 5\n"),
        {K.TEST_EMPTIED},
    ),
    "assert True": (
        "test_a.py",
        PY,
        swap(PY, "assert add(2, 3) == 5", "assert True"),
        {K.TEST_LOOSENED},
    ),
    "assert ... or True": (
        "test_a.py",
        PY,
        swap(PY, "assert add(2, 3) == 5", "assert add(2, 3) == 5 or True"),
        {K.TEST_LOOSENED},
    ),
    "assert of a tuple": (
        "test_a.py",
        PY,
        swap(PY, "assert add(2, 3) == 5", "assert (add(2, 3) == 5, 'x')"),
        {K.TEST_LOOSENED},
    ),
    "compared with itself": (
        "test_a.py",
        PY,
        swap(PY, "assert add(2, 3) == 5", "assert add(2, 3) == add(2, 3)"),
        {K.TEST_LOOSENED},
    ),
    "assertEqual of the same": (
        "test_a.py",
        PY,
        swap(PY, "assertEqual(2, add(1, 1))", "assertEqual(2, 2)"),
        {K.TEST_EMPTIED, K.TEST_LOOSENED},
    ),
    "equality to truth": (
        "test_a.py",
        PY,
        swap(PY, "assert add(2, 3) == 5", "assert add(2, 3)"),
        {K.TEST_LOOSENED},
    ),
    "equality to approximation": (
        "test_a.py",
        PY,
        swap(PY, "== 5", "== pytest.approx(5, abs=99)"),
        {K.TEST_LOOSENED},
    ),
    "assertEqual to assertTrue": (
        "test_a.py",
        PY,
        swap(PY, "assertEqual(2, add(1, 1))", "assertTrue(add(1, 1))"),
        {K.TEST_LOOSENED},
    ),
    "any exception will do": (
        "test_a.py",
        PY,
        swap(PY, "assertRaises(TypeError)", "assertRaises(Exception)"),
        {K.TEST_LOOSENED},
    ),
    "assertion error swallowed": (
        "test_a.py",
        PY,
        swap(
            PY,
            "    assert add(2, 3) == 5\n",
            "    try:\n        assert add(2, 3) == 5\n    except AssertionError:\n        pass\n",
        ),
        {K.TEST_LOOSENED},
    ),
    "suppress": (
        "test_a.py",
        PY,
        swap(
            PY,
            "    assert add(2, 3) == 5\n",
            "    with suppress(Exception):\n        assert add(2, 3) == 5\n",
        ),
        {K.TEST_LOOSENED},
    ),
    "fewer parameters": ("test_a.py", PY, swap(PY, "[1, 2, 3]", "[1]"), {K.TEST_DELETED}),
    "more parameters": ("test_a.py", PY, swap(PY, "[1, 2, 3]", "[1, 2, 3, 4]"), set()),
    "ends the runner": ("test_a.py", PY, PY + "\nimport os\nos._exit(0)\n", {K.TEST_LOOSENED}),
    "patches the program": ("test_a.py", PY, "import app\napp.add = sum\n" + PY, {K.TEST_LOOSENED}),
    "patches by setattr": (
        "test_a.py",
        PY,
        "import app\nsetattr(app, 'add', sum)\n" + PY,
        {K.TEST_LOOSENED},
    ),
    "replaces a module": (
        "test_a.py",
        PY,
        "import sys\nsys.modules['app'] = object()\n" + PY,
        {K.TEST_LOOSENED},
    ),
    "js unchanged": ("a.test.js", JS, JS, set()),
    "js asserts added": (
        "a.test.js",
        JS,
        swap(JS, ".toBe(5);", ".toBe(5); expect(add(1, 1)).toBe(2);"),
        set(),
    ),
    "js deleted": ("a.test.js", JS, None, {K.TEST_DELETED}),
    "js it.skip": (
        "a.test.js",
        JS,
        swap(JS, "it('adds'", "it.skip('adds'"),
        {K.TEST_DELETED, K.TEST_SKIPPED},
    ),
    "js xit": (
        "a.test.js",
        JS,
        swap(JS, "it('adds'", "xit('adds'"),
        {K.TEST_DELETED, K.TEST_SKIPPED},
    ),
    "js it.only": ("a.test.js", JS, swap(JS, "it('adds'", "it.only('adds'"), {K.TEST_SKIPPED}),
    "js describe.skip": (
        "a.test.js",
        JS,
        swap(JS, "describe(", "describe.skip("),
        {K.TEST_SKIPPED},
    ),
    "js commented out": (
        "a.test.js",
        JS,
        swap(JS, "  it('adds'", "  // it('adds'"),
        {K.TEST_DELETED, K.TEST_LOOSENED},
    ),
    "js emptied": (
        "a.test.js",
        JS,
        swap(swap(JS, "expect(add(2, 3)).toBe(5);", ""), "expect(add(0, 0)).toBe(0);", ""),
        {K.TEST_EMPTIED},
    ),
    "js trivial": (
        "a.test.js",
        JS,
        swap(JS, "expect(add(2, 3)).toBe(5)", "expect(true).toBe(true)"),
        {K.TEST_LOOSENED},
    ),
    "js exit": ("a.test.js", JS, "process.exit(0);\n" + JS, {K.TEST_SKIPPED}),
    "go deleted": ("a_test.go", GO, swap(GO, "func TestZero", "func testZero"), {K.TEST_DELETED}),
    "go skip": (
        "a_test.go",
        GO,
        swap(GO, "\tif Add(2, 3)", "\tt.Skip()\n\tif Add(2, 3)"),
        {K.TEST_SKIPPED},
    ),
    "go log instead of fail": ("a_test.go", GO, swap(GO, "t.Fatal", "t.Log"), {K.TEST_LOOSENED}),
    "go TestMain": (
        "a_test.go",
        GO,
        GO + "\nfunc TestMain(m *testing.M) {\n\tos.Exit(0)\n}\n",
        {K.TEST_SKIPPED},
    ),
    "rust ignore": (
        "src/lib.rs",
        RUST,
        swap(RUST, "    #[test]\n    fn adds", "    #[test]\n    #[ignore]\n    fn adds"),
        {K.TEST_SKIPPED},
    ),
    "rust deleted": (
        "src/lib.rs",
        RUST,
        swap(RUST, "    #[test]\n    fn zero", "    fn zero"),
        {K.TEST_DELETED},
    ),
    "rust trivial": (
        "src/lib.rs",
        RUST,
        swap(RUST, "assert_eq!(super::add(2, 3), 5)", "assert!(true)"),
        {K.TEST_LOOSENED},
    ),
    "rust program changed": ("src/lib.rs", RUST, swap(RUST, "a + b", "b + a"), set()),
    "ruby skip": (
        "a_spec.rb",
        RUBY,
        swap(RUBY, "    expect(add(2", "    skip\n    expect(add(2"),
        {K.TEST_SKIPPED},
    ),
    "ruby xit": (
        "a_spec.rb",
        RUBY,
        swap(RUBY, "  it 'adds'", "  xit 'adds'"),
        {K.TEST_DELETED, K.TEST_SKIPPED},
    ),
    "java disabled": (
        "AddTest.java",
        JAVA,
        swap(JAVA, "  @Test\n  void adds", "  @Disabled @Test\n  void adds"),
        {K.TEST_SKIPPED},
    ),
    "java deleted": (
        "AddTest.java",
        JAVA,
        swap(JAVA, "@Test\n  void adds", "void adds"),
        {K.TEST_DELETED},
    ),
    "bats skip": ("test/a.bats", BATS, swap(BATS, '  [ "', '  skip\n  [ "'), {K.TEST_SKIPPED}),
    "no test at all": ("app.py", "x = 1\n", None, set()),
}


@pytest.mark.parametrize("case", WEAKENED)
def test_weakened_tests_are_found_and_honest_edits_are_not(case: str) -> None:
    path, before, after, kinds = WEAKENED[case]

    findings = tuple(weakened({path: before}, {path: after}))

    assert kinds == {finding.kind for finding in findings}, findings
    assert all(finding.severity is Severity.BLOCKING for finding in findings)


def test_moved_tests_are_not_deleted_ones() -> None:
    assert (
        tuple(
            weakened(
                {"test_a.py": PY, "tests/test_b.py": None},
                {"test_a.py": None, "tests/test_b.py": PY},
            )
        )
        == ()
    )
    assert tuple(weakened({"a.test.js": JS}, {"a.test.js": None, "b.test.js": JS})) == ()


@dataclass(frozen=True)
class Change:
    """Files of the head on top of the base's; the rest stays."""

    head: Mapping[str, str | None]
    kinds: set[K]
    base: Mapping[str, str] = field(default_factory=dict)
    commands: Sequence[str] = ("python3 -m pytest",)


PYPROJECT = "[project]\nname = 'x'\n[tool.pytest.ini_options]\naddopts = '-q'\n"
PACKAGE = '{"name": "x", "scripts": {"test": "npm run unit", "unit": "jest", "start": "node ."}}'
MAKEFILE = """\
RUN = python3
.PHONY: test
all: app
\techo $(OTHER)
test: lint
\t$(RUN) -m pytest
lint:
\truff check
OTHER = 1
"""
NPM, MAKE = ("npm test",), ("make test",)
CHANGES: dict[str, Change] = {
    "program": Change({"app.py": "y = 1\n", "README.md": "x"}, set()),
    "conftest added": Change({"conftest.py": "x = 1\n"}, {K.CHECK_DEFINITION}),
    "conftest changed": Change(
        {"tests/conftest.py": "y = 1\n"}, {K.CHECK_DEFINITION}, {"tests/conftest.py": "x = 1\n"}
    ),
    "conftest deleted": Change(
        {"tests/conftest.py": None}, {K.CHECK_DEFINITION}, {"tests/conftest.py": "x = 1\n"}
    ),
    "pytest.ini": Change({"pytest.ini": "[pytest]\naddopts = -k x\n"}, {K.CHECK_DEFINITION}),
    "tox.ini": Change({"tox.ini": "[tox]\n"}, {K.CHECK_DEFINITION}),
    "m31a.toml": Change({"m31a.toml": "[verify]\ntest = 'true'\n"}, {K.CHECK_DEFINITION}),
    "setup.cfg, tests": Change(
        {"setup.cfg": "[tool:pytest]\naddopts = -k x\n"},
        {K.CHECK_DEFINITION},
        {"setup.cfg": "[metadata]\nname = x\n"},
    ),
    "setup.cfg, name": Change(
        {"setup.cfg": "[metadata]\nname = y\n"}, set(), {"setup.cfg": "[metadata]\nname = x\n"}
    ),
    "pyproject, options": Change(
        {"pyproject.toml": PYPROJECT.replace("-q", "-k zero")},
        {K.CHECK_DEFINITION},
        {"pyproject.toml": PYPROJECT},
    ),
    "pyproject, version": Change(
        {"pyproject.toml": PYPROJECT.replace("'x'", "'x'\nversion = '2'")},
        set(),
        {"pyproject.toml": PYPROJECT},
    ),
    "pyproject, broken": Change(
        {"pyproject.toml": "[project\n"}, {K.CHECK_DEFINITION}, {"pyproject.toml": PYPROJECT}
    ),
    "package.json, test": Change(
        {"package.json": PACKAGE.replace("npm run unit", "true")},
        {K.CHECK_DEFINITION},
        {"package.json": PACKAGE},
        NPM,
    ),
    "package.json, script of test": Change(
        {"package.json": PACKAGE.replace('"jest"', '"jest -t zero"')},
        {K.CHECK_DEFINITION},
        {"package.json": PACKAGE},
        NPM,
    ),
    "package.json, pretest": Change(
        {"package.json": PACKAGE.replace('"start"', '"pretest": "cp ok.js app.js", "start"')},
        {K.CHECK_DEFINITION},
        {"package.json": PACKAGE},
        NPM,
    ),
    "package.json, jest": Change(
        {"package.json": PACKAGE.replace('"name"', '"jest": {"testMatch": []}, "name"')},
        {K.CHECK_DEFINITION},
        {"package.json": PACKAGE},
        NPM,
    ),
    "package.json, start": Change(
        {"package.json": PACKAGE.replace("node .", "node x.js")},
        set(),
        {"package.json": PACKAGE},
        NPM,
    ),
    "package.json, broken": Change(
        {"package.json": "{"}, {K.CHECK_DEFINITION}, {"package.json": PACKAGE}, NPM
    ),
    "jest.config.js": Change(
        {"jest.config.js": "module.exports = {}\n"}, {K.CHECK_DEFINITION}, {}, NPM
    ),
    ".npmrc": Change({".npmrc": "script-shell=/bin/true\n"}, {K.CHECK_DEFINITION}, {}, NPM),
    "installed runner": Change({"node_modules/jest/index.js": "x"}, {K.CHECK_DEFINITION}, {}, NPM),
    "Makefile, target": Change(
        {"Makefile": MAKEFILE.replace("-m pytest", "-V")},
        {K.CHECK_DEFINITION},
        {"Makefile": MAKEFILE},
        MAKE,
    ),
    "Makefile, prerequisite": Change(
        {"Makefile": MAKEFILE.replace("ruff check", "true")},
        {K.CHECK_DEFINITION},
        {"Makefile": MAKEFILE},
        MAKE,
    ),
    "Makefile, variable": Change(
        {"Makefile": MAKEFILE.replace("RUN = python3", "RUN = true")},
        {K.CHECK_DEFINITION},
        {"Makefile": MAKEFILE},
        MAKE,
    ),
    "Makefile, shell": Change(
        {"Makefile": "SHELL = /bin/true\n" + MAKEFILE},
        {K.CHECK_DEFINITION},
        {"Makefile": MAKEFILE},
        MAKE,
    ),
    "Makefile, include": Change(
        {"Makefile": MAKEFILE + "include x.mk\n"},
        {K.CHECK_DEFINITION},
        {"Makefile": MAKEFILE},
        MAKE,
    ),
    "Makefile, other target": Change(
        {"Makefile": MAKEFILE.replace("OTHER = 1", "OTHER = 2")},
        set(),
        {"Makefile": MAKEFILE},
        MAKE,
    ),
    "Makefile, no check uses it": Change(
        {"Makefile": "test:\n\ttrue\n"}, set(), {"Makefile": MAKEFILE}
    ),
    "script of a check": Change(
        {"bin/check": "exit 0\n"},
        {K.CHECK_DEFINITION},
        {"bin/check": "pytest\n"},
        ("bash bin/check",),
    ),
    "script of a Makefile": Change(
        {"run.sh": "exit 0\n"},
        {K.CHECK_DEFINITION},
        {"run.sh": "pytest\n", "Makefile": "test:\n\t./run.sh\n"},
        MAKE,
    ),
    "justfile": Change(
        {"justfile": "test:\n    true\n"},
        {K.CHECK_DEFINITION},
        {"justfile": "test:\n    pytest\n"},
        ("just test",),
    ),
    "justfile, unused": Change(
        {"justfile": "test:\n    true\n"}, set(), {"justfile": "test:\n    pytest\n"}
    ),
    "Cargo.toml, test": Change(
        {"Cargo.toml": "[package]\nname='x'\n[lib]\ntest = false\n"},
        {K.CHECK_DEFINITION},
        {"Cargo.toml": "[package]\nname='x'\n"},
        ("cargo test",),
    ),
    "Cargo.toml, version": Change(
        {"Cargo.toml": "[package]\nname='x'\nversion='2.0.0'\n"},
        set(),
        {"Cargo.toml": "[package]\nname='x'\n"},
        ("cargo test",),
    ),
    ".cargo/config.toml": Change(
        {".cargo/config.toml": "[target.x]\nrunner = 'true'\n"},
        {K.CHECK_DEFINITION},
        {},
        ("cargo test",),
    ),
    "pytest shadowed": Change({"pytest.py": "x = 1\n"}, {K.SHADOWING_MODULE}),
    "pytest shadowed by a folder": Change({"pytest/__init__.py": "x = 1\n"}, {K.SHADOWING_MODULE}),
    "beside the tests": Change({"tests/random.py": "x = 1\n"}, {K.SHADOWING_MODULE}),
    "in src": Change({"src/re.py": "x = 1\n"}, {K.SHADOWING_MODULE}),
    "compiled": Change({"json.cpython-311-x86_64-linux-gnu.so": "x"}, {K.SHADOWING_MODULE}),
    "inside a package": Change({"app/logging.py": "x = 1\n"}, set()),
    "known module changed": Change({"queue.py": "y = 2\n"}, set(), {"queue.py": "x = 1\n"}),
    "known runner changed": Change(
        {"unittest/__init__.py": "y = 2\n"},
        {K.SHADOWING_MODULE},
        {"unittest/__init__.py": "x = 1\n"},
    ),
    ".pth": Change({"src/x.pth": "import os\n"}, {K.CHECK_DEFINITION}),
    "usercustomize": Change(
        {"usercustomize.py": "x = 1\n"}, {K.CHECK_DEFINITION, K.SHADOWING_MODULE}
    ),
}


class Repo:
    """One repository in which each case has two commits of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q")

    def git(self, *arguments: str, given: str = "") -> str:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        for role in ("AUTHOR", "COMMITTER"):
            environ |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=environ,
            check=True,
            capture_output=True,
            input=given.encode(),
        )
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str]) -> str:
        stream = ["commit refs/heads/x\ncommitter A <a@example.org> 1 +0000\ndata 0\n\ndeleteall\n"]
        for path, text in files.items():
            stream.append(f"M 644 inline {path}\ndata {len(text.encode())}\n{text}\n")
        self.git("fast-import", "--quiet", "--force", given="".join(stream))
        return self.git("rev-parse", "refs/heads/x")


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return Repo(tmp_path_factory.mktemp("tamper"))


ONE_BACKEND = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.mark.anyio
@ONE_BACKEND
@pytest.mark.parametrize("case", CHANGES)
async def test_what_defines_the_checks_is_fixed_at_the_base(repo: Repo, case: str) -> None:
    change = CHANGES[case]
    common = {"app.py": "x = 1\n", "tests/test_app.py": PY}
    base = repo.commit({**common, **change.base})
    files = {**common, **change.base, **change.head}
    head = repo.commit({path: text for path, text in files.items() if text is not None})
    repository = await Repository.open(repo.root)
    diff = await repository.diff(base, head)

    found = await tampering(repository, base, head, diff.files, commands=change.commands)
    planned = await tampering(
        repository, base, head, diff.files, commands=change.commands, planned=frozenset(change.head)
    )

    assert change.kinds == {finding.kind for finding in found}, found
    assert planned == ()


ASSERTING = "def equal(a, b):\n    if a != b:\n        raise AssertionError\n"
CHAI = "export const equal = (a, b) => assert.equal(a, b);\n"
FREE = "def equal(a, b):\n    return a == b\n"
HELPERS: dict[str, tuple[dict[str, str], dict[str, str], tuple[str, ...]]] = {
    "of the tests alone": (
        {"comparing.py": ASSERTING, "test_a.py": "from comparing import equal\n"},
        {"comparing.py": FREE},
        ("comparing.py",),
    ),
    "in another language": (
        {"lib/comparing.ts": CHAI, "a.test.ts": 'import { equal } from "./lib/comparing";\n'},
        {"lib/comparing.ts": "export const equal = (a, b) => a === b;\n"},
        ("lib/comparing.ts",),
    ),
    "that is gone": (
        {"comparing.py": ASSERTING, "test_a.py": "from comparing import equal\n"},
        {"comparing/__init__.py": ASSERTING},
        ("comparing.py",),
    ),
    "that others use": (
        {
            "comparing.py": ASSERTING,
            "test_a.py": "import comparing\n",
            "app.py": "import comparing",
        },
        {"comparing.py": FREE, "app.py": "import comparing"},
        (),
    ),
    "that no test uses": (
        {"comparing.py": ASSERTING, "test_a.py": "import sums\n"},
        {"comparing.py": FREE},
        (),
    ),
    "that is data": (
        {"cases.json": "[5]", "test_a.py": "open('cases.json')\n", "app.py": ""},
        {"cases.json": "[]", "app.py": ""},
        ("cases.json",),
    ),
    "that is data of the program's": (
        {"cases.json": "[5]", "test_a.py": "open('cases.json')\n", "app.py": "open('cases.json')"},
        {"cases.json": "[]", "app.py": "open('cases.json')"},
        (),
    ),
    "that asserts as before": (
        {"comparing.py": ASSERTING, "test_a.py": "import comparing\n"},
        {"comparing.py": ASSERTING + FREE},
        (),
    ),
}


@pytest.mark.anyio
@ONE_BACKEND
@pytest.mark.parametrize("case", HELPERS)
async def test_a_helper_of_tests_is_found_when_it_asserts_less(repo: Repo, case: str) -> None:
    before, after, helpers = HELPERS[case]
    kept = {path: text for path, text in before.items() if path.startswith(("test_a", "a.test"))}
    base, head = repo.commit(before), repo.commit({**kept, **after})
    repository = await Repository.open(repo.root)

    found = await things_of_tests(repository, base, head, sorted({"README.md", *before, *after}))

    assert found == helpers


@pytest.mark.anyio
@ONE_BACKEND
@pytest.mark.parametrize(
    ("base", "added", "shadows"),
    [
        ({"test_a.py": "from asserting import equal\n"}, "src/asserting/__init__.py", True),
        ({"test_a.py": "from asserting import equal\n"}, "asserting.py", True),
        ({"test_a.py": "from pkg import more\n", "pkg/__init__.py": ""}, "pkg/more.py", False),
        ({"test_a.py": "import sums\n", "src/sums.py": ""}, "sums.py", False),
        ({"test_a.py": "import sums\n"}, "sums.js", False),
    ],
)
async def test_a_module_in_the_place_of_an_installed_one_is_told(
    repo: Repo, base: dict[str, str], added: str, shadows: bool
) -> None:
    commit = repo.commit(base)
    repository = await Repository.open(repo.root)

    found = await shadowed_packages(repository, commit, [*base, added])

    assert [finding.path for finding in found] == ([added] if shadows else [])


@pytest.mark.anyio
async def test_what_stands_in_for_a_package_is_no_part_of_the_bases_tests(repo: Repo) -> None:
    test = 'import { equal } from "chai";\n'
    base = repo.commit({"a.test.js": test, "__mocks__/old.js": "1"})
    head = repo.commit({"a.test.js": test, "__mocks__/old.js": "2", "__mocks__/chai.js": "3"})
    repository = await Repository.open(repo.root)
    diff = await repository.diff(base, head)

    assert await base_tests(repository, base, diff.files) == {
        "__mocks__/old.js": b"1",
        "__mocks__/chai.js": None,
    }


@pytest.mark.anyio
async def test_a_project_that_had_no_tests_may_set_them_up(repo: Repo) -> None:
    base = repo.commit({"app.py": "x = 1\n"})
    head = repo.commit(
        {
            "app.py": "x = 1\n",
            "tests/test_app.py": PY,
            "conftest.py": "",
            "pytest.ini": "[pytest]\n",
        }
    )
    repository = await Repository.open(repo.root)
    diff = await repository.diff(base, head)

    assert await tampering(repository, base, head, diff.files, commands=["python3 -m pytest"]) == ()
    assert await base_tests(repository, base, diff.files) == {}


@pytest.mark.anyio
async def test_base_tests_are_the_files_as_the_base_has_them_and_no_new_ones(repo: Repo) -> None:
    base = repo.commit(
        {"app.py": "x", "tests/test_a.py": "a", "tests/data.json": "1", "tests/test_b.py": "b"}
    )
    head = repo.commit(
        {"app.py": "y", "tests/test_a.py": "c", "tests/test_new.py": "d", "tests/test_b.py": "b"}
    )
    repository = await Repository.open(repo.root)
    diff = await repository.diff(base, head)

    assert await base_tests(repository, base, diff.files) == {
        "tests/data.json": b"1",
        "tests/test_a.py": b"a",
        "tests/test_new.py": None,
    }
