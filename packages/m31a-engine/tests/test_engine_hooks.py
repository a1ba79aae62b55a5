"""Commit hooks confined beside real work trees, and commits made from what they leave."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from m31a_engine.config import Config
from m31a_engine.config_sections import GitSection, PermissionMode, VerifySection
from m31a_engine.errors import WaitingForApproval
from m31a_engine.hooks import HookRunner
from m31a_engine.session.journal import Journal, read_records
from m31a_engine.session.workbench import Bay, Integrated, MergeConflict, Prepare, Workbench
from m31a_engine.shelter import Shelter
from m31a_rollback import HookFailed, Identity, Prepared, Repository, WorkTree
from m31a_tools import Sandbox, child_environment
from m31a_tools.sandbox.landlock import landlock_abi
from m31a_tools.sandbox.sandbox import SandboxKind

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("own_home")]

BRANCH = "m31a/test"
NONE = Sandbox(kind=SandboxKind.NONE, reasons=("bubblewrap: not there",))
FOUND = Sandbox.detect()
LANDLOCK = Sandbox(kind=SandboxKind.LANDLOCK, landlock_abi=landlock_abi())
CONFINING = [
    pytest.param(
        FOUND,
        id="bubblewrap",
        marks=pytest.mark.skipif(not FOUND.mounts, reason="bubblewrap does not work here"),
    ),
    pytest.param(
        LANDLOCK,
        id="landlock",
        marks=pytest.mark.skipif(landlock_abi() < 4, reason="the kernel has no such Landlock"),
    ),
]


@dataclass(frozen=True, slots=True)
class Ground:
    """A trusted repository, and M31A's own folder beside it."""

    repository: Repository
    home: Path
    base: str

    @contextmanager
    def bench(self) -> Iterator[Workbench]:
        """A workbench as a process that begins has it."""
        journal = Journal.open(self.home)
        try:
            yield Workbench(self.repository, journal, BRANCH, self.home / "trees", self.base)
        finally:
            journal.close()

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.repository.root), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def hook(self, name: str, text: str) -> None:
        file = self.repository.common_dir / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def runner(
        self,
        sandbox: Sandbox,
        mode: PermissionMode = PermissionMode.SANDBOXED,
        config: Config | None = None,
    ) -> HookRunner:
        config = config or Config(home=str(self.home), trusted=True)
        shelter = Shelter(self.repository, config, mode, self.home)
        shelter._found = sandbox
        return HookRunner(
            repository=self.repository,
            config=config,
            shelter=shelter,
            environment=lambda: child_environment(os.environ),
            folders=lambda: ("node_modules",),
        )

    def forget(self, kind: str, text: str) -> None:
        """Cut the journal off before the first such record, as a kill there would."""
        records = read_records(self.home)[0]
        place = next(
            record.seq
            for record in records
            if record.kind == kind and text in bytes(record.body).decode()
        )
        file = self.home / "journal.jsonl"
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[: place - 1]))


@pytest.fixture
async def ground(tmp_path: Path) -> Ground:
    project, home = tmp_path / "project", tmp_path / "m31a"
    (project / "node_modules").mkdir(parents=True)
    (project / "node_modules" / "tool").write_text("echo tool\n")
    home.mkdir()
    (project / ".gitignore").write_text("node_modules\n")
    for name in ("a.txt", "b.txt"):
        (project / name).write_text("one\ntwo\nthree\n")
    author = Identity(name="Ada", email="ada@example.invalid")
    await Repository.init(project, "Start", add_all=True, author=author)
    repository = await Repository.open(project, trusted=True)
    status = await repository.status()
    assert status.head is not None
    return Ground(repository=repository, home=home, base=status.head)


def write(bay: Bay, name: str, text: str) -> None:
    (bay.tree.path / name).write_text(text)


@pytest.mark.parametrize("sandbox", CONFINING)
async def test_a_confined_hook_formats_stages_and_writes_the_message(
    ground: Ground, sandbox: Sandbox
) -> None:
    ground.hook(
        "pre-commit",
        "set -e\ngit diff --cached --name-only > changed.txt\nsed -i s/bad/good/ a.txt\n"
        "git add -A\ngit stash list\ngit log -1 --format=%s >> changed.txt\ncat a.txt",
    )
    ground.hook("commit-msg", 'echo "Reviewed: yes" >> "$1"')
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        write(bay, "a.txt", "bad\n")

        prepared = await ground.runner(sandbox).run(bay.tree, "subject\n\n")

    assert prepared.message.endswith("Reviewed: yes\n")
    assert await ground.repository.blob(prepared.tree, "a.txt") == b"good\n"
    assert await ground.repository.blob(prepared.tree, "changed.txt") == b"a.txt\nStart\n"
    assert [(ran.hook, ran.exit_code) for ran in prepared.ran] == [
        ("pre-commit", 0),
        ("commit-msg", 0),
    ]
    assert ground.git("status", "--porcelain") == ""
    assert not list(bay.tree.checkout.git_dir.glob("m31a/hooks-*"))


@pytest.mark.skipif(not FOUND.mounts, reason="bubblewrap does not work here")
async def test_hooks_within_the_project_and_its_dependencies_stand_where_they_always_do(
    ground: Ground,
) -> None:
    folder = ground.repository.root / ".husky" / "_"
    folder.mkdir(parents=True)
    (folder / ".gitignore").write_text("*\n")
    (folder / "pre-commit").write_text(
        '#!/bin/sh\nsh node_modules/tool > said\necho "$0" >> said\n'
    )
    (folder / "pre-commit").chmod(0o755)
    ground.git("config", "core.hooksPath", ".husky/_")
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        prepared = await ground.runner(FOUND).run(bay.tree, "subject")

    said = await ground.repository.blob(prepared.tree, "said")
    assert said == f"tool\n{folder}/pre-commit\n".encode()


@pytest.mark.skipif(not FOUND.mounts, reason="bubblewrap does not work here")
async def test_installed_pre_commit_environments_are_seen_and_their_store_stays_as_it_is(
    ground: Ground, own_home: Path
) -> None:
    store = own_home / ".cache" / "pre-commit"
    (store / "repo1").mkdir(parents=True)
    (store / "db.db").write_text("db")
    (store / "repo1" / "tool").write_text("installed\n")
    ground.hook(
        "pre-commit",
        f"cat '{store}/repo1/tool' > seen.txt\ncat $PRE_COMMIT_HOME/db.db >> seen.txt\n"
        f"echo x > $PRE_COMMIT_HOME/db.db && touch $PRE_COMMIT_HOME/.lock || exit 1\n"
        f"! touch '{store}/repo1/evil'",
    )
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        prepared = await ground.runner(FOUND).run(bay.tree, "subject")

    assert await ground.repository.blob(prepared.tree, "seen.txt") == b"installed\ndb"
    assert (store / "db.db").read_text() == "db"
    assert sorted(path.name for path in store.iterdir()) == ["db.db", "repo1"]


@pytest.mark.parametrize("sandbox", CONFINING)
async def test_a_failing_hook_is_told_what_the_sandbox_kept_it_from(
    ground: Ground, sandbox: Sandbox
) -> None:
    key = "gh" + "p_" + "Zk3vQ9xTb7LmW2cRf8Yh5NsD1pJg6UaE4oXi"
    ground.hook("pre-commit", f'echo {key}; echo x > "$(dirname "$0")/evil"; exit 7')
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        with pytest.raises(HookFailed) as caught:
            await ground.runner(sandbox).run(bay.tree, "subject")

    assert caught.value.exit_code == 7
    assert "commands run in a sandbox" in caught.value.output
    assert key not in caught.value.output
    assert not (ground.repository.common_dir / "hooks" / "evil").exists()


async def test_a_hook_has_a_time_limit(ground: Ground) -> None:
    ground.hook("pre-commit", "sleep 600")
    limits = VerifySection(timeout_s=0.5)
    config = Config(home=str(ground.home), trusted=True, verify=limits)
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        with anyio.fail_after(60), pytest.raises(HookFailed, match=r"stopped after 0\.5 s"):
            await ground.runner(NONE, PermissionMode.RULES, config).run(bay.tree, "subject")


@pytest.mark.parametrize(
    ("mode", "runs"),
    [
        (PermissionMode.ALLOW_ALL, True),
        (PermissionMode.RULES, True),
        (PermissionMode.SANDBOXED, False),
        (PermissionMode.ASK, False),
        (PermissionMode.DEFER, False),
    ],
)
async def test_without_a_sandbox_hooks_run_where_all_may_and_wait_elsewhere(
    ground: Ground, mode: PermissionMode, runs: bool
) -> None:
    ground.hook("pre-commit", "echo ran > ran.txt")
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        if runs:
            prepared = await ground.runner(NONE, mode).run(bay.tree, "subject")
            assert await ground.repository.blob(prepared.tree, "ran.txt") == b"ran\n"
        else:
            with pytest.raises(WaitingForApproval) as caught:
                await ground.runner(NONE, mode).run(bay.tree, "subject")
            assert "--trust-project" in caught.value.remedy
            assert not (bay.tree.path / "ran.txt").exists()


async def test_hooks_that_are_switched_off_are_named_and_not_wanted(ground: Ground) -> None:
    off = Config(home=str(ground.home), trusted=True, git=GitSection(hooks=False))
    assert await ground.runner(NONE).skipped() == ""

    ground.hook("commit-msg", "exit 1")

    assert await ground.runner(NONE).wanted() == ("commit-msg",)
    assert await ground.runner(NONE).skipped() == ""
    assert await ground.runner(NONE, config=off).wanted() == ()
    assert "not run: commit-msg" in await ground.runner(NONE, config=off).skipped()


def seeing(seen: list[Sequence[str]]) -> Prepare:
    """A look at what is about to be committed: the paths that are not as HEAD has them."""

    async def prepare(tree: WorkTree) -> Prepared:
        head = await tree.head()
        seen.append([change.path for change in await tree.changed(head)])
        return Prepared(tree=await tree.tree_id(), message="prepared", ran=())

    return prepare


async def test_what_was_integrated_meanwhile_is_in_the_tree_that_hooks_see(ground: Ground) -> None:
    seen: list[Sequence[str]] = []
    with ground.bench() as bench:
        first, second = await bench.take("task-1"), await bench.take("task-2")
        write(first, "a.txt", "changed\n")
        write(second, "new.txt", "new\n")
        await bench.integrate(first, "first")

        done = await bench.integrate(second, "second", seeing(seen))

        assert (second.tree.path / "a.txt").read_text() == "changed\n"
    assert seen == [["new.txt"]]
    assert done.files == ("new.txt",)
    assert ground.git("show", f"{BRANCH}:a.txt") == "changed"
    assert ground.git("log", "-1", "--format=%s", BRANCH) == "prepared"


async def test_laying_work_on_a_newer_commit_survives_a_kill_in_its_middle(ground: Ground) -> None:
    seen: list[Sequence[str]] = []
    with ground.bench() as bench:
        first, second = await bench.take("task-1"), await bench.take("task-2")
        write(first, "a.txt", "changed\n")
        write(second, "new.txt", "new\n")
        await bench.integrate(first, "first")
        await bench.integrate(second, "second", seeing(seen))
    ground.forget("done", "task-2/laid")
    ground.git("update-ref", f"refs/heads/{BRANCH}", f"{BRANCH}~1")
    write(second, "a.txt", "half writ")

    with ground.bench() as bench:
        again = await bench.take("task-2")
        await bench.integrate(again, "second", seeing(seen))

    assert seen == [["new.txt"], ["new.txt"]]
    assert ground.git("show", f"{BRANCH}:a.txt") == "changed"


@pytest.mark.parametrize("anew", [True, False], ids=["after a kill", "at once"])
async def test_the_heir_of_refused_work_goes_on_in_its_tree(ground: Ground, anew: bool) -> None:
    async def refuse(_: WorkTree) -> Prepared:
        raise HookFailed("pre-commit", 1, "no")

    with ground.bench() as bench:
        bay = await bench.take("task-1")
        write(bay, "a.txt", "changed\n")
        with pytest.raises(HookFailed):
            await bench.integrate(bay, "first", refuse)
        other = await bench.take("task-2")
        assert other.tree.path != bay.tree.path
        write(other, "b.txt", "other\n")
        await bench.integrate(other, "other")
        bench.give_back(other)
        if not anew:
            await mend(bench)
    if anew:
        with ground.bench() as bench:
            third = await bench.take("task-3")
            assert third.tree.path != bay.tree.path
            await mend(bench)
    assert ground.git("show", f"{BRANCH}:a.txt") == "changed"
    assert ground.git("show", f"{BRANCH}:b.txt") == "other"
    with ground.bench() as bench:
        assert (await bench.look()).path == bay.tree.path


async def mend(bench: Workbench) -> None:
    heir = await bench.take("task-1/heal-1", "task-1")
    assert (heir.tree.path / "a.txt").read_text() == "changed\n"
    write(heir, "c.txt", "mended\n")
    done = await bench.integrate(heir, "first, mended")
    bench.give_back(heir)
    assert done.files == ("a.txt", "c.txt")


async def test_work_that_hooks_turn_back_into_nothing_makes_no_commit(ground: Ground) -> None:
    async def restore(tree: WorkTree) -> Prepared:
        await tree.reset_to(ground.base)
        return Prepared(tree=await tree.tree_id(), message="x", ran=())

    with ground.bench() as bench:
        bay = await bench.take("task-1")
        write(bay, "a.txt", "changed\n")
        assert await bench.integrate(bay, "x", restore) == Integrated(commit=None)


async def test_a_collision_is_told_before_any_hook_runs(ground: Ground) -> None:
    seen: list[Sequence[str]] = []
    with ground.bench() as bench:
        first, second = await bench.take("task-1"), await bench.take("task-2")
        write(first, "a.txt", "mine\n")
        write(second, "a.txt", "yours\n")
        await bench.integrate(first, "first", seeing(seen))
        with pytest.raises(MergeConflict):
            await bench.integrate(second, "second", seeing(seen))
    assert seen == [["a.txt"]]


async def test_a_signed_commit_that_a_kill_cut_off_is_not_made_twice(
    ground: Ground, own_home: Path
) -> None:
    signer = own_home / "signer"
    signer.write_text(
        "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "echo '-----BEGIN PGP SIGNATURE-----'\nod -An -N8 -tx8 /dev/urandom\n"
        "echo '-----END PGP SIGNATURE-----'\n"
    )
    signer.chmod(0o755)
    ground.git("config", "commit.gpgSign", "true")
    ground.git("config", "gpg.program", str(signer))
    with ground.bench() as bench:
        bay = await bench.take("task-1")
        write(bay, "a.txt", "changed\n")
        done = await bench.integrate(bay, "first")
    assert "gpgsig" in ground.git("cat-file", "commit", BRANCH)
    ground.forget("done", "task-1/commit")

    with ground.bench() as bench:
        await bench.prepare()
        assert bench.head == done.commit == ground.git("rev-parse", BRANCH)
