"""What a commit is searched for before it ships, and the proof in its trailers."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.checks.result import (
    CheckResult,
    CheckStatus,
    FindingKind,
    Severity,
    TestCounts,
    Verdict,
    Verification,
)
from m31a_engine.shipping.preflight import preflight
from m31a_engine.shipping.secrets import find_secrets, redact
from m31a_engine.shipping.trailers import (
    ShippedCheck,
    ShippedProof,
    read_trailers,
    shipped_check,
    trailers_for,
)
from m31a_rollback import Identity, Repository

RANDOM = "qL7vX2mB9cRzT4kWd8HsYfGp3NjU6aE5tQxZoVbK1wMrJhDgPnSyCiAu"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KEYS = {
    "Anthropic key": "sk-" + "ant-api03-" + RANDOM[:40],
    "OpenRouter key": "sk-or-" + "v1-" + HEX,
    "OpenAI key": "sk-" + "proj-" + RANDOM[:48],
    "GitHub token": "gh" + "p_" + RANDOM[:36],
    "GitLab token": "glpat" + "-" + RANDOM[:20],
    "Slack token": "xox" + "b-" + "123456781234-" + RANDOM[:24],
    "Slack webhook": "hooks.slack.com/" + "services/T0ABCDEFG/B0ABCDEFG/" + RANDOM[:24],
    "AWS key id": "AKIA" + "Q6ZT3WXK7RVBM2LN"[:16],
    "Google API key": "AI" + "za" + RANDOM[:35],
    "Google OAuth secret": "GOC" + "SPX-" + RANDOM[:28],
    "Google access token": "ya" + "29." + RANDOM,
    "Stripe key": "sk_" + "live_" + RANDOM[:24],
    "Stripe webhook secret": "whs" + "ec_" + RANDOM[:32],
    "SendGrid key": "S" + "G." + RANDOM[:22] + "." + RANDOM[:43],
    "Twilio key": "S" + "K" + HEX[:32],
    "npm token": "np" + "m_" + RANDOM[:36],
    "PyPI token": "pypi-" + "AgE" + RANDOM,
    "Hugging Face token": "h" + "f_" + "".join(c for c in RANDOM if c.isalpha())[:34],
    "Groq key": "gs" + "k_" + RANDOM[:52],
    "Replicate token": "r" + "8_" + RANDOM[:37],
    "xAI key": "xa" + "i-" + (RANDOM * 2)[:80],
    "DigitalOcean token": "dop" + "_v1_" + HEX,
    "Shopify token": "shp" + "at_" + HEX[:32],
    "Databricks token": "da" + "pi" + HEX[:32],
    "Docker token": "dckr" + "_pat_" + RANDOM[:27],
    "HashiCorp Vault token": "hv" + "s." + RANDOM[:24],
    "Linear key": "lin" + "_api_" + RANDOM[:40],
    "Telegram bot token": "7318204965:" + "AA" + RANDOM[:33],
    "age secret key": "AGE-SECRET-" + "KEY-1" + (RANDOM.upper() * 2)[:58],
    "Azure storage key": "Account" + "Key=" + (RANDOM * 2)[:86] + "==",
    "JSON web token": "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiI0MiJ9." + RANDOM[:43],
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "password in an address": "postgres://app:" + "h8Kq2Zr9Lm4w@db.internal/x",
    "secret": 'api_key = "' + "a8Kq2Zr9Lm4wX7vB3nTc" + '"',
}


@pytest.mark.parametrize("kind", KEYS)
def test_known_kinds_of_secrets_are_found_and_masked(kind: str) -> None:
    text = f"first line\nvalue: {KEYS[kind]}\nlast line"

    (secret,) = find_secrets(text)

    assert kind == secret.kind
    assert secret.value in KEYS[kind]
    assert secret.value[5:] not in secret.masked
    clean = redact(text)
    assert secret.value not in clean
    assert f"[{kind} removed]" in clean
    assert clean.startswith("first line\n")
    assert clean.endswith("\nlast line")
    assert find_secrets(clean) == ()


def test_a_private_key_is_removed_with_its_body() -> None:
    body = "\n".join([RANDOM] * 5)
    text = f"-----BEGIN {'PRIVATE'} KEY-----\n{body}\n-----END PRIVATE KEY-----\nrest"

    assert redact(text) == "[private key removed]\nrest"


@pytest.mark.parametrize(
    "text",
    [
        'api_key = "your-api-key-goes-here"',
        'api_key = os.environ["OPENAI_API_KEY"]',
        "API_KEY=${OPENAI_API_KEY}",
        'password = "correct horse battery staple"',
        'password = "hunter2"',
        'token = "TokenKind.IDENTIFIER_NAME"',
        'secret_name = "projects/my-project/secrets/db"',
        "AKIA" + "IOSFODNN7EXAMPLE",
        'key = "sk-' + "x" * 48 + '"',
        "ghp_" + "0" * 36,
        f'"integrity": "sha512-{RANDOM}"',
        f"sha256 = {HEX}",
        "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
        "const tokenPattern = 'abc.def.ghi';",
        "postgres://user:password@localhost/db",
        "https://example.org:8080/path@2",
        "the secret: a well kept one, with many words in it 42 times",
        "auth_token_expiry_seconds = 86400000000000000000",
        "risk-assessment-of-the-project-in-twenty-twenty-four-and-later",
        "def get_token(self) -> AccessTokenResponseModel2024Version17:",
    ],
)
def test_ordinary_text_is_no_secret(text: str) -> None:
    assert find_secrets(text) == ()
    assert text == redact(text)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.sampled_from(sorted(KEYS)), st.text(max_size=50))
def test_no_known_secret_survives_redaction(before: str, kind: str, after: str) -> None:
    clean = redact(f"{before}\n{KEYS[kind]}\n{after}")

    assert KEYS[kind] not in clean


@pytest.mark.parametrize(
    "piece", ["sk-", "eyJa.", "token = 'a", "://a:", "-----BEGIN PRIVATE KEY-----"]
)
def test_long_hostile_text_takes_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        started = process_time()
        find_secrets(piece * (length // len(piece)))
        return process_time() - started

    assert seconds(200_000) < 40 * seconds(20_000) + 0.5


class Repo:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q")

    def git(self, *arguments: str) -> str:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        for role in ("AUTHOR", "COMMITTER"):
            environ |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environ, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str]) -> str:
        for name, text in files.items():
            (self.root / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


def proven(tree: str, verdict: Verdict = Verdict.VERIFIED) -> Verification:
    return Verification(verdict=verdict, tree=tree)


@pytest.mark.anyio
async def test_preflight_names_what_was_added_and_nothing_older(repo: Repo) -> None:
    key = KEYS["GitHub token"]
    markers = "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"
    base = repo.commit({"old.py": f"KEY = '{key}'\n{markers}", "a.txt": "one\ntwo\n"})
    head = repo.commit(
        {"a.txt": f"one\ntwo\n{key}\n", "b.txt": f"x\n{markers}", "c.md": "Title\n=======\n"}
    )
    repository = await Repository.open(repo.root)
    tree = await repository.tree_of(head)

    found = await preflight(repository, base, head, verification=proven(tree))

    assert [
        (FindingKind.SECRET, "a.txt", f"line 3: GitHub token {key[:4]}…(40 characters)"),
        (FindingKind.CONFLICT_MARKER, "b.txt", "line 2: <<<<<<<"),
        (FindingKind.CONFLICT_MARKER, "b.txt", "line 6: >>>>>>>"),
    ] == [(finding.kind, finding.path, finding.text) for finding in found]
    assert {Severity.BLOCKING} == {finding.severity for finding in found}
    allowed = await preflight(
        repository,
        base,
        head,
        verification=proven(tree),
        allow=frozenset({"secret", "conflict-marker"}),
    )
    assert {Severity.WARNING} == {finding.severity for finding in allowed}
    assert len(found) == len(allowed)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_preflight_refuses_failed_tasks_and_unverified_trees(repo: Repo) -> None:
    base = repo.commit({"a.txt": "one\n"})
    head = repo.commit({"a.txt": "two\n"})
    repository = await Repository.open(repo.root)
    tree = await repository.tree_of(head)

    async def kinds(verification: Verification | None, *tasks: str) -> list[tuple[str, str]]:
        found = await preflight(
            repository, base, head, verification=verification, failed_tasks=tasks
        )
        return [(finding.kind.value, finding.text) for finding in found]

    assert await kinds(proven(tree)) == []
    assert await kinds(proven(tree, Verdict.VERIFIED_KNOWN_FAILURES)) == []
    assert await kinds(proven(tree, Verdict.PARTIAL)) == []
    assert await kinds(proven(tree), "task 2") == [("failed-task", "failed: task 2")]
    assert await kinds(None) == [("unverified-tree", "the tree was not verified")]
    assert await kinds(proven(tree, Verdict.FAILED)) == [
        ("unverified-tree", "the verification failed")
    ]
    assert await kinds(proven(tree, Verdict.NOT_RUN)) == [("unverified-tree", "no check was run")]
    assert await kinds(proven("0" * 40)) == [
        ("unverified-tree", "the tree that was verified is another one")
    ]


TEXT = st.text(max_size=30) | st.sampled_from(
    ["a; b", "x\ny", "100%", " pad ", "cmd=; exit=0", "é\u2028\x85\t", "%3B", "\\;", ""]
)
COUNTS = st.builds(
    lambda passed, failed: TestCounts(passed=passed, failed=failed, total=passed + failed),
    st.integers(0, 99),
    st.integers(0, 9),
)
CHECKS = st.builds(
    lambda name, command, code, status, counts, tree: CheckResult(
        name=name,
        command=command,
        exit_code=code,
        passed=status is CheckStatus.PASSED,
        status=status,
        counts=counts,
        tree=tree,
        behavioural=True,
    ),
    TEXT,
    TEXT,
    st.none() | st.integers(-9, 255),
    st.sampled_from(CheckStatus),
    st.none() | COUNTS,
    st.sampled_from(["t", "t", "u"]),
)


@settings(max_examples=150, deadline=None)
@given(TEXT, TEXT, st.lists(CHECKS, max_size=4), st.sampled_from(Verdict))
def test_proofs_are_read_back_as_they_were_written(
    session: str, base: str, checks: list[CheckResult], verdict: Verdict
) -> None:
    verification = Verification(verdict=verdict, tree="t", checks=tuple(checks))

    pairs = trailers_for(session, base, verification)

    assert all(value == value.strip() and len(value.splitlines()) <= 1 for _, value in pairs)
    assert ShippedProof(
        session=session,
        base=base,
        checks=tuple(shipped_check(one) for one in checks if one.command and one.tree == "t"),
        verdict=verdict,
        unreadable=("torn",),
    ) == read_trailers([("Signed-off-by", "A"), *pairs, ("M31A-Check", "torn")])


def test_a_check_in_a_trailer_reads_like_this() -> None:
    check = CheckResult(
        name="test",
        command="python3 -m unittest discover -s tests; true",
        exit_code=0,
        passed=True,
        status=CheckStatus.PASSED,
        counts=TestCounts(passed=12, failed=0, skipped=1, total=13),
        tree="t",
        behavioural=True,
    )
    verification = Verification(verdict=Verdict.VERIFIED, tree="t", checks=(check,))

    assert trailers_for("s1", "b" * 40, verification) == (
        ("M31A-Session", "s1"),
        ("M31A-Base", "b" * 40),
        (
            "M31A-Check",
            "test; exit=0; 12 passed, 1 skipped; cmd=python3 -m unittest discover -s tests%3B true",
        ),
        ("M31A-Verdict", "verified"),
    )


def test_trailers_of_others_prove_nothing() -> None:
    empty = ShippedProof(session="", base="", checks=(), verdict=None)

    assert empty == read_trailers([("Reviewed-by", "B"), ("M31A-Verdict", "splendid")])
    assert (
        ShippedCheck(name="x", exit_code=None, figure="not_run", command="y"),
    ) == read_trailers([("m31a-check", "x; exit=none; not_run; cmd=y")]).checks


@pytest.mark.anyio
async def test_the_proof_survives_a_real_commit(repo: Repo) -> None:
    base = repo.commit({"a.txt": "one\n"})
    with (repo.root / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write("[user]\n\tname = A\n\temail = a@example.org\n")
    repository = await Repository.open(repo.root)
    tree = await repository.tree_of(base)
    command = "printf '%s\\n' a;\n  echo \"é ü\"  "
    check = CheckResult(
        name="test",
        command=command,
        exit_code=0,
        passed=True,
        status=CheckStatus.PASSED,
        tree=tree,
        behavioural=True,
    )
    verification = Verification(verdict=Verdict.VERIFIED, tree=tree, checks=(check,))
    commit = await repository.commit_tree(
        tree,
        [base],
        "ship it",
        trailers=trailers_for("s-1", base, verification),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        author=Identity(name="A", email="a@example.org"),
    )

    proof = read_trailers(await repository.trailers(commit))

    assert (
        ShippedProof(
            session="s-1",
            base=base,
            checks=(ShippedCheck(name="test", exit_code=0, figure="passed", command=command),),
            verdict=Verdict.VERIFIED,
        )
        == proof
    )
