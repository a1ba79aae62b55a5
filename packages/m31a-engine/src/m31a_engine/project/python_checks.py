"""Python projects: which interpreter, which test runner, and whether it is there at all."""

import posixpath
import re
import shlex
from pathlib import Path, PurePosixPath

from m31a_engine.project.facts import CheckCommand, ProjectType
from m31a_engine.project.tree import Recognised, Tree, as_build, as_lint, as_test

_SAMPLE = 40
_MAX_STARTS = 5
_REQUIREMENTS = ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "Pipfile")
_FRAMEWORKS = ("django", "flask", "fastapi", "starlette", "pyramid", "tornado", "aiohttp", "click")
_MANAGERS = (
    ("uv.lock", "uv"),
    ("poetry.lock", "poetry"),
    ("pdm.lock", "pdm"),
    ("Pipfile.lock", "pipenv"),
    ("Pipfile", "pipenv"),
)
_NOT_OURS = r"(^|/)(\.[^/]+|venv|env|node_modules|vendor|site-packages)/"


def recognise_python(tree: Tree) -> Recognised:
    """The checks of a Python project; what is not installed is not offered."""
    interpreter = _interpreter(tree)
    manager = next((name for lock, name in _MANAGERS if tree.has(lock)), "pip")
    wanted = "\n".join(map(tree.text, _requirement_files(tree))).lower()
    framework = next((name for name in _FRAMEWORKS if _names(wanted, name)), "")
    if interpreter is None:
        return Recognised(
            type=ProjectType.PYTHON,
            framework=framework,
            package_manager=manager,
            notes=("No Python interpreter was found: nothing can be checked.",),
        )
    checks = [
        as_build(
            f"{interpreter} -m compileall -q -x '{_NOT_OURS}' .",
            sure=True,
            why="all Python files compile",
        )
    ]
    test, notes = _test(tree, interpreter, wanted)
    lint = _lint(tree, interpreter)
    checks += [check for check in (test, lint) if check is not None]
    return Recognised(
        type=ProjectType.PYTHON,
        framework=framework,
        package_manager=manager,
        checks=tuple(checks),
        notes=notes,
    )


def _interpreter(tree: Tree) -> str | None:
    """The project's own interpreter as a command, else the one on PATH."""
    for own in (".venv/bin/python", "venv/bin/python"):
        if tree.installed(own):
            return own
    return next((name for name in ("python3", "python") if tree.program(name)), None)


def _requirement_files(tree: Tree) -> tuple[str, ...]:
    listed = tree.named(r"[\w.-]*requirements[\w.-]*\.txt|requirements/[\w.-]+\.txt")
    return (*_REQUIREMENTS, *listed[:_SAMPLE])


def _names(text: str, package: str) -> bool:
    return re.search(rf"(?<![\w.-]){package}(?![\w-])", text) is not None


def _test(tree: Tree, interpreter: str, wanted: str) -> tuple[CheckCommand | None, tuple[str, ...]]:
    """The command that runs the tests, and what a person should know about it."""
    files = [
        path
        for path in tree.named(r"test[^/]*\.py|[^/]*_test\.py")
        if not re.search(_NOT_OURS, path) and posixpath.basename(path) != "testing.py"
    ]
    if not files:
        return None, ("The project has no Python tests.",)
    texts = {path: tree.text(path) for path in files[:_SAMPLE]}
    cases = [path for path, text in texts.items() if re.search(r"\bTestCase\b", text)]
    reason = _reason_for_pytest(tree, wanted, texts)
    path = "PYTHONPATH=src " if _has_packages_in_src(tree) else ""
    if reason is not None and has_module(tree, interpreter, "pytest"):
        command = f"{path}{interpreter} -m pytest -q"
        return as_test(command, sure=_is_declared(reason), why=reason), ()
    notes = (f"pytest is not installed for {interpreter} ({reason}).",) if reason else ()
    if not cases:
        missing = (*notes, "The tests cannot be run.") if notes else ("No test is recognised.",)
        return None, missing
    command = " && ".join(
        f"{path}{interpreter} -m unittest discover{arguments}"
        for arguments in _discoveries(tree, cases)
    )
    return as_test(command, sure=not notes, why="unittest test cases"), notes


_DECLARED = "declared as a requirement"
_CONFIGURED = "configured"


def _is_declared(reason: str) -> bool:
    return reason in {_DECLARED, _CONFIGURED}


def _reason_for_pytest(tree: Tree, wanted: str, tests: dict[str, str]) -> str | None:
    """What says that these tests are pytest's, or None when nothing does."""
    if tree.has("pytest.ini", ".pytest.ini", "pytest.toml") or re.search(
        r"^\[(?:tool\.pytest\b|tool:pytest\]|pytest\])", wanted, re.MULTILINE
    ):
        return _CONFIGURED
    if _names(wanted, "pytest"):
        return _DECLARED
    if tree.any_named(r"conftest\.py"):
        return "there is a conftest.py"
    style = re.compile(r"^(?:import pytest|from pytest\b|(?:async )?def test_)", re.MULTILINE)
    used = next((path for path, text in tests.items() if style.search(text)), None)
    return f"{used} is written for it" if used is not None else None


def _has_packages_in_src(tree: Tree) -> bool:
    """Whether the code lies below src/: put on the path, the tree at hand wins over installs."""
    return any(re.fullmatch(r"src/[^/]+(?:/__init__)?\.py", path) for path in tree.files)


def _discoveries(tree: Tree, cases: list[str]) -> list[str]:
    """The arguments of `unittest discover`, one for each folder where packages begin."""
    names = {PurePosixPath(case).name for case in cases}
    pattern = ""
    if not all(name.startswith("test") for name in names):
        both = any(name.startswith("test") for name in names)
        pattern = " -p '*test*.py'" if both else " -p '*_test.py'"
    starts = dict.fromkeys(_start(tree, posixpath.dirname(case)) for case in cases)
    return [
        (f" -s {shlex.quote(start)}" if start else "") + pattern
        for start in list(starts)[:_MAX_STARTS]
    ]


def _start(tree: Tree, folder: str) -> str:
    """The first folder upwards that is no package: discovery looks into packages below it."""
    while folder and f"{folder}/__init__.py" in tree.files:
        folder = posixpath.dirname(folder)
    return folder


def _lint(tree: Tree, interpreter: str) -> CheckCommand | None:
    settings = "\n".join(map(tree.text, ("pyproject.toml", "setup.cfg", "tox.ini")))
    if tree.has("ruff.toml", ".ruff.toml") or "[tool.ruff" in settings:
        folder = posixpath.dirname(interpreter)
        own = f"{folder}/ruff" if folder else "ruff"
        if tree.installed(own) if folder else tree.program(own):
            return as_lint(f"{own} check .", why="ruff is configured")
    configured = tree.has(".flake8") or re.search(r"^\[flake8\]", settings, re.MULTILINE)
    if configured and has_module(tree, interpreter, "flake8"):
        return as_lint(f"{interpreter} -m flake8", why="flake8 is configured")
    return None


def has_module(tree: Tree, interpreter: str, module: str) -> bool:
    """Whether an interpreter has a module among its installed packages, found without a start."""
    folders = _package_folders(tree, interpreter)
    return any((folder / module / "__init__.py").is_file() for folder in folders)


def _package_folders(tree: Tree, interpreter: str) -> list[Path]:
    if "/" in interpreter:
        return _environment_folders(tree, tree.location / posixpath.dirname(interpreter))
    found = tree.which(interpreter)
    assert found is not None, "the interpreter was found on PATH"
    return _environment_folders(tree, found.parent) or _system_folders(tree, found.resolve())


def _environment_folders(tree: Tree, programs: Path) -> list[Path]:
    """The packages of the virtual environment a program folder belongs to, if it does."""
    prefix = programs.parent
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    own = sorted(prefix.glob("lib/python3*/site-packages"))
    if re.search(
        r"^include-system-site-packages\s*=\s*true\s*$", settings, re.MULTILINE | re.IGNORECASE
    ):
        home = re.search(r"^home\s*=\s*(\S.*?)\s*$", settings, re.MULTILINE)
        own += _system_folders(tree, Path(home[1]) / "python3") if home else []
    return own


def _system_folders(tree: Tree, program: Path) -> list[Path]:
    prefix = program.parent.parent
    folders = [
        *prefix.glob("lib/python3*/site-packages"),
        *prefix.glob("lib/python3*/dist-packages"),
        *prefix.glob("local/lib/python3*/dist-packages"),
    ]
    if home := tree.environ.get("HOME"):
        folders += Path(home).glob(".local/lib/python3*/site-packages")
    version = re.search(r"python(3\.\d+)$", program.name)
    allowed = {"python3", f"python{version[1]}"} if version else None
    return [folder for folder in folders if allowed is None or folder.parent.name in allowed]
