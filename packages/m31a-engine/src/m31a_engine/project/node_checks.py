"""Node projects: the scripts of package.json, run by the package manager of the lock file."""

import msgspec

from m31a_engine.project.facts import CheckCommand, ProjectType
from m31a_engine.project.tree import Recognised, Tree, as_build, as_lint, as_test

_LOCKS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)
_FRAMEWORKS = {
    "next": "next",
    "nuxt": "nuxt",
    "@sveltejs/kit": "sveltekit",
    "svelte": "svelte",
    "@angular/core": "angular",
    "@nestjs/core": "nest",
    "vue": "vue",
    "react": "react",
    "fastify": "fastify",
    "express": "express",
}
_PLACEHOLDER = "no test specified"
_TESTS = r"[^/]+[._-]test\.[cm]?js|test-[^/]+\.[cm]?js|test/[^/]+\.[cm]?js"


class _Package(msgspec.Struct, frozen=True, kw_only=True):
    """What is of interest in package.json."""

    scripts: dict[str, object] = {}
    dependencies: dict[str, object] = {}
    dev_dependencies: dict[str, object] = msgspec.field(default={}, name="devDependencies")
    package_manager: str = msgspec.field(default="", name="packageManager")


def recognise_node(tree: Tree) -> Recognised:
    """The checks of a Node project: its own scripts, and no command it does not know."""
    try:
        package = msgspec.json.decode(tree.text("package.json").encode() or b"{}", type=_Package)
    except msgspec.DecodeError:
        return Recognised(type=ProjectType.NODE, notes=("package.json cannot be read.",))
    named = package.package_manager.partition("@")[0]
    manager = next((name for lock, name in _LOCKS if tree.has(lock)), named or "npm")
    depends = package.dependencies | package.dev_dependencies
    checks = _checks(tree, package, manager)
    notes = []
    if not tree.program(manager) and checks:
        notes.append(f"{manager} is not installed: the project's scripts cannot be run.")
        checks = ()
    if depends and not (tree.location / "node_modules").is_dir():
        notes.append("The project's dependencies are not installed (no node_modules).")
    if not any(check.name == "test" for check in checks):
        notes.append("The project has no test script.")
    return Recognised(
        type=ProjectType.NODE,
        framework=next((name for key, name in _FRAMEWORKS.items() if key in depends), ""),
        package_manager=manager,
        checks=checks,
        notes=tuple(notes),
    )


def _checks(tree: Tree, package: _Package, manager: str) -> tuple[CheckCommand, ...]:
    scripts = {name: text for name, text in package.scripts.items() if isinstance(text, str)}
    checks = []
    if scripts.get("build", "").strip():
        checks.append(as_build(f"{manager} run build", sure=True, why="script build"))
    test = scripts.get("test", "").strip()
    if test and _PLACEHOLDER not in test:
        command = "bun run test" if manager == "bun" else f"{manager} test"
        # Test runners that watch for changes by themselves run once where CI is set.
        watches = ("vitest" in test and "run" not in test) or "react-scripts test" in test
        command = f"CI=true {command}" if watches else command
        checks.append(as_test(command, sure=True, why="script test"))
    elif "package.json" not in tree.files and tree.any_named(_TESTS):
        checks.append(as_test("node --test", sure=False, why="test files, no package.json"))
    if scripts.get("lint", "").strip():
        checks.append(as_lint(f"{manager} run lint", why="script lint"))
    return tuple(checks)
