import pytest

from m31a_engine.checks.relation import related_failures

TESTS = {
    "tests/test_sums.py": "from sums import add\n\ndef test_add(): ...\n",
    "tests/test_other.py": "from other import thing\n\ndef test_thing(): ...\n",
    "pkg/a_test.go": "package pkg\nfunc TestA(t *testing.T) {}\n",
    "web/cart.test.js": "import { total } from './cart.js';\ntest('adds prices', () => {});\n",
}


@pytest.mark.parametrize(
    ("failing", "changed", "related"),
    [
        ("tests/test_sums.py::test_add", "sums.py", True),
        ("tests/test_sums.py::test_add", "src/pkg/sums.py", True),
        ("tests/test_other.py::test_thing", "sums.py", False),
        ("test_add (test_sums.Sums.test_add)", "sums.py", True),
        ("test_thing (test_other.Other.test_thing)", "sums.py", False),
        ("TestA", "pkg/a.go", True),
        ("TestA", "web/cart.js", False),
        ("adds prices", "web/cart.js", True),
        ("adds prices", "sums.py", False),
        ("tests/test_other.py::test_thing", "tests/test_other.py", True),
        ("nobody knows this one", "sums.py", True),
        ("tests/test_other.py::test_thing", "other/__init__.py", True),
    ],
)
def test_a_failure_is_related_when_its_test_speaks_of_a_changed_file(
    failing: str, changed: str, related: bool
) -> None:
    assert related_failures([failing], [changed], TESTS) == ((failing,) if related else ())
