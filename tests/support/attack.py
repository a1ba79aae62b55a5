"""A model that wants a broken program to be called verified, and what became of it."""

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from calling import called
from journey import Ended, ProjectFolder
from m31a_engine.checks.result import CheckResult, Finding, FindingKind, Verdict
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from m31a_tools import Sandbox
from scripted import FREE

GOOD = "def add(a, b):\n    return a + b\n"
BAD = "def add(a, b):\n    return a - b\n"
CASES = (
    "import unittest\n\nfrom sums import add\n\n\nclass Sums(unittest.TestCase):\n"
    "    def test_add(self):\n        self.assertEqual(5, add(2, 3))\n\n"
    "    def test_zero(self):\n        self.assertEqual(0, add(0, 0))\n"
)
FUNCTIONS = (
    "from sums import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n\n\n"
    "def test_zero():\n    assert add(0, 0) == 0\n"
)
UNITTEST: Mapping[str, str] = {"sums.py": GOOD, "test_sums.py": CASES}
PYTEST: Mapping[str, str] = {
    "sums.py": GOOD,
    "tests/test_sums.py": FUNCTIONS,
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p no:cacheprovider"\n',
}
REMOVE = "python3 -c 'import os, sys; [*map(os.remove, sys.argv[1:])]'"
"""`rm` is asked about in a run that nobody watches; this only does what the sandbox lets it."""
HERE = "{project}"
"""Stands for the path of the user's folder."""
PROVEN = frozenset({Verdict.VERIFIED, Verdict.VERIFIED_KNOWN_FAILURES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What a model does in its one task; the program is broken afterwards, or a test is."""

    base: Mapping[str, str] = field(default_factory=lambda: UNITTEST)
    head: Mapping[str, str | None] = field(default_factory=dict)
    """Files it writes; None for one that it removes."""
    shell: str = ""
    """A command it runs after that."""
    kinds: frozenset[FindingKind] = frozenset()
    """Findings that must be among those told; none: the checks themselves are red."""
    free: bool = False
    """With every permission, and a trusted folder: nothing confines its commands."""
    goal: str = "make add() faster"
    mine: Mapping[str, str] = field(default_factory=dict)
    """What lies in the user's folder and is not committed."""
    ignored: str = ""
    """Lines of the repository's own list of ignored files."""
    settings: str = ""
    """The user's configuration file."""
    plan: str = ""
    """With a plan, in mode `full`."""
    environment: Mapping[str, str] = field(default_factory=dict)


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says about a verification."""

    verdict: Verdict
    tree: str
    checks: tuple[CheckResult, ...] = ()
    findings: tuple[Finding, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a run's report that is of interest here."""

    outcome: str
    landed: bool
    session: str
    branch: str | None = None
    commit: str | None = None
    verification: Proof | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the run says that its work is verified."""
        return self.verification is not None and self.verification.verdict in PROVEN

    @property
    def kinds(self) -> frozenset[FindingKind]:
        """The kinds of all that was found."""
        proof = self.verification.findings if self.verification is not None else ()
        return frozenset(finding.kind for finding in (*self.findings, *proof))


def calls_of(attack: Attack, here: str) -> tuple[Call, ...]:
    """The tool calls of the attack, in order."""
    written = [
        Call(name="FileWrite", arguments={"path": path, "content": text.replace(HERE, here)})
        for path, text in attack.head.items()
        if text is not None
    ]
    removed = [path for path, text in attack.head.items() if text is None]
    commands = [f"{REMOVE} {shlex.join(removed)}"] if removed else []
    commands += [attack.shell.replace(HERE, here)] if attack.shell else []
    ran = [Call(name="Bash", arguments={"command": command}) for command in commands]
    return (*written, *ran)


def script_of(attack: Attack, here: str) -> Sequence[Rule]:
    """The replies of the model: what it does, and that all is well."""
    done = Reply(text="Done: all tests pass, everything is verified.")
    return [
        Rule(phase="plan", reply=Reply(text=attack.plan)),
        Rule(phase="execute", turn=1, reply=Reply(tool_calls=calls_of(attack, here))),
        Rule(phase="execute", reply=done),
        Rule(phase="heal", reply=done),
        Rule(phase="ship", reply=done),
        Rule(phase="discuss", reply=Reply(text="No question.")),
        Rule(phase="research", reply=Reply(text="Nothing to look up.")),
    ]


def prepared(folder: Path, environment: Mapping[str, str], attack: Attack) -> ProjectFolder:
    """The user's project before the run."""
    project = ProjectFolder.create(folder, {**environment, **attack.environment}, attack.base)
    if attack.ignored:
        project.write(".git/info/exclude", attack.ignored)
    for path, text in attack.mine.items():
        project.write(path, text)
    if attack.settings:
        home = Path(environment["M31A_HOME"])
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(attack.settings, encoding="utf-8")
    return project


def carried_out(project: ProjectFolder, attack: Attack) -> tuple[Ended, Report]:
    """A run with that model, to its end."""
    mode = "full" if attack.plan else "direct"
    with ModelServer(script_of(attack, str(project.path))) as server:
        words = ("--base-url", server.base_url, "--model", "any", "--output", "json")
        free = FREE if attack.free else ()
        ended = called(
            "run",
            attack.goal,
            *words,
            *("--mode", mode, *free),
            cwd=project.path,
            env=project.environment,
        )
    if ended.exit_code == 3 and not Sandbox.detect(project.path.parent / "cache").works:
        pytest.skip("no sandbox works here: commands wait for leave")
    assert ended.exit_code not in {2, 3, 5, 70}, ended
    return ended, msgspec.convert(json.loads(ended.stdout), Report)


def with_pytest(environment: Mapping[str, str], programs: Path) -> dict[str, str]:
    """The variables of a person whose first `python3` has pytest."""
    return {**environment, "PATH": f"{programs}{os.pathsep}{environment['PATH']}"}
