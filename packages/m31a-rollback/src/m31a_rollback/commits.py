"""Commits made and read without an index or a work tree."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryDirectory

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import CannotSign, GitFailed, GitTimedOut, NoIdentity, UnknownCommit
from m31a_rollback.refs import resolve
from m31a_rollback.settings import Setting, is_true, last

_TRAILER_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_DIVIDER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_LOG_FORMAT = "%H%n%P%n%T%n%an%n%ae%n%ct%n%s%n%b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """In whose name something is committed."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit, as the log has it."""

    id: str
    parents: tuple[str, ...]
    tree: str
    subject: str
    body: str
    """The message after the subject, trailers included."""
    author: Identity
    at: datetime
    """When it was committed."""


async def identity(checkout: Checkout) -> Identity:
    """In whose name git would commit here; what git would guess does not count.

    Raises:
        NoIdentity: name or address is not configured.
    """
    return _person(await checkout.settings(again=True), "author")


def _person(settings: Sequence[Setting], role: str) -> Identity:
    variable = f"GIT_{role.upper()}_"
    name = os.environ.get(f"{variable}NAME") or last(settings, f"{role}.name", "user.name")
    email = (
        os.environ.get(f"{variable}EMAIL")
        or last(settings, f"{role}.email", "user.email")
        or os.environ.get("EMAIL")
    )
    if not name or not email:
        raise NoIdentity
    return Identity(name=name, email=email)


def format_message(message: str, trailers: Sequence[tuple[str, str]] = ()) -> str:
    """The message with its trailers as the last paragraph, as `git interpret-trailers` reads them.

    A value of several lines is folded; its lines come back whole from `read_trailers`.

    Raises:
        ValueError: a key is not letters, digits and dashes, or a value is empty, holds an empty
            line or a control character.
    """
    text = _DIVIDER.sub(" ---", message.replace("\0", "\ufffd").strip("\n")) or "(no message)"
    lines = [_trailer_line(key, value) for key, value in trailers]
    return "\n".join([text, *(["", *lines] if lines else []), ""])


def _trailer_line(key: str, value: str) -> str:
    if not _TRAILER_KEY.fullmatch(key):
        raise ValueError(f"trailer key {key!r} may hold letters, digits and dashes only")
    lines = value.strip().split("\n")
    if _CONTROL.search(value.strip()) or not all(line.strip() for line in lines):
        raise ValueError(f"the value of trailer {key} holds an empty line or a control character")
    return f"{key}: " + "\n ".join(lines)


async def commit_tree(
    checkout: Checkout,
    tree: str,
    parents: Sequence[str],
    message: str,
    *,
    at: datetime,
    trailers: Sequence[tuple[str, str]] = (),
    author: Identity | None = None,
    sign: bool | None = None,
) -> str:
    """The id of a new commit of `tree`; made twice from the same words it is the same commit.

    (A signed one differs in its signature.)

    Args:
        at: author's and committer's date, with a time zone; seconds count.
        author: None takes the configured identity; the committer is always the configured one.
        sign: None obeys the user's `commit.gpgSign`.

    Raises:
        NoIdentity: git does not know in whose name to commit.
        ValueError: `at` has no time zone, or a trailer cannot be written.
        GitFailed: there is no such tree or parent, or signing failed.
    """
    settings = await checkout.settings()
    writer, committer = author or _person(settings, "author"), _person(settings, "committer")
    date = _git_date(at)
    if sign is None:
        sign = _is_wished(settings, checkout)
    output = await checkout.git(
        "commit-tree",
        *(["-S"] if sign else ["--no-gpg-sign"]),
        *(word for parent in parents for word in ("-p", parent)),
        "-F",
        "-",
        tree,
        input=format_message(message, trailers).encode("utf-8", "replace"),
        env={
            "GIT_AUTHOR_NAME": writer.name,
            "GIT_AUTHOR_EMAIL": writer.email,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_COMMITTER_DATE": date,
        },
    )
    return output.line()


def _is_wished(settings: Sequence[Setting], checkout: Checkout) -> bool:
    return is_true(last(settings, "commit.gpgsign", own=not checkout.trusted))


async def signs(checkout: Checkout) -> bool:
    """Whether commits are signed here: the user's `commit.gpgSign`.

    What an untrusted repository's own configuration says of it does not count.
    """
    return _is_wished(await checkout.settings(), checkout)


async def overruled_signing(checkout: Checkout) -> bool:
    """Whether an untrusted repository's own configuration asks for signatures in vain."""
    settings = await checkout.settings()
    return is_true(last(settings, "commit.gpgsign")) and not _is_wished(settings, checkout)


async def require_signing(checkout: Checkout) -> None:
    """Return if commits need no signature, or one can be made; nothing is left in the repository.

    Raises:
        CannotSign: the signing program, its agent or the key is missing, or says no.
    """
    if not await signs(checkout):
        return
    with TemporaryDirectory(prefix="m31a-") as store:
        try:
            await checkout.git(
                *("commit-tree", "-S", "-m", "Can commits be signed?", checkout.empty_tree),
                env={"GIT_OBJECT_DIRECTORY": store},
            )
        except (GitFailed, GitTimedOut) as exc:
            raise CannotSign(str(exc)) from exc


async def private_commit(
    checkout: Checkout, tree: str, parents: Sequence[str], message: str, *, seconds: int
) -> str:
    """The id of a commit for our own book-keeping: nobody's name, no signature."""
    variables = {
        f"GIT_{role}_{word}": value
        for role in ("AUTHOR", "COMMITTER")
        for word, value in (
            ("NAME", "m31a"),
            ("EMAIL", "m31a@localhost"),
            ("DATE", f"@{seconds} +0000"),
        )
    }
    words = [word for parent in parents for word in ("-p", parent)]
    output = await checkout.git(
        "commit-tree", "--no-gpg-sign", *words, "-m", message, tree, env=variables
    )
    return output.line()


def _git_date(at: datetime) -> str:
    offset = at.utcoffset()
    if offset is None:
        raise ValueError("the date of a commit needs a time zone")
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"@{int(at.timestamp())} {'-' if minutes < 0 else '+'}{hours:02}{rest:02}"


async def read_trailers(checkout: Checkout, commit: str) -> tuple[tuple[str, str], ...]:
    """The trailers of the commit in their order; folded values with their lines.

    Raises:
        UnknownCommit: there is no such commit.
    """
    whole = await resolve(checkout, commit)
    output = await checkout.git(
        "log",
        "-1",
        "--no-color",
        "--format=%(trailers:only=true,unfold=false,separator=%x00,key_value_separator=%x01)",
        whole,
    )
    text = output.stdout.decode("utf-8", "replace").removesuffix("\n")
    pairs = (item.partition("\1") for item in text.split("\0") if item)
    return tuple((key, value.strip().replace("\n ", "\n")) for key, _, value in pairs)


async def read_log(
    checkout: Checkout, span: str, limit: int | None = None, *, first_parent: bool = False
) -> tuple[Commit, ...]:
    """The commits of `span` (`a..b`, or a name and all before it), children first.

    Raises:
        UnknownCommit: the span names something that does not exist.
    """
    options = [] if limit is None else [f"--max-count={limit}"]
    options += ["--first-parent"] if first_parent else []
    try:
        output = await checkout.git(
            "log",
            "-z",
            "--topo-order",
            "--no-color",
            "--no-show-signature",
            f"--format={_LOG_FORMAT}",
            *options,
            "--end-of-options",
            span,
            "--",
        )
    except GitFailed as exc:
        raise UnknownCommit(span) from exc
    return tuple(
        _commit(item) for item in output.stdout.decode("utf-8", "replace").split("\0")[:-1]
    )


def _commit(text: str) -> Commit:
    id_, parents, tree, name, email, seconds, subject, body = text.split("\n", 7)
    return Commit(
        id=id_,
        parents=tuple(parents.split()),
        tree=tree,
        subject=subject,
        body=body.strip("\n"),
        author=Identity(name=name, email=email),
        at=datetime.fromtimestamp(int(seconds), UTC),
    )
