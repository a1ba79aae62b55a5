"""What defines the checks: their commands, and the files that decide what these run."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser, Error
from pathlib import PurePosixPath

import msgspec

_ALWAYS = re.compile(
    r"\.?pytest\.(?:ini|toml)|tox\.ini|noxfile\.py|m31a\.toml|\.coveragerc"
    r"|(?:jest|vitest|karma|playwright|cypress|ava|wdio|nyc|jasmine)\.(?:config|conf|setup)[\w.]*"
    r"|jest[\w.-]*\.setup\.\w+|setupTests\.\w+|setup-?[jJ]est\.\w+|vitest[\w.-]*\.(?:setup|workspace)\.\w+"
    r"|\.mocharc(?:\.\w+)?|\.taprc|\.nycrc(?:\.\w+)?|\.npmrc|\.yarnrc(?:\.yml)?|\.pnp\.c?js|bunfig\.toml"
    r"|\.rspec|Rakefile|\.proverc|phpunit\.xml(?:\.dist)?|rust-toolchain(?:\.toml)?"
    r"|sitecustomize\.py|usercustomize\.py|.*\.pth|.*\.egg-link|pyvenv\.cfg"
    r"|entry_points\.txt|babel\.config\.\w+|\.babelrc(?:\.\w+)?|\.swcrc"
)
_CONFTEST = re.compile(r"conftest\.py|(?:spec|rails|test)_helper\.rb")
_MAKE = re.compile(r"(?:GNU)?[mM]akefile|.*\.mk")
_VITE = re.compile(r"vite\.config\.\w+")
_ASSIGNMENT = re.compile(
    r"^ *(?:(?:override|export|private) +)*([\w.-]+)\s*(?:[?+!]|:{0,3})=[^\n]*$"
    r"|^ *(?:override +)?define +([\w.-]+).*?^ *endef",
    re.MULTILINE | re.DOTALL,
)
_VARIABLE = re.compile(r"[$](?:[({])?([\w.-]+)")
_RECIPES = re.compile(
    r"[jJ]ustfile|\.justfile|Taskfile\.ya?ml|tasks\.py|build\.(?:gradle|sbt)(?:\.kts)?|pom\.xml"
)
_RECIPE_PROGRAMS = re.compile(r"\b(?:just|task|invoke|inv|gradle|gradlew|sbt|mvn)\b")
_INSTALLED = frozenset({"node_modules", ".venv", "venv", "site-packages", ".cargo"})
_RUNNERS = frozenset(
    [
        "pytest",
        "_pytest",
        "pluggy",
        "iniconfig",
        "unittest",
        "unittest2",
        "nose",
        "nose2",
        "coverage",
        "tox",
        "sitecustomize",
        "usercustomize",
        "mock",
        "hypothesis",
        "xdist",
        "py",
    ]
)
_DEPENDENCIES = re.compile(
    r"package(?:-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|pyproject\.toml"
    r"|poetry\.lock|uv\.lock|pdm\.lock|Pipfile(?:\.lock)?|requirements[\w.-]*\.(?:txt|in)|setup\.(?:py|cfg)"
    r"|environment\.ya?ml|go\.(?:mod|sum)|Cargo\.(?:toml|lock)|Gemfile(?:\.lock)?|composer\.(?:json|lock)"
)


_GO_MODULES = re.compile(r"go\.(?:mod|work)")
_TS_SETTINGS = re.compile(r"[tj]sconfig[\w.-]*\.json")
_JS_CODE = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")


def declares_dependencies(path: str) -> bool:
    """Whether the file says what is to be installed."""
    return _DEPENDENCIES.fullmatch(PurePosixPath(path).name) is not None


def may_define(path: str, commands: Sequence[str]) -> bool:
    """Whether a change of this file can be a change of a check; its contents decide the rest."""
    where = PurePosixPath(path)
    if _INSTALLED.intersection(where.parts) or _ALWAYS.fullmatch(where.name):
        return True
    if "vendor" in where.parts and (where.suffix == ".go" or where.name == "modules.txt"):
        return True
    if _GO_MODULES.fullmatch(where.name) or _TS_SETTINGS.fullmatch(where.name):
        return True
    if any(kind.fullmatch(where.name) for kind in (_CONFTEST, _MAKE, _VITE)):
        return True
    if where.name in ("pyproject.toml", "setup.cfg", "package.json", "Cargo.toml"):
        return True
    if _RECIPES.fullmatch(where.name):
        return any(_RECIPE_PROGRAMS.search(command) for command in commands)
    return any(path in _paths_in(command) for command in commands)


def definition(path: str, source: str | None, commands: Sequence[str]) -> object:
    """The part of the file that defines checks, as a value to be compared; None when none does."""
    if source is None:
        return None
    match PurePosixPath(path).name:
        case "package.json":
            return _package_json(source, commands)
        case "pyproject.toml":
            return _pyproject(source)
        case "setup.cfg":
            return _setup_cfg(source)
        case "Cargo.toml":
            return _cargo(source)
        case name if _GO_MODULES.fullmatch(name):
            return _directives(source, "replace") or None
        case name if _TS_SETTINGS.fullmatch(name):
            return (
                re.findall(r'"(?:paths|baseUrl|extends)"\s*:\s*(?:\{[^}]*\}|[^,}\n]*)', source)
                or None
            )
        case name if _MAKE.fullmatch(name):
            return _makefile(source, commands, included=name.endswith(".mk") or "/" in path)
        case name if _VITE.fullmatch(name):
            return source if re.search(r"\btest\s*:|vitest", source) else None
        case _:
            return source


def scripts_at(word: str) -> tuple[str, ...]:
    """The files that a word of a command can stand for: with its ending, or as a module."""
    path = word.removeprefix("./")
    dotted = word.replace(".", "/")
    return (
        path,
        *(f"{path}{suffix}" for suffix in _JS_CODE),
        f"{path}/index.js",
        f"{dotted}.py",
        f"{dotted}/__main__.py",
    )


def paths_named(part: object) -> frozenset[str]:
    """Paths that a command, or a part that `definition` gave, runs, as far as its words tell."""
    match part:
        case str():
            return frozenset(_paths_in(part))
        case bytes():
            return frozenset(_paths_in(part.decode("utf-8", "replace")))
        case Mapping():
            return frozenset(path for one in part.values() for path in paths_named(one))
        case tuple() | list():
            return frozenset(path for one in part for path in paths_named(one))
        case _:
            return frozenset()


def shadowed_module(path: str, roots: frozenset[str], *, is_new: bool) -> str | None:
    """The module of a runner, or of Python itself, that this file would be imported in place of.

    `roots` are the folders that a runner puts on its path. A file that shadows a module of the
    standard library counts only when it is new: the project lived with it before.
    """
    where = PurePosixPath(path)
    if where.parent.name == "__pycache__" and where.suffix == ".pyc":
        return where.name.partition(".")[0]  # taken for the source beside it, whatever that says
    if not re.fullmatch(r"\.(?:py|pyc|so|pyd)|\.[\w-]+\.so", "".join(where.suffixes) or "-"):
        return None
    module, folder = where.name.split(".", 1)[0], where.parent
    if module == "__init__":
        module, folder = folder.name, folder.parent
    if (str(folder) if str(folder) != "." else "") not in roots:
        return None
    if module in _RUNNERS or (is_new and module in sys.stdlib_module_names):
        return module
    return None


def _directives(source: str, name: str) -> list[str]:
    """The lines of one directive in a file of go's, blocks taken apart."""
    found: list[str] = []
    inside = False
    for line in source.splitlines():
        words = line.partition("//")[0].split()
        if inside:
            inside = words != [")"]
            found += [" ".join(words)] if inside and words else []
        elif words[:1] == [name]:
            inside = words[1:] == ["("]
            found += [] if inside else [" ".join(words[1:])]
    return found


def twins_of(path: str) -> tuple[str, ...]:
    """Files of the module that this one, when it is new, would be imported in place of."""
    where = PurePosixPath(path)
    if where.suffix in _JS_CODE or not where.suffix:
        stem = where.stem if where.suffix else where.name
        others = (where.with_name(f"{stem}{suffix}") for suffix in _JS_CODE)
        return tuple(str(other) for other in others if other != where)
    module, folder = where.name.partition(".")[0], where.parent
    package = where.name == "__init__.py"
    if package:
        module, folder = folder.name, folder.parent
    elif where.suffix not in (".py", ".so", ".pyd"):
        return ()
    beside = [folder / f"{module}.py"] if package or where.suffix != ".py" else []
    inner = [PurePosixPath(place, module) for place in ("src", "lib")] if folder.name == "" else []
    modules = [*beside, *(place.with_suffix(".py") for place in inner)]
    return tuple(map(str, (*modules, *(place / "__init__.py" for place in inner))))


def _paths_in(text: str) -> set[str]:
    return {
        word.removeprefix("./")
        for word in re.findall(r"[\w./@-]+", text)
        if "." in word or "/" in word
    }


def _package_json(source: str, commands: Sequence[str]) -> object:
    try:
        manifest = msgspec.json.decode(source.encode(), type=dict[str, msgspec.Raw])
        scripts = msgspec.json.decode(
            manifest.get("scripts", msgspec.Raw(b"{}")), type=dict[str, str]
        )
    except msgspec.DecodeError:
        return source
    wanted = (
        {"test"} if any(re.search(r"\b(?:npm|yarn|pnpm|bun)\b", one) for one in commands) else set()
    )
    for command in commands:
        wanted |= set(
            re.findall(r"\b(?:npm|yarn|pnpm|bun)(?: run(?:-script)?)? ([\w:.-]+)", command)
        )
    used: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        for script in (f"pre{name}", name, f"post{name}"):
            if script in scripts and script not in used:
                used[script] = scripts[script]
                wanted |= set(
                    re.findall(
                        r"(?:run(?:-script)?|yarn|pnpm|run-[sp]) ([\w:.-]+)", scripts[script]
                    )
                )
    names = ("jest", "mocha", "ava", "vitest", "nyc", "c8", "tap", "jasmine")
    settings = {name: bytes(manifest[name]) for name in names if name in manifest}
    return (used, settings) if used or settings else None


def _pyproject(source: str) -> object:
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError:
        return source
    tool = document.get("tool", {})
    if not isinstance(tool, Mapping):
        return source
    parts = {
        name: tool[name]
        for name in ("pytest", "tox", "nox", "coverage", "poe", "taskipy")
        if name in tool
    }
    hatch, pdm = tool.get("hatch", {}), tool.get("pdm", {})
    found = (parts, hatch.get("envs"), pdm.get("scripts"))
    return repr(found) if any(found) else None


def _setup_cfg(source: str) -> object:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(source)
    except Error:
        return source
    wanted = ("tool:pytest", "pytest", "aliases", "unittest", "nosetests")
    return {
        name: dict(parser[name])
        for name in parser.sections()
        if name in wanted or name.startswith(("tox", "coverage"))
    }


def _cargo(source: str) -> object:
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError:
        return source
    library = document.get("lib", {})
    return repr(
        (
            {
                name: document[name]
                for name in ("test", "bench", "patch", "profile")
                if name in document
            },
            library.get("test") if isinstance(library, Mapping) else None,
            library.get("harness") if isinstance(library, Mapping) else None,
            document.get("package", {}).get("autotests"),
        )
    )


def _makefile(source: str, commands: Sequence[str], *, included: bool) -> object:
    """The targets that the commands name, what these need, and the variables in them.

    A file that is there to be included can change any of them: all of it counts.
    """
    rules = dict(_rules(source))
    if not any(re.search(r"\bmake\b", command) for command in commands):
        return None
    if included:
        return source
    wanted = [
        word
        for command in commands
        for part in re.findall(r"\bmake\b([^;&|\n]*)", command)
        for word in part.split() or list(rules)[:1]
    ]
    used: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        if name in rules and name not in used:
            used[name] = rules[name]
            wanted += re.findall(r"[\w./-]+", rules[name])
    variables = _variables(source, "".join(used.values()))
    found = (used, variables, re.findall(r"^-?include .*$", source, re.MULTILINE))
    return found if any(found) else None


def _variables(source: str, text: str) -> dict[str, str]:
    """How the variables in `text` are set, those in their own values included."""
    assigned = dict[str, str]()
    for match in _ASSIGNMENT.finditer(source):
        name = match[1] or match[2]
        assigned[name] = assigned.get(name, "") + match[0]
    used: dict[str, str] = {}
    wanted = {"SHELL", ".SHELLFLAGS", "MAKEFLAGS", *_VARIABLE.findall(text)}
    while wanted:
        name = wanted.pop()
        if name in assigned and name not in used:
            used[name] = assigned[name]
            wanted |= set(_VARIABLE.findall(assigned[name]))
    return used


def _rules(source: str) -> Iterator[tuple[str, str]]:
    """Each target with its prerequisites and recipe, the rules of one target together."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in source.replace("\\\n", " ").splitlines():
        head = re.fullmatch(r"([^\s#:=][^#:=]*?)\s*::?(?!=)(.*)", line)
        if line.startswith("\t"):
            for name in names:
                found[name].append(line)
        elif head:
            names = head[1].split()
            for name in names:
                found.setdefault(name, []).append(head[2])
        elif line.strip() and not line.startswith("#"):
            names = []
    return ((name, "\n".join(lines)) for name, lines in found.items())
