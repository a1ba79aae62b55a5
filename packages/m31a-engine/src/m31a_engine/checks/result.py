"""What a verification is made of: results, findings, and the verdict they add up to."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

TAIL_CHARS = 4000
"""How much of a check's output is kept as evidence."""


class CheckStatus(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    FLAKY = "flaky"
    """Red and green on the same tree."""
    KNOWN_FAILURE = "known_failure"
    """Red on the base too, and nothing new is red."""
    NOT_RUN = "not_run"
    """It could not run, or it ended without having tested anything."""
    TIMED_OUT = "timed_out"


class Severity(StrEnum):
    """Whether a finding stops Ship."""

    BLOCKING = "blocking"
    WARNING = "warning"


class FindingKind(StrEnum):
    """The names of findings; `--allow NAME` lifts what has that name."""

    CHECK_DEFINITION = "check-definition"
    SHADOWING_MODULE = "shadowing-module"
    TEST_DELETED = "test-deleted"
    TEST_SKIPPED = "test-skipped"
    TEST_EMPTIED = "test-emptied"
    TEST_LOOSENED = "test-loosened"
    FEWER_TESTS = "fewer-tests"
    BASE_TESTS_RED = "base-tests-red"
    NO_TEST_SHOWS_CHANGE = "no-test-shows-change"
    LEADS_OUTSIDE = "leads-outside"
    CHECK_CHANGED_FILES = "check-changed-files"
    ENVIRONMENT_CHANGED = "environment-changed"
    UNPREDICTED_CHANGE = "unpredicted-change"
    PREDICTED_UNCHANGED = "predicted-unchanged"
    SECRET = "secret"  # noqa: S105 - the name of a finding
    CONFLICT_MARKER = "conflict-marker"
    FAILED_TASK = "failed-task"
    UNVERIFIED_TREE = "unverified-tree"
    HOOK_REFUSED = "hook-refused"
    COVERAGE_NOT_MEASURED = "coverage-not-measured"
    COVERAGE_LEFT_OUT = "coverage-left-out"


TEST_CHANGES = "test-changes"
"""The name that lifts every finding of tampering."""
TAMPERING = frozenset(
    {
        FindingKind.CHECK_DEFINITION,
        FindingKind.SHADOWING_MODULE,
        FindingKind.TEST_DELETED,
        FindingKind.TEST_SKIPPED,
        FindingKind.TEST_EMPTIED,
        FindingKind.TEST_LOOSENED,
        FindingKind.FEWER_TESTS,
        FindingKind.BASE_TESTS_RED,
    }
)


class Verdict(StrEnum):
    """What a verification is worth."""

    VERIFIED = "verified"
    VERIFIED_KNOWN_FAILURES = "verified_known_failures"
    PARTIAL = "partial"
    """Nothing is red, but no behaviour was shown (or not reliably)."""
    FAILED = "failed"
    NOT_RUN = "not_run"


class TestCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many tests a runner says it ran; information, never a reason to pass."""

    __test__ = False  # not a test class, whatever its name says to pytest

    passed: int
    failed: int
    skipped: int = 0
    total: int
    whole_files: int = 0
    """Files among the passed in which a runner found no test."""

    @property
    def ran(self) -> int:
        """Tests that were not skipped."""
        return self.passed + self.failed

    def __str__(self) -> str:
        """The figure of a trailer: `12 passed, 1 failed, 2 skipped`."""
        parts = [f"{self.passed} passed"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        return ", ".join(parts)


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One check on one tree."""

    name: str
    command: str
    exit_code: int | None
    """None when it did not run, or was stopped."""
    passed: bool
    status: CheckStatus
    counts: TestCounts | None = None
    seconds: float = 0.0
    output_tail: str = ""
    """The last `TAIL_CHARS` characters, sanitised."""
    tree: str
    behavioural: bool
    """Tests or a run criterion: it shows what the program does."""
    note: str = ""

    @property
    def is_evidence(self) -> bool:
        """Whether this shows that behaviour of its tree holds."""
        if not self.behavioural:
            return False
        if self.status is CheckStatus.KNOWN_FAILURE:
            return self.counts is not None and self.counts.passed > 0
        return self.passed and self.status is CheckStatus.PASSED


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that speaks against a change, whatever its checks say."""

    kind: FindingKind
    severity: Severity
    path: str = ""
    text: str


def lifted(finding: Finding, allow: frozenset[str]) -> Finding:
    """The finding as a warning when a person allowed its kind; it stays, so that it is recorded."""
    allowed = finding.kind in allow or (TEST_CHANGES in allow and finding.kind in TAMPERING)
    if not allowed or finding.severity is Severity.WARNING:
        return finding
    return msgspec.structs.replace(
        finding, severity=Severity.WARNING, text=f"{finding.text} (allowed)"
    )


class Culprit(msgspec.Struct, frozen=True, kw_only=True):
    """What a search for the commit that broke a check has found."""

    check: str
    """The name of the check that is green on the base and red on the head."""
    commit: str | None = None
    """The first commit it is red on, red twice there and green again on its parent."""
    subject: str = ""
    task_id: int | None = None
    """Whose commit it is; None where it is no task's, as after healing."""
    steps: int = 0
    """Commits judged, the two ends included."""
    inconclusive: str = ""
    """Why no commit can be named."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """All the evidence about one tree, and the verdict."""

    verdict: Verdict
    tree: str
    checks: tuple[CheckResult, ...] = ()
    known_failures: tuple[str, ...] = ()
    """Tests, or checks whose runner names none, that are red on the base too."""
    findings: tuple[Finding, ...] = ()
    manual_steps: tuple[str, ...] = ()
    """For a person; never counted as passed."""
    fingerprint: str = ""
    """Of the environment the checks ran in."""
    culprit: Culprit | None = None
    """Where the first red check broke, when it was looked for."""


def verdict_of(results: Sequence[CheckResult], findings: Sequence[Finding] = ()) -> Verdict:
    """The verdict that these results and findings allow, and no better one.

    `failed`: a blocking finding, a red check that is not known, a check out of time, or a
    behavioural check whose program is not there. `verified` needs a behavioural check that
    passed, every behavioural check to have run, none to be flaky, and all of them to have seen
    one tree; without that it is `partial`, and `not_run` when nothing ran at all.
    """
    if any(finding.severity is Severity.BLOCKING for finding in findings):
        return Verdict.FAILED
    if any(_is_red(result) for result in results):
        return Verdict.FAILED
    if all(result.status is CheckStatus.NOT_RUN for result in results):
        return Verdict.NOT_RUN
    behavioural = [result for result in results if result.behavioural]
    shown = any(result.is_evidence for result in behavioural)
    doubtful = any(
        result.status in (CheckStatus.FLAKY, CheckStatus.NOT_RUN) for result in behavioural
    )
    one_tree = len({result.tree for result in behavioural}) == 1
    if not shown or doubtful or not one_tree:
        return Verdict.PARTIAL
    if any(result.status is CheckStatus.KNOWN_FAILURE for result in results):
        return Verdict.VERIFIED_KNOWN_FAILURES
    return Verdict.VERIFIED


def _is_red(result: CheckResult) -> bool:
    match result.status:
        case CheckStatus.FAILED | CheckStatus.TIMED_OUT:
            return True
        case CheckStatus.NOT_RUN:
            # It was tried and its program was not found: saying "partial" would ship past it.
            return result.behavioural and result.exit_code in (126, 127)
        case CheckStatus.PASSED:
            return not result.passed
        case CheckStatus.FLAKY | CheckStatus.KNOWN_FAILURE:
            return False
