"""From what was seen on the head and on the base to results and findings; pure."""

from collections.abc import Iterator

from m31a_engine.checks.observation import Observation
from m31a_engine.checks.result import CheckResult, CheckStatus, Finding, FindingKind, Severity


def judge(
    name: str,
    head: Observation,
    base: Observation | None = None,
    *,
    behavioural: bool,
    known: frozenset[str] = frozenset(),
) -> CheckResult:
    """The result of a check; red on the base too, and nothing new red, makes a known failure.

    `known` are checks or tests that the project declares as failing. Without `base` nothing but
    those is known.
    """
    status, note = _status(name, head, base, known)
    return CheckResult(
        name=name,
        command=head.command,
        exit_code=None if head.timed_out or not head.exit_codes else head.exit_codes[-1],
        passed=status is CheckStatus.PASSED,
        status=status,
        counts=head.counts,
        seconds=head.seconds,
        output_tail=head.output_tail,
        tree=head.tree,
        behavioural=behavioural,
        note=note,
    )


def against_base(name: str, head: Observation, base: Observation) -> Iterator[Finding]:
    """What the figures of a behavioural check say against the head, whatever its exit code."""
    if base.counts is None or not base.counts.ran or head.blocked or head.timed_out:
        return
    if head.counts is None:
        yield _blocking(
            FindingKind.FEWER_TESTS,
            f"{name}: the runner counts no tests any more; on the base it ran {base.counts.ran}",
        )
    elif head.counts.ran < base.counts.ran:
        yield _blocking(
            FindingKind.FEWER_TESTS,
            f"{name}: {head.counts.ran} tests ran, {base.counts.ran} on the base",
        )
    elif head.counts.whole_files > base.counts.whole_files and _single(head) < _single(base):
        yield _blocking(
            FindingKind.FEWER_TESTS,
            f"{name}: a test file ended before a test of it did; on the base its tests ran",
        )


def _single(seen: Observation) -> int:
    return seen.counts.ran - seen.counts.whole_files if seen.counts is not None else 0


def changed_files(
    name: str, head: Observation, base: Observation | None, *, behavioural: bool
) -> Iterator[Finding]:
    """The tracked files that a check changed; a warning where it does so on the base as well.

    What it put back in the end counts too, for it may have been judged by what stood there.
    """
    usual = frozenset(base.changed) if base is not None else frozenset()
    written = usual.union(base.put_back) if base is not None else usual
    for path in (*head.changed, *head.put_back):
        blocking = behavioural and path not in (usual if path in head.changed else written)
        if not blocking and path in head.put_back:
            continue
        yield Finding(
            kind=FindingKind.CHECK_CHANGED_FILES,
            severity=Severity.BLOCKING if blocking else Severity.WARNING,
            path=path,
            text=f"{name}: the check changed files of the tree it was to judge",
        )


def new_failures(head: Observation, base: Observation) -> tuple[str, ...]:
    """Tests that are red on the head and not on the base, as far as they are named."""
    return tuple(name for name in head.failing if name not in set(base.failing))


def _status(
    name: str, head: Observation, base: Observation | None, known: frozenset[str]
) -> tuple[CheckStatus, str]:
    if head.blocked:
        return CheckStatus.NOT_RUN, head.blocked
    if head.timed_out:
        return CheckStatus.TIMED_OUT, f"stopped after {head.seconds:.0f} s"
    if head.missing:
        if base is not None and not base.missing and not base.blocked:
            return CheckStatus.FAILED, "its program is there on the base and not here"
        return CheckStatus.NOT_RUN, "its program was not found"
    if head.tested_nothing and not _crashed(head):
        return CheckStatus.NOT_RUN, "no test ran"
    if head.green:
        return CheckStatus.PASSED, ""
    declared = bool(head.failing) and known.issuperset(head.failing) and _all_named(head)
    if name in known or declared:
        return CheckStatus.KNOWN_FAILURE, "declared as a known failure"
    if base is not None and _is_known(head, base):
        return CheckStatus.KNOWN_FAILURE, "red on the base too"
    if head.flaky:
        return CheckStatus.FLAKY, "red and green on the same tree"
    if not any(head.exit_codes):
        return CheckStatus.FAILED, "the exit code is 0, but the runner counts failed tests"
    return CheckStatus.FAILED, ""


def _crashed(head: Observation) -> bool:
    """A runner that failed before it ran a test, as opposed to one that found none."""
    return head.exit_codes[-1] not in (0, 5)


def _is_known(head: Observation, base: Observation) -> bool:
    """Whether all that is red on the head is red on the base as well."""
    if base.green or base.blocked or base.timed_out or base.missing:
        return False
    if head.failing or base.failing:
        if not head.failing or not _all_named(head) or new_failures(head, base):
            return False
    elif head.counts is not None and base.counts is not None:
        return head.counts.failed <= base.counts.failed and head.counts.ran >= base.counts.ran
    return (head.counts is None) == (base.counts is None)


def _all_named(head: Observation) -> bool:
    """Whether the output names as many failing tests as it counts."""
    return head.counts is None or len(head.failing) >= head.counts.failed


def _blocking(kind: FindingKind, text: str) -> Finding:
    return Finding(kind=kind, severity=Severity.BLOCKING, text=text)
