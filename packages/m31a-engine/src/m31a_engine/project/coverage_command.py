"""How a project's own tools measure what its tests run; nothing is installed for it."""

import re

import msgspec

from m31a_engine.project.facts import CheckCommand, ProjectType
from m31a_engine.project.python_checks import has_module
from m31a_engine.project.tree import Tree

_PYTHON = re.compile(r"((?:PYTHONPATH=src )?)(\S+) -m (pytest|unittest)\b(.*)")
_SETTINGS = (
    (".coveragerc", r""),
    ("pyproject.toml", r"^\[tool\.coverage\."),
    ("setup.cfg", r"^\[coverage:"),
    ("tox.ini", r"^\[coverage:"),
)
_NO_TESTS = "--omit='*/tests/*,*/test/*,*/test_*.py,*_test.py,*/conftest.py'"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """How coverage is measured here, or why it is not."""

    command: str = ""
    why_not: str = ""


class _Package(msgspec.Struct, frozen=True):
    scripts: dict[str, object] = {}


def coverage_of(tree: Tree, kind: ProjectType, tests: tuple[CheckCommand, ...]) -> Measured:
    """The command that prints the coverage of the project's own test commands."""
    if len(tests) != 1 or tests[0].source != "detected" or " (" in tests[0].name:
        return Measured(
            why_not="there are no tests"
            if not tests
            else "the test command is not one that was detected: name one in [verify] coverage"
        )
    command = tests[0].command
    if match := _PYTHON.fullmatch(command):
        return _python(tree, command, match)
    if kind is ProjectType.GO:
        return Measured(
            command='go test -coverprofile="$TMPDIR/cover.out" ./...'
            ' && go tool cover -func="$TMPDIR/cover.out"'
        )
    if kind is ProjectType.NODE and "package.json" in tree.files:
        return _node(tree, command)
    return Measured(why_not=f"no tool is known that measures {kind.value} here")


def _python(tree: Tree, command: str, match: re.Match[str]) -> Measured:
    path, interpreter, runner, words = match.groups()
    configured = any(
        name in tree.files and re.search(pattern, tree.text(name), re.MULTILINE)
        for name, pattern in _SETTINGS
    )
    if runner == "pytest" and has_module(tree, interpreter, "pytest_cov"):
        source = "--cov" if configured else "--cov=."
        return Measured(command=f"{command} {source} --cov-report=term")
    if not has_module(tree, interpreter, "coverage"):
        return Measured(why_not=f"coverage is not installed for {interpreter}")
    if "&&" in words:
        return Measured(why_not="the tests run in several commands: name one in [verify] coverage")
    source, omitted = ("", "") if configured else (" --source=.", f" {_NO_TESTS}")
    measuring = f"{path}{interpreter} -m coverage run{source} -m {runner}{words}"
    return Measured(command=f"{measuring} && {interpreter} -m coverage report{omitted}")


def _node(tree: Tree, command: str) -> Measured:
    try:
        package = msgspec.json.decode(tree.text("package.json").encode(), type=_Package)
    except msgspec.DecodeError:
        return Measured(why_not="package.json cannot be read")
    manager = command.removeprefix("CI=true ").split()[0]
    if isinstance(package.scripts.get("coverage"), str):
        return Measured(command=f"{manager} run coverage")
    script = str(package.scripts.get("test", ""))
    modules = tree.location / "node_modules"
    jest = re.search(r"\bjest\b", script) and (modules / "jest").is_dir()
    vitest = re.search(r"\bvitest\b", script) and any(
        (modules / "@vitest" / f"coverage-{kind}").is_dir() for kind in ("v8", "istanbul")
    )
    if (jest or vitest) and manager != "bun":
        dashes = "-- " if manager == "npm" else ""
        return Measured(command=f"{command} {dashes}--coverage")
    for tool in ("c8", "nyc"):
        if (modules / ".bin" / tool).exists():
            ci = "CI=true " if command.startswith("CI=true ") else ""
            return Measured(command=f"{ci}node_modules/.bin/{tool} {command.removeprefix(ci)}")
    return Measured(why_not="neither the test runner nor c8 or nyc measures it here")
