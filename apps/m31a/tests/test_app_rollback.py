"""Back behind a commit: what each way does is said before it is done."""

from collections.abc import Callable

import pytest

from m31a.program.effects import AsyncWork, Toast
from m31a.program.messages import WorkFailed
from m31a.screens.rollback import Looked, Weighed
from m31a.screens.rollback_files import Looked as FilesLooked
from m31a.screens.rollback_files import PutBack
from m31a.testing import Desk, sample_scene
from m31a.widgets.repository_facts import Between
from m31a_engine import RunStarted
from m31a_engine.desk.undoing import ShippedCommit, WaysBack, WentBack
from m31a_engine.machine import Mode

Snapshot = Callable[[Callable[[], Desk], str], None]
SIGN = ShippedCommit(
    commit="9be01aa4" * 5,
    parent="1d2c3b4f" * 5,
    subject="Sign tokens with RS256",
    at="2026-11-21T04:16:40+00:00",
    session="20261121-041530-9f3a",
    verdict="verified",
)
FIRST = ShippedCommit(
    commit="07aa9e17" * 5, parent="", subject="Begin", at="", session="s", verdict="partial"
)
WAYS = WaysBack(
    commits=(SIGN, FIRST),
    backups={"m31a/rollback-backup-1795230123": "d07c11e0" * 5},
    snapshots=("refs/m31a/snapshots/1795230123",),
)
BETWEEN = Between(
    head="d07c11e0" * 5,
    leaving=("d07c11e0d0 My own commit", "9be01aa49b Sign tokens with RS256"),
    files=("app/auth/tokens.py +41 -22", "README.md +2 -0"),
)
WENT = WentBack(
    previous="d07c11e0" * 5,
    head="1d2c3b4f" * 5,
    undone=("9be01aa4" * 5,),
    snapshot="refs/m31a/snapshots/1795230999",
    backup_branch="m31a/rollback-backup-1795230999",
    clashes=("notes.txt",),
    remedy="git checkout refs/m31a/snapshots/1795230999 -- notes.txt",
)


def looked(*, argument: str = "") -> Desk:
    """Two commits of runs, one backup, one snapshot."""
    desk = Desk("rollback", argument or None).send(Looked(WAYS))
    desk.effects.clear()
    return desk


def works(desk: Desk) -> int:
    """How often the screen asked for work since the last look."""
    count = sum(isinstance(each, AsyncWork) for each in desk.effects)
    desk.effects.clear()
    return count


def test_the_ways_back(snapshot: Snapshot) -> None:
    snapshot(looked, "rollback/ways")


def test_what_a_safe_reset_would_do(snapshot: Snapshot) -> None:
    snapshot(lambda: looked().press("s").send(Weighed(BETWEEN)), "rollback/safe")


def test_what_a_hard_reset_needs(snapshot: Snapshot) -> None:
    snapshot(lambda: looked().press("h").send(Weighed(BETWEEN)).type("1d"), "rollback/hard")


def test_what_was_done(snapshot: Snapshot) -> None:
    snapshot(lambda: looked().send(Looked(WAYS, WENT)).wait(9.0), "rollback/done")


def test_no_commit_of_a_run(snapshot: Snapshot) -> None:
    nothing = Looked(WaysBack(commits=(), backups={}, snapshots=()))
    snapshot(lambda: Desk("rollback").send(nothing), "rollback/empty")


def test_there_is_no_repository(snapshot: Snapshot) -> None:
    failed = WorkFailed("~/slugs is not in a git repository", "git init")
    snapshot(lambda: Desk("rollback").send(failed), "rollback/trouble")


@pytest.mark.parametrize("key", ["s", "f"])
def test_a_soft_and_a_safe_reset_are_done_only_after_they_were_weighed(key: str) -> None:
    desk = looked().press(key)
    assert works(desk) == 1

    desk.press("y")
    assert works(desk) == 0

    desk.send(Weighed(BETWEEN)).press("y")
    assert works(desk) == 1


def test_a_hard_reset_needs_four_letters_of_the_commit() -> None:
    desk = looked().press("h").send(Weighed(BETWEEN))
    works(desk)

    desk.press("y", "enter").type("xx")
    assert works(desk) == 0
    desk.press(*["backspace"] * 4).type("1d2")
    assert works(desk) == 0

    desk.type("c")

    assert works(desk) == 1


@pytest.mark.parametrize("keys", [["s", "escape"], ["f", "n"], ["h", "escape"], ["u", "n"]])
def test_every_question_can_be_left_with_nothing_done(keys: list[str]) -> None:
    desk = looked().press(*keys)
    works(desk)

    assert "s safe" in desk.press("end", "home").text
    assert works(desk) == 0
    assert desk.top.id == "rollback"


def test_all_that_would_leave_can_be_read_before_it_does() -> None:
    many = Between("d07c11e0" * 5, tuple(f"commit {number}" for number in range(60)), ())
    desk = looked().press("h").send(Weighed(many))
    assert "commit 59" not in desk.text

    for _ in range(6):
        desk.press("pagedown")

    assert "commit 59" in desk.text
    assert "type the first 4 of 1d2c3b4f: ____" in desk.text


def test_the_last_deed_is_undone_after_a_yes() -> None:
    desk = looked().press("u")
    assert "comes back" in desk.text

    assert works(desk.press("y")) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/rollback --hard", "hard reset to 1d2c3b4f1d2c"),
        ("/rollback soft", "soft reset to 1d2c3b4f1d2c"),
        ("/undo", "comes back"),
    ],
)
def test_a_command_leads_to_its_question(line: str, said: str) -> None:
    desk = Desk("repl").type(line).press("enter").send(Looked(WAYS))

    assert said in desk.text


def test_what_was_done_is_said_with_the_way_forward() -> None:
    desk = looked().press("s").send(Weighed(BETWEEN)).press("y")
    desk.effects.clear()

    desk.send(Looked(WAYS, WENT))

    assert desk.effects == [Toast("HEAD is 1d2c3b4f1d: u undoes it", "ok")]


def test_what_was_refused_is_said_and_the_ways_stay() -> None:
    desk = looked().send(WorkFailed("a commit was not made by a run", "use hard"))

    assert "a commit was not made by a run: use hard" in desk.text
    assert "Sign tokens" in desk.text


def test_nothing_comes_before_the_first_commit() -> None:
    desk = looked().press("end", "h")

    assert desk.effects == [Toast("nothing comes before the first commit", "warn")]


def test_while_a_run_works_nothing_is_undone() -> None:
    running = RunStarted(goal="x", project="/x", mode=Mode.FULL, model="m", provider="p")
    desk = Desk("rollback", scene=sample_scene([running], goal="x")).send(Looked(WAYS))
    desk.effects.clear()

    desk.press("s", "u")

    assert desk.effects == [Toast("a run is in progress: stop it first", "warn")] * 2


def test_bisect_and_the_sessions_changes_are_one_key_away() -> None:
    assert "1d2c3b4f" in looked().press("x").text
    assert looked().press("d").top.id == "diff"
    assert works(looked().press("r")) == 1


def files() -> Desk:
    """The files of a commit, over the ways back."""
    desk = looked().press("w").send(FilesLooked(("app/auth/tokens.py", "README.md")))
    desk.effects.clear()
    return desk


def test_files_of_one_commit(snapshot: Snapshot) -> None:
    snapshot(lambda: files().press("space"), "rollback_files/list")


def test_enter_without_a_choice_puts_nothing_back() -> None:
    assert files().press("enter").effects == [
        Toast("choose files first: space, or a for all", "warn")
    ]


def test_chosen_files_are_put_back_and_the_ways_are_looked_at_again() -> None:
    desk = files().press("a", "a", "down", "space", "enter")
    assert works(desk) == 1

    desk.send(PutBack(WENT))

    assert desk.top.id == "rollback"
    assert [type(each) for each in desk.effects] == [Toast, AsyncWork]


def test_files_that_cannot_be_put_back_say_why() -> None:
    assert "it is locked" in files().send(WorkFailed("it is locked", "")).text


def test_a_commit_without_files_and_one_that_is_still_looked_at() -> None:
    desk = looked().press("w")
    assert "looking …" in desk.text

    assert "it has changed no file" in desk.send(FilesLooked(())).text
