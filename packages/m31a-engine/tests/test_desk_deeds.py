"""Deeds beside runs, at the edges the command line's journeys do not reach."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from journey import ProjectFolder, isolated_environment
from m31a_engine import (
    Busy,
    Engine,
    JournalBroken,
    NothingToResume,
    Options,
    Outcome,
    Phase,
    Refused,
    RunReport,
    Verdict,
    build,
    load_config,
)
from m31a_engine.desk.applying import Applied
from m31a_engine.desk.approving import pending_in
from m31a_engine.desk.desk import Desk
from m31a_engine.desk.undoing import Reset
from m31a_engine.session.journal import read_records
from m31a_engine.session.locks import SessionLock
from m31a_keychain import MemoryStore
from m31a_providers.testing import ModelServer
from scripted import BROKEN, GOAL, MENDED, TEST, mending

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "trio"  # the programs run on asyncio


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    environment = isolated_environment(tmp_path / "home")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ProjectFolder.create(
        tmp_path / "project", environment, {"sums.py": BROKEN, "test_sums.py": TEST}
    )


def engine_of(project: ProjectFolder, server: ModelServer) -> Engine:
    config = load_config(
        project.path,
        project.environment,
        {
            "provider.default": "local",
            "provider.local.base_url": server.base_url,
            "model.default": "any",
            "permissions.mode": "allow_all",
        },
        trusted=True,
    )
    return build(config, project.path, environ=project.environment, store=MemoryStore())


def desk_of(project: ProjectFolder, *, trusted: bool = True) -> Desk:
    config = load_config(project.path, project.environment, {}, trusted=trusted)
    return Desk(config=config, project=project.path, environ=project.environment)


async def ghost(project: ProjectFolder) -> RunReport:
    """A ghost's report; its verified commit is on a branch."""
    with ModelServer(mending()) as server:
        async with engine_of(project, server).start(GOAL, Options(ghost=True)) as run:
            return await run.report()


async def test_an_engine_shows_what_it_stands_on(project: ProjectFolder) -> None:
    with ModelServer(mending()) as server:
        engine = engine_of(project, server)
        async with engine.start(GOAL) as run:
            report = await run.report()
        names = [model.id for model in (await engine.models.list()).models]

    assert report.outcome is Outcome.SHIPPED
    assert [past.goal for past in engine.history.goals(project.path)] == [GOAL]
    assert [entry.session for entry in engine.ledger.newest()] == [report.session]
    assert names == ["scripted"]
    assert engine.permissions.standing() == ()
    assert not engine.trust.is_trusted(project.path)
    assert engine.secrets.status("local")[1] is False
    assert "git" in {fact.name for fact in (await engine.doctor.examine()).facts}


async def test_deeds_wait_for_the_session_they_would_disturb(project: ProjectFolder) -> None:
    session = (await ghost(project)).session
    desk = desk_of(project)
    home = desk.home.project(project.path)

    lock = SessionLock(home.session(session).lock, session, "now")
    for deed in (desk.keeping.archive, desk.keeping.delete):
        with pytest.raises(Busy, match=session):
            await deed(session)
    lock.close()
    lock = SessionLock(home.lock, "other", "now")
    with pytest.raises(Busy, match="other"):
        await desk.applying.apply(session)
    with pytest.raises(Busy, match="other"):
        await desk.undoing.reset(Reset.HARD, "HEAD")
    lock.close()

    assert isinstance(await desk.applying.apply(session), Applied)
    assert (await desk.keeping.archive(session)).is_dir()
    with pytest.raises(NothingToResume):
        await desk.keeping.archive(session)
    with pytest.raises(NothingToResume):
        await desk.keeping.unarchive("../sessions")


async def test_a_ghost_holds_its_session_while_it_runs(project: ProjectFolder) -> None:
    rules = mending()
    with ModelServer(rules, check=False) as server:
        engine = engine_of(project, server)
        async with engine.start(GOAL, Options(ghost=True)) as run:
            with pytest.raises(Busy):
                async with engine.resume(run.session):
                    pass
            await run.report()


async def test_a_verdict_that_proves_nothing_is_applied_only_by_name(
    project: ProjectFolder,
) -> None:
    (project.path / "test_sums.py").unlink()
    project.commit("No tests")
    report = await ghost(project)
    desk = desk_of(project)
    assert report.verification is not None
    assert report.verification.verdict is Verdict.PARTIAL

    with pytest.raises(Refused, match="its verdict is partial") as caught:
        await desk.applying.apply(report.session)
    applied = await desk.applying.apply(report.session, ["unverified-tree"])

    assert "--allow unverified-tree" in caught.value.remedy
    assert applied.landed
    assert project.read("sums.py") == MENDED
    told = desk.sessions.named(report.session)
    assert (told.outcome, project.head) == (Outcome.SHIPPED_PARTIAL, applied.commit)


Forge = Callable[[str], str]
FORGERIES: list[tuple[Forge, str]] = [
    (lambda text: text.replace("Verdict: verified", "Verdict: failed"), "says failed"),
    (lambda text: text.replace("M31A-Verdict: verified\n", ""), "says no verdict"),
    (
        lambda text: "\n".join(line for line in text.split("\n") if "M31A-Check" not in line),
        "names no check",
    ),
    (
        lambda text: "\n".join(
            "M31A-Base: " + "1" * 40 if line.startswith("M31A-Base") else line
            for line in text.split("\n")
        ),
        "does not come before it",
    ),
    (lambda text: text.replace("; 1 passed;", "; 7 passed;"), "the commit says exit 0 (7"),
]


async def ignore(_: object) -> None:
    """Show no check."""


async def test_what_a_commit_says_of_itself_must_be_so(project: ProjectFolder) -> None:
    commit = str((await ghost(project)).commit)
    desk = desk_of(project)
    message = project.git("log", "-1", "--format=%B", commit)
    parent = project.git("rev-parse", f"{commit}^")
    tree = project.git("rev-parse", f"{commit}^{{tree}}")

    for forge, sentence in FORGERIES:
        forged = project.git("commit-tree", tree, "-p", parent, "-m", forge(message))
        proof = await desk.repeating.repeat(forged, ignore)
        assert not proof.holds
        assert any(sentence in against for against in proof.against), proof.against

    for evidence in ('{"verdict": "verified", "tree": "x"}', "nonsense"):
        blob = project.run("git", "hash-object", "-w", "--stdin", stdin=evidence).stdout.strip()
        project.git("update-ref", f"refs/m31a/evidence/{commit}", blob)
        proof = await desk.repeating.repeat(commit, ignore)
        assert not proof.holds
        assert "the evidence kept with the commit" in proof.against[0]


async def test_a_journal_that_lies_about_a_call_is_found_out(project: ProjectFolder) -> None:
    report = await ghost(project)
    desk = desk_of(project)
    folder = Path(report.session_path)
    honest = await desk.replaying.replay(report.session)
    forged = _with_other_content(folder)

    replayed = await desk.replaying.replay(report.session)

    assert honest.same
    assert forged
    assert not replayed.same
    assert not replayed.explained
    assert [piece.differing for piece in replayed.pieces] == [("sums.py",)]


def _with_other_content(folder: Path) -> bool:
    """Change what the model wrote in the journal, checksums made right."""
    import zlib

    file = folder / "journal.jsonl"
    lines = []
    changed = False
    for line in file.read_text().splitlines():
        record = json.loads(line)
        body = line[line.index('"body":') + len('"body":') : -1]
        if record["kind"] == "reply" and "a + b" in body:
            body, changed = body.replace("a + b", "a ^ b"), True
        head = f"{record['seq']} {record['kind']} ".encode()
        checksum = f"{zlib.crc32(body.encode(), zlib.crc32(head)):08x}"
        lines.append(
            f'{{"seq":{record["seq"]},"kind":"{record["kind"]}","sum":"{checksum}","body":{body}}}'
        )
    file.write_text("\n".join(lines) + "\n")
    return changed


async def test_a_session_without_commits_has_nothing_to_rebuild_apply_or_approve(
    project: ProjectFolder,
) -> None:
    with ModelServer(mending(BROKEN), check=False) as server:
        async with engine_of(project, server).start(GOAL) as run:
            session = (await run.report()).session
    desk = desk_of(project)

    with pytest.raises(NothingToResume, match="has committed nothing"):
        await desk.replaying.replay(session)
    with pytest.raises(NothingToResume, match="has changed nothing"):
        await desk.applying.apply(session)
    with pytest.raises(NothingToResume, match="phase ship has not ended"):
        await desk.forking.fork(session, Phase.SHIP)
    records, _ = read_records(desk.home.project(project.path).session(session).root)
    assert not pending_in(records).anything


async def test_a_damaged_journal_is_named_whatever_is_wanted_of_it(
    project: ProjectFolder,
) -> None:
    report = await ghost(project)
    desk = desk_of(project)
    file = Path(report.session_path) / "journal.jsonl"
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([lines[0], b"garbage", *lines[2:]]))

    for deed in (desk.replaying.replay, desk.applying.apply, desk.forking.fork):
        with pytest.raises(JournalBroken, match="line 2 is damaged"):
            await deed(report.session)
    assert desk.sessions.list() == ()


async def test_nothing_that_is_interrupted_leaves_a_work_tree(project: ProjectFolder) -> None:
    commit = str((await ghost(project)).commit)
    desk = desk_of(project)
    (project.path / "wait.sh").write_text("sleep 60\n")

    async def stop(_: object) -> None:
        scope.cancel()

    with anyio.CancelScope() as scope:
        await desk.repeating.repeat(commit, stop)
    assert scope.cancelled_caught
    with anyio.move_on_after(0.5):
        await desk.bisecting.search(f"{commit}^", commit, ["sleep", "60"], timeout_s=60)

    trees = project.git("worktree", "list", "--porcelain")
    assert "repeat-" not in trees
    assert "bisect-" not in trees


async def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    config = load_config(tmp_path, {"M31A_HOME": str(tmp_path / "home")}, {})
    desk = Desk(config=config, project=tmp_path, environ={})

    with pytest.raises(Refused, match="is not in a git repository"):
        await desk.undoing.list()
    assert subprocess.run(["ls", tmp_path], capture_output=True, check=True).stdout == b""
