"""Acceptance criteria: text ones are searched for, run ones are run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from m31a_engine.checks.result import CheckResult, CheckStatus
from m31a_engine.planning.plan import Criterion, TextCriterion
from m31a_rollback import Repository

_QUOTED = r"[`\"'“]([^`\"'”]{1,200})[`\"'”]"
_EXISTS = re.compile(
    r"(?:file |the )*[`\"']?([\w./-]+)[`\"']? (?:exists|is there|is created)\b.*", re.IGNORECASE
)
_CONTAINS = re.compile(
    r"(?:file |the )*[`\"']?([\w./-]+)[`\"']? (?:contains|has|defines|includes|exports) (.+)",
    re.IGNORECASE,
)
_IN_FILE = re.compile(
    rf"{_QUOTED} (?:is |exists |defined )*in (?:the )?(?:file )?[`\"']?([\w./-]+?)[`\"']?\.?",
    re.IGNORECASE,
)
_ONLY_LOOKS = re.compile(
    r"(?:test|\[|\[\[|ls|stat|find|grep|egrep|rg|cat|head|tail|wc|echo|printf|true|:|exit|cd|diff|cmp"
    r"|sleep|touch|mkdir|file|which|command|git)"
)
_ONLY_READS_SOURCE = re.compile(
    r"-m (?:py_compile|compileall|json\.tool|tokenize|ast)\b|\b(?:node --check|ruby -c|sh -n) "
    r"|\b(?:ruff|flake8|mypy|eslint|tsc|gofmt|go vet|black|prettier)\b"
)
_RUNS_TESTS = re.compile(
    r"\b(?:pytest|py\.test|unittest|nose2|tox|nox|node (?:\S+ )*--test|jest|vitest|mocha|rspec|rake"
    r"|prove|phpunit|bats|ctest|(?:npm|yarn|pnpm|bun|cargo|go|mix|dotnet|swift|mvn|gradle|make)"
    r"\b[^;&|]*\btest)\b"
)
_INLINE = re.compile(r"\s-(?:c|e|p|-eval|-print)\b|\b(?:echo|printf)\b")
_WORDS_NEEDED = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCriterion:
    """A criterion and the files of the task that it belongs to."""

    criterion: Criterion
    files: tuple[str, ...] = ()
    task: str = ""

    @property
    def name(self) -> str:
        """What its result is called."""
        return f"criterion (task {self.task})" if self.task else "criterion"


def shows_behaviour(command: str) -> bool:
    """Whether running it can say something about the program, and not only about its files."""
    for part in re.split(r"&&|\|\||[;|&\n]", command):
        words = [word for word in part.split() if not re.fullmatch(r"\w+=\S*|!", word)]
        if words and not _ONLY_LOOKS.fullmatch(words[0]) and not _ONLY_READS_SOURCE.search(part):
            return True
    return False


def runs_tests(command: str) -> bool:
    """Whether a test runner counts in it; what a command prints by itself is no figure."""
    return _RUNS_TESTS.search(command) is not None and _INLINE.search(command) is None


async def search_criteria(
    repository: Repository, commit: str, criteria: Sequence[TaskCriterion]
) -> tuple[CheckResult, ...]:
    """What a search in the tasks' files says about the text criteria: a hint, never a proof."""
    texts = [
        (one, one.criterion.text) for one in criteria if isinstance(one.criterion, TextCriterion)
    ]
    if not texts:
        return ()
    tree = await repository.tree_of(commit)
    paths = frozenset(entry.path for entry in await repository.ls_tree(commit))
    wanted = sorted({path for one, text in texts for path in _searched(text, one.files, paths)})
    blobs = await repository.blobs(commit, wanted)
    contents = {
        path: data.decode("utf-8", "replace") for path, data in blobs.items() if data is not None
    }
    return tuple(
        CheckResult(
            name=one.name,
            command="",
            exit_code=None,
            passed=found,
            status=CheckStatus.PASSED if found else CheckStatus.NOT_RUN,
            tree=tree,
            behavioural=False,
            note=("found by search: " if found else "not found by search: ") + text,
        )
        for one, text in texts
        for found in [holds(text, one.files, contents, paths)]
    )


def holds(
    text: str, files: Sequence[str], contents: Mapping[str, str], paths: frozenset[str]
) -> bool:
    """Whether a search finds what the sentence asks for.

    Understood are `X exists`, `X contains Y` and `` `Y` in X``; of another sentence most of the
    longer words must stand in the task's files.
    """
    text = text.strip()
    if match := _EXISTS.fullmatch(text):
        return bool(_named(match[1], files, paths))
    if match := _CONTAINS.fullmatch(text):
        places = _named(match[1], files, paths)
        if places:
            quoted = re.search(_QUOTED, match[2])
            needle = quoted[1] if quoted else match[2].strip().rstrip(".")
            return any(needle in contents.get(path, "") for path in places)
    if match := _IN_FILE.fullmatch(text):
        return any(match[1] in contents.get(path, "") for path in _named(match[2], files, paths))
    words = {word.lower() for word in re.findall(r"\w{4,}", text)}
    below = "\n".join(contents.get(path, "") for path in files).lower()
    return bool(words) and sum(word in below for word in words) >= _WORDS_NEEDED * len(words)


def _searched(text: str, files: Sequence[str], paths: frozenset[str]) -> set[str]:
    named = {path for word in re.findall(r"[\w./-]+", text) for path in _named(word, files, paths)}
    return named | paths.intersection(files)


def _named(name: str, files: Sequence[str], paths: frozenset[str]) -> tuple[str, ...]:
    """The paths of the tree that a name may mean; the task's own files first."""
    name = name.removeprefix("./").rstrip(".")
    if name in paths:
        return (name,)
    return tuple(path for path in files if path in paths and path.endswith(f"/{name}"))
