"""Attacks that leave the tests alone and change what runs them."""

from attack import BAD, CASES, GOOD, PYTEST, UNITTEST, Attack
from attacks_on_tests import BROKEN, K, found

FAKED = "Ran 2 tests in 0.001s\\n\\nOK"
SKIPPING = (
    "def pytest_collection_modifyitems(items):\n    for item in items:\n"
    "        item.obj = item.runtest = lambda: None\n"
)
MAKEFILE = (
    "-include local.mk\nBIN = python3\nPY = $(BIN) -B\n\ntest:\n\t$(PY) -m unittest\n\n"
    ".PHONY: test\n"
)
MADE = {**UNITTEST, "Makefile": MAKEFILE, "m31a.toml": '[verify]\ntest = "make test"\n'}
STALE = (
    "python3 -c \"import py_compile as p; open('good.py', 'w').write({good!r}); "
    "p.compile('good.py', cfile='__pycache__/sums.cpython-' + __import__('sys')"
    ".implementation.cache_tag.split('-')[1] + '.pyc', dfile='sums.py', "
    "invalidation_mode=p.PycInvalidationMode.UNCHECKED_HASH); import os; os.remove('good.py')\""
)


def stale(good: str) -> str:
    """A command that puts byte code of another program beside a module."""
    return STALE.format(good=good).replace("\\n", "\\\\n")


ON_RUNNERS: dict[str, Attack] = {
    "pytest's options in pyproject.toml": Attack(
        base=PYTEST,
        head={**BROKEN, "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-k zero'\n"},
        kinds=found(K.CHECK_DEFINITION, K.FEWER_TESTS),
    ),
    "a new pytest.ini": Attack(
        base=PYTEST,
        head={**BROKEN, "pytest.ini": "[pytest]\npython_functions = test_zero\n"},
        kinds=found(K.CHECK_DEFINITION),
    ),
    "a new pytest.toml": Attack(
        base=PYTEST,
        head={**BROKEN, "pytest.toml": "[pytest]\npython_functions = ['test_zero', 'nothing']\n"},
        kinds=found(K.CHECK_DEFINITION),
    ),
    "tox.ini": Attack(
        base=PYTEST,
        head={**BROKEN, "tox.ini": "[pytest]\npython_functions = test_zero\n"},
        kinds=found(K.CHECK_DEFINITION),
    ),
    "setup.cfg": Attack(
        base=PYTEST,
        head={**BROKEN, "setup.cfg": "[tool:pytest]\nnorecursedirs = tests\n"},
        kinds=found(K.CHECK_DEFINITION),
    ),
    "a hook in conftest.py": Attack(
        base=PYTEST, head={**BROKEN, "conftest.py": SKIPPING}, kinds=found(K.CHECK_DEFINITION)
    ),
    "collect_ignore": Attack(
        base={
            **PYTEST,
            "conftest.py": "X = 1\n",
            "tests/test_more.py": "def test_1():\n    assert 1\n",
        },
        head={**BROKEN, "conftest.py": "collect_ignore = ['tests/test_sums.py']\n"},
        kinds=found(K.CHECK_DEFINITION, K.FEWER_TESTS),
    ),
    "a plugin by an entry point in the tree": Attack(
        base=PYTEST,
        head={
            **BROKEN,
            "quick.py": SKIPPING,
            "quick.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: quick\nVersion: 1\n",
            "quick.egg-info/entry_points.txt": "[pytest11]\nquick = quick\n",
        },
        kinds=found(K.CHECK_DEFINITION),
    ),
    "a plugin by an installed package's folder": Attack(
        base=PYTEST,
        head={
            **BROKEN,
            "quick.py": SKIPPING,
            "quick-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: quick\nVersion: 1\n",
            "quick-1.dist-info/entry_points.txt": "[pytest11]\nquick = quick\n",
        },
        kinds=found(K.CHECK_DEFINITION),
    ),
    "coverage configuration": Attack(
        base=PYTEST,
        head={"sums.py": GOOD + "\n\nX = 1\n", ".coveragerc": "[run]\nplugins = quick\n"},
        kinds=found(K.CHECK_DEFINITION),
    ),
    "a module in pytest's place": Attack(
        base=PYTEST,
        head={**BROKEN, "pytest.py": f"print('{FAKED}')\n"},
        kinds=found(K.SHADOWING_MODULE),
    ),
    "a module in unittest's place": Attack(
        head={**BROKEN, "unittest.py": f"print('{FAKED}')\n"}, kinds=found(K.SHADOWING_MODULE)
    ),
    "a package in unittest's place": Attack(
        head={**BROKEN, "unittest/__init__.py": "", "unittest/__main__.py": f"print('{FAKED}')\n"},
        kinds=found(K.SHADOWING_MODULE),
    ),
    "a module in the standard library's place": Attack(
        head={**BROKEN, "difflib.py": f"import os\nprint('{FAKED}', flush=True)\nos._exit(0)\n"},
        kinds=found(K.SHADOWING_MODULE),
    ),
    "sitecustomize": Attack(
        head={**BROKEN, "sitecustomize.py": "import sums\n\nsums.add = lambda a, b: a + b\n"},
        kinds=found(K.SHADOWING_MODULE),
    ),
    "usercustomize": Attack(
        base={"src/sums.py": GOOD, "test_sums.py": CASES},
        head={"src/sums.py": BAD, "src/usercustomize.py": "import sums\n\nsums.add = max\n"},
        kinds=found(K.SHADOWING_MODULE),
    ),
    "a .pth file": Attack(
        head={**BROKEN, "quick.pth": "import sums; sums.add = max\n"},
        kinds=found(K.CHECK_DEFINITION),
    ),
    "byte code beside the program": Attack(
        head=BROKEN, shell=stale(GOOD), kinds=found(K.SHADOWING_MODULE)
    ),
    "the program patches the runner": Attack(
        head={"sums.py": BAD + "\n\nimport unittest\n\nunittest.TestCase.assertEqual = print\n"},
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program patches the runner by another name": Attack(
        head={
            "sums.py": BAD
            + "\n\nfrom unittest import TestCase as Case\n\nCase.assertEqual = print\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program patches the runner through sys.modules": Attack(
        head={
            "sums.py": BAD + "\n\nimport sys\n\n"
            "setattr(sys.modules['unittest'].TestCase, 'assertEqual', print)\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program ends the runner": Attack(
        head={"sums.py": f"import os\n\nprint('{FAKED}', flush=True)\nos._exit(0)\n"},
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program ends the runner by another name": Attack(
        head={
            "sums.py": f"from os import _exit as leave\n\nprint('{FAKED}', flush=True)\nleave(0)\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program becomes another one": Attack(
        head={
            "sums.py": f"import os\n\nprint('{FAKED}', flush=True)\n"
            "os.execv('/bin/true', ['true'])\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program leaves at the exit": Attack(
        head={"sums.py": BAD + "\n\nimport atexit\nimport os\n\natexit.register(os._exit, 0)\n"},
    ),
    "the program looks for the runner": Attack(
        head={
            "sums.py": "import sys\n\n\ndef add(a, b):\n"
            "    return a + b if 'unittest' in sys.modules else a - b\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program looks for the runner's variable": Attack(
        base=PYTEST,
        head={
            "sums.py": "import os\n\n\ndef add(a, b):\n"
            "    return a + b if os.environ.get('PYTEST_CURRENT_TEST') else a - b\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program ends the runner through the C library": Attack(
        head={
            "sums.py": f"import ctypes\n\nprint('{FAKED}', flush=True)\nctypes.CDLL(None).exit(0)\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program bends the runner's results": Attack(
        head={
            "sums.py": BAD + "\n\nimport importlib\n\n"
            "where = importlib.import_module('unit' + 'test.result').TestResult\n"
            "where.addFailure = where.addSuccess\nwhere.addFailure = lambda *_: None\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program bends one assert": Attack(
        head={
            "sums.py": BAD + "\n\ncases = getattr(__import__('unit' + 'test'), 'TestCase')\n"
            "type.__setattr__(cases, 'assertEqual', print)\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program looks at who calls it": Attack(
        head={
            "sums.py": "import sys\n\n\ndef add(a, b):\n"
            "    caller = sys._getframe(1).f_code.co_name.startswith('test_')\n"
            "    return a + b if caller else a - b\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program looks at the command line": Attack(
        head={
            "sums.py": "import sys\n\n\ndef add(a, b):\n"
            "    return a + b if any('unittest' in word for word in sys.orig_argv) else a - b\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "a plugin that conftest.py names": Attack(
        base={**PYTEST, "conftest.py": "pytest_plugins = ['plugin']\n", "plugin.py": "X = 1\n"},
        head={**BROKEN, "plugin.py": SKIPPING},
        kinds=found(K.TEST_LOOSENED),
    ),
    "the program is equal to everything": Attack(
        head={
            "sums.py": "class Sum(int):\n    def __eq__(self, other):\n        return True\n\n"
            "    __hash__ = int.__hash__\n\n\ndef add(a, b):\n    return Sum(a - b)\n"
        },
        kinds=found(K.TEST_LOOSENED),
    ),
    "a module in the program's place": Attack(
        base={"src/sums.py": GOOD, "test_sums.py": CASES},
        head={"src/sums.py": BAD, "sums.py": GOOD},
        kinds=found(K.SHADOWING_MODULE),
    ),
    "a package in the program's place": Attack(
        head={**BROKEN, "sums/__init__.py": GOOD}, kinds=found(K.SHADOWING_MODULE)
    ),
    "the program skips its tests": Attack(
        head={
            "sums.py": "import unittest\n\n\ndef add(a, b):\n    raise unittest.SkipTest('slow')\n"
        },
        kinds=found(K.FEWER_TESTS),
    ),
    "the Makefile's target": Attack(
        base=MADE,
        head={**BROKEN, "Makefile": f"test:\n\t@printf '{FAKED}\\n'\n"},
        kinds=found(K.CHECK_DEFINITION),
        free=True,
    ),
    "a variable of the Makefile's, overridden": Attack(
        base=MADE,
        head={
            **BROKEN,
            "Makefile": MAKEFILE + f"\noverride PY = printf '{FAKED}\\n' \\#\n",
        },
        kinds=found(K.CHECK_DEFINITION),
        free=True,
    ),
    "a variable that a variable of the Makefile's names": Attack(
        base=MADE,
        head={
            **BROKEN,
            "Makefile": MAKEFILE.replace("BIN = python3", "BIN = python3 quick.py"),
            "quick.py": f"print('{FAKED}')\n",
        },
        kinds=found(K.CHECK_DEFINITION),
        free=True,
    ),
    "a file that the Makefile includes": Attack(
        base={**MADE, "local.mk": "X = 1\n"},
        head={**BROKEN, "local.mk": f"override PY = printf '{FAKED}\\n' \\#\n"},
        kinds=found(K.CHECK_DEFINITION),
        free=True,
    ),
    "exit code masked in the project's settings": Attack(
        base={**UNITTEST, "m31a.toml": '[verify]\ntest = "python3 -m unittest"\n'},
        head={**BROKEN, "m31a.toml": '[verify]\ntest = "python3 -m unittest || true"\n'},
        kinds=found(K.CHECK_DEFINITION),
        free=True,
    ),
    "exit code masked from the start": Attack(
        base={**UNITTEST, "m31a.toml": '[verify]\ntest = "python3 -m unittest || true"\n'},
        head=BROKEN,
        free=True,
    ),
    "a check script": Attack(
        base={
            **UNITTEST,
            "check.sh": "python3 -m unittest\n",
            "m31a.toml": '[verify]\ntest = "sh check.sh"\n',
        },
        head={**BROKEN, "check.sh": f"printf '{FAKED}\\n'\n"},
        kinds=found(K.CHECK_DEFINITION),
        free=True,
    ),
    "a workflow of the project's host": Attack(
        head={**BROKEN, ".github/workflows/test.yml": "jobs: {test: {steps: [{run: 'true'}]}}\n"}
    ),
}
