"""The files of one state of the project, and what the store knows of their contents."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from posixpath import basename, dirname

from m31a_engine.code.imports import Resolver, keys_of_import, keys_of_path
from m31a_engine.code.languages import Language, language_of
from m31a_engine.code.parsed import Parsed
from m31a_engine.code.store import Place, Store

NOT_READ = 0
"""Stands for the content of a file that was not read; the store counts from 1."""

_MOST_CANDIDATES = 400


class View:
    """Paths with their contents; never changed, a new one is made after an edit."""

    def __init__(self, store: Store, contents: Mapping[str, int]) -> None:
        self.contents = contents
        self._store = store
        self._parsed: dict[int, Parsed] = {}

    @cached_property
    def resolver(self) -> Resolver:
        """Finds the files that imports mean."""
        manifests = [path for path in self.contents if language_of(path) is Language.MANIFEST]
        named = self.parsed_of(manifests)
        packages = {dirname(path): parsed.package for path, parsed in named.items()}
        return Resolver(self.contents, packages)

    @cached_property
    def _paths_of(self) -> Mapping[int, list[str]]:
        found: defaultdict[int, list[str]] = defaultdict(list)
        for path, number in self.contents.items():
            found[number].append(path)
        return dict(found)

    def parsed_of(self, paths: Collection[str]) -> dict[str, Parsed]:
        """What is known of files; those that were not read are left out."""
        numbers = {path: self.contents.get(path, NOT_READ) for path in paths}
        missing = set(numbers.values()) - self._parsed.keys() - {NOT_READ}
        self._parsed.update(self._store.parsed(sorted(missing)))
        return {path: self._parsed[n] for path, n in numbers.items() if n in self._parsed}

    def spread(self, words: Collection[str]) -> Mapping[str, int]:
        """In how many contents each word stands, those without any left out."""
        return self._store.spread(words)

    def found(
        self, words: Collection[str], places: Collection[Place]
    ) -> Iterator[tuple[str, Place, str]]:
        """Word, place and path, wherever one of the words stands in one of the places."""
        for word, place, number in self._store.contents_with(words, places):
            for path in self._paths_of.get(number, ()):
                yield word, place, path

    def imports(self, path: str) -> tuple[str, ...]:
        """The files a file imports, in the order it does."""
        parsed = self.parsed_of([path]).get(path)
        if parsed is None:
            return ()
        found = (file for item in parsed.imports for file in self.resolver.resolve(path, item))
        return tuple(dict.fromkeys(found))

    def importers(self, path: str) -> tuple[str, ...]:
        """The files that import a file, sorted."""
        keys = keys_of_path(path)
        asking = {file for _, _, file in self.found(keys, (Place.IMPORTED,))}
        candidates = self.parsed_of(sorted(asking - {path})[:_MOST_CANDIDATES])
        return tuple(
            file
            for file, parsed in candidates.items()
            if any(
                path in self.resolver.resolve(file, item)
                for item in parsed.imports
                if not keys.isdisjoint(keys_of_import(item))
            )
        )

    def most_imported(self, count: int) -> list[tuple[str, int]]:
        """The files that most others import, with how many do; the first is imported most."""
        words = self._store.most_imported(2 * count)
        candidates: defaultdict[str, list[str]] = defaultdict(list)
        for path in self.contents:
            for key in keys_of_path(path):
                candidates[key].append(path)
        # A name that many files have (`main`, `index`) says nothing about any of them.
        paths = [path for word in words if len(candidates[word]) <= 3 for path in candidates[word]]
        counted = [(path, len(self.importers(path))) for path in dict.fromkeys(paths[:count])]
        return sorted(((p, n) for p, n in counted if n), key=lambda item: (-item[1], item[0]))

    def named(self, text: str) -> list[str]:
        """The files that a path, the end of one, or a dotted module names."""
        text = text.removeprefix("./").rstrip("/")
        if text in self.contents:
            return [text]
        dotted = text.replace(".", "/") if "/" not in text else text
        endings = (text, f"{dotted}.py", f"{dotted}/__init__.py")
        called = self.resolver.by_name
        return [
            path
            for ending in endings
            for path in called.get(basename(ending), ())
            if path in self.contents and f"/{path}".endswith(f"/{ending}")
        ]
