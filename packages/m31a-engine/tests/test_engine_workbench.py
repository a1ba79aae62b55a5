"""Parallel work put on one branch of a real repository, and kills between any two steps."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from m31a_engine.errors import Refused
from m31a_engine.session.journal import Journal, read_records
from m31a_engine.session.scratch import clear
from m31a_engine.session.workbench import Bay, ComingBay, Integrated, MergeConflict, Workbench
from m31a_engine.taskwork import Gate
from m31a_rollback import Identity, RefMoved, Repository

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("own_home")]

BRANCH = "m31a/test"


@dataclass(frozen=True, slots=True)
class Ground:
    """A repository and a folder for the session beside it."""

    repository: Repository
    folder: Path
    base: str

    @contextmanager
    def bench(self) -> Iterator[Workbench]:
        """A workbench as a process that begins has it: all it knows is in the journal."""
        journal = Journal.open(self.folder)
        try:
            yield Workbench(self.repository, journal, BRANCH, self.folder / "trees", self.base)
        finally:
            journal.close()

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.repository.root), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commits(self) -> list[str]:
        """The subjects on the session's branch, oldest first, without the base."""
        return self.git("log", "--reverse", "--format=%s", f"{self.base}..{BRANCH}").splitlines()

    def forget(self, kind: str, text: str) -> None:
        """Cut the journal off before the first such record, as a kill there would."""
        records = read_records(self.folder)[0]
        place = next(
            record.seq
            for record in records
            if record.kind == kind and text in bytes(record.body).decode()
        )
        file = self.folder / "journal.jsonl"
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[: place - 1]))


@pytest.fixture
async def ground(tmp_path: Path) -> Ground:
    project, folder = tmp_path / "project", tmp_path / "session"
    project.mkdir()
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (project / name).write_text("one\ntwo\nthree\n")
    author = Identity(name="Ada", email="ada@example.invalid")
    repository = await Repository.init(project, "Start", add_all=True, author=author)
    status = await repository.status()
    assert status.head is not None
    return Ground(repository=repository, folder=folder, base=status.head)


def write(bay: Bay, name: str, text: str) -> None:
    (bay.tree.path / name).write_text(text)


async def test_work_done_side_by_side_becomes_one_line_of_commits(ground: Ground) -> None:
    with ground.bench() as bench:
        first, second = await bench.take("task-1"), await bench.take("task-2")
        write(first, "a.txt", "changed\n")
        write(second, "new.txt", "new\n")

        results: dict[str, Integrated] = {}

        async def integrate(bay: Bay) -> None:
            results[bay.key] = await bench.integrate(bay, bay.key)

        async with anyio.create_task_group() as group:
            group.start_soon(integrate, first)
            group.start_soon(integrate, second)

        assert first.tree.path != second.tree.path
        assert sorted(ground.commits()) == ["task-1", "task-2"]
        assert ground.git("show", f"{BRANCH}:a.txt") == "changed"
        assert ground.git("show", f"{BRANCH}:new.txt") == "new"
        assert results["task-1"].files == ("a.txt",)
        assert results["task-2"].files == ("new.txt",)
        assert ground.git("rev-parse", BRANCH) == bench.head
    await clear(ground.repository, ground.folder / "trees")

    assert ground.git("status", "--porcelain") == ""
    assert ground.git("rev-parse", "HEAD") == ground.base
    assert ground.git("worktree", "list").count("\n") == 0


async def test_work_that_is_done_has_no_tree_any_more_when_it_is_looked_at_again(
    ground: Ground,
) -> None:
    with ground.bench() as bench:
        first = await bench.take("task-1")
        write(first, "a.txt", "changed\n")
        await bench.integrate(first, "first")

    with ground.bench() as bench:
        second = await bench.take("task-2")
        again = await bench.take("task-1")
        bench.give_back(again)
        third = await bench.take("task-3")

    assert second.tree.path != third.tree.path


@pytest.mark.parametrize(
    "missing",
    [
        ("trees/work",),
        ("trees/work/.git",),
        ("trees/work/.git", "trees/work/a.txt", "trees/work/b.txt"),
        ("record/HEAD",),
        ("record/commondir",),
        ("record/index", "trees/work/a.txt"),
        ("record/gitdir", "trees/work"),
        ("record",),
    ],
    ids=" ".join,
)
async def test_a_work_tree_that_git_was_killed_in_the_middle_of_is_made_anew(
    ground: Ground, missing: tuple[str, ...]
) -> None:
    await ground.repository.worktree(ground.folder / "trees" / "work", ground.base)
    record = ground.repository.common_dir / "worktrees" / "work"
    for name in missing:
        folder, _, rest = name.partition("/")
        gone = record / rest if folder == "record" else ground.folder / name
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()

    with ground.bench() as bench:
        bay = await bench.take("task-1")
        assert await bay.tree.tree_id() == await ground.repository.tree_of(ground.base)
        write(bay, "a.txt", "changed\n")
        assert (await bench.integrate(bay, "first")).files == ("a.txt",)


async def test_a_branch_in_the_way_of_the_sessions_is_named(ground: Ground) -> None:
    ground.git("branch", "m31a")
    with ground.bench() as bench, pytest.raises(Refused, match="branch called m31a is in the way"):
        await bench.take("task-1")


async def test_a_collision_is_told_by_path_and_changes_nothing(ground: Ground) -> None:
    with ground.bench() as bench:
        first, second = await bench.take("task-1"), await bench.take("task-2")
        write(first, "a.txt", "mine\n")
        write(second, "a.txt", "yours\n")
        write(second, "b.txt", "also\n")
        await bench.integrate(first, "first")
        head = bench.head

        with pytest.raises(MergeConflict, match=r"changes in a\.txt") as conflict:
            await bench.integrate(second, "second")

        assert conflict.value.paths == ("a.txt",)
        assert (bench.head, ground.git("rev-parse", BRANCH)) == (head, head)

        again = await bench.take("task-2/again")
        assert (again.tree.path / "a.txt").read_text() == "mine\n"
        write(again, "a.txt", "mine and yours\n")
        await bench.integrate(again, "second again")

    assert ground.commits() == ["first", "second again"]


async def test_work_that_changed_nothing_makes_no_commit(ground: Ground) -> None:
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        assert await bench.integrate(bay, "nothing") == Integrated(commit=None)
        assert await bench.integrate(bay, "nothing") == Integrated(commit=None)
    assert ground.commits() == []


async def test_a_tree_given_back_is_clean_for_the_next(ground: Ground) -> None:
    with ground.bench() as bench:
        first = await bench.take("task-1")
        write(first, "a.txt", "changed\n")
        await bench.integrate(first, "first")
        write(first, "left-over.txt", "x")
        bench.give_back(first)
        bench.give_back(first)

        second = await bench.take("task-2")

        assert second.tree.path == first.tree.path == bench.first_path
        assert not (second.tree.path / "left-over.txt").exists()
        assert (second.tree.path / "a.txt").read_text() == "changed\n"
        assert second.place.base == bench.head


async def test_a_bay_to_come_is_taken_once(ground: Ground) -> None:
    with ground.bench() as bench:
        coming = ComingBay(bench, "task-1")
        bays: list[Bay] = []

        async def get() -> None:
            bays.append(await coming.get())

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(get)
        assert bays[0] is bays[1] is bays[2]


async def test_after_a_kill_in_mid_task_its_tree_is_as_it_was_left(ground: Ground) -> None:
    with ground.bench() as bench:
        await bench.take("task-1")
        second = await bench.take("task-2")
        write(second, "half.txt", "half done\n")

    with ground.bench() as bench:
        again = await bench.take("task-2")
        assert again.place == second.place
        assert (again.tree.path / "half.txt").read_text() == "half done\n"
        other = await bench.take("task-3")
        assert other.tree.path not in {again.tree.path, (await bench.take("task-1")).tree.path}


@pytest.mark.parametrize("moved", [True, False], ids=["branch moved", "branch not moved"])
async def test_a_commit_that_a_kill_cut_off_is_finished_and_not_made_twice(
    ground: Ground, moved: bool
) -> None:
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        write(bay, "a.txt", "changed\n")
        done = await bench.integrate(bay, "first")
    ground.forget("done", "task-1/commit")
    if not moved:
        ground.git("update-ref", f"refs/heads/{BRANCH}", ground.base)

    with ground.bench() as bench:
        assert bench.head == ground.base
        await bench.prepare()
        assert bench.head == done.commit == ground.git("rev-parse", BRANCH)
        again = await bench.take("task-1")
        assert await bench.integrate(again, "another message") == done

    assert ground.commits() == ["first"]


async def test_a_kill_before_the_intention_leaves_the_work_to_be_integrated(
    ground: Ground,
) -> None:
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        write(bay, "a.txt", "changed\n")
        await bench.integrate(bay, "first")
    ground.forget("intent", "task-1/commit")
    ground.git("update-ref", f"refs/heads/{BRANCH}", ground.base)

    with ground.bench() as bench:
        await bench.integrate(await bench.take("task-1"), "first")

    assert ground.commits() == ["first"]
    assert ground.git("show", f"{BRANCH}:a.txt") == "changed"


async def test_a_branch_somebody_else_moved_is_not_overwritten(ground: Ground) -> None:
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        tree = ground.git("rev-parse", f"{ground.base}^{{tree}}")
        foreign = ground.git("commit-tree", tree, "-p", ground.base, "-m", "foreign")
        ground.git("update-ref", f"refs/heads/{BRANCH}", foreign)
        write(bay, "a.txt", "changed\n")

        with pytest.raises(RefMoved):
            await bench.integrate(bay, "first")

    assert ground.git("rev-parse", BRANCH) == foreign


async def test_who_must_be_alone_waits_for_the_others_and_keeps_them_out() -> None:
    gate = Gate()
    order: list[str] = []
    leave = anyio.Event()

    async def together(name: str) -> None:
        async with gate.together():
            order.append(f"{name} in")
            await leave.wait()
            order.append(f"{name} out")

    async def alone() -> None:
        async with gate.alone():
            order.append("alone in")
            await anyio.wait_all_tasks_blocked()
            order.append("alone out")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(together, "a")
            group.start_soon(together, "b")
            await anyio.wait_all_tasks_blocked()
            group.start_soon(alone)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(together, "late")
            await anyio.wait_all_tasks_blocked()
            assert sorted(order) == ["a in", "b in"], "late waits behind the one that waits"
            leave.set()

    assert sorted(order[2:4]) == ["a out", "b out"]
    assert order[4:] == ["alone in", "alone out", "late in", "late out"]


async def test_a_task_that_is_cancelled_leaves_the_gate() -> None:
    gate = Gate()
    with anyio.move_on_after(0):
        async with gate.together():
            await anyio.sleep_forever()
    with anyio.fail_after(5):
        async with gate.alone():
            pass
