import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from m31a_engine.config_sections import VerifySection
from m31a_engine.project.detect import detect, paths_to_read
from m31a_engine.project.facts import ProjectFacts, ProjectType
from m31a_engine.project.tree import disk_reader

CASE = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n"
FUNCTION = "def test_a():\n    pass\n"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH of its own, with programs that are there and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def _install(programs: Path, *names: str) -> None:
    for name in names:
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def _facts(
    root: Path,
    programs: Path,
    files: dict[str, str],
    *,
    trusted: bool = False,
    build: str = "",
    test: str = "",
    lint: str = "",
) -> ProjectFacts:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    environ = {"PATH": str(programs), "HOME": str(root.parent / "home")}
    section = VerifySection(build=build, test=test, lint=lint)
    facts = detect(root, list(files), section, environ=environ, trusted=trusted)
    announced = set(paths_to_read(list(files)))
    fetched = {path: files[path].encode() for path in announced}
    from_tree = detect(
        root, list(files), section, read=fetched.get, environ=environ, trusted=trusted
    )
    assert from_tree == facts, "what is announced by paths_to_read is all that is needed"
    return facts


def _commands(facts: ProjectFacts) -> dict[str, str]:
    return {check.name: check.command for check in facts.checks}


def _environment(folder: Path, *modules: str) -> None:
    """A virtual environment as the file system shows it."""
    (folder / "bin").mkdir(parents=True)
    _install(folder / "bin", "python")
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    for module in modules:
        package = folder / "lib/python3.11/site-packages" / module
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")


UNITTEST = [
    ({"calc.py": "", "test_calc.py": CASE}, "python3 -m unittest discover"),
    ({"calc.py": "", "tests/test_calc.py": CASE}, "python3 -m unittest discover -s tests"),
    (
        {"tests/__init__.py": "", "tests/test_calc.py": CASE, "calc.py": ""},
        "python3 -m unittest discover",
    ),
    (
        {"tests/__init__.py": "", "tests/u/__init__.py": "", "tests/u/test_calc.py": CASE},
        "python3 -m unittest discover",
    ),
    (
        {"a/test_a.py": CASE, "b c/test_b.py": CASE},
        "python3 -m unittest discover -s a && python3 -m unittest discover -s 'b c'",
    ),
    ({"calc_test.py": CASE}, "python3 -m unittest discover -p '*_test.py'"),
    ({"calc_test.py": CASE, "test_x.py": CASE}, "python3 -m unittest discover -p '*test*.py'"),
    (
        {
            "src/p/__init__.py": "",
            "tests/test_p.py": CASE.replace("unittest\n", "unittest, p\n", 1),
        },
        "PYTHONPATH=src python3 -m unittest discover -s tests",
    ),
]


@pytest.mark.parametrize(("files", "command"), UNITTEST)
def test_unittest_cases_are_found_by_a_command_that_runs_them(
    root: Path, programs: Path, files: dict[str, str], command: str
) -> None:
    _install(programs, "python3")
    facts = _facts(root, programs, files)
    assert facts.type is ProjectType.PYTHON
    assert _commands(facts)["test"] == command

    (programs / "python3").unlink()
    (programs / "python3").symlink_to(sys.executable)
    environ = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    for part in command.split(" && "):
        done = subprocess.run(
            part, shell=True, cwd=root, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Ran 0 tests" not in done.stderr


PYTEST = [
    (
        {"pyproject.toml": "[tool.pytest.ini_options]\n", "tests/test_a.py": CASE},
        "configured",
        True,
    ),
    ({"pytest.ini": "", "setup.py": "", "test_a.py": FUNCTION}, "configured", True),
    ({"setup.cfg": "[tool:pytest]\n", "test_a.py": FUNCTION}, "configured", True),
    (
        {"pyproject.toml": '[dependency-groups]\nt = ["pytest>=8"]', "test_a.py": FUNCTION},
        "declared as a requirement",
        True,
    ),
    ({"requirements-dev.txt": "pytest\n", "test_a.py": CASE}, "declared as a requirement", True),
    ({"conftest.py": "", "test_a.py": CASE}, "there is a conftest.py", False),
    ({"test_a.py": FUNCTION}, "test_a.py is written for it", False),
    ({"a.py": "", "a_test.py": "import pytest\n"}, "a_test.py is written for it", False),
]


@pytest.mark.parametrize(("files", "why", "sure"), PYTEST)
def test_pytest_is_run_where_the_project_means_it_and_its_interpreter_has_it(
    root: Path, programs: Path, files: dict[str, str], why: str, sure: bool
) -> None:
    _environment(root / ".venv", "pytest")
    test = _facts(root, programs, files).check("test")
    assert test is not None
    assert (test.command, test.why, test.sure, test.behavioural) == (
        ".venv/bin/python -m pytest -q",
        why,
        sure,
        True,
    )


def test_a_name_that_only_begins_like_pytest_declares_nothing(root: Path, programs: Path) -> None:
    _environment(root / ".venv", "pytest")
    files = {"requirements.txt": "pytest-cov\nmy-pytest\n", "test_a.py": CASE}
    assert _commands(_facts(root, programs, files))["test"] == (
        ".venv/bin/python -m unittest discover"
    )


def test_without_pytest_installed_unittest_cases_run_and_functions_do_not(
    root: Path, programs: Path
) -> None:
    _environment(root / "venv")
    files = {"conftest.py": "", "test_a.py": CASE}
    facts = _facts(root, programs, files)
    test = facts.check("test")
    assert test is not None
    assert (test.command, test.sure) == ("venv/bin/python -m unittest discover", False)
    assert facts.notes == ("pytest is not installed for venv/bin/python (there is a conftest.py).",)
    facts = _facts(root, programs, {"conftest.py": "", "test_a.py": FUNCTION})
    assert facts.check("test") is None
    assert facts.notes[-1] == "The tests cannot be run."


def test_an_interpreter_the_repository_brings_is_not_the_projects(
    root: Path, programs: Path
) -> None:
    _install(programs, "python3")
    _environment(root / ".venv", "pytest")
    (root / "app.py").write_text("")
    facts = _facts(root, programs, {"app.py": "", ".venv/bin/python": "#!/bin/sh\nevil\n"})
    assert all(".venv" not in check.command.split(" ")[0] for check in facts.checks)


def test_system_packages_count_for_an_environment_that_sees_them(
    root: Path, programs: Path, tmp_path: Path
) -> None:
    system = tmp_path / "usr"
    (system / "lib/python3/dist-packages/pytest").mkdir(parents=True)
    (system / "lib/python3/dist-packages/pytest/__init__.py").write_text("")
    _environment(root / ".venv")
    for sees, found in (("false", False), ("true", True)):
        (root / ".venv/pyvenv.cfg").write_text(
            f"home = {system}/bin\ninclude-system-site-packages = {sees}\n"
        )
        facts = _facts(root, programs, {"conftest.py": "", "test_a.py": FUNCTION})
        assert (facts.check("test") is not None) is found


def test_the_interpreter_on_path_has_its_own_version_of_packages(
    root: Path, programs: Path, tmp_path: Path
) -> None:
    prefix = tmp_path / "opt"
    (prefix / "bin").mkdir(parents=True)
    _install(prefix / "bin", "python3.11")
    (programs / "python3").symlink_to(prefix / "bin" / "python3.11")
    files = {"conftest.py": "", "test_a.py": FUNCTION}
    for version, found in (("python3.9", False), ("python3.11", True)):
        package = prefix / "lib" / version / "site-packages" / "pytest"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        assert (_facts(root, programs, files).check("test") is not None) is found


def test_packages_of_the_user_count_for_the_interpreter_on_path(
    root: Path, programs: Path, tmp_path: Path
) -> None:
    _install(programs, "python3")
    package = tmp_path / "home/.local/lib/python3.12/site-packages/pytest"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    facts = _facts(root, programs, {"conftest.py": "", "test_a.py": FUNCTION})
    assert _commands(facts)["test"] == "python3 -m pytest -q"


def test_the_build_of_python_compiles_its_own_files_and_no_environment(
    root: Path, programs: Path
) -> None:
    (programs / "python3").symlink_to(sys.executable)
    facts = _facts(root, programs, {"pkg/a.py": "x = 1\n", "b.py": ""})
    build = facts.check("build")
    assert build is not None
    assert not build.behavioural
    (root / ".venv/lib").mkdir(parents=True)
    (root / ".venv/lib/bad.py").write_text("def (:\n")
    environ = {"PATH": str(programs)}

    def run() -> int:
        return subprocess.run(
            build.command, shell=True, cwd=root, env=environ, capture_output=True, check=False
        ).returncode

    assert run() == 0
    (root / "pkg/new.py").write_text("def (:\n")
    assert run() == 1


def test_lint_is_offered_when_configured_and_present(root: Path, programs: Path) -> None:
    _environment(root / ".venv", "flake8")
    files = {"pyproject.toml": "[tool.ruff]\n", "a.py": "", ".flake8": ""}
    assert _commands(_facts(root, programs, files))["lint"] == ".venv/bin/python -m flake8"
    _install(root / ".venv/bin", "ruff")
    lint = _facts(root, programs, files).check("lint")
    assert lint is not None
    assert (lint.command, lint.behavioural) == (".venv/bin/ruff check .", False)
    shutil.rmtree(root / ".venv")
    _install(programs, "python3", "ruff")
    assert _commands(_facts(root, programs, files))["lint"] == "ruff check ."
    files = {"pyproject.toml": "", "a.py": "", ".flake8": ""}
    (root / ".flake8").write_text("")
    assert "lint" not in _commands(_facts(root, programs, files))


def test_without_an_interpreter_nothing_is_offered(root: Path, programs: Path) -> None:
    facts = _facts(root, programs, {"a.py": "", "test_a.py": CASE})
    assert facts.checks == ()
    assert facts.notes == ("No Python interpreter was found: nothing can be checked.",)


def test_a_python_project_without_tests_has_no_test_check(root: Path, programs: Path) -> None:
    _install(programs, "python3")
    facts = _facts(
        root, programs, {"pyproject.toml": "[tool.pytest.ini_options]", "testing.py": ""}
    )
    assert list(_commands(facts)) == ["build"]
    assert facts.notes == ("The project has no Python tests.",)
    facts = _facts(root, programs, {"test_data.py": "ROWS = []"})
    assert facts.notes == ("No test is recognised.",)


def _node(**package: object) -> str:
    return json.dumps(package)


NODE = [
    ({"package-lock.json": ""}, "npm", {"test": "npm test", "build": "npm run build"}),
    ({"pnpm-lock.yaml": ""}, "pnpm", {"test": "pnpm test", "build": "pnpm run build"}),
    ({"yarn.lock": ""}, "yarn", {"test": "yarn test", "build": "yarn run build"}),
    ({"bun.lock": ""}, "bun", {"test": "bun run test", "build": "bun run build"}),
    ({}, "npm", {"test": "npm test", "build": "npm run build"}),
]


@pytest.mark.parametrize(("files", "manager", "commands"), NODE)
def test_node_scripts_run_by_the_package_manager_of_the_lock_file(
    root: Path, programs: Path, files: dict[str, str], manager: str, commands: dict[str, str]
) -> None:
    _install(programs, manager)
    package = _node(scripts={"test": "node --test", "build": "tsc"}, dependencies={"react": "1"})
    facts = _facts(root, programs, {"package.json": package, **files})
    assert (facts.type, facts.package_manager, facts.framework) == ("node", manager, "react")
    assert _commands(facts) == commands
    assert facts.notes == ("The project's dependencies are not installed (no node_modules).",)


def test_npms_placeholder_is_no_test_and_a_missing_manager_runs_nothing(
    root: Path, programs: Path
) -> None:
    placeholder = 'echo "Error: no test specified" && exit 1'
    files = {"package.json": _node(scripts={"test": placeholder, "lint": "eslint ."})}
    facts = _facts(root, programs, files)
    assert facts.checks == ()
    assert facts.notes[0] == "npm is not installed: the project's scripts cannot be run."
    _install(programs, "npm")
    facts = _facts(root, programs, files)
    assert _commands(facts) == {"lint": "npm run lint"}
    assert facts.notes == ("The project has no test script.",)


@pytest.mark.parametrize(
    ("script", "command"),
    [
        ("vitest", "CI=true npm test"),
        ("vitest run", "npm test"),
        ("react-scripts test", "CI=true npm test"),
    ],
)
def test_a_runner_that_watches_is_told_to_run_once(
    root: Path, programs: Path, script: str, command: str
) -> None:
    _install(programs, "npm")
    facts = _facts(root, programs, {"package.json": _node(scripts={"test": script})})
    assert _commands(facts)["test"] == command


def test_a_broken_package_json_and_one_of_a_named_manager(root: Path, programs: Path) -> None:
    assert _facts(root, programs, {"package.json": "{"}).notes == ("package.json cannot be read.",)
    _install(programs, "pnpm")
    package = _node(scripts={"test": "x", "build": 7}, packageManager="pnpm@9.1.0")
    assert _commands(_facts(root, programs, {"package.json": package})) == {"test": "pnpm test"}


OTHERS = [
    (
        {"go.mod": "module x", "a_test.go": ""},
        "go",
        "go",
        {"build": "go build ./...", "test": "go test -v ./...", "lint": "go vet ./..."},
    ),
    (
        {"Cargo.toml": "[package]", "src/lib.rs": "#[test]\nfn a() {}"},
        "cargo",
        "rust",
        {"build": "cargo build", "test": "cargo test"},
    ),
    (
        {"Cargo.toml": "[workspace]", "a/src/lib.rs": "#[tokio::test]\nfn a() {}"},
        "cargo",
        "rust",
        {"build": "cargo build --workspace", "test": "cargo test --workspace"},
    ),
    ({"Cargo.toml": "[package]", "src/lib.rs": ""}, "cargo", "rust", {"build": "cargo build"}),
    (
        {"Gemfile": "gem 'rails'", "Rakefile": "Rake::TestTask.new", "test/a_test.rb": ""},
        "ruby",
        "ruby",
        {"test": "bundle exec rake test"},
    ),
    (
        {"Gemfile": "gem 'rspec'", "spec/a_spec.rb": ""},
        "ruby",
        "ruby",
        {"test": "bundle exec rspec"},
    ),
    (
        {"a.rb": "", "test/test_a.rb": ""},
        "ruby",
        "ruby",
        {
            "test": "ruby -Ilib -Itest -e"
            " 'Dir.glob(%q(./test/**/{test_*,*_test}.rb)).each { |file| require file }'"
        },
    ),
    (
        {"pom.xml": "", "src/test/java/ATest.java": ""},
        "mvn",
        "java",
        {"build": "mvn -q -B compile", "test": "mvn -q -B test"},
    ),
    (
        {"build.gradle": "", "gradlew": "", "src/test/java/ATest.java": ""},
        "gradle",
        "java",
        {"build": "./gradlew -q assemble", "test": "./gradlew -q test"},
    ),
    (
        {"Makefile": "CC := cc\nall: a\n\ncheck::\n\ttrue\n"},
        "make",
        "make",
        {"build": "make all", "test": "make check"},
    ),
    ({"CMakeLists.txt": "", "Makefile": "test:\n"}, "make", "cmake", {"test": "make test"}),
    ({"index.html": ""}, "make", "static", {}),
    ({"a.test.mjs": ""}, "npm", "node", {"test": "node --test"}),
    ({"README.md": ""}, "make", "unknown", {}),
    ({}, "make", "unknown", {}),
]


@pytest.mark.parametrize(("files", "program", "kind", "commands"), OTHERS)
def test_other_projects_are_known_by_their_markers(
    root: Path,
    programs: Path,
    files: dict[str, str],
    program: str,
    kind: str,
    commands: dict[str, str],
) -> None:
    _install(programs, program)
    facts = _facts(root, programs, files)
    assert facts.type == kind
    assert _commands(facts) == commands
    assert [check.name for check in facts.checks if check.behavioural] == [
        name for name in commands if name == "test"
    ]


def test_a_missing_tool_chain_is_said_and_nothing_offered(root: Path, programs: Path) -> None:
    facts = _facts(root, programs, {"go.mod": "module x", "a_test.go": ""})
    assert facts.checks == ()
    assert facts.notes == ("go is not installed: nothing of it can be checked.",)


def test_phpunit_counts_only_where_it_is_installed(root: Path, programs: Path) -> None:
    _install(programs, "php")
    files = {"composer.json": "", "phpunit.xml": ""}
    assert _facts(root, programs, files).notes == ("No php tests were found.",)
    (root / "vendor/bin").mkdir(parents=True)
    _install(root / "vendor/bin", "phpunit")
    assert _commands(_facts(root, programs, files)) == {"test": "vendor/bin/phpunit"}


def test_a_makefile_lends_its_test_to_a_project_that_has_none(root: Path, programs: Path) -> None:
    _install(programs, "python3", "make")
    facts = _facts(root, programs, {"pyproject.toml": "", "Makefile": "test:\n\ttrue\n"})
    assert facts.type is ProjectType.PYTHON
    assert _commands(facts)["test"] == "make test"


def test_projects_in_folders_are_checked_each_in_its_own(root: Path, programs: Path) -> None:
    _install(programs, "python3", "npm")
    facts = _facts(
        root,
        programs,
        {
            "README.md": "",
            "api/pyproject.toml": "",
            "api/test_a.py": CASE,
            "my web/package.json": _node(scripts={"test": "x"}),
            "my web/nested/package.json": _node(scripts={"test": "x"}),
            "node_modules/x/package.json": _node(scripts={"test": "x"}),
        },
    )
    assert facts.type is ProjectType.UNKNOWN
    commands = _commands(facts)
    assert commands["test (api)"] == "cd api && python3 -m unittest discover"
    assert commands["test (my web)"] == "cd 'my web' && npm test"
    assert set(commands) == {"build (api)", "test (api)", "test (my web)"}


def test_a_single_project_in_a_folder_gives_the_whole_its_type(root: Path, programs: Path) -> None:
    _install(programs, "python3")
    facts = _facts(root, programs, {"api/pyproject.toml": "", "api/test_a.py": CASE})
    assert facts.type is ProjectType.PYTHON


def test_configured_commands_win_and_off_leaves_a_check_out(root: Path, programs: Path) -> None:
    _install(programs, "python3")
    files = {"a.py": "", "test_a.py": CASE}
    facts = _facts(root, programs, files, build="off", test=" make check ", lint="my-lint")
    assert [
        (check.name, check.command, check.behavioural, check.source) for check in facts.checks
    ] == [
        ("test", "make check", True, "configured"),
        ("lint", "my-lint", False, "configured"),
    ]
    assert list(_commands(_facts(root, programs, files, test="-"))) == ["build"]


def test_dependency_folders_are_those_there_and_not_tracked(root: Path, programs: Path) -> None:
    for folder in (
        ".venv",
        "node_modules",
        "web/node_modules",
        "vendor",
        "target",
        "lib/node_modules",
    ):
        (root / folder).mkdir(parents=True)
    facts = _facts(
        root, programs, {"package.json": "{}", "web/package.json": "{}", "vendor/x.go": ""}
    )
    assert facts.dependency_folders == (".venv", "node_modules", "web/node_modules")
    shutil.rmtree(root / "vendor")
    facts = _facts(root, programs, {"Cargo.toml": ""})
    assert "target" not in facts.dependency_folders  # what is built there is no dependency


def test_a_link_of_the_repositorys_own_is_no_dependency_folder(
    root: Path, programs: Path, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    (root / "node_modules").symlink_to(tmp_path / "keys")
    facts = _facts(root, programs, {"package.json": "{}"})
    assert facts.dependency_folders == ("node_modules",)  # the user's own, wherever it leads
    facts = detect(root, ["package.json", "node_modules"], VerifySection(), environ={})
    assert facts.dependency_folders == ()


def test_instructions_are_read_in_trusted_projects_alone_and_capped(
    root: Path, programs: Path
) -> None:
    files = {"AGENTS.md": "Use tabs.\n"}
    assert _facts(root, programs, files).instructions == ""
    assert _facts(root, programs, files, trusted=True).instructions == "Use tabs."
    long = _facts(root, programs, {"AGENTS.md": "x" * 9000}, trusted=True).instructions
    assert long == "x" * 8000 + "\n[AGENTS.md is cut here]"


def test_the_framework_and_package_manager_of_python(root: Path, programs: Path) -> None:
    _install(programs, "python3")
    files = {"pyproject.toml": '[project]\ndependencies = ["FastAPI"]\n', "uv.lock": ""}
    facts = _facts(root, programs, files)
    assert (facts.framework, facts.package_manager) == ("fastapi", "uv")


def test_files_that_are_no_files_are_read_as_not_there(root: Path, tmp_path: Path) -> None:
    read = disk_reader(root)
    (tmp_path / "secret").write_text("s")
    (root / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    (root / "big").write_bytes(b"x" * (1024 * 1024 + 1))
    (root / "file").write_bytes(b"\xff")
    found = [read(name) for name in ("link", "pipe", "folder", "big", "none", "file")]
    assert found == [None, None, None, None, None, b"\xff"]
