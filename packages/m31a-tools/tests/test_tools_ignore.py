"""Our reading of .gitignore is git's."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_tools import Workspace
from m31a_tools.ignore import IgnoreRules, path_matches
from m31a_tools.walk import walk

GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


def git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        ["git", *words], cwd=folder, env=GIT_ENVIRONMENT, input=stdin, capture_output=True
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ignore")
    git(folder, "init", "-q")
    return folder


def ignored_by_git(repository: Path, rules: str, paths: list[str]) -> set[str]:
    (repository / ".gitignore").write_bytes(rules.encode())
    listed = b"".join(path.encode() + b"\0" for path in paths)
    out = git(repository, "check-ignore", "-z", "--no-index", "--stdin", stdin=listed)
    return {path.decode() for path in out.split(b"\0") if path}


def ignored_by_us(rules: str, paths: list[str]) -> set[str]:
    parsed = IgnoreRules.parse(rules)

    def ignored(path: str) -> bool:
        steps = path.split("/")
        for end in range(1, len(steps) + 1):
            folder = "".join(f"{step}/" for step in steps[: end - 1])
            if parsed.verdict(folder, steps[end - 1], is_folder=end < len(steps)):
                return True
        return False

    return {path for path in paths if ignored(path)}


PATHS = [
    "a",
    "a.py",
    "a.pyc",
    "b.log",
    "debug.log",
    "build/out.o",
    "build/x/y",
    "src/build/out.o",
    "src/a.py",
    "src/a.pyc",
    "src/deep/er/a.txt",
    "src/deep/b",
    "doc/frotz/x",
    "a/doc/frotz/x",
    "foo",
    "foo/bar",
    "foo/bar/baz",
    "foo/x/bar",
    "foo/x/y/bar",
    "x/foo/bar",
    "#hash",
    "!bang",
    "with space",
    "trail ",
    "[x]",
    "back\\slash",
    "star*",
    "q?",
    "node_modules/p/index.js",
    "ab",
    "abc",
    "a-c",
    "A.py",
    "ünï.txt",
    ".env",
    ".env.local",
    "x/.env",
]

RULES = [
    "*.pyc",
    "*.log\n!debug.log",
    "!debug.log\n*.log",
    "build/",
    "/build",
    "/build/",
    "build/*\n!build/out.o",
    "build\n!build/out.o",
    "src/*.py",
    "src/**/a.txt",
    "**/a.txt",
    "**/deep",
    "**/deep/**",
    "src/**",
    "foo/**/bar",
    "foo/*/bar",
    "foo/**",
    "/**/bar",
    "**",
    "*",
    "*\n!*/\n!*.py",
    "/*\n!/src\n!/foo",
    "doc/frotz/",
    "doc/frotz",
    "frotz/",
    "\\#hash",
    "#hash",
    "\\!bang",
    "with space",
    "with\\ space",
    "trail\\ ",
    "trail ",
    "a   ",
    "[ab]",
    "[!a].log",
    "[^a]b",
    "[a-c]",
    "[c-a]b",
    "[]]",
    "[[]x]",
    "[x",
    "a[",
    "[[:alpha:]]",
    "[[:bogus:]]",
    "[[:upper:]].py",
    "back\\\\slash",
    "star\\*",
    "q\\?",
    "a?c",
    "a?",
    "foo\\",
    "\\",
    "**.py",
    "a**",
    "src**/b",
    "***/b",
    "node_modules",
    "ü*",
    ".env*",
    "/.env",
    "!",
    "/",
    "//",
    "foo//bar",
    "",
    "\n\n  \n",
    "a.py\r\nfoo\r",
    "*.py\n!a.py\na.py",
    "[a-]c",
    "[--a]c",
    "a[/]doc",
    "*/*",
    "*/",
    "?",
    "./a",
    "../a",
    "src/",
    "src/./a.py",
]


@pytest.mark.parametrize("rules", RULES)
def test_rules_mean_what_they_mean_to_git(repository: Path, rules: str) -> None:
    assert ignored_by_us(rules, PATHS) == ignored_by_git(repository, rules, PATHS)


LINES = st.lists(
    st.text(alphabet="ab*?/!.[]-\\ ", min_size=1, max_size=8), min_size=1, max_size=4
).map("\n".join)
NAMES = st.lists(
    st.lists(st.text(alphabet="ab-. ", min_size=1, max_size=4), min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda p: not any(s in (".", "..") for s in p.split("/"))),
    min_size=1,
    max_size=12,
    unique=True,
)


@settings(max_examples=80, deadline=None)
@given(LINES, NAMES)
def test_any_rules_mean_what_they_mean_to_git(
    repository: Path, rules: str, paths: list[str]
) -> None:
    assert ignored_by_us(rules, paths) == ignored_by_git(repository, rules, paths)


@settings(max_examples=300, deadline=None)
@given(LINES, NAMES)
def test_no_rule_speaks_of_a_file_that_is_not_suspect(rules: str, paths: list[str]) -> None:
    parsed = IgnoreRules.parse(rules)
    for path in paths:
        folder, slash, name = path.rpartition("/")
        if parsed.verdict(folder + slash, name, is_folder=False) is not None:
            assert name in parsed.suspects(folder + slash, [name])


def test_plain_rules_make_no_other_file_suspect() -> None:
    rules = IgnoreRules.parse("*.log\nnode_modules\nbuild/\n/dist/\n!keep.log\n/x.tmp\n*a*\n")
    names = ["a.py", "b.py", "c.log", "keep.log", "node_modules", "build", "dist", "x.tmp"]
    assert set(rules.suspects("", names)) == {"a.py", "c.log", "keep.log", "node_modules", "x.tmp"}
    assert rules.suspects("src/", ["x.tmp", "b.py"]) == []


def test_no_pattern_takes_long() -> None:
    """By backtracking these would need more steps than there are atoms."""
    name = "a" * 250
    folder = ("a" * 50 + "/") * 40
    rules = IgnoreRules.parse("*a" * 40 + "b\n" + "**/a*/" * 20 + "b")
    assert rules.verdict("", name, is_folder=False) is None
    assert rules.verdict(folder, "a" * 50, is_folder=False) is None


def test_a_rule_path_covers_what_is_below_it() -> None:
    assert path_matches("secrets", "a/secrets/key")
    assert path_matches("/src/*.py", "src/a.py")
    assert not path_matches("/src/*.py", "src/deep/a.py")
    assert path_matches("src/", "src/a.py")
    assert not path_matches("src/", "src")
    assert path_matches("src/", "src", is_folder=True)
    assert path_matches("!odd", "!odd")
    assert path_matches("*", ".")
    assert not path_matches("broken[", "broken[")


def test_a_walk_sees_the_files_that_git_would_add(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    files = {
        ".gitignore": "*.log\n/out/\n!keep.log\n",
        "a.py": "",
        "x.log": "",
        "keep.log": "",
        "out/x": "",
        "src/.gitignore": "!special.log\ngen/*\n!gen/hand.py\n",
        "src/special.log": "",
        "src/other.log": "",
        "src/gen/a.py": "",
        "src/gen/hand.py": "",
        "src/out/x": "",
        "empty/.gitignore": "*\n",
        "empty/a": "",
        "üni/ö.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "link").symlink_to("src")
    (tmp_path / ".m31a").mkdir()
    (tmp_path / ".m31a" / "x").touch()
    (tmp_path / "empty" / ".gitignore").write_text("*\n")

    def walked(path: str) -> set[str]:
        return {
            folder.path + name
            for folder in walk(Workspace(root=tmp_path), path)
            for name in folder.names
        }

    listed = git(tmp_path, "ls-files", "-z", "--others", "--exclude-standard")
    theirs = {name.decode() for name in listed.split(b"\0") if name and b".m31a" not in name}
    assert walked(".") == theirs
    assert walked("src") == {name for name in theirs if name.startswith("src/")}
    # What is asked for by name is looked at even if it is ignored.
    assert walked("out") == {"out/x"}


def test_a_walk_of_a_readable_folder_gives_absolute_paths(tmp_path: Path, root: Path) -> None:
    extra = tmp_path / "extra"
    (extra / "in").mkdir(parents=True)
    (extra / "in" / "a").touch()
    workspace = Workspace(root=root, readable=(extra,))
    assert [
        folder.path + name for folder in walk(workspace, str(extra)) for name in folder.names
    ] == [str(extra / "in" / "a")]


def test_a_walk_goes_on_past_what_it_may_not_read(root: Path) -> None:
    (root / ".gitignore").mkdir()
    (root / "a").touch()
    deep = root
    for _ in range(210):
        deep = deep / "d"
        deep.mkdir()
    (deep / "too-deep").touch()
    assert [name for folder in walk(Workspace(root=root), ".") for name in folder.names] == ["a"]
