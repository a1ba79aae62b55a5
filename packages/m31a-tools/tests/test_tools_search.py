"""Glob and Grep: the right files, the right lines, with and without ripgrep."""

import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from m31a_tools import (
    CallFailed,
    Glob,
    Grep,
    Listing,
    PathRefused,
    ToolResult,
    Workspace,
    regex_worker,
)
from m31a_tools.glob_files import GlobArgs
from m31a_tools.globs import glob_matcher, name_filter
from m31a_tools.grep_files import GrepArgs
from m31a_tools.search import MAX_HITS, Found, Query, search

pytestmark = pytest.mark.anyio

ONE_LOOP = pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
"""For what depends on programs, not on the event loop."""

RIPGREP = shutil.which("rg") or ""
ENGINES = [
    pytest.param("", id="own"),
    pytest.param(RIPGREP, id="ripgrep", marks=pytest.mark.skipif(not RIPGREP, reason="no rg")),
]

FILES = {
    ".gitignore": "*.log\n/build/\nnode_modules\n!keep.log\n",
    "a.py": "import os\n\ndef Alpha():\n    return 'needle'\n",
    "src/b.py": "needle = 1\n# NEEDLE\nneedles\n",
    "src/deep/c.ts": "const x = 'needle';\r\nlet y;\r\nneedle\r\n",
    "src/.gitignore": "gen.py\n",
    "src/gen.py": "needle ignored\n",
    "x.log": "needle in log\n",
    "keep.log": "needle kept\n",
    "build/out.py": "needle built\n",
    "node_modules/m/i.js": "needle module\n",
    ".hidden/h.py": "needle hidden\n",
    ".git/config": "needle in git\n",
    ".m31a/x": "needle in ours\n",
    "üni/ö ä.py": "ünï needle\n",
    "no-end": "last needle",
    "empty": "",
    "blank": "\n\nneedle\n\n",
    "tabs.txt": "\tneedle\t\n",
    "weird\nname.py": "needle in weird\n",
}


@pytest.fixture
def tree(root: Path) -> Path:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    (root / "binary").write_bytes(b"needle\0binary\n")
    (root / "late-binary").write_bytes(
        b"needle first\n" + (b"x" * 99 + b"\n") * 1000 + b"\0needle\n"
    )
    (root / "utf16.txt").write_bytes("\ufeffwide needle\n".encode("utf-16-le"))
    (root / "west.txt").write_bytes(b"needle \xe4\n")
    (root / "long.txt").write_text("x" * 3000 + "needle\n" + "needle" + "y" * 3000 + "\n")
    (root / "link.py").symlink_to("a.py")
    (root / "linkdir").symlink_to("src")
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("needle outside\n")
    (root / "out").symlink_to(outside)
    os.mkfifo(root / "pipe.py")
    return root


async def glob(workspace: Workspace, pattern: str, path: str = ".") -> set[str]:
    result = await Glob().run(GlobArgs(pattern=pattern, path=path), workspace)
    assert isinstance(result.display, Listing)
    return set(result.display.paths)


async def grep(workspace: Workspace, engine: str, pattern: str, **options: object) -> ToolResult:
    args = msgspec.convert({"pattern": pattern} | options, GrepArgs)
    return await Grep(ripgrep=engine).run(args, workspace)


async def found(workspace: Workspace, engine: str, query: Query) -> Found:
    return await search(query, workspace, ripgrep=engine)


# Glob


async def test_patterns_find_what_shells_and_editors_would(tree: Path) -> None:
    workspace = Workspace(root=tree)
    python = {
        "a.py",
        "src/b.py",
        ".hidden/h.py",
        "üni/ö ä.py",
        "weird\nname.py",
        "link.py",
        "pipe.py",
    }
    cases = {
        "*.py": python,
        "**/*.py": python,
        "./*.py": {"a.py", "link.py", "pipe.py", "weird\nname.py"},
        "src/*.py": {"src/b.py"},
        "src/**": {"src/b.py", "src/deep/c.ts", "src/.gitignore"},
        "src/": {"src/b.py", "src/deep/c.ts", "src/.gitignore"},
        "src/**/*.{py,ts}": {"src/b.py", "src/deep/c.ts"},
        "*.{ts,tsx}": {"src/deep/c.ts"},
        "[ab].py": {"a.py", "src/b.py"},
        "?.py": {"a.py", "src/b.py", ".hidden/h.py"},
        "*.log": {"keep.log"},
        "build/*": {"build/out.py"},
        "node_modules/**/*.js": {"node_modules/m/i.js"},
        "h.py": {".hidden/h.py"},
        str(tree / "src" / "*.py"): {"src/b.py"},
        "src/../src/*.py": {"src/b.py"},
        "linkdir/*.py": {"src/b.py"},
        "none*": set(),
    }
    for pattern, expected in cases.items():
        assert (pattern, await glob(workspace, pattern)) == (pattern, expected)
    assert await glob(workspace, "*.py", "src") == {"src/b.py"}
    assert await glob(workspace, "**/*.ts", "src/deep") == {"src/deep/c.ts"}


async def test_newest_files_come_first_and_the_rest_is_counted(root: Path) -> None:
    for i in range(10):
        (root / f"{i}.py").touch()
        os.utime(root / f"{i}.py", (i, i))
    result = await Glob(max_results=3).run(GlobArgs(pattern="*.py"), Workspace(root=root))
    assert result.for_model == "9.py\n8.py\n7.py\n[the newest 3 of 10; narrow the pattern]"
    nothing = await Glob().run(GlobArgs(pattern="*.c"), Workspace(root=root))
    assert nothing.for_model == "[no file fits *.c in .]"


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "src/../../*.py", "out/*.py", "~/*"])
async def test_a_glob_does_not_leave(tree: Path, pattern: str) -> None:
    with pytest.raises((PathRefused, FileNotFoundError)):
        await glob(Workspace(root=tree), pattern)


@pytest.mark.parametrize(
    "pattern", ["*a*b*c*d*e*", "{a,b}" * 20, "**/a/**/b/**/c/**/d/**/e", "{1..99999999}"]
)
async def test_a_pattern_that_could_take_for_ever_is_refused(tree: Path, pattern: str) -> None:
    with pytest.raises(CallFailed, match=r"too many (stars|others)"):
        await glob(Workspace(root=tree), pattern)


async def test_hidden_paths_are_not_listed_or_searched(tree: Path) -> None:
    workspace = Workspace(root=tree).for_call("1", hidden=("src/", "*.txt"))
    assert "src/b.py" not in await glob(workspace, "*")
    for engine in {"", RIPGREP}:
        hits = (await found(workspace, engine, Query("needle"))).hits
        assert not [hit for hit in hits if hit.path.startswith("src") or hit.path.endswith(".txt")]


# Grep


@pytest.mark.parametrize("engine", ENGINES)
async def test_lines_are_grouped_by_file_with_numbers(tree: Path, engine: str) -> None:
    (tree / ".git" / "HEAD").touch()
    result = await grep(Workspace(root=tree), engine, "needle", path="src")
    assert result.for_model == (
        "src/b.py\n1:needle = 1\n3:needles\nsrc/deep/c.ts\n1:const x = 'needle';\n3:needle"
    )


PATTERNS = [
    "needle",
    "^needle$",
    "needle$",
    "^\\s*needle",
    "n.?edle",
    "NEEDLE",
    "(?i)needle",
    "needle|import",
    "\\bneedles?\\b",
    "[^a-z]needle",
    "^$",
    "^",
    "x+needle",
    "ü\\w+",
    "\\w+ needle",
    "needle\\s+",
    "'needle'",
    "e{2}dle",
    "\\t",
    "nothing-like-this",
]


VARIANTS: list[dict[str, Any]] = [
    {"ignore_case": True},
    {"path": "src"},
    {"glob": "*.py"},
    {"glob": "src/**/*.ts"},
    {"glob": "*.{py,log}"},
]


@ONE_LOOP
@pytest.mark.skipif(not RIPGREP, reason="no rg")
@pytest.mark.parametrize("number", range(len(PATTERNS)))
async def test_with_and_without_ripgrep_the_lines_are_the_same(tree: Path, number: int) -> None:
    workspace = Workspace(root=tree)
    for options in ({}, VARIANTS[number % len(VARIANTS)]):
        query = Query(PATTERNS[number], **options)
        ours = await found(workspace, "", query)
        theirs = await found(workspace, RIPGREP, query)
        # How much of a file comes before its first NUL is a matter of buffers.
        ours.hits, theirs.hits = (
            [hit for hit in each.hits if hit.path != "late-binary"] for each in (ours, theirs)
        )
        assert ours.hits == theirs.hits
        assert ours.notes == theirs.notes == []


@pytest.mark.parametrize("engine", ENGINES)
async def test_ignored_binary_and_outside_files_are_not_searched(tree: Path, engine: str) -> None:
    hits = (await found(Workspace(root=tree), engine, Query("needle"))).hits
    assert {hit.path for hit in hits} == {
        "a.py",
        "blank",
        "keep.log",
        "late-binary",
        "long.txt",
        "no-end",
        "src/b.py",
        "src/deep/c.ts",
        "tabs.txt",
        "utf16.txt",
        "weird\nname.py",
        "west.txt",
        ".hidden/h.py",
        "üni/ö ä.py",
    }


@pytest.mark.parametrize("engine", ENGINES)
async def test_options_of_the_search(tree: Path, engine: str) -> None:
    workspace = Workspace(root=tree)
    result = await grep(workspace, engine, "needle", glob="*.ts", context=1)
    assert result.for_model == "src/deep/c.ts\n1:const x = 'needle';\n2-let y;\n3:needle"
    result = await grep(workspace, engine, "NEEDLE", ignore_case=True, path="src/b.py")
    assert result.for_model == "src/b.py\n1:needle = 1\n2:# NEEDLE\n3:needles"
    result = await grep(workspace, engine, "needle", path="src", files_only=True)
    assert result.display == Listing(paths=("src/b.py", "src/deep/c.ts"))
    result = await grep(workspace, engine, "needle", path="src", limit=2)
    assert result.for_model.endswith("3:needles\n[2 of 4; narrow the pattern, path or glob]")
    result = await grep(workspace, engine, "none such")
    assert result.for_model == "[nothing matches 'none such' in .]"
    result = await grep(workspace, engine, "needle", path="long.txt")
    assert result.for_model == "long.txt\n1:" + "x" * 300 + "[...]\n2:needle" + "y" * 294 + "[...]"
    result = await grep(workspace, engine, "needle", path="build")
    assert result.for_model == "build/out.py\n1:needle built"


async def test_context_joins_what_touches_and_marks_gaps(root: Path) -> None:
    (root / "a").write_text("".join(f"{i}\n" for i in range(1, 31)))
    result = await grep(Workspace(root=root), "", "^(5|7|20)$", context=1)
    assert result.for_model == "a\n4-4\n5:5\n6-6\n7:7\n8-8\n--\n19-19\n20:20\n21-21"


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_pattern_that_is_no_regular_expression_is_looked_for_as_text(
    tree: Path, engine: str
) -> None:
    (tree / "code.c").write_text("foo(bar[0]\n")
    result = await grep(Workspace(root=tree), engine, "foo(bar[0]")
    assert "code.c\n1:foo(bar[0]\n" in result.for_model
    assert "looked for as it stands" in result.for_model
    with pytest.raises(CallFailed, match="empty"):
        await grep(Workspace(root=tree), engine, "")


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_one_engine_lacks_the_other_serves(tree: Path, engine: str) -> None:
    result = await grep(Workspace(root=tree), engine, "needle(?!s)", path="src/b.py")
    assert result.for_model == "src/b.py\n1:needle = 1"
    result = await grep(Workspace(root=tree), engine, "needle(?!s)", glob="b.py")
    assert result.for_model == "src/b.py\n1:needle = 1"


@ONE_LOOP
async def test_a_runaway_expression_is_stopped_and_what_was_found_is_given(root: Path) -> None:
    (root / "a").write_text("aaaa\n")
    (root / "b").write_text("a" * 60 + "!\n")
    with anyio.fail_after(20):
        answer = await search(Query("^(a+)+$", timeout_s=0.7), Workspace(root=root))
    assert [(hit.path, hit.line) for hit in answer.hits] == [("a", 1)]
    assert not answer.complete
    assert answer.notes == ["stopped after 0.7 s; narrow the path or the pattern"]


@ONE_LOOP
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_flood_of_hits_is_cut(root: Path, engine: str) -> None:
    (root / ".git").mkdir()
    (root / "a").write_text("x\n" * (MAX_HITS + 5000))
    answer = await found(Workspace(root=root), engine, Query("x"))
    assert len(answer.hits) >= MAX_HITS
    assert not answer.complete
    result = await grep(Workspace(root=root), engine, "x", limit=1)
    assert "or more; narrow" in result.for_model


@pytest.mark.skipif(not RIPGREP, reason="no rg")
async def test_ignore_files_above_the_root_and_settings_of_ripgrep_do_not_count(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree.parent / ".gitignore").write_text("*.py\n")
    (tree.parent / ".ignore").write_text("*\n")
    (tree / ".ignore").write_text("*\n")
    (tree.parent / "rc").write_text("--files-with-matches\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(tree.parent / "rc"))
    workspace = Workspace(root=tree)
    assert (await found(workspace, RIPGREP, Query("needle = "))).hits[0].path == "src/b.py"
    ours = (await found(workspace, "", Query("needle"))).hits
    theirs = (await found(workspace, RIPGREP, Query("needle"))).hits
    assert ours == theirs


async def test_a_ripgrep_that_does_not_start_is_done_without(tree: Path) -> None:
    answer = await found(Workspace(root=tree), "/no/such/rg", Query("needle = "))
    assert [hit.path for hit in answer.hits] == ["src/b.py"]


async def test_readable_folders_are_searched_by_absolute_path(tree: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "log.txt").write_text("a\nneedle\n")
    workspace = Workspace(root=tree, readable=(extra,))
    for path in (extra, extra / "log.txt"):
        for engine in {"", RIPGREP}:
            result = await grep(workspace, engine, "needle", path=str(path), context=1)
            assert result.for_model == f"{extra}/log.txt\n1-a\n2:needle"


@pytest.mark.parametrize("path", ["..", "/etc", "out", "none"])
async def test_a_search_does_not_leave(tree: Path, path: str) -> None:
    with pytest.raises((PathRefused, FileNotFoundError)):
        await grep(Workspace(root=tree), RIPGREP, "needle", path=path)


def test_the_worker_is_a_program_of_its_own(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it does in its process, done in this one."""

    def run(pattern: str, *paths: str) -> tuple[int, list[object]]:
        request = json.dumps({"pattern": pattern, "ignore_case": False}).encode()
        given = request + b"\n" + b"".join(os.fsencode(path) + b"\0" for path in paths)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        code = regex_worker.main()
        out = capsys.readouterr().out
        return code, [json.loads(line) for line in out.splitlines()] if code == 0 else [out]

    monkeypatch.chdir(tree)
    assert run("needle$", "src/deep/c.ts", "a.py") == (0, [[0, 3, "needle"]])
    assert run("\\Aneedle\\Z", "src/deep/c.ts") == (0, [[0, 3, "needle"]])
    assert run("wide", "empty", "utf16.txt", "binary") == (0, [[1, 1, "wide needle"]])
    # Links, folders, special and missing files are passed over.
    skipped = ("link.py", "linkdir/b.py", "out/secret.py", "src", "pipe.py", "none", "a.py/x")
    assert run("needle", *skipped) == (0, [])
    assert run("needle", "late-binary") == (0, [[0, 1, "needle first"]])
    assert run("(", "a.py") == (2, ["missing ), unterminated subpattern at position 0"])


WORDS = {
    "needle": "needle",
    "def needle_\\d+\\(": "def needle_",
    "^import os$": "import os",
    "a.bcd": "bcd",
    "abc?def": "def",
    "abc*": "ab",
    "abc+d": "abc",
    "\\bword\\b": "word",
    "a\\\\dbc": "dbc",
    "tab\\there": "",
    "(needle)": "",
    "needle|pin": "",
    "[n]eedle": "",
    "needle{2}": "",
    "\\x41bc": "",
    "naïve": "na",
    ".*": "",
    "": "",
}


def test_the_word_every_match_has_is_read_off_simple_patterns() -> None:
    assert {pattern: regex_worker.required_word(pattern) for pattern in WORDS} == WORDS


ATOMS = st.sampled_from(
    ["a", "b", "ab ", "_", ".", "\\d", "\\w", "\\b", "\\.", "\\\\", "^", "$", "-", "ü", "1"]
)
COUNTS = st.sampled_from(["", "", "", "*", "+", "?", "*?", "+?"])


@settings(max_examples=300, deadline=None)
@given(
    pieces=st.lists(st.tuples(ATOMS, COUNTS), min_size=1, max_size=6),
    text=st.text("ab _.1-ü\\", max_size=12),
)
def test_every_match_has_the_word(pieces: list[tuple[str, str]], text: str) -> None:
    source = "".join(atom + count for atom, count in pieces)
    try:
        pattern = re.compile(source, re.MULTILINE)
    except re.error:
        reject()
    if pattern.search(text):
        assert regex_worker.required_word(source) in text


@settings(max_examples=200, deadline=None)
@given(
    ending=st.text("ab._-1", min_size=1, max_size=4),
    names=st.lists(st.text("ab._-1ü\n", min_size=1, max_size=6).filter(lambda n: n.strip("."))),
)
def test_names_are_chosen_as_the_whole_glob_would(ending: str, names: list[str]) -> None:
    pattern = f"*{ending}"
    assert name_filter(pattern)(names) == list(filter(glob_matcher(pattern), names))


def test_arguments_say_what_a_call_touches() -> None:
    assert Glob().access(GlobArgs(pattern="src/**/*.py")).reads == ("./src",)
    assert Grep().access(GrepArgs(pattern="x", path="src")).reads == ("src",)
    assert Glob().claims(GlobArgs(pattern="x")) == Grep().claims(GrepArgs(pattern="x")) == {"read"}
