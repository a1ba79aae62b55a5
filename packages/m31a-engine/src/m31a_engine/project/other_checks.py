"""Projects of other languages, and Makefiles: the tool chain's own commands."""

import re

from m31a_engine.project.facts import CheckCommand, ProjectType
from m31a_engine.project.tree import Recognised, Tree, as_build, as_lint, as_test

_SAMPLE = 200


def recognise_go(tree: Tree) -> Recognised:
    """The checks of a Go module."""
    checks = [as_build("go build ./...", sure=True, why="go.mod")]
    if tree.any_named(r"[^/]+_test\.go"):
        # Without -v the packages are counted, and a test that is gone is missed by nobody.
        checks.append(as_test("go test -v ./...", sure=True, why="there are _test.go files"))
    checks.append(as_lint("go vet ./...", why="part of the Go tool chain"))
    return _with_program(tree, "go", ProjectType.GO, "go", checks)


def recognise_rust(tree: Tree) -> Recognised:
    """The checks of a Cargo package or workspace."""
    everything = (
        " --workspace"
        if re.search(r"^\[workspace\b", tree.text("Cargo.toml"), re.MULTILINE)
        else ""
    )
    checks = [as_build(f"cargo build{everything}", sure=True, why="Cargo.toml")]
    sources = [path for path in sorted(tree.files) if path.endswith(".rs")][:_SAMPLE]
    if any(re.search(r"#\[(?:\w+::)?test\b", tree.text(path)) for path in sources):
        checks.append(as_test(f"cargo test{everything}", sure=True, why="there are #[test]s"))
    return _with_program(tree, "cargo", ProjectType.RUST, "cargo", checks)


def recognise_ruby(tree: Tree) -> Recognised:
    """The checks of a Ruby project: rake's test task, rspec, or plain test files."""
    gems = tree.text("Gemfile") + tree.text("Gemfile.lock")
    runner = "bundle exec " if tree.has("Gemfile") else ""
    rake = tree.text("Rakefile")
    checks = []
    if re.search(r"Rake::TestTask|Minitest::TestTask|task[ (]:?\"?test\b", rake):
        checks.append(as_test(f"{runner}rake test", sure=True, why="rake has a test task"))
    elif tree.any_named(r"[^/]+_spec\.rb") and ("rspec" in gems or not gems):
        checks.append(as_test(f"{runner}rspec", sure="rspec" in gems, why="there are specs"))
    elif tree.any_named(r"[^/]+_test\.rb|test_[^/]+\.rb"):
        files = "Dir.glob(%q(./test/**/{test_*,*_test}.rb)).each { |file| require file }"
        command = f"{runner}ruby -Ilib -Itest -e '{files}'"
        checks.append(as_test(command, sure=False, why="there are test files"))
    framework = "rails" if re.search(r"\brails\b", gems) else ""
    return _with_program(tree, "ruby", ProjectType.RUBY, "bundler", checks, framework)


def recognise_java(tree: Tree) -> Recognised:
    """The checks of a Maven or Gradle project, by its wrapper where there is one."""
    tests = tree.any_named(r"[^/]*Tests?\.(?:java|kt)")
    if tree.has("pom.xml"):
        manager, flags, build = "maven", " -q -B ", "compile"
        program = "./mvnw" if tree.has("mvnw") else "mvn"
    else:
        manager, flags, build = "gradle", " -q ", "assemble"
        program = "./gradlew" if tree.has("gradlew") else "gradle"
    checks = [as_build(f"{program}{flags}{build}", sure=True, why=manager)]
    if tests:
        checks.append(as_test(f"{program}{flags}test", sure=True, why=manager))
    return _with_program(tree, program, ProjectType.JAVA, manager, checks)


def recognise_php(tree: Tree) -> Recognised:
    """The checks of a Composer project: PHPUnit where it is installed."""
    checks = []
    if tree.has("phpunit.xml", "phpunit.xml.dist") and tree.installed("vendor/bin/phpunit"):
        checks.append(as_test("vendor/bin/phpunit", sure=True, why="phpunit.xml"))
    return _with_program(tree, "php", ProjectType.PHP, "composer", checks)


def recognise_make(tree: Tree) -> Recognised:
    """The targets of a Makefile that are named for it."""
    text = "\n".join(map(tree.text, ("GNUmakefile", "makefile", "Makefile")))
    targets = set(re.findall(r"^([A-Za-z][\w-]*)[ \t]*::?(?![=:])", text, re.MULTILINE))
    checks = []
    build = next((target for target in ("build", "all") if target in targets), None)
    if build is not None:
        checks.append(as_build(f"make {build}", sure=True, why=f"Makefile target {build}"))
    test = next((target for target in ("test", "check", "tests") if target in targets), None)
    if test is not None:
        checks.append(as_test(f"make {test}", sure=True, why=f"Makefile target {test}"))
    return _with_program(tree, "make", ProjectType.MAKE, "make", checks)


def recognise_cmake(tree: Tree) -> Recognised:
    """A CMake project; building one changes folders outside the tree, so nothing is guessed."""
    makefile = recognise_make(tree)
    return Recognised(
        type=ProjectType.CMAKE,
        package_manager="cmake",
        checks=makefile.checks,
        notes=makefile.notes
        or ("CMake projects are built by a command of [verify], none is guessed.",),
    )


def recognise_static(_tree: Tree) -> Recognised:
    """A web site of plain files: nothing to build or test."""
    return Recognised(type=ProjectType.STATIC, notes=("Plain HTML files: nothing to run.",))


def _with_program(
    tree: Tree,
    program: str,
    kind: ProjectType,
    manager: str,
    checks: list[CheckCommand],
    framework: str = "",
) -> Recognised:
    """The checks, or none and a note when the program that runs them is not there."""
    notes: tuple[str, ...] = ()
    if not program.startswith("./") and not tree.program(program):
        notes = (f"{program} is not installed: nothing of it can be checked.",) if checks else ()
        checks = []
    elif not any(check.name == "test" for check in checks):
        notes = (f"No {kind.value} tests were found.",)
    return Recognised(
        type=kind,
        framework=framework,
        package_manager=manager,
        checks=tuple(checks),
        notes=notes,
    )
