"""What is the user's stays as it is, whatever a run does and however it ends."""

import json
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from calling import called
from dirt import COMMITTED, TARGET, soil
from dying import dies
from journey import Ended, ProjectFolder, UserState, ended, script, started
from m31a_providers.testing import ModelServer
from scripted import BROKEN, FREE, GOAL, MENDED, mending

DEFAULT_CASES = 6
SYNCS = 22
"""An uninterrupted run of the script syncs its journal about so often."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What is asked for, and how it ends."""

    verb: str
    ends: str


FATES = [Fate(verb, ends) for ends in ("well", "badly", "killed") for verb in ("run", "ghost")]


def seeds() -> list[int]:
    return list(range(int(os.environ.get("M31A_CAMPAIGN", DEFAULT_CASES))))


def carried_out(project: ProjectFolder, fate: Fate, random: Random) -> Ended:
    program = mending(BROKEN + "\nX = 1\n" if fate.ends == "badly" else MENDED)
    with ModelServer(program) as server:
        options = ("--base-url", server.base_url, "--model", "any", "--output", "json", *FREE)
        words = (fate.verb, GOAL, *options)
        if fate.ends != "killed":
            return called(*words, cwd=project.path, env=project.environment)
        first = dies(project, "after", random.randint(1, SYNCS), *words)
        if first.exit_code != -signal.SIGKILL:
            return first
        return called("resume", *options, cwd=project.path, env=project.environment)


def after_landing(before: UserState, after: UserState) -> UserState:
    """What the user had, with the one file of the run, its index entry and its commit."""
    entry = next(line for line in after.index if line.endswith(f"\t{TARGET}"))
    moved = tuple(
        new if new.startswith(f"{before.branch} ") else old
        for old, new in zip(before.refs, after.refs, strict=True)
    )
    return replace(
        before,
        refs=moved,
        index=tuple(entry if line.endswith(f"\t{TARGET}") else line for line in before.index),
        files={**before.files, TARGET: (before.files[TARGET][0], MENDED.encode())},
    )


@pytest.mark.parametrize("seed", seeds())
def test_whatever_lies_about_in_a_repository_stays_as_it_is(
    tmp_path: Path, environment: dict[str, str], seed: int
) -> None:
    random = Random(seed)
    fate = FATES[seed % len(FATES)]
    project = ProjectFolder.create(tmp_path / "project", environment, COMMITTED)
    dirt = soil(project, random)
    before, base = project.state(), project.head

    done = carried_out(project, fate, random)

    after = project.state()
    story = (fate, dirt, done)
    assert done.exit_code != 70, story
    landed = fate.verb == "run" and project.head != base
    if fate.ends == "well":
        in_the_way = fate.verb == "run" and "in_the_way" in dirt
        assert done.exit_code == (7 if in_the_way else 0), story
        assert landed == (fate.verb == "run" and not in_the_way), story
    if landed:
        assert fate.ends != "badly", story
        assert project.git("rev-list", "--count", f"{base}..HEAD") == "1"
    assert after == (after_landing(before, after) if landed else before), story
    assert not (project.path / ".git" / "index.lock").exists()


def test_ten_ghosts_at_once_leave_ten_proofs_and_nothing_else(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    project = ProjectFolder.create(tmp_path / "project", environment, COMMITTED)
    soil(project, Random(7))
    before = project.state()

    with ModelServer(mending()) as server, ExitStack() as stack:
        words = ("--base-url", server.base_url, "--model", "any", "--output", "json", *FREE)
        ghosts = [
            stack.enter_context(
                started(
                    *(script("m31a-headless"), "ghost", GOAL, *words),
                    cwd=project.path,
                    env=environment,
                )
            )
            for _ in range(10)
        ]
        reports = [json.loads(ended(ghost).expect(0).stdout) for ghost in ghosts]

    sessions = {report["session"] for report in reports}
    commits = {report["commit"] for report in reports}
    listed = project.git("for-each-ref", "--format=%(refname)", "refs/heads/m31a", "refs/m31a")
    assert len(sessions) == len(commits) == 10
    assert {report["verification"]["verdict"] for report in reports} == {"verified"}
    assert {f"refs/heads/m31a/{session}" for session in sessions} <= set(listed.split())
    assert {f"refs/m31a/evidence/{commit}" for commit in commits} <= set(listed.split())
    ledger = (Path(environment["M31A_HOME"]) / "LEDGER.md").read_text(encoding="utf-8")
    assert [ledger.count(session) for session in sessions] == [1] * 10
    assert project.state() == before
