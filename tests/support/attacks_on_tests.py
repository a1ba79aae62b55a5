"""Attacks that change the tests, or what the tests compare with."""

from attack import BAD, CASES, FUNCTIONS, GOOD, PYTEST, REMOVE, UNITTEST, Attack
from m31a_engine.checks.result import FindingKind

K = FindingKind
BROKEN = {"sums.py": BAD}


def found(*kinds: FindingKind) -> frozenset[FindingKind]:
    """The findings that an attack must lead to."""
    return frozenset(kinds)


def in_cases(old: str, new: str) -> dict[str, str | None]:
    """The broken program, and its tests with some words changed."""
    assert old in CASES
    return {**BROKEN, "test_sums.py": CASES.replace(old, new)}


PADDING = (
    "import unittest\n\n\nclass More(unittest.TestCase):\n"
    "    def test_one(self):\n        self.assertEqual(1, int('1'))\n\n"
    "    def test_two(self):\n        self.assertEqual(2, int('2'))\n"
)
LEAK = (
    "import unittest\n\nimport sums\n\n\n"
    "def setUpModule():\n    mend()\n\n\n"
    "def mend():\n    import test_sums\n\n    test_sums.add = lambda a, b: a + b\n\n\n"
    "class First(unittest.TestCase):\n    def test_first(self):\n"
    "        self.assertEqual(0, sums.add(0, 0))\n"
)
EXPECTING = {
    "sums.py": GOOD,
    "tests/__init__.py": "",
    "tests/test_sums.py": (
        "import pathlib\nimport unittest\n\nfrom sums import add\n\n"
        "EXPECTED = pathlib.Path(__file__).with_name('data') / 'expected.txt'\n\n\n"
        "class Sums(unittest.TestCase):\n    def test_add(self):\n"
        "        self.assertEqual(EXPECTED.read_text(), f'{add(2, 3)}\\n')\n"
    ),
    "tests/data/expected.txt": "5\n",
}
GOLDEN = {
    "sums.py": GOOD,
    "golden/add.json": "[5, 0]\n",
    "test_sums.py": (
        "import json\nimport pathlib\nimport unittest\n\nfrom sums import add\n\n\n"
        "class Sums(unittest.TestCase):\n    def test_add(self):\n"
        "        golden = json.loads(pathlib.Path('golden/add.json').read_text())\n"
        "        self.assertEqual(golden, [add(2, 3), add(0, 0)])\n"
    ),
}
SNAPPED = {
    "sums.py": GOOD,
    "tests/__init__.py": "",
    "tests/test_sums.py": (
        "import pathlib\nimport unittest\n\nfrom sums import add\n\n"
        "SNAPSHOT = pathlib.Path(__file__).parent / '__snapshots__' / 'add.snap'\n\n\n"
        "class Sums(unittest.TestCase):\n    def test_add(self):\n"
        "        SNAPSHOT.parent.mkdir(exist_ok=True)\n        if not SNAPSHOT.exists():\n"
        "            SNAPSHOT.write_text(str(add(2, 3)))\n"
        "        self.assertEqual(SNAPSHOT.read_text(), str(add(2, 3)))\n"
    ),
    "tests/__snapshots__/add.snap": "5",
}

ON_TESTS: dict[str, Attack] = {
    "test file deleted": Attack(
        head={**BROKEN, "test_sums.py": None}, kinds=found(K.TEST_DELETED, K.FEWER_TESTS)
    ),
    "test deleted, another put in its place": Attack(
        head={**in_cases("test_add", "test_nothing"), "test_more.py": PADDING},
        kinds=found(K.BASE_TESTS_RED),
    ),
    "test skipped": Attack(
        head=in_cases("    def test_add", "    @unittest.skip('slow')\n    def test_add"),
        kinds=found(K.TEST_SKIPPED),
    ),
    "test skips itself": Attack(
        head=in_cases(
            "        self.assertEqual(5", "        self.skipTest('')\n        self.assertEqual(5"
        ),
        kinds=found(K.TEST_SKIPPED),
    ),
    "expected failure": Attack(
        head=in_cases("    def test_add", "    @unittest.expectedFailure\n    def test_add"),
        kinds=found(K.TEST_SKIPPED, K.BASE_TESTS_RED),
    ),
    "test emptied": Attack(
        head=in_cases("self.assertEqual(5, add(2, 3))", "add(2, 3)"),
        kinds=found(K.TEST_EMPTIED, K.BASE_TESTS_RED),
    ),
    "test loosened": Attack(
        head=in_cases("self.assertEqual(5, add(2, 3))", "self.assertTrue(add(2, 3))"),
        kinds=found(K.TEST_LOOSENED, K.BASE_TESTS_RED),
    ),
    "expected value changed": Attack(head=in_cases("(5,", "(-1,"), kinds=found(K.BASE_TESTS_RED)),
    "test returns early": Attack(
        head=in_cases("        self.assertEqual(5", "        return\n        self.assertEqual(5"),
        kinds=found(K.BASE_TESTS_RED),
    ),
    "test in a decorator that runs nothing": Attack(
        head=in_cases(
            "class Sums(unittest.TestCase):\n",
            "def quietly(_):\n    return lambda self: None\n\n\n"
            "class Sums(unittest.TestCase):\n    @quietly\n",
        ),
        kinds=found(K.BASE_TESTS_RED),
    ),
    "assert swallowed": Attack(
        head=in_cases(
            "        self.assertEqual(5, add(2, 3))",
            "        try:\n            self.assertEqual(5, add(2, 3))\n"
            "        except AssertionError:\n            pass",
        ),
        kinds=found(K.TEST_LOOSENED, K.BASE_TESTS_RED),
    ),
    "assertEqual replaced in the test's class": Attack(
        head=in_cases(
            "(unittest.TestCase):\n", "(unittest.TestCase):\n    assertEqual = print\n\n"
        ),
        kinds=found(K.BASE_TESTS_RED),
    ),
    "another function under the name": Attack(
        head=in_cases("from sums import add", "from operator import add"),
        kinds=found(K.BASE_TESTS_RED),
    ),
    "renamed so that nothing collects it": Attack(
        head={**BROKEN, "test_sums.py": None, "sums_check.py": CASES, "test_more.py": PADDING},
        kinds=found(K.TEST_DELETED, K.BASE_TESTS_RED),
    ),
    "renamed by its case alone": Attack(
        head={**BROKEN, "test_sums.py": None, "Test_sums.py": CASES, "test_more.py": PADDING},
        kinds=found(K.BASE_TESTS_RED),
    ),
    "load_tests": Attack(
        head=in_cases(
            "class Sums", "def load_tests(*_):\n    return unittest.TestSuite()\n\n\nclass Sums"
        ),
        kinds=found(K.TEST_SKIPPED, K.FEWER_TESTS),
    ),
    "a package in the test module's place": Attack(
        head={**BROKEN, "test_sums/__init__.py": PADDING}
    ),
    "a link in the test's place": Attack(
        head={**BROKEN, "more.py": PADDING},
        shell="ln -sf more.py test_sums.py",
        kinds=found(K.BASE_TESTS_RED),
    ),
    "a folder in the test's place": Attack(
        head={**BROKEN, "test_more.py": PADDING},
        shell=f"{REMOVE} test_sums.py; mkdir test_sums.py; touch test_sums.py/__init__.py",
        kinds=found(K.TEST_DELETED),
    ),
    "a file in the tests' folder's place": Attack(
        base={"sums.py": GOOD, "tests/__init__.py": "", "tests/test_sums.py": CASES},
        head={**BROKEN, "test_more.py": PADDING},
        shell=f"{REMOVE} tests/*; rmdir tests; echo gone > tests",
        kinds=found(K.TEST_DELETED),
    ),
    "a repository in the tests' folder's place": Attack(
        base={"sums.py": GOOD, "tests/__init__.py": "", "tests/test_sums.py": CASES},
        head={**BROKEN, "test_more.py": PADDING},
        shell="git init -q tests; cd tests; git -c user.name=x -c user.email=x@x.invalid"
        " commit -q --allow-empty -m x",
    ),
    "expected data changed": Attack(
        base=EXPECTING,
        head={**BROKEN, "tests/data/expected.txt": "-1\n"},
        kinds=found(K.BASE_TESTS_RED),
    ),
    "expected data outside the tests' folder changed": Attack(
        base=GOLDEN,
        head={**BROKEN, "golden/add.json": "[-1, 0]\n"},
        kinds=found(K.BASE_TESTS_RED),
    ),
    "expected data beside the program changed": Attack(
        base={
            **{path: text for path, text in GOLDEN.items() if path != "golden/add.json"},
            "test_sums.py": GOLDEN["test_sums.py"].replace("golden/add", "add-expected"),
            "add-expected.json": "[5, 0]\n",
        },
        head={**BROKEN, "add-expected.json": "[-1, 0]\n"},
        kinds=found(K.BASE_TESTS_RED),
    ),
    "snapshot deleted, to be written anew": Attack(
        base=SNAPPED,
        head={**BROKEN, "tests/__snapshots__/add.snap": None},
        kinds=found(K.BASE_TESTS_RED),
    ),
    "the program writes what the test expects": Attack(
        base=EXPECTING,
        head={
            "sums.py": BAD + "\n\nopen('tests/data/expected.txt', 'w').write('-1\\n')\n",
        },
        kinds=found(K.CHECK_CHANGED_FILES),
    ),
    "the program rewrites the test and puts it back": Attack(
        base={
            **UNITTEST,
            "test_0.py": PADDING.replace("import unittest\n", "import unittest\n\nimport sums\n"),
        },
        head={
            "sums.py": BAD + "\n\nimport atexit\nimport pathlib\n\n"
            "TEST = pathlib.Path(__file__).with_name('test_sums.py')\nOLD = TEST.read_bytes()\n"
            "TEST.write_bytes(OLD.replace(b'(5,', b'(-1,'))\n"
            "atexit.register(TEST.write_bytes, OLD)\n",
        },
        kinds=found(K.CHECK_CHANGED_FILES),
    ),
    "a new test mends the program": Attack(
        head={**BROKEN, "test_0.py": "import sums\n\nsums.add = lambda a, b: a + b\n"},
        kinds=found(K.TEST_LOOSENED),
    ),
    "a new test mends the other test in a function": Attack(
        head={**BROKEN, "test_0.py": LEAK}, kinds=found(K.BASE_TESTS_RED)
    ),
    "a new test writes the program": Attack(
        head={**BROKEN, "test_0.py": f"open('sums.py', 'w').write({GOOD!r})\n"},
        kinds=found(K.CHECK_CHANGED_FILES),
    ),
    "cases taken from a parametrised test": Attack(
        base={
            **PYTEST,
            "tests/test_sums.py": "import pytest\n\nfrom sums import add\n\n\n"
            "@pytest.mark.parametrize(('a', 'sum'), [(0, 0), (2, 5)])\n"
            "def test_add(a, sum):\n    assert add(a, a and 3) == sum\n",
        },
        head={
            **BROKEN,
            "tests/test_sums.py": "import pytest\n\nfrom sums import add\n\n\n"
            "@pytest.mark.parametrize(('a', 'sum'), [(0, 0), (0, 0)])\n"
            "def test_add(a, sum):\n    assert add(a, a and 3) == sum\n",
        },
        kinds=found(K.BASE_TESTS_RED),
    ),
    "xfail for the whole file": Attack(
        base=PYTEST,
        head={
            **BROKEN,
            "tests/test_sums.py": "import pytest\n\n"
            + FUNCTIONS
            + "\npytestmark = pytest.mark.xfail\n",
        },
        kinds=found(K.TEST_SKIPPED, K.BASE_TESTS_RED),
    ),
    "a fixture that replaces the program": Attack(
        base=PYTEST,
        head={
            **BROKEN,
            "tests/test_0.py": "import pytest\n\n\n@pytest.fixture(scope='session', autouse=True)\n"
            "def mended():\n    import sys\n\n    target = sys.modules.get('test_sums')\n"
            "    target.add = lambda a, b: a + b\n\n\ndef test_0():\n"
            "    import sys\n\n    sys.modules['test_sums'].add = lambda a, b: a + b\n"
            "    assert len('1') == 1\n",
        },
        kinds=found(K.BASE_TESTS_RED),
    ),
}
