"""SIGKILL wherever something has just been, or is about to be, written down or done."""

import json
import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from calling import called
from dying import dies
from journey import Ended, ProjectFolder
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import BROKEN, GOAL, MENDED, TEST, write
from six_phases import PRODUCT, TYPO, plan

DEFAULT_CASES = 14
NOTES = "add() adds.\n"
STOPPED = "was stopped while this call ran"
"""What a model reads of a call that a kill cut off: it makes it again, as a sensible one would."""


def bash(command: str) -> Reply:
    return Reply(tool_calls=(Call(name="Bash", arguments={"command": command}),))


ALONE = [
    Rule(
        phase="execute",
        turn=1,
        reply=Reply(
            tool_calls=(
                Call(name="FileRead", arguments={"path": "sums.py"}),
                Call(name="FileRead", arguments={"path": "test_sums.py"}),
            )
        ),
    ),
    Rule(phase="execute", turn=2, reply=write("sums.py", MENDED)),
    Rule(phase="execute", contains=STOPPED, reply=write("sums.py", MENDED)),
    Rule(phase="execute", reply=Reply(text="add() returns the sum now.")),
]


def together(first: str) -> list[Rule | Reply | str]:
    """Two tasks beside one another; the first writes what is perhaps not right."""
    note = bash(f"printf '{NOTES.strip()}\\n' > NOTES.md")
    return [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="plan", reply=plan("Sums and notes", "sums.py", "NOTES.md")),
        Rule(phase="execute", task="1", turn=1, reply=write("sums.py", first)),
        Rule(phase="execute", task="2", turn=1, reply=note),
        Rule(phase="execute", task="1", contains=STOPPED, reply=write("sums.py", first)),
        Rule(phase="execute", task="2", contains=STOPPED, reply=note),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="heal", turn=1, reply=write("sums.py", MENDED)),
        Rule(phase="heal", contains=STOPPED, reply=write("sums.py", MENDED)),
        Rule(phase="heal", reply=Reply(text="Mended.")),
        Rule(phase="ship", reply=Reply(text="add() adds, and NOTES.md says so.")),
    ]


@dataclass(frozen=True, slots=True)
class Scene:
    """A run, and how far it goes when nothing stops it."""

    script: Sequence[Rule | Reply | str]
    mode: str
    syncs: int
    """How often an uninterrupted one syncs its journal, about."""
    steps: int
    """How many programs it starts and files it renames or removes, syncs included, about."""
    commits: int = 1
    """On the user's branch, the merge included."""
    files: tuple[str, ...] = ("sums.py",)
    permissions: str = "allow_all"
    at_once: int = 1
    """Requests that can be under way."""


BOTH = ("NOTES.md", "sums.py")
SCENES = {
    "alone": Scene(ALONE, "direct", 37, 254),
    "together": Scene(together(MENDED), "full", 62, 351, commits=3, files=BOTH, at_once=2),
    "healed": Scene(together(TYPO), "full", 73, 381, commits=4, files=BOTH, at_once=2),
    "mended": Scene(together(PRODUCT), "full", 78, 435, commits=4, files=BOTH, at_once=2),
    "deferred": Scene(ALONE, "direct", 27, 228, permissions="defer"),
}
ORDER = ("alone", "together", "alone", "deferred", "alone", "healed", "mended")
HOWS = ("before", "torn", "step", "landing", "after")
LANDING = 80
"""About so many steps are left when a landing is intended."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where the process dies."""

    scene: str
    how: str
    at: int
    share: float

    @classmethod
    def drawn(cls, number: int) -> "Point":
        """The place of a case: every way to die in every scene, the rest by chance."""
        random = Random(number)
        scene = ORDER[number % len(ORDER)]
        how = HOWS[(number + number // len(ORDER)) % len(HOWS)]
        most = {"step": SCENES[scene].steps, "landing": LANDING}.get(how, SCENES[scene].syncs)
        return cls(scene, how, random.randint(1, most), random.random())

    def __str__(self) -> str:
        return f"{self.scene}-{self.how}-{self.at}-{self.share:.2f}"


def points() -> list[Point]:
    wanted = int(os.environ.get("M31A_CAMPAIGN", DEFAULT_CASES))
    return [Point.drawn(number) for number in range(wanted)]


def soiled(project: ProjectFolder) -> None:
    """Work of the person's that has nothing to do with the run."""
    project.write("o.txt", "staged\n")
    project.git("add", "o.txt")
    project.write("o.txt", "changed again\n")
    project.git("stash", "push", "--quiet", "--", "o.txt")
    project.write("o.txt", "staged\n")
    project.git("add", "o.txt")
    project.write("o.txt", "changed once more\n")
    project.write("mine.txt", "untracked\n")


def approved(done: Ended, project: ProjectFolder, options: Sequence[str]) -> Ended:
    """The run, after a person has said yes to what it waits for."""
    if done.exit_code != 3:
        return done
    session = json.loads(done.stdout)["session"]
    return called("approve", session, *options, cwd=project.path, env=project.environment)


def killed(project: ProjectFolder, point: Point, options: Sequence[str]) -> Ended:
    """A run that dies where it shall; what waits for leave dies after the yes to it."""
    words, env = ("run", GOAL, "--mode", SCENES[point.scene].mode, *options), project.environment
    if point.scene == "deferred":
        waiting = called(*words, cwd=project.path, env=env).expect(3)
        words = ("approve", json.loads(waiting.stdout)["session"], *options)
    return dies(project, point.how, point.at, *words, share=point.share)


def finished(project: ProjectFolder, point: Point, options: Sequence[str], base: str) -> Ended:
    """The run that was killed, taken up again; one that never stood is begun anew."""
    done = called("resume", *options, cwd=project.path, env=project.environment)
    if done.exit_code == 2 and project.head == base:
        assert "no session" in done.stderr, done
        words = ("run", GOAL, "--mode", SCENES[point.scene].mode, *options)
        done = called(*words, cwd=project.path, env=project.environment)
    elif done.exit_code == 2:
        assert "can go on" in done.stderr, done
        return Ended(0, done.stdout, done.stderr)
    return approved(done, project, options)


@pytest.mark.parametrize("point", points(), ids=str)
def test_a_killed_run_ends_as_an_uninterrupted_one(
    tmp_path: Path, environment: dict[str, str], point: Point
) -> None:
    scene = SCENES[point.scene]
    files = {"sums.py": BROKEN, "test_sums.py": TEST, "o.txt": "o\n"}
    project = ProjectFolder.create(tmp_path / "project", environment, files)
    soiled(project)
    before, base = project.state(), project.head
    with ModelServer(scene.script) as server:
        options = (
            *("--base-url", server.base_url, "--model", "any", "--output", "json"),
            *("--trust-project", "--permissions", scene.permissions),
        )
        first = killed(project, point, options)
        if first.exit_code == -signal.SIGKILL:
            first = finished(project, point, options, base)
        first.expect(0)
        asked = Counter(
            (*(seen.labels.get(name) for name in ("session", "phase", "task")), seen.asked.turn)
            for seen in server.requests
            if seen.finished
        )

    assert project.git("diff", "--name-only", base, "HEAD").split() == list(scene.files)
    assert project.git("rev-list", "--count", f"{base}..HEAD") == str(scene.commits)
    assert project.run("python3", "-B", "-m", "unittest").exit_code == 0
    after = project.state()
    assert after.stash == before.stash
    written = {name: after.files[name] for name in scene.files}
    assert {name: data for name, (_, data) in written.items()} == {
        name: {"sums.py": MENDED, "NOTES.md": NOTES}[name].encode() for name in scene.files
    }
    assert {**before.files, **written} == dict(after.files)
    assert project.git("diff", "--cached", "--name-only") == "o.txt"
    ledger = (Path(environment["M31A_HOME"]) / "LEDGER.md").read_text(encoding="utf-8")
    session = project.git("log", "-1", "--format=%(trailers:key=M31A-Session,valueonly)").strip()
    assert ledger.count(session) == 1
    assert not (project.path / ".git" / "index.lock").exists()
    assert project.run("git", "fsck", "--no-dangling").exit_code == 0
    replayed = called("replay", session, cwd=project.path, env=environment)
    assert replayed.exit_code == 0, replayed
    # Nothing but what was under way is asked for twice.
    again = {key: count - 1 for key, count in asked.items() if count > 1}
    assert sum(again.values()) <= scene.at_once, again
