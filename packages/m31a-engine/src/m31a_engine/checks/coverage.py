"""The coverage gate: how much of the program its tests run, by the project's own tool."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from m31a_engine.checks.observation import Observation
from m31a_engine.checks.patch import AddedLine
from m31a_engine.checks.result import CheckResult, CheckStatus, Finding, FindingKind, Severity

NAME = "coverage"
_LEFT_OUT = re.compile(
    r"#\s*pragma:\s*no\s*(?:cover|branch)|/[/*]\s*(?:istanbul|c8|v8|node:coverage)\s+(?:ignore|disable)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What is asked of a project's tests, and how it is measured."""

    least_percent: float
    """Of lines, or of what the tool counts as such."""
    command: str
    """Prints the figure; empty where nothing measures it."""
    why_not: str = ""


def judge_coverage(gate: Gate, head: Observation, base: Observation | None) -> CheckResult:
    """Whether enough is covered; too little on the base as well, and no less now, is known."""
    status, note = _status(gate, head, base)
    return CheckResult(
        name=NAME,
        command=head.command if head.exit_codes else "",
        exit_code=head.exit_codes[-1] if head.exit_codes and not head.timed_out else None,
        passed=status is CheckStatus.PASSED,
        status=status,
        counts=head.counts,
        seconds=head.seconds,
        output_tail=head.output_tail,
        tree=head.tree,
        behavioural=False,
        note=note,
    )


def not_measured(result: CheckResult) -> Iterator[Finding]:
    """A warning that a gate is asked for and was not looked at."""
    if result.status is CheckStatus.NOT_RUN:
        yield Finding(
            kind=FindingKind.COVERAGE_NOT_MEASURED, severity=Severity.WARNING, text=result.note
        )


def left_out(lines: Iterable[AddedLine]) -> Iterator[Finding]:
    """Lines that take a part of the program out of what is measured."""
    for line in lines:
        if _LEFT_OUT.search(line.text):
            yield Finding(
                kind=FindingKind.COVERAGE_LEFT_OUT,
                severity=Severity.BLOCKING,
                path=line.path,
                text=f"line {line.number} takes a part of the program out of what is measured",
            )


def _status(gate: Gate, head: Observation, base: Observation | None) -> tuple[CheckStatus, str]:
    percent = None if head.blocked or not _ended_well(head) else head.covered_percent
    if percent is None:
        return CheckStatus.NOT_RUN, f"not measured: {_why_not(head)}"
    wanted = f"{percent:g} % covered, {gate.least_percent:g} % are asked for"
    if percent >= gate.least_percent:
        return CheckStatus.PASSED, wanted
    before = base.covered_percent if base is not None and _ended_well(base) else None
    if before is None:
        return CheckStatus.FAILED, wanted
    told = f"{wanted}, {before:g} % on the base"
    return CheckStatus.FAILED if percent < before else CheckStatus.KNOWN_FAILURE, told


def _ended_well(seen: Observation) -> bool:
    return bool(seen.exit_codes) and not any(seen.exit_codes) and not seen.timed_out


def _why_not(head: Observation) -> str:
    if head.blocked:
        return head.blocked
    if head.timed_out:
        return "its command was stopped, for it took too long"
    if head.missing:
        return "the program of its command was not found"
    if head.exit_codes[-1] != 0:
        return f"its command ended with {head.exit_codes[-1]}"
    return "its command printed no figure that is understood"
