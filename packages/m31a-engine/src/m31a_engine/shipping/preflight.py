"""The last look at what is about to be shipped."""

import re
from collections.abc import Iterator, Sequence

from m31a_engine.checks.patch import AddedLine, added_lines
from m31a_engine.checks.result import (
    Finding,
    FindingKind,
    Severity,
    Verdict,
    Verification,
    lifted,
)
from m31a_engine.shipping.secrets import find_secrets
from m31a_rollback import Repository

_LARGEST_PATCH_BYTES = 50_000_000
_MARKER = re.compile(r"(?:<{7}|>{7}|\|{7})(?: .*)?\r?")


async def preflight(
    repository: Repository,
    base: str,
    commit: str,
    *,
    verification: Verification | None,
    failed_tasks: Sequence[str] = (),
    allow: frozenset[str] = frozenset(),
) -> tuple[Finding, ...]:
    """What speaks against shipping `commit`; blocking unless its kind is in `allow`.

    Looked for are secrets and conflict markers in the lines added since `base`, the given failed
    tasks, and a verification that is missing, of another tree, red or of nothing. What is allowed
    stays in the answer, as a warning, so that it is recorded.
    """
    diff = await repository.diff(base, commit, patch_limit_bytes=_LARGEST_PATCH_BYTES)
    lines = tuple(added_lines(diff.patch))
    findings = [*_secrets(lines), *_conflict_markers(lines)]
    if diff.patch_cut:
        findings.append(_finding(FindingKind.SECRET, "", "the change is too large to be searched"))
    findings += [_finding(FindingKind.FAILED_TASK, "", f"failed: {task}") for task in failed_tasks]
    doubt = _doubt(verification, await repository.tree_of(commit))
    if doubt:
        findings.append(_finding(FindingKind.UNVERIFIED_TREE, "", doubt))
    return tuple(lifted(finding, allow) for finding in findings)


def _secrets(lines: Sequence[AddedLine]) -> Iterator[Finding]:
    for block in _blocks(lines):
        text = "\n".join(line.text for line in block)
        for secret in find_secrets(text):
            line = block[text.count("\n", 0, secret.start)]
            yield _finding(
                FindingKind.SECRET, line.path, f"line {line.number}: {secret.kind} {secret.masked}"
            )


def _blocks(lines: Sequence[AddedLine]) -> Iterator[list[AddedLine]]:
    """Runs of lines of one file, so that a key of several lines is seen whole."""
    block: list[AddedLine] = []
    for line in lines:
        if block and line.path != block[-1].path:
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _conflict_markers(lines: Sequence[AddedLine]) -> Iterator[Finding]:
    for line in lines:
        if _MARKER.fullmatch(line.text):
            text = f"line {line.number}: {line.text[:7]}"
            yield _finding(FindingKind.CONFLICT_MARKER, line.path, text)


def _doubt(verification: Verification | None, tree: str) -> str:
    """Why the tree cannot count as verified; "" when it can, or is openly partial."""
    if verification is None:
        return "the tree was not verified"
    if verification.tree != tree:
        return "the tree that was verified is another one"
    match verification.verdict:
        case Verdict.FAILED:
            return "the verification failed"
        case Verdict.NOT_RUN:
            return "no check was run"
        case Verdict.VERIFIED | Verdict.VERIFIED_KNOWN_FAILURES | Verdict.PARTIAL:
            return ""


def _finding(kind: FindingKind, path: str, text: str) -> Finding:
    return Finding(kind=kind, severity=Severity.BLOCKING, path=path, text=text)
