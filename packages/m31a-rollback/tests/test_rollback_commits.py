"""Commits, trailers, the log, references and evidence."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_rollback import (
    BadName,
    CannotSign,
    Commit,
    Identity,
    NoIdentity,
    RefMoved,
    Repository,
    UnknownCommit,
    format_message,
)
from m31a_rollback.refs import branch_ref, check_ref
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 2, 10, 30, tzinfo=timezone(-timedelta(hours=3, minutes=30)))


@pytest.fixture
async def repository(project: Project) -> Repository:
    return await Repository.open(project.root, trusted=True)


async def test_commit_made_twice_is_the_same_commit(
    project: Project, repository: Repository
) -> None:
    tree = await repository.tree_of("HEAD")

    first = await repository.commit_tree(tree, [project.head], "feat: x", at=AT)
    again = await repository.commit_tree(tree, [project.head], "feat: x", at=AT)

    assert first == again
    assert (
        project.git("show", "-s", "--format=%aI %cI", first)
        == "2026-11-02T10:30:00-03:30 2026-11-02T10:30:00-03:30"
    )
    assert project.head != first


async def test_author_may_be_another_than_the_committer(
    project: Project, repository: Repository
) -> None:
    author = Identity(name="Bea", email="bea@example.org")

    commit = await repository.commit_tree(
        repository.empty_tree, [], "x", at=AT, author=author, sign=False
    )

    assert project.git("show", "-s", "--format=%an %cn", commit) == "Bea Ann User"
    assert author == (await repository.log(commit))[0].author


async def test_log_tells_the_commits_children_first(
    project: Project, repository: Repository
) -> None:
    base = project.head
    project.commit("second\n\nwith a body\n\nin two parts")
    tree = await repository.tree_of("HEAD")

    merge = await repository.commit_tree(tree, [base, project.head], "merge", at=AT)

    found = await repository.log(f"{base}..{merge}")
    assert [commit.subject for commit in found] == ["merge", "second"]
    assert found[1].body == "with a body\n\nin two parts"
    assert (
        Commit(
            id=merge,
            parents=(base, project.head),
            tree=tree,
            subject="merge",
            body="",
            author=Identity(name="Ann User", email="ann@example.org"),
            at=AT.astimezone(UTC),
        )
        == found[0]
    )
    assert len(await repository.log(merge, limit=1)) == 1
    assert [c.subject for c in await repository.log(f"{base}..{merge}", first_parent=True)] == [
        "merge"
    ]
    for span in ("nowhere", f"{base}..nowhere", "--all"):
        with pytest.raises(UnknownCommit):
            await repository.log(span)


async def test_trailers_are_those_git_reads(project: Project, repository: Repository) -> None:
    trailers = (
        ("M31A-Session", "2026"),
        ("M31A-Check", "tests; exit=0; 12 passed; cmd=pytest -q\n  --strict"),
        ("M31A-Verdict", "verified: ✓"),
    )
    message = "feat: x\n\n---\nM31A-Fake: in the body\n\nSigned-off-by: Ann"

    commit = await repository.commit_tree(
        repository.empty_tree, [], message, at=AT, trailers=trailers
    )

    assert trailers == await repository.trailers(commit)
    whole = project.git("show", "-s", "--format=%B", commit).encode()
    parsed = project.git("interpret-trailers", "--parse", input=whole)
    assert [f"{key}: {' '.join(value.split())}" for key, value in trailers] == [
        " ".join(line.split()) for line in parsed.splitlines()
    ]


trailer_values = st.lists(
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1),
    min_size=1,
    max_size=3,
).map("\n".join)


@settings(max_examples=25, deadline=None)
@given(
    message=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    trailers=st.lists(
        st.tuples(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,20}", fullmatch=True), trailer_values),
        min_size=1,
        max_size=4,
    ),
)
def test_whatever_the_message_git_reads_exactly_our_trailers(
    message: str, trailers: list[tuple[str, str]]
) -> None:
    text = format_message(message, trailers)

    parsed = subprocess.run(
        ["git", "interpret-trailers", "--only-trailers", "--only-input"],
        input=text.encode(),
        capture_output=True,
        check=True,
    ).stdout.decode()

    assert "".join(f"{key}: {value}\n" for key, value in trailers).replace("\n ", "\n") == (
        parsed.replace("\n ", "\n")
    )


@pytest.mark.parametrize(
    "trailer", [("Bad Key", "x"), ("", "x"), ("K", ""), ("K", "a\n\nb"), ("K", "a\x1b[2J")]
)
def test_trailer_git_would_misread_is_refused(trailer: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="trailer"):
        format_message("x", [trailer])


async def test_date_without_time_zone_is_refused(repository: Repository) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await repository.commit_tree(repository.empty_tree, [], "x", at=datetime(2026, 1, 1))  # noqa: DTZ001


async def test_message_that_is_no_clean_text_is_still_committed(
    project: Project, repository: Repository
) -> None:
    commit = await repository.commit_tree(repository.empty_tree, [], "a\0b\ud800\n", at=AT)

    assert project.git("show", "-s", "--format=%B", commit) == "a\ufffdb?"


async def test_without_identity_nothing_is_committed(
    project: Project, repository: Repository
) -> None:
    project.git("config", "--unset", "user.name")

    with pytest.raises(NoIdentity):
        await repository.commit_tree(repository.empty_tree, [], "x", at=AT)


async def test_wish_to_sign_is_obeyed_and_its_failure_told(
    project: Project, tmp_path: Path
) -> None:
    signer = tmp_path / "signer"
    signer.write_text(
        "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "echo '-----BEGIN PGP SIGNATURE-----'\n"
    )
    signer.chmod(0o755)
    project.git("config", "commit.gpgSign", "true")
    project.git("config", "gpg.program", str(signer))
    trusted = await Repository.open(project.root, trusted=True)

    signed = await trusted.commit_tree(trusted.empty_tree, [], "x", at=AT)
    plain = await trusted.commit_tree(trusted.empty_tree, [], "x", at=AT, sign=False)

    assert "gpgsig" in project.git("cat-file", "commit", signed)
    assert "gpgsig" not in project.git("cat-file", "commit", plain)


needs_ssh_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed: nothing can be signed"
)


def give_key(project: Project, folder: Path) -> None:
    """Have the project sign with a throw-away key by ssh, and know whose it is."""
    key = folder / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(key)]
    subprocess.run(words, check=True)
    (folder / "signers").write_text(f"* {key.with_suffix('.pub').read_text()}")
    for name, value in (
        ("commit.gpgSign", "true"),
        ("gpg.format", "ssh"),
        ("user.signingKey", str(key)),
        ("gpg.ssh.allowedSignersFile", str(folder / "signers")),
    ):
        project.git("config", name, value)


@needs_ssh_keygen
async def test_a_commit_is_signed_with_the_users_own_ssh_key(
    project: Project, tmp_path: Path
) -> None:
    give_key(project, tmp_path)
    trusted = await Repository.open(project.root, trusted=True)
    await trusted.require_signing()

    commit = await trusted.commit_tree(trusted.empty_tree, [], "x", at=AT, trailers=[("A", "b")])

    assert await trusted.signs()
    project.git("verify-commit", commit)
    assert await trusted.trailers(commit) == (("A", "b"),)


@needs_ssh_keygen
async def test_a_missing_key_is_told_before_anything_is_committed(
    project: Project, tmp_path: Path
) -> None:
    give_key(project, tmp_path)
    (tmp_path / "key").unlink()
    trusted = await Repository.open(project.root, trusted=True)
    before = project.git("count-objects", "-v")

    with pytest.raises(CannotSign) as caught:
        await trusted.require_signing()

    assert str(tmp_path / "key") in caught.value.reason
    assert before == project.git("count-objects", "-v")


async def test_an_untrusted_repositorys_wish_for_signatures_can_be_asked_for(
    project: Project,
) -> None:
    project.git("config", "commit.gpgSign", "true")
    untrusted = await Repository.open(project.root)

    await untrusted.require_signing()

    assert (await untrusted.signs(), await untrusted.overruled_signing()) == (False, True)


async def test_untrusted_repository_names_no_signing_program(
    project: Project, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    signer = tmp_path / "signer"
    signer.write_text(f"#!/bin/sh\ntouch {mark}\n")
    signer.chmod(0o755)
    project.git("config", "commit.gpgSign", "true")
    project.git("config", "gpg.program", str(signer))
    untrusted = await Repository.open(project.root)

    commit = await untrusted.commit_tree(untrusted.empty_tree, [], "x", at=AT)

    assert "gpgsig" not in project.git("cat-file", "commit", commit)
    assert not mark.exists()


async def test_names_lead_to_commits_or_are_refused(
    project: Project, repository: Repository
) -> None:
    project.git("tag", "-a", "v1", "-m", "one")

    assert project.head == await repository.resolve("v1")
    for name in ("", "nowhere", "HEAD:README.md", "--all", "a\nb", "a\0b", "-"):
        with pytest.raises(UnknownCommit):
            await repository.resolve(name)


async def test_reference_moves_only_from_where_it_was_seen(
    project: Project, repository: Repository
) -> None:
    first, second = project.head, project.commit("second")
    await repository.create_branch("m31a/x", first)

    with pytest.raises(RefMoved) as caught:
        await repository.update_ref("refs/heads/m31a/x", second, second)
    with pytest.raises(RefMoved):
        await repository.create_branch("m31a/x", second)
    with pytest.raises(RefMoved):
        await repository.delete_ref("refs/heads/m31a/x", second)

    assert (second, first) == (caught.value.expected, caught.value.found)
    assert first == await repository.read_ref("refs/heads/m31a/x")
    await repository.update_ref("refs/heads/m31a/x", second, first)
    assert {"refs/heads/m31a/x": second} == await repository.list_refs("refs/heads/m31a/")
    await repository.delete_ref("refs/heads/m31a/x", second)
    await repository.delete_ref("refs/heads/m31a/x")
    assert await repository.read_ref("refs/heads/m31a/x") is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "HEAD",
        "-x",
        "a b",
        "a..b",
        "a.lock",
        "a.lock/b",
        "/a",
        "a/",
        ".a",
        "a/.b",
        "a~1",
        "a@{1}",
        "a\nb",
        "@",
        "a.",
    ],
)
def test_branch_name_git_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        branch_ref(name)
    with pytest.raises(BadName):
        check_ref(name if name != "HEAD" else "heads/main")


@settings(max_examples=60, deadline=None)
@given(name=st.text(st.sampled_from("ab./@{}~^:?*[\\- \x7f"), min_size=1, max_size=8))
def test_no_name_passes_that_git_would_refuse(name: str) -> None:
    try:
        ref = branch_ref(name)
    except BadName:
        return
    done = subprocess.run(["git", "check-ref-format", ref], check=False)
    assert done.returncode == 0


async def test_evidence_is_kept_once_and_never_replaced(
    project: Project, repository: Repository
) -> None:
    assert await repository.read_evidence("HEAD") is None

    blob = await repository.write_evidence("HEAD", b"proof\0\xff")
    assert blob == await repository.write_evidence("HEAD", b"proof\0\xff")
    with pytest.raises(RefMoved):
        await repository.write_evidence("HEAD", b"other")

    assert await repository.read_evidence(project.head) == b"proof\0\xff"
    with pytest.raises(UnknownCommit):
        await repository.write_evidence("nowhere", b"")


async def test_ten_evidence_blobs_at_the_same_moment(
    project: Project, repository: Repository
) -> None:
    commits = [project.commit(f"c{number}") for number in range(10)]

    async with anyio.create_task_group() as group:
        for commit in commits:
            group.start_soon(repository.write_evidence, commit, commit.encode())

    kept = [await repository.read_evidence(commit) for commit in commits]
    assert [commit.encode() for commit in commits] == kept
    assert len(await repository.list_refs("refs/m31a/evidence/")) == 10


async def test_commit_of_named_paths_leaves_other_staged_work(
    project: Project, repository: Repository
) -> None:
    project.write("README.md", "staged\n")
    project.git("add", "README.md")
    project.write("src/app.py", "changed\n")
    project.write("new/file", "new\n")
    (project.root / "docs/old.txt").unlink()

    commit = await repository.commit(
        "feat: some", ["src/app.py", "new", "docs/old.txt"], at=AT, trailers=[("K", "v")]
    )

    diff = await repository.diff("HEAD~1", commit)
    assert [file.path for file in diff.files] == ["docs/old.txt", "new/file", "src/app.py"]
    assert project.git("status", "--porcelain") == "M  README.md"
    with pytest.raises(BadName):
        await repository.commit("x", ["no/such"])


async def test_commit_of_everything_leaves_a_clean_tree(
    project: Project, repository: Repository
) -> None:
    project.write("src/app.py", "changed\n")
    project.write("new", "new\n")

    commit = await repository.commit("all")

    assert project.head == commit
    assert project.git("status", "--porcelain") == ""
