"""The smaller parts of checking: verdicts, syntax, patches, criteria, dependency folders."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.checks.criteria import holds, shows_behaviour
from m31a_engine.checks.definitions import declares_dependencies
from m31a_engine.checks.dependencies import Family, families_of, ways_back
from m31a_engine.checks.environment import check_environment, redirected
from m31a_engine.checks.patch import AddedLine, added_lines
from m31a_engine.checks.predicted import compare_predicted
from m31a_engine.checks.result import (
    TAMPERING,
    CheckResult,
    CheckStatus,
    Finding,
    FindingKind,
    Severity,
    TestCounts,
    Verdict,
    lifted,
    verdict_of,
)
from m31a_engine.checks.syntax import check_syntax
from m31a_engine.checks.testfiles import is_test_code, is_test_file
from m31a_rollback import Repository

S = CheckStatus
SOME = TestCounts(passed=3, failed=1, total=4)
BLOCKING = Finding(kind=FindingKind.TEST_DELETED, severity=Severity.BLOCKING, text="x")
WARNING = Finding(kind=FindingKind.TEST_DELETED, severity=Severity.WARNING, text="x")


def result(
    status: CheckStatus = S.PASSED,
    *,
    behavioural: bool = True,
    counts: TestCounts | None = None,
    exit_code: int | None = 0,
    tree: str = "t",
) -> CheckResult:
    return CheckResult(
        name="x",
        command="x",
        exit_code=exit_code,
        passed=status is S.PASSED,
        status=status,
        counts=counts,
        tree=tree,
        behavioural=behavioural,
    )


BUILD = result(behavioural=False)
VERDICTS: dict[str, tuple[tuple[CheckResult, ...], tuple[Finding, ...], Verdict]] = {
    "tests passed": ((BUILD, result()), (), Verdict.VERIFIED),
    "a warning stops nothing": ((result(),), (WARNING,), Verdict.VERIFIED),
    "a blocking finding does": ((result(),), (BLOCKING,), Verdict.FAILED),
    "nothing ran": ((), (), Verdict.NOT_RUN),
    "nothing could run": ((result(S.NOT_RUN, exit_code=None),), (), Verdict.NOT_RUN),
    "only a build": ((BUILD,), (), Verdict.PARTIAL),
    "red build": ((result(S.FAILED, behavioural=False), result()), (), Verdict.FAILED),
    "red test": ((result(S.FAILED),), (), Verdict.FAILED),
    "out of time": ((result(S.TIMED_OUT, exit_code=None), result()), (), Verdict.FAILED),
    "flaky": ((result(S.FLAKY), result()), (), Verdict.PARTIAL),
    "one could not run": ((result(S.NOT_RUN, exit_code=None), result()), (), Verdict.PARTIAL),
    "program missing": ((result(S.NOT_RUN, exit_code=127), result()), (), Verdict.FAILED),
    "no test ran": ((result(S.NOT_RUN, exit_code=5), BUILD), (), Verdict.PARTIAL),
    "linter missing": (
        (result(S.NOT_RUN, behavioural=False, exit_code=127), result()),
        (),
        Verdict.VERIFIED,
    ),
    "known, others passed": (
        (result(S.KNOWN_FAILURE, counts=SOME),),
        (),
        Verdict.VERIFIED_KNOWN_FAILURES,
    ),
    "known, nothing passed": ((result(S.KNOWN_FAILURE),), (), Verdict.PARTIAL),
    "two trees": ((result(), result(tree="u")), (), Verdict.PARTIAL),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_verdicts_follow_from_results_and_findings(case: str) -> None:
    results, findings, verdict = VERDICTS[case]

    assert verdict is verdict_of(results, findings)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(
            result,
            st.sampled_from(CheckStatus),
            behavioural=st.booleans(),
            counts=st.sampled_from([None, SOME]),
            exit_code=st.sampled_from([None, 0, 1, 127]),
            tree=st.sampled_from(["t", "u"]),
        ),
        max_size=5,
    ),
    st.sampled_from(CheckStatus),
)
def test_no_further_result_makes_a_verdict_better_unless_it_passed(
    results: list[CheckResult], status: CheckStatus
) -> None:
    order = [Verdict.VERIFIED, Verdict.VERIFIED_KNOWN_FAILURES, Verdict.PARTIAL]
    before, after = verdict_of(results), verdict_of([*results, result(status)])

    if (
        before in order
        and after in order
        and status is not S.PASSED
        and not (before is Verdict.PARTIAL and status is S.KNOWN_FAILURE)
    ):
        assert order.index(before) <= order.index(after)
    if before is Verdict.FAILED:
        assert after is Verdict.FAILED


@pytest.mark.parametrize("kind", FindingKind)
def test_test_changes_lifts_tampering_and_nothing_else(kind: FindingKind) -> None:
    finding = Finding(kind=kind, severity=Severity.BLOCKING, text="x")

    assert lifted(finding, frozenset()) == finding
    assert Severity.WARNING is lifted(finding, frozenset({kind.value})).severity
    expected = Severity.WARNING if kind in TAMPERING else Severity.BLOCKING
    assert expected is lifted(finding, frozenset({"test-changes"})).severity


class Repo:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q")

    def git(self, *arguments: str) -> str:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        for role in ("AUTHOR", "COMMITTER"):
            environ |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environ, check=True, capture_output=True
        )
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def commit(self, files: Mapping[str, bytes]) -> str:
        for name, data in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(data)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


SYNTAX = {
    "good.py": (b"x = 1\n", True),
    "bad.py": (b"def f(:\n", False),
    "null.py": (b"x = 1\0\n", False),
    "warns.py": (b"x = '\\d'\n", True),
    "latin.py": (b"# coding: latin-1\nx = '\xe9'\n", True),
    "no_utf8.py": (b"x = '\xe9'\n", False),
    "deep.py": (b"x = " + b"-" * 100_000 + b"1", True),
    "good.json": (b'{"a": [1]}', True),
    "bad.json": (b'{"a": }', False),
    "empty.json": (b"", False),
    "deep.json": (b"[" * 100_000, True),
    "good.toml": (b"a = 1\n", True),
    "bad.toml": (b"a = \n", False),
    "no_utf8.toml": (b"a = '\xe9'\n", False),
}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_does_not_parse_is_named(repo: Repo) -> None:
    ignored = {
        "tsconfig.json": b"// c\n{}",
        ".vscode/x.json": b"// c",
        "tests/data/bad.py": b"def (",
        "{{name}}/x.py": b"{{",
        "bad.js": b"(",
        "big.py": b"(" * 1_000_001,
    }
    base = repo.commit({"good.py": b"x = 1\n"})
    head = repo.commit({**{name: data for name, (data, _) in SYNTAX.items()}, **ignored})
    repository = await Repository.open(repo.root)

    found = await check_syntax(repository, head, [*SYNTAX, *ignored, "gone.py"])

    assert found is not None
    bad = {line.split(":")[0] for line in found.output_tail.splitlines()}
    assert {name for name, (_, good) in SYNTAX.items() if not good} == bad
    assert (S.FAILED, 1, f"{len(SYNTAX)} files") == (found.status, found.exit_code, found.note)
    assert "bad.py: line 1:" in found.output_tail
    assert await check_syntax(repository, head, [*ignored, "gone.py"]) is None
    assert await check_syntax(repository, head, []) is None
    known = await check_syntax(repository, head, list(SYNTAX), base=head)
    assert known is not None
    assert known.passed
    new = await check_syntax(repository, head, ["good.py", "bad.py"], base=base)
    assert new is not None
    assert not new.passed


NAMES = st.sampled_from(
    ["a.txt", "b c.txt", 'q"uote.txt', "tab\there.txt", "ünïcode.txt", "d/e.txt", "b\\s.txt"]
)
LINES = st.lists(
    st.sampled_from(
        ["", "x", "+++ b/evil", "--- a/evil", "@@ -1 +1 @@", "\\ No newline", "diff --git", "é"]
    ),
    max_size=6,
)


@settings(max_examples=12, deadline=None)
@given(
    st.dictionaries(NAMES, LINES, max_size=3), st.dictionaries(NAMES, LINES, min_size=1, max_size=3)
)
def test_added_lines_are_what_git_says_was_added(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, list[str]],
    after: dict[str, list[str]],
) -> None:
    repo = Repo(tmp_path_factory.mktemp("patch"))
    base = repo.commit({name: "\n".join(lines).encode() for name, lines in before.items()})
    head = repo.commit({name: "\n".join(lines).encode() for name, lines in after.items()})
    patch = repo.git("diff-tree", "-r", "-p", base, head)

    for line in added_lines(patch):
        assert after[line.path][line.number - 1] == line.text
    numbers = repo.git("diff-tree", "-r", "--numstat", base, head).splitlines()
    assert sum(int(row.split("\t")[0]) for row in numbers) == len(list(added_lines(patch)))


def test_a_patch_of_nothing_adds_nothing() -> None:
    assert list(added_lines("")) == []
    odd = '+++ "b/\\303\\251\\t\\"x"\n@@ -0,0 +7 @@\n+y\n'
    assert [AddedLine('é\t"x', 7, "y")] == list(added_lines(odd))


def test_predicted_folders_stand_for_what_is_below() -> None:
    assert compare_predicted(["src/", "./a.py"], ["src/x.py", "a.py"]) == ()
    assert [
        (finding.path, finding.kind.value) for finding in compare_predicted(["src/"], ["other.py"])
    ] == [("other.py", "unpredicted-change"), ("src/", "predicted-unchanged")]


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("app.py exists", True),
        ("file `src/app.py` exists and is documented", True),
        ("never.py exists", False),
        ("app.py contains def add", True),
        ("`app.py` contains `def add(a, b)`", True),
        ("src/app.py contains 'def sub'", False),
        ("never.py contains def add", False),
        ("`def add` in app.py", True),
        ("`def sub` is defined in app.py", False),
        ("returns the remainder quickly", True),
        ("something entirely different", False),
        ("", False),
    ],
)
def test_text_criteria_are_searched_for(sentence: str, found: bool) -> None:
    contents = {"src/app.py": "def add(a, b):\n    # quickly returns the remainder\n"}

    assert found is holds(sentence, ("src/app.py",), contents, frozenset(contents))


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("python3 -m pytest", True),
        ("python3 app.py | grep 5", True),
        ("FOO=1 ./app --help", True),
        ("bash -c 'python3 app.py'", True),
        ("true", False),
        ("! test -f x && [ -d y ]", False),
        ("grep -q add app.py; echo ok", False),
        ("cat app.py | wc -l", False),
        ("python3 -m py_compile app.py", False),
        ("node --check app.js && ruff check .", False),
        ("", False),
    ],
)
def test_looking_at_files_shows_no_behaviour(command: str, shows: bool) -> None:
    assert shows is shows_behaviour(command)


ALL = frozenset(Family)


@pytest.mark.parametrize(
    ("command", "families"),
    [
        (".venv/bin/python -m pytest", {Family.PYTHON}),
        ("CI=1 npm test", {Family.NODE}),
        ("cd web && npm test", {Family.OTHER, Family.NODE}),
        ("go test ./...", {Family.OTHER}),
        ("make test", ALL),
        ("./run.sh", ALL),
        ("python3 $X", ALL),
        ("cargo test | tee x", ALL),
        ("", ALL),
    ],
)
def test_commands_tell_whose_dependencies_they_use(command: str, families: set[Family]) -> None:
    assert families == families_of(command)


def test_every_way_back_into_the_project_is_found(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)

    def leads(name: str, content: str | Path, *, deep: str = "lib/site-packages") -> bool:
        folder = project / f"deps{len(list(project.iterdir()))}"
        place = folder / deep / name
        place.parent.mkdir(parents=True)
        if isinstance(content, Path):
            place.symlink_to(content)
        else:
            place.write_text(content)
        return [f"{deep}/{name}"] == list(ways_back(folder, project))

    src = project / "src"
    assert leads("x.pth", f"# c\n{src}\n")
    assert leads("x.pth", "../../../src\n")
    assert leads("x.pth", f"import sys; sys.path.insert(0, '{src}')\n")
    assert leads("x.egg-link", f"{src}\n.\n")
    assert leads("__editable___x_finder.py", f"MAPPING = {{'x': '{src}/x'}}\n")
    assert leads("_editable_impl_x.pth", f"{src}\n")
    assert leads(
        "direct_url.json", f'{{"url": "file://{src}", "dir_info": {{}}}}', deep="a.dist-info"
    )
    assert leads("x.pth", "y" * 1_000_001)
    assert leads("pkg", src)
    assert leads("pkg", Path("../../../src"), deep="node_modules/@scope")
    assert leads("pkg", tmp_path)
    assert not leads("x.pth", "import os; os.environ['X'] = '1'\n")
    assert not leads("x.pth", "/usr/lib/elsewhere\n")
    assert not leads("direct_url.json", '{"url": "https://example.org/x.whl"}', deep="a.dist-info")
    assert not leads("x.py", f"PLACE = '{src}'\n")
    assert not leads("lib64", Path("lib"), deep="v")
    assert not leads("python", Path("/usr/bin/python3"), deep="bin")


def test_a_folder_too_large_to_search_counts_as_leading_back(tmp_path: Path) -> None:
    (tmp_path / "deps" / "inner").mkdir(parents=True)
    (tmp_path / "deps" / "a").touch()

    found = list(ways_back(tmp_path / "deps", tmp_path, most_entries=1))

    assert found == ["deps has too many entries to be searched"]


def test_variables_and_commands_lead_into_the_checkout(tmp_path: Path) -> None:
    project, checkout = tmp_path / "p", tmp_path / "checkout"
    project.mkdir()
    (tmp_path / "link").symlink_to(project)

    env = check_environment(
        {"PATH": f"{project}/bin:/usr/bin", "PYTHONPATH": f"{project}2:{project}", "A_TOKEN": "x"},
        project,
        checkout,
        tmp_path / "caches",
    )

    assert f"{checkout}/bin:/usr/bin" == env["PATH"]
    assert f"{project}2:{checkout}" == env["PYTHONPATH"]
    assert "A_TOKEN" not in env
    assert f"cd '{checkout}' && x" == redirected(
        f"cd '{project}' && x", tmp_path / "link", checkout
    )


@pytest.mark.parametrize(
    ("path", "test", "code"),
    [
        ("tests/test_a.py", True, True),
        ("pkg/a_test.go", True, True),
        ("src/a.spec.ts", True, True),
        ("__tests__/a.js", True, True),
        ("__snapshots__/a.snap", True, False),
        ("tests/data/x.json", True, False),
        ("tests/README.md", False, False),
        ("conftest.py", True, True),
        ("src/contest.py", False, False),
        ("latest/app.py", False, False),
        ("src/main/java/A.java", False, False),
        ("src/x/ATest.java", True, True),
    ],
)
def test_test_files_are_known_by_their_names(path: str, test: bool, code: bool) -> None:
    assert (test, code) == (is_test_file(path), is_test_code(path))


def test_manifests_and_lock_files_declare_dependencies() -> None:
    declaring = ("package.json", "a/uv.lock", "requirements-dev.txt", "go.mod", "Cargo.lock")

    assert all(map(declares_dependencies, declaring))
    assert not any(map(declares_dependencies, ("app.py", "lock.txt", "package.js")))
