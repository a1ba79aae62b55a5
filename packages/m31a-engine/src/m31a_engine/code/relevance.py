"""Which files a goal is about, each with points and the one reason that brought the most.

Files named in the goal come first, then those that define a name it writes out, then those whose
path, names or text have its words, rare words before common ones, and last what is a step away in
the import graph. The points are tuned by hand, not measured on a labelled set.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import log
from posixpath import basename, commonprefix, dirname

import msgspec

from m31a_engine.code.languages import is_test, weight_of
from m31a_engine.code.parsed import Symbol
from m31a_engine.code.store import Place
from m31a_engine.code.view import View
from m31a_engine.code.words import Terms, forms_of, parts_of, terms_of

GIVEN, NAMED, DEFINES, USES = 12.0, 10.0, 7.0, 2.5
IN_NAME, IN_FOLDER, IN_SYMBOLS, IN_TEXT = 3.0, 1.5, 2.5, 1.0
ONE_WORD = 0.3
"""What the points of a file's words are worth when it has only one of many."""
IS_NAMED = "is named in the goal"
STEP_SHARE = 0.4
"""What a file gets of the points of the file it imports, or that imports it."""

_MOST_NAMED = 20
_MOST_WORDS = 12
_MOST_SEEDS = 8
_MOST_IMPORTERS = 40
"""More files than these import a hub; being one of them means nothing."""
_CENTRAL = 24
_COMMON_SHARE = 0.15
_ALWAYS_LOOKED_UP = 200
"""A word in more files than this, and than 15 % of them, is left out of the search."""


class Relevant(msgspec.Struct, frozen=True, kw_only=True):
    """A file that matters to a goal."""

    path: str
    score: float
    """Points, for comparing files of one answer; 10 is a file named in the goal."""
    reason: str
    """Why, in words that follow "because it": `defines parse_config`."""


@dataclass(slots=True)
class Scores:
    """Points of files as they are collected."""

    points: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    reasons: dict[str, tuple[float, str]] = field(default_factory=dict)

    def add(self, path: str, points: float, reason: str) -> None:
        """Give a file points; of all reasons the one with the most is kept."""
        self.points[path] += points
        if path not in self.reasons or points > self.reasons[path][0]:
            self.reasons[path] = (points, reason)

    def ranked(self, limit: int) -> tuple[Relevant, ...]:
        """The files with most points; equal ones by path."""
        best = sorted(self.points, key=lambda path: (-self.points[path], path))[: max(0, limit)]
        return tuple(
            Relevant(path=path, score=round(self.points[path], 2), reason=self.reasons[path][1])
            for path in best
        )


def relevant_files(
    view: View, goal: str, given: Collection[str], limit: int
) -> tuple[Relevant, ...]:
    """The files a goal is about; for a goal without a trace in them, what most files import."""
    scores = Scores()
    terms = terms_of(goal)
    for path in given:
        for file in view.named(path)[:_MOST_NAMED]:
            scores.add(file, GIVEN, "was given")
    _by_named_paths(view, terms, scores)
    _by_names(view, terms, scores)
    _by_words(view, terms, scores)
    if not scores.points:
        for path, count in view.most_imported(_CENTRAL):
            files = "1 file" if count == 1 else f"{count} files"
            scores.add(path, weight_of(path) * log(1 + count), f"is imported by {files}")
        return scores.ranked(limit)
    _by_steps(view, scores)
    return scores.ranked(limit)


def line_that_matters(symbols: Iterable[Symbol], goal: str) -> int | None:
    """The line of the symbol that a goal is most likely about; None when none stands out."""
    terms = terms_of(goal)
    names = set(terms.names)
    wanted = {form for word in terms.words for form in forms_of(word)}
    best = (0.0, 0)
    for symbol in symbols:
        parts = parts_of(symbol.name)
        hits = len(wanted.intersection(parts)) / max(1, len(parts))
        score = DEFINES * (symbol.name in names) + hits
        if score > best[0]:
            best = (score, symbol.line)
    return best[1] or None


def _by_named_paths(view: View, terms: Terms, scores: Scores) -> None:
    for text in terms.paths:
        files = view.named(text)[:_MOST_NAMED]
        for path in files:
            # One of many files with a common name was hardly meant.
            sure = 1.0 if len(files) == 1 else weight_of(path) / len(files) ** 0.5
            scores.add(path, NAMED * sure, IS_NAMED)
        folder = text.strip("./")
        inside = (
            [path for path in view.contents if path.startswith(f"{folder}/")] if "/" in text else []
        )
        for path in inside if len(inside) <= 10 * _MOST_NAMED else ():
            scores.add(path, IN_FOLDER * weight_of(path), f"is in {folder}, named in the goal")


def _by_names(view: View, terms: Terms, scores: Scores) -> None:
    written = {name.lower(): name for name in terms.names[:_MOST_NAMED]}
    rarity = _rarity(view, written)
    for word, place, path in view.found(list(rarity), (Place.DEFINED, Place.MENTIONED)):
        weight = rarity[word] * weight_of(path)
        if place is Place.DEFINED:
            scores.add(path, DEFINES * weight, f"defines {written[word]}")
        else:
            scores.add(path, USES * weight, f"uses {written[word]}")


def _by_words(view: View, terms: Terms, scores: Scores) -> None:
    """Points for each word of the goal, once each for path, names and text; all words together
    count more than one of them that comes up everywhere."""
    word_of = {form: word for word in reversed(terms.words) for form in forms_of(word)}
    best: dict[tuple[str, str, str], float] = {}
    for path, form, points in _in_paths(view, word_of):
        _keep_best(best, (path, word_of[form], "has a path with"), points)
    rarity = _rarity(view, word_of)
    for form, place, path in view.found(list(rarity), (Place.DEFINED, Place.MENTIONED)):
        if place is Place.DEFINED:
            key = (path, word_of[form], "defines names with")
            _keep_best(best, key, IN_SYMBOLS * rarity[form])
        else:
            _keep_best(best, (path, word_of[form], "speaks of"), IN_TEXT * rarity[form])
    words_in: defaultdict[str, set[str]] = defaultdict(set)
    for path, word, _ in best:
        words_in[path].add(word)
    for (path, word, reason), points in best.items():
        covered = len(words_in[path]) / len(terms.words)
        weight = weight_of(path) * (ONE_WORD + (1 - ONE_WORD) * covered)
        scores.add(path, points * weight, f'{reason} "{word}"')


def _keep_best(
    best: dict[tuple[str, str, str], float], key: tuple[str, str, str], points: float
) -> None:
    best[key] = max(points, best.get(key, 0.0))


def _in_paths(view: View, word_of: Mapping[str, str]) -> list[tuple[str, str, float]]:
    """Path, word and points, for every path that has one of the words as a word of its own."""
    # The forms of a word begin alike: a look for that is quick, and few paths remain.
    forms: defaultdict[str, list[str]] = defaultdict(list)
    for form, word in word_of.items():
        forms[word].append(form)
    beginnings = {commonprefix(same) for same in forms.values()}
    likely = {
        path: set(parts_of(path))
        for path, lower in ((path, path.lower()) for path in view.contents)
        if any(beginning in lower for beginning in beginnings)
    }
    hits = [(path, part) for path, parts in likely.items() for part in parts if part in word_of]
    spread = Counter(part for _, part in hits)
    return [
        (path, part, place * _telling(spread[part], len(view.contents)))
        for path, part in hits
        for place in [IN_NAME if part in parts_of(basename(path)) else IN_FOLDER]
    ]


def _rarity(view: View, words: Collection[str]) -> dict[str, float]:
    """How much each word tells, from 0 to 1; words that tell nothing are left out."""
    files = len(view.contents)
    found = view.spread(words)
    common = max(_ALWAYS_LOOKED_UP, files * _COMMON_SHARE)
    rarest = sorted(found.items(), key=lambda item: (item[1], item[0]))[: 4 * _MOST_WORDS]
    return {word: _telling(count, files) for word, count in rarest if count <= common}


def _telling(count: int, files: int) -> float:
    """What a word that `count` of the files have says about each of them.

    The inverse document frequency, scaled so that a word of one file has 1.
    """
    return max(0.05, min(1.0, log((files + 1) / count) / log(files + 1)))


def _by_steps(view: View, scores: Scores) -> None:
    """Share points with what is one and two imports away from the best files."""
    seeds = scores.ranked(_MOST_SEEDS)
    least = seeds[0].score / 4
    points = {seed.path: seed.score for seed in seeds if seed.score >= least}
    passed = set(points)
    for _ in range(2):
        reached: dict[str, tuple[float, str]] = {}
        for path, score in points.items():
            for file, reason in _one_step(view, path):
                share = STEP_SHARE * score * weight_of(file)
                if share > reached.get(file, (0.0, ""))[0] and file not in passed:
                    reached[file] = (share, reason)
        for file, (share, reason) in reached.items():
            scores.add(file, share, reason)
        best = sorted(reached, key=lambda file: (-reached[file][0], file))[:_MOST_SEEDS]
        points = {file: reached[file][0] for file in best}
        passed.update(reached)


def _one_step(view: View, path: str) -> list[tuple[str, str]]:
    found = [(file, f"is imported by {path}") for file in view.imports(path)]
    importers = view.importers(path)
    if len(importers) <= _MOST_IMPORTERS:
        found += [(file, f"imports {path}") for file in importers]
    else:
        found += [(file, f"tests {path}") for file in importers if _is_test_of(file, path)]
    return found


def _is_test_of(file: str, path: str) -> bool:
    name = basename(path).split(".")[0]
    return is_test(file) and (name in basename(file) or dirname(file) == dirname(path))
