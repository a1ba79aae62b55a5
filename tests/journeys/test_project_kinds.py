"""Projects of every kind: what is run to check them, and what that proves."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from attack import (
    BAD,
    CASES,
    GOOD,
    PYTEST,
    UNITTEST,
    Attack,
    Report,
    carried_out,
    prepared,
    with_pytest,
)
from attacks_elsewhere import CRATE, FLIPPING, LIB, NODE, NODE_TEST
from attacks_further import GO, WITH_ASSERT
from attacks_on_runners import MADE
from journey import ProjectFolder
from m31a_engine.checks.result import CheckStatus, Verdict
from m31a_tools import Sandbox
from tool_chains import require_program, rust_homes

FASTER = "import operator\n\n\ndef add(a, b):\n    return operator.add(a, b)\n"
OLD = (
    "import unittest\n\n\nclass Old(unittest.TestCase):\n"
    "    def test_old(self):\n        self.assertEqual(1, 2)\n"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A project, what is done in it, and what comes of that."""

    base: Mapping[str, str]
    head: Mapping[str, str | None]
    verdict: Verdict = Verdict.VERIFIED
    command: str = ""
    """The check that is told; none: there is no test."""
    needs: str = ""
    """A program without which this cannot be shown."""
    free: bool = False
    mine: Mapping[str, str] = field(default_factory=dict)
    """What lies in the user's folder and is not committed."""
    environment: Mapping[str, str] = field(default_factory=dict)


def tool_chain() -> dict[str, str]:
    """Where the programs of a language are found, with another home."""
    return {**rust_homes(), "PATH": os.environ["PATH"]}


KINDS = {
    "unittest": Kind(UNITTEST, {"sums.py": FASTER}, command="python3 -m unittest discover"),
    "pytest": Kind(
        PYTEST,
        {"sums.py": FASTER},
        command="python3 -m pytest -q",
        environment=with_pytest(os.environ, Path(sys.executable).parent),
    ),
    "npm test": Kind(
        NODE,
        {"sums.js": "module.exports.add = (a, b) => a + b;\n"},
        command="npm test",
        needs="npm",
    ),
    "node --test": Kind(
        {"sums.js": NODE["sums.js"], "sums.test.js": NODE_TEST},
        {"sums.js": "module.exports.add = (a, b) => a + b;\n"},
        command="node --test",
        needs="node",
    ),
    "cargo": Kind(
        CRATE,
        {"src/lib.rs": LIB.replace("a + b", "b + a")},
        command="cargo test",
        needs="cargo",
        environment=tool_chain(),
        mine={"target/debug/.cargo-lock": ""},
    ),
    "go": Kind(
        WITH_ASSERT,
        {"sums.go": GO["sums.go"].replace("a + b", "b + a")},
        command="go test -v ./...",
        needs="go",
    ),
    "make": Kind(MADE, {"sums.py": FASTER}, command="make test", needs="make", free=True),
    "no tests": Kind({"sums.py": GOOD}, {"sums.py": FASTER}, Verdict.PARTIAL),
    "no program yet": Kind(
        {"README.md": "# Sums\n"}, {"sums.py": GOOD, "test_sums.py": CASES}, Verdict.PARTIAL
    ),
    "several packages": Kind(
        {
            "one/sums.py": GOOD,
            "one/test_sums.py": CASES.replace("Sums(", "One("),
            "two/tests/test_more.py": OLD.replace("1, 2", "2, 2"),
            "web/page.html": "<p>\n",
        },
        {"one/sums.py": FASTER},
        command="python3 -m unittest discover -s one && python3 -m unittest discover -s two/tests",
    ),
    "red before": Kind(
        {**UNITTEST, "test_old.py": OLD},
        {"sums.py": FASTER},
        Verdict.VERIFIED_KNOWN_FAILURES,
        command="python3 -m unittest discover",
    ),
    "flaky before": Kind(
        {**UNITTEST, "other.py": FLIPPING, "test_other.py": CASES.replace("sums", "other")},
        {"sums.py": FASTER},
        Verdict.VERIFIED_KNOWN_FAILURES,
        command="python3 -m unittest discover",
    ),
    "flaky by the change": Kind(
        UNITTEST, {"sums.py": FLIPPING}, Verdict.PARTIAL, command="python3 -m unittest discover"
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_project_is_checked_by_its_own_means(
    tmp_path: Path, environment: dict[str, str], name: str
) -> None:
    kind = KINDS[name]
    if kind.needs:
        require_program(kind.needs)
    work = Attack(
        base=kind.base,
        head=kind.head,
        free=kind.free,
        mine=kind.mine,
        environment={k: v for k, v in kind.environment.items() if k in {"PATH", *tool_chain()}},
    )
    project = prepared(tmp_path / "project", environment, work)

    ended, report = carried_out(project, work)

    assert report.verification is not None, ended
    assert report.verification.verdict is kind.verdict, ended
    ended.expect(6 if kind.verdict is Verdict.PARTIAL else 0)
    tests = [check.command for check in report.verification.checks if check.behavioural]
    assert tests == ([kind.command] if kind.command else [])
    assert report.landed
    assert {path: project.read(path) for path in kind.head} == dict(kind.head)


INSTALLED = {
    "src/sums.py": GOOD,
    "tests/__init__.py": "",
    "tests/test_sums.py": CASES,
    ".gitignore": ".venv\nnode_modules\n",
}
WORKSPACE = {
    "package.json": '{"name": "all", "private": true, "workspaces": ["packages/*"],'
    ' "scripts": {"test": "node --test packages/app/app.test.js"}}\n',
    "packages/sums/package.json": '{"name": "sums", "version": "1.0.0", "main": "sums.js"}\n',
    "packages/sums/sums.js": NODE["sums.js"],
    "packages/app/package.json": '{"name": "app", "version": "1.0.0"}\n',
    "packages/app/app.test.js": NODE_TEST.replace("./sums.js", "sums"),
    ".gitignore": "node_modules\n",
}


def installed(project: ProjectFolder) -> None:
    """An environment of the project's own, with the project in it by its path."""
    made = project.run("python3", "-m", "venv", "--without-pip", ".venv")
    assert made.exit_code == 0, made.stderr
    site = next((project.path / ".venv").glob("lib/python3*/site-packages"))
    (site / "__editable__.sums-1.pth").write_text(f"{project.path / 'src'}\n", encoding="utf-8")


def linked(project: ProjectFolder) -> None:
    """What `npm install` makes of a workspace."""
    (project.path / "node_modules").mkdir()
    (project.path / "node_modules" / "sums").symlink_to("../packages/sums")


def without_bubblewrap(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The variables of a person whose `bwrap` cannot make a namespace."""
    folder.mkdir()
    program = folder / "bwrap"
    program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    return {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"}


BREAKING = {
    "an editable install": (
        Attack(base=INSTALLED, head={"src/sums.py": BAD}, settings='[verify]\ntest = "%s"\n'),
        installed,
        ".venv/bin/python -m unittest discover",
    ),
    "an npm workspace": (
        Attack(base=WORKSPACE, head={"packages/sums/sums.js": "exports.add = (a, b) => a - b;\n"}),
        linked,
        "npm test",
    ),
}


@pytest.mark.parametrize("name", BREAKING)
@pytest.mark.parametrize("mounts", [True, False], ids=["mounted", "not mounted"])
def test_a_breaking_change_is_never_judged_by_the_users_own_good_files(
    tmp_path: Path, environment: dict[str, str], name: str, mounts: bool
) -> None:
    attack, install, command = BREAKING[name]
    if command.startswith("npm"):
        require_program("npm")
    if not mounts:
        environment = without_bubblewrap(environment, tmp_path / "programs")
    sandbox = detected(environment, tmp_path)
    if mounts and not sandbox.mounts:
        pytest.skip("bubblewrap does not work here: nothing is mounted")
    if not sandbox.works:
        pytest.skip("without bubblewrap nothing confines commands here")
    settings = attack.settings % command if attack.settings else ""
    work = Attack(base=attack.base, head=attack.head, settings=settings)
    project = prepared(tmp_path / "project", environment, work)
    install(project)
    before = project.state()

    ended, report = carried_out(project, work)

    assert not report.proven, ended
    told = ended_as(report)
    if mounts:
        assert told == {CheckStatus.FAILED: ""}
        assert ended.exit_code == 1
        assert project.state() == before
    else:
        assert set(told) == {CheckStatus.NOT_RUN}
        assert "leads back into the project" in told[CheckStatus.NOT_RUN]
        assert report.verification is not None
        assert report.verification.verdict is not Verdict.VERIFIED
        assert ended.exit_code != 0


WITH_PACKAGES = {
    **NODE,
    "sums.js": 'const { plus } = require("plus");\n\nexports.add = (a, b) => plus(a, b);\n',
    "sums.test.js": 'const fs = require("node:fs");\n'
    + NODE_TEST
    + '\ntest("what vite does with its configuration", () => {\n  try {\n'
    '    fs.mkdirSync("node_modules/.vite-temp", { recursive: true });\n'
    '    fs.writeFileSync("node_modules/.vite-temp/config.mjs", "");\n'
    '  } catch (error) {\n    assert.strictEqual(error.code, "EACCES");\n  }\n});\n',
    ".gitignore": "node_modules\n",
}
PACKAGES = {
    "node_modules/plus/index.js": "exports.plus = (a, b) => a + b;\n",
    "node_modules/vite/package.json": "{}\n",
}


@pytest.mark.parametrize("mounts", [True, False], ids=["mounted", "not mounted"])
def test_installed_packages_are_used_and_stay_as_they_are(
    tmp_path: Path, environment: dict[str, str], mounts: bool
) -> None:
    require_program("npm")
    if not mounts:
        environment = without_bubblewrap(environment, tmp_path / "programs")
    sandbox = detected(environment, tmp_path)
    if sandbox.mounts is not mounts or not sandbox.works:
        pytest.skip(f"this is another sandbox: {sandbox.kind}")
    work = Attack(
        base=WITH_PACKAGES,
        mine=PACKAGES,
        head={"sums.js": WITH_PACKAGES["sums.js"].replace("(a, b);", "(b, a);")},
    )
    project = prepared(tmp_path / "project", environment, work)

    ended, report = carried_out(project, work)

    ended.expect(0)
    assert report.proven, ended
    installed_now = {
        f"node_modules/{file.relative_to(project.path / 'node_modules')}": file.read_text()
        for file in (project.path / "node_modules").rglob("*")
        if file.is_file()
    }
    assert installed_now == PACKAGES


def detected(environment: Mapping[str, str], folder: Path) -> Sandbox:
    """The sandbox that a run with these variables finds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", environment["PATH"])
        return Sandbox.detect(folder / "cache")


def ended_as(report: Report) -> dict[CheckStatus, str]:
    """How the checks that show behaviour ended, and what is said of that."""
    assert report.verification is not None
    return {check.status: check.note for check in report.verification.checks if check.behavioural}
