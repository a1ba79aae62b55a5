"""Names that try to lead out of the folder, by file tools and by redirections, decided and done.

A row is a path, where it leads by name and links, and what a file tool and a shell make of it.
"""

import json
from pathlib import Path

import anyio
import pytest

from m31a_tools import (
    Action,
    Call,
    Choice,
    Grant,
    Inside,
    Mode,
    Outcome,
    Outside,
    Policy,
    Rule,
    ToolResult,
    Workspace,
    default_toolbox,
    dispatch,
    resolve_inside,
)
from m31a_tools.regions import Region
from m31a_tools.shell.judge import read_command
from m31a_tools.survey import survey
from m31a_tools.testing import RecordingAsker

INSIDE = [
    "",
    "a",
    "./a",
    "././a",
    "a.txt",
    "sub/a",
    "sub/./a",
    "sub//a",
    "sub///a",
    "sub/../a",
    "sub/../sub/a",
    "sub/deep/../../a",
    "sub/deep/../a",
    "new/a",
    "new/deeper/a",
    ".hidden",
    ".gitignore",
    ".github/a",
    ".gitmodules",
    "git/a",
    "xgit",
    ".git2/a",
    "...",
    ".../a",
    "..a",
    "..a/b",
    "a..",
    "a...b",
    "-rf",
    "--output=x",
    "a b",
    "ä",
    "日本",
    "a:b",
    "C:/x",
    "C:\\x",
    "sub\\a",
    "%2e%2e",
    "%2e%2e/a",
    "..%2fa",
    "&amp;",
    "$HOME",
    "~a",
    "a~",
    "*",
    "?",
    "[a]",
    "a;b",
    "a|b",
    "a'b",
    "{a,b}",
    "#a",
    "a#b",
    "!a",
    "inner/a",
    "loop-in/a",
    "back/a",
    "chain/a",
    "file-link",
    "ROOT/a",
    "ROOT/./a",
    "ROOT/sub/../a",
    "ROOT//a",
    "/./ROOT/a",
    "/ROOT/a",
    "",
]
OUTSIDE = [
    "",
    "..",
    "../",
    "../a",
    "../../a",
    "./../a",
    "sub/../../a",
    "sub/../../../../../../a",
    "sub/deep/../../../a",
    ".//..//a",
    "sub/./.././../a",
    "/",
    "//",
    "/etc/m31a-test",
    "//etc/m31a-test",
    "/etc/../etc/m31a-test",
    "/etc/./m31a-test",
    "/proc/self/cwd/../a",
    "/proc/self/root/etc/m31a-test",
    "/proc/1/root/etc/m31a-test",
    "/dev/../etc/m31a-test",
    "/var/lib/m31a-test",
    "/home/m31a-test",
    "ROOT/../a",
    "ROOT/sub/../../a",
    "ROOT/../project-2/a",
    "ROOT-2/a",
    "ROOTx",
    "ROOT../a",
    "/nonexistent/../etc/m31a-test",
    "out/a",
    "out/../a",
    "sub/out/a",
    "out-file",
    "out-rel/a",
    "out-deep/a",
    "chain-out/a",
    "absolute-out",
    "dangling-out",
    "escape",
    "climb/../a",
    "",
]
PROTECTED = [
    "",
    ".git",
    ".git/config",
    ".git/hooks/pre-commit",
    "./.git/config",
    ".git/./config",
    ".git//config",
    "sub/../.git/config",
    "sub/.git",
    "sub/.git/config",
    ".GIT/config",
    ".Git/hooks/x",
    ".gIt",
    ".git./config",
    ".git ./config",
    ".git. ./x",
    ".m31a",
    ".m31a/session.json",
    ".M31A/x",
    "sub/.m31a/x",
    "git-link/config",
    "git-link/../.git/config",
    "config-link",
    "ROOT/.git/config",
    "inner/../.git/x",
    "",
]
ROWS = (
    *((path, Region.INSIDE) for path in INSIDE if path),
    *((path, Region.OUTSIDE) for path in OUTSIDE if path),
    *((path, Region.PROTECTED) for path in PROTECTED if path),
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root, out = tmp_path / "project", tmp_path / "elsewhere"
    for folder in (
        root / "sub" / "deep",
        root / ".git" / "hooks",
        root / "real",
        out,
        root / "a b",
    ):
        folder.mkdir(parents=True)
    (root / "a b").rmdir()
    (out / "secret").write_text("untouched")
    (root / ".git" / "config").write_text("untouched")
    for link, to in {
        "inner": "real",
        "loop-in": "inner",
        "back": f"{root}/sub",
        "chain": "loop-in",
        "file-link": "real/file",
        "out": str(out),
        "sub/out": "../../elsewhere",
        "out-file": str(out / "secret"),
        "out-rel": "../elsewhere",
        "out-deep": "sub/out",
        "chain-out": "out-rel",
        "absolute-out": "/etc/m31a-test",
        "dangling-out": "../nothing-there",
        "escape": "sub/../../elsewhere/secret",
        "climb": "..",
        "git-link": ".git",
        "config-link": ".git/config",
    }.items():
        (root / link).symlink_to(to)
    return root


def written(path: str, root: Path) -> str:
    return path.replace("ROOT", str(root)) if "ROOT" in path else path


def quoted(path: str) -> str:
    return "'" + path.replace("'", "'\\''") + "'"


async def call(
    workspace: Workspace,
    name: str,
    arguments: object,
    policy: Policy = Policy(mode=Mode.RULES),  # noqa: B008 - a constant
) -> ToolResult:
    with anyio.fail_after(20):
        return await dispatch(
            Call(id="1", name=name, arguments=json.dumps(arguments)),
            toolbox=default_toolbox(workspace),
            policy=policy,
            asker=RecordingAsker(Choice(grant=Grant.DENY)),
            workspace=workspace,
        )


def test_there_are_enough_tricks() -> None:
    assert len(ROWS) >= 100


@pytest.mark.parametrize(("path", "region"), ROWS)
def test_a_path_lies_where_it_really_leads(path: str, region: Region, project: Path) -> None:
    workspace = Workspace(root=project)
    real = written(path, project)
    place = resolve_inside(project, real)
    assert isinstance(place, Outside if region is Region.OUTSIDE else Inside)
    targets = read_command(f"echo x > {quoted(real)}").targets
    assert len(targets) == 1
    # The test's own folder lies where temporary files do.
    found = survey(targets, workspace).places[targets[0]].region
    assert found == region or (found, region) == (Region.TEMPORARY, Region.OUTSIDE)


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "region"), [row for row in ROWS if row[1] is not Region.INSIDE])
async def test_nothing_is_written_where_tools_do_not_write(
    path: str, region: Region, project: Path
) -> None:
    workspace = Workspace(root=project)
    real = written(path, project)
    before = sorted(str(each) for each in project.parent.rglob("*"))
    tool = await call(workspace, "FileWrite", {"path": real, "content": "x"})
    shell = await call(workspace, "Bash", {"command": f"echo x > {quoted(real)}"})
    assert tool.is_error
    assert "is refused" in tool.for_model
    assert shell.decision is not None
    assert shell.decision.outcome is Outcome.DENIED
    words = "not written by tools" if region is Region.PROTECTED else "outside the workspace"
    assert words in shell.for_model
    assert sorted(str(each) for each in project.parent.rglob("*")) == before
    assert (project.parent / "elsewhere" / "secret").read_text() == "untouched"
    assert (project / ".git" / "config").read_text() == "untouched"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name", ["inner/x", "inner/../real/x", "loop-in/x", "chain/x", "ROOT/real/x", "./real//x"]
)
async def test_rules_are_met_by_every_name_of_a_file(name: str, project: Path) -> None:
    command = f"echo x > {written(name, project)}"
    for action, outcome in ((Action.DENY, Outcome.DENIED), (Action.ALLOW, Outcome.ALLOWED)):
        rules = (
            Rule(action=Action.ALLOW, tool="Bash", command="echo *"),
            Rule(action=action, tool="Bash", path="/real/", reason="the rule"),
        )
        mode = Mode.RULES if action is Action.ALLOW else Mode.ALLOW_ALL
        result = await call(
            Workspace(root=project), "Bash", {"command": command}, Policy(mode=mode, rules=rules)
        )
        assert result.decision is not None
        assert (result.decision.outcome, result.decision.reason) == (outcome, "the rule")
        assert (project / "real" / "x").exists() == (outcome is Outcome.ALLOWED)
