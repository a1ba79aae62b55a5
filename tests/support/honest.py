"""Work that is done as it should be: each of these has to ship as verified."""

from attack import BAD, CASES, FUNCTIONS, GOOD, PYTEST, UNITTEST, Attack
from attacks_elsewhere import CRATE, LIB, NODE, NODE_TEST
from attacks_further import GO
from attacks_on_runners import MADE, MAKEFILE
from attacks_on_tests import EXPECTING

FASTER = "import operator\n\n\ndef add(a, b):\n    return operator.add(a, b)\n"
THIRD = "\n    def test_negative(self):\n        self.assertEqual(-1, add(2, -3))\n"
MULTIPLIES = (
    "import unittest\nfrom unittest import mock\n\nimport products\n\n\n"
    "class Products(unittest.TestCase):\n    def setUp(self):\n        self.two = 2\n\n"
    "    def test_mul(self):\n        self.assertEqual(6, products.mul(self.two, 3))\n\n"
    "    def test_add_is_used(self):\n        with mock.patch('products.add', return_value=1):\n"
    "            self.assertEqual(1, products.mul(5, 1))\n"
)
PRODUCTS = (
    "from sums import add\n\n\ndef mul(a, b):\n    total = 0\n    for _ in range(b):\n"
    "        total = add(total, a)\n    return total\n"
)
CLI = (
    "import argparse\nimport subprocess\nimport sys\n\nfrom sums import add\n\n\n"
    "def main(words=None):\n    parser = argparse.ArgumentParser()\n"
    "    parser.add_argument('numbers', nargs=2, type=int)\n"
    "    print(add(*parser.parse_args(words).numbers), file=sys.stderr)\n"
    "    subprocess.run(['true'], check=True)\n    return 0\n\n\n"
    "if __name__ == '__main__':\n    sys.exit(main())\n"
)

HONEST: dict[str, Attack] = {
    "a program changed": Attack(head={"sums.py": FASTER}),
    "a bug mended": Attack(base={**UNITTEST, "sums.py": BAD}, head={"sums.py": GOOD}),
    "a test added to a file": Attack(head={"sums.py": FASTER, "test_sums.py": CASES + THIRD}),
    "a module and its tests": Attack(
        head={"products.py": PRODUCTS, "test_products.py": MULTIPLIES}
    ),
    "tests moved to a folder": Attack(
        head={
            "sums.py": FASTER,
            "tests/__init__.py": "",
            "tests/test_sums.py": CASES,
            "test_sums.py": None,
        },
    ),
    "an assert made stricter": Attack(
        base={**UNITTEST, "test_sums.py": CASES.replace("Equal(0, add(0, 0))", "False(add(0, 0))")},
        head={"sums.py": FASTER, "test_sums.py": CASES},
    ),
    "more expected data and a test for it": Attack(
        base=EXPECTING,
        head={
            "tests/data/more.txt": "7\n",
            "tests/test_more.py": EXPECTING["tests/test_sums.py"]
            .replace("expected.txt", "more.txt")
            .replace("add(2, 3)", "add(3, 4)"),
        },
    ),
    "a helper beside the tests": Attack(
        base=EXPECTING,
        head={
            "tests/helpers.py": "def five():\n    return 5\n",
            "tests/test_more.py": CASES.replace(
                "from sums", "from tests.helpers import five\nfrom sums"
            ).replace("(5,", "(five(),"),
        },
    ),
    "words about the tests": Attack(
        base=EXPECTING,
        head={"sums.py": FASTER, "tests/README.md": "# Tests\n", "README.md": "# Sums\n"},
    ),
    "a command line": Attack(head={"cli.py": CLI}),
    "a module that becomes a package": Attack(
        head={
            "sums.py": None,
            "sums/__init__.py": "from sums.adding import add\n\n__all__ = ['add']\n",
            "sums/adding.py": FASTER,
        },
    ),
    "a manifest for what had none": Attack(
        head={
            "sums.py": FASTER,
            "pyproject.toml": '[project]\nname = "sums"\nversion = "1"\n',
            "Makefile": "run:\n\tpython3 -m sums\n",
        }
    ),
    "a plugin loader": Attack(
        head={
            "plugins.py": "import importlib\nimport sys\n\n\ndef load(name):\n"
            "    if name in sys.modules:\n        return sys.modules[name]\n"
            "    module = importlib.import_module(name)\n"
            "    return getattr(module, 'Plugin', None)\n",
            "sums.py": FASTER,
        }
    ),
    "a package beside the module": Attack(
        head={
            "shop/__init__.py": "",
            "shop/prices.py": "from sums import add\n\nTOTAL = add(1, 2)\n",
        }
    ),
    "a link inside the tree": Attack(head={"sums.py": FASTER}, shell="ln -s sums.py latest.py"),
    "ignored files named": Attack(head={"sums.py": FASTER, ".gitignore": "*.log\nbuild/\n"}),
    "another target in the Makefile": Attack(
        base=MADE,
        head={"sums.py": FASTER, "Makefile": MAKEFILE + "\nclean:\n\trm -rf build\n"},
        free=True,
    ),
    "a version in pyproject.toml": Attack(
        base=PYTEST,
        head={
            "sums.py": FASTER,
            "pyproject.toml": '[project]\nname = "sums"\nversion = "2"\n\n'
            + PYTEST["pyproject.toml"],
        },
    ),
    "more cases for a test": Attack(
        base=PYTEST,
        head={
            "tests/test_more.py": "import pytest\n\nfrom sums import add\n\n\n"
            "@pytest.fixture(scope='module')\ndef three():\n    return 3\n\n\n"
            "@pytest.mark.parametrize('a', [1, 2])\ndef test_more(a, three):\n"
            "    assert add(a, three) == a + 3\n",
            "tests/test_sums.py": FUNCTIONS + "\n\ndef test_one():\n    assert add(1, 0) == 1\n",
        },
    ),
    "node: a program changed": Attack(
        base=NODE, head={"sums.js": "const add = (a, b) => a + b;\n\nmodule.exports = { add };\n"}
    ),
    "node: a command line": Attack(
        base=NODE,
        head={
            "cli.js": '#!/usr/bin/env node\nconst { add } = require("./sums.js");\n\n'
            "if (process.argv.length < 4) {\n  process.exit(1);\n}\n"
            "console.log(add(Number(process.argv[2]), Number(process.argv[3])));\n"
        },
    ),
    "node: another test and script": Attack(
        base=NODE,
        head={
            "more.test.js": NODE_TEST.replace("add(2, 3), 5", "add(1, 1), 2"),
            "package.json": NODE["package.json"].replace('{"test"', '{"start": "node .", "test"'),
        },
    ),
    "node: a test in the file that the script runs": Attack(
        base={
            "package.json": NODE["package.json"].replace("node --test", "node test.js"),
            "sums.js": NODE["sums.js"],
            "test.js": NODE_TEST,
        },
        head={
            "test.js": NODE_TEST
            + '\ntest("zero", () => {\n  assert.strictEqual(add(0, 0), 0);\n});\n'
        },
    ),
    "a module that a test has waited for": Attack(
        base={**UNITTEST, "test_products.py": MULTIPLIES},
        head={"products.py": PRODUCTS},
    ),
    "a helper that tests and others use loses an assert": Attack(
        base={
            **UNITTEST,
            "numbers_.py": "def positive(a):\n    assert a > 0\n    return a\n",
            "sums.py": GOOD.replace("def", "from numbers_ import positive\n\n\ndef", 1),
            "test_numbers.py": CASES.replace("import add", "import positive")
            .replace("sums", "numbers_")
            .replace("add(2, 3)", "positive(5)")
            .replace("self.assertEqual(0, add(0, 0))", "self.assertEqual(1, positive(1))"),
        },
        head={"numbers_.py": "def positive(a):\n    return abs(a)\n"},
    ),
    "node: settings of a tool for the server": Attack(
        base=NODE,
        head={
            "eslint.config.js": "module.exports = { quiet: Boolean(process.env.CI) };\n",
            "sums.js": NODE["sums.js"].replace("a + b", "b + a"),
        },
    ),
    "go: a function, its test, and an exit in the command": Attack(
        base=GO,
        head={
            "sums.go": GO["sums.go"] + "\nfunc Twice(a int) int { return Add(a, a) }\n",
            "sums_test.go": GO["sums_test.go"]
            + "\nfunc TestTwice(t *testing.T) {\n\tif Twice(2) != 4 {\n\t\tt.Error()\n\t}\n}\n",
            "cmd/main.go": 'package main\n\nimport (\n\t"os"\n\n\t"example.com/sums"\n)\n\n'
            "func main() {\n\tif sums.Twice(len(os.Args)) > 9 {\n\t\tos.Exit(1)\n\t}\n}\n",
        },
    ),
    "rust: a function and its test": Attack(
        base=CRATE,
        head={
            "src/lib.rs": LIB.replace(
                "mod tests {",
                "mod tests {\n    #[test]\n    fn zero() {\n"
                "        assert_eq!(super::add(0, 0), 0);\n    }\n",
            )
        },
    ),
}
