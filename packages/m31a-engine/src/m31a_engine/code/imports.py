"""Which file of the project an import means."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from posixpath import basename, dirname, join, normpath, splitext

from m31a_engine.code.languages import Language, is_test, language_of
from m31a_engine.code.parsed import Import

_SCRIPTS = frozenset({Language.JAVASCRIPT, Language.TYPESCRIPT, Language.TSX, Language.OTHER_CODE})
_SCRIPT_ENDINGS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".vue", ".svelte")
_SOURCE_FOLDERS = frozenset({"", "src", "lib", "python"})
_CRATE_ROOTS = ("lib.rs", "main.rs")
_HEADERS = (".h", ".hh", ".hpp", ".hxx")
_RUST_PLACES = frozenset({"crate", "self", "super"})
_FACES = frozenset({"__init__", "index", "mod", "lib", "main"})
"""Names of files that imports do not say: they say the folder's."""
_MOST_OF_PACKAGE = 20


class Resolver:
    """Finds the files that imports mean, in one set of files.

    `packages` maps a folder to the name that its `go.mod` or `package.json` gives it. What is not
    in the set (the standard library, installed packages) is no file.
    """

    def __init__(self, files: Collection[str], packages: Mapping[str, str] | None = None) -> None:
        self._files = files
        self._packages = {name: folder for folder, name in (packages or {}).items() if name}

    def resolve(self, path: str, wanted: Import) -> tuple[str, ...]:
        """The files that an import in `path` means; several for a package, often none."""
        match language_of(path):
            case Language.PYTHON:
                found = self._python(path, wanted)
            case Language.GO:
                found = self._go(wanted)
            case Language.RUST:
                found = self._rust(path, wanted)
            case Language.C:
                found = self._include(path, wanted)
            case language if language in _SCRIPTS:
                found = self._script(path, wanted)
            case _:
                found = []
        return tuple(dict.fromkeys(file for file in found if file != path))

    @cached_property
    def _folders(self) -> frozenset[str]:
        found: set[str] = set()
        for folder in {dirname(path) for path in self._files}:
            above = folder
            while above not in found:
                found.add(above)
                above = dirname(above)
        return frozenset(found)

    @cached_property
    def by_name(self) -> Mapping[str, list[str]]:
        """Files, folders and files without their endings, by the last part of their path."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in self._files:
            name = path[path.rfind("/") + 1 :]
            found[name].append(path)
            stem = name[: name.rfind(".")]
            if stem and len(stem) < len(name) - 1:
                found[stem].append(path)
        for folder in self._folders:
            found[basename(folder)].append(folder)
        return dict(found)

    @cached_property
    def _go_files(self) -> dict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self._files):
            if path.endswith(".go") and not is_test(path):
                found[dirname(path)].append(path)
        return dict(found)

    def _first(self, candidates: Iterable[str]) -> list[str]:
        for candidate in candidates:
            if candidate in self._files:
                return [candidate]
        return []

    def _python(self, path: str, wanted: Import) -> list[str]:
        rest = wanted.module.lstrip(".")
        dots = len(wanted.module) - len(rest)
        parts = rest.split(".") if rest else []
        if dots:
            folder = dirname(path)
            for _ in range(dots - 1):
                folder = dirname(folder)
            return self._python_module(folder, parts, wanted.names)
        for root in self._python_roots(path, parts):
            if found := self._python_module(root, parts, wanted.names):
                return found
        return []

    def _python_roots(self, path: str, parts: list[str]) -> list[str]:
        """Folders that a module may be looked up in, the likeliest first."""
        above = _ancestors(path)
        places = {dirname(place) for place in self.by_name.get(parts[0], ())}
        if len(parts) == 1:
            places = {place for place in places if basename(place) in _SOURCE_FOLDERS}
        others = places.difference(above)
        return [*above, *sorted(others, key=lambda root: (root.count("/"), root))]

    def _python_module(self, root: str, parts: list[str], names: tuple[str, ...]) -> list[str]:
        stem = join(root, *parts) if parts else root
        inner = [self._first(_python_files(join(stem, name))) for name in names]
        found = [file for files in inner for file in files]
        if names and all(inner):
            return found
        return found + self._first(_python_files(stem))

    def _script(self, path: str, wanted: Import) -> list[str]:
        module = wanted.module
        if module.startswith("."):
            return self._first(_script_files(normpath(join(dirname(path), module))))
        if module.startswith(("@/", "~/")):
            rest = module[2:]
            stems = [
                join(root, *more, rest) for root in _ancestors(path) for more in (("src",), ())
            ]
            return self._first(file for stem in stems for file in _script_files(stem))
        name = "/".join(module.split("/")[: 2 if module.startswith("@") else 1])
        folder = self._packages.get(name)
        if folder is None:
            return []
        rest = module[len(name) + 1 :]
        stems = [join(folder, "src", rest), join(folder, rest)]
        return self._first(file for stem in stems for file in _script_files(stem.rstrip("/")))

    def _go(self, wanted: Import) -> list[str]:
        for name, folder in self._packages.items():
            if wanted.module == name or wanted.module.startswith(f"{name}/"):
                inner = join(folder, wanted.module[len(name) + 1 :]).rstrip("/")
                return self._go_files.get(inner, [])[:_MOST_OF_PACKAGE]
        return []

    def _rust(self, path: str, wanted: Import) -> list[str]:
        folder, stem = dirname(path), splitext(basename(path))[0]
        own = folder if stem in {"lib", "main", "mod"} else join(folder, stem)
        if wanted.module == "mod":
            name = wanted.names[0]
            return self._first((join(own, f"{name}.rs"), join(own, name, "mod.rs")))
        first, *parts = wanted.module.split("::")
        if first == "self":
            return self._rust_item(own, parts)
        if first == "super":
            while parts[:1] == ["super"]:
                own, parts = dirname(own), parts[1:]
            return self._rust_item(dirname(own), parts)
        if first == "crate":
            root = self._crate_of(path)
            return [] if root is None else self._rust_item(root, parts)
        for place in self.by_name.get(first.replace("_", "-"), []) + self.by_name.get(first, []):
            root = join(place, "src")
            if self._first(join(root, name) for name in _CRATE_ROOTS):
                return self._rust_item(root, parts)
        return self._rust_item(own, [first, *parts])

    def _crate_of(self, path: str) -> str | None:
        for folder in _ancestors(path):
            if self._first(join(folder, name) for name in _CRATE_ROOTS):
                return folder
        return None

    def _rust_item(self, folder: str, parts: list[str]) -> list[str]:
        """The file of the longest beginning of a path: what follows is an item in it."""
        for count in range(len(parts), 0, -1):
            stem = join(folder, *parts[:count])
            if found := self._first((f"{stem}.rs", join(stem, "mod.rs"))):
                return found
        roots = [join(folder, name) for name in ("mod.rs", *_CRATE_ROOTS)]
        return self._first([*roots, f"{folder}.rs"])

    def _include(self, path: str, wanted: Import) -> list[str]:
        if beside := self._first([normpath(join(dirname(path), wanted.module))]):
            return beside
        ending = "/" + wanted.module.lstrip("./")
        named = self.by_name.get(basename(wanted.module), [])
        found = [file for file in named if f"/{file}".endswith(ending)]
        return found if len(found) == 1 else []


def keys_of_import(wanted: Import) -> frozenset[str]:
    """Words one of which a file that the import means has among its `keys_of_path`."""
    names = list(wanted.names)
    if "::" in wanted.module:
        # Some last parts are items in a file and no file's name.
        parts = wanted.module.split("::")
        names += [part for part in (parts[0], *parts[-3:]) if part not in _RUST_PLACES]
    elif "/" in wanted.module or wanted.module.endswith(_HEADERS):
        names.append(wanted.module.rstrip("/").rpartition("/")[2].split(".")[0])
    else:
        names.append(wanted.module.rpartition(".")[2])
    return frozenset(_key(name) for name in names)


def keys_of_path(path: str) -> frozenset[str]:
    """Words that imports of a file have: its own name, or for the face of a folder the folder's."""
    name = path[path.rfind("/") + 1 :].split(".", 1)[0]
    if name not in _FACES and not path.endswith(".go"):
        return frozenset({_key(name)})
    folder = dirname(path)
    above = basename(dirname(folder)) if basename(folder) in _SOURCE_FOLDERS else ""
    return frozenset(_key(part) for part in (name, basename(folder), above, ""))


def _key(name: str) -> str:
    """A file's, folder's or package's name as imports may spell it; "." for none."""
    return name.lower().replace("_", "-") or "."


def _ancestors(path: str) -> list[str]:
    """The folders a file stands in, the innermost first, the project's own (empty) last."""
    found = []
    folder = dirname(path)
    while folder:
        found.append(folder)
        folder = dirname(folder)
    return [*found, ""]


def _python_files(stem: str) -> list[str]:
    inner = [join(stem, "__init__.py"), join(stem, "__init__.pyi")]
    return [f"{stem}.py", *inner, f"{stem}.pyi"] if stem else inner


def _script_files(stem: str) -> list[str]:
    if stem.startswith("../"):
        return []
    stem = "" if stem == "." else stem
    bare, ending = splitext(stem)
    swapped = (
        [bare + other for other in (".ts", ".tsx", ".mts")] if ending[:3] in {".js", ".mj"} else []
    )
    inside = [join(stem, f"index{ending}") for ending in _SCRIPT_ENDINGS]
    return [stem, *swapped, *(stem + ending for ending in _SCRIPT_ENDINGS), *inside]
