"""What there is to learn from a run that has ended; pure."""

import re
from collections.abc import Iterable

import msgspec

from m31a_engine.checks.result import CheckResult, CheckStatus, Verification
from m31a_engine.learning.facts import CheckMemory, one_line

_TELLING = (
    re.compile(r"\b\w*(?:Error|Exception)\b|\bassert\w*\b|\bpanicked\b|\b[Ee]xpected\b"),
    re.compile(r"\bFAIL|\bfail|\berror\b|\bundefined\b"),
)
"""What a line that names a cause has in it, and what one that names a place has."""
_HEADLINE_CHARS = 140
_REMEDY_CHARS = 120


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """A check that was red in the course of a run, and what helped."""

    check: str
    command: str
    failure: str
    remedy: str = ""
    """Empty when it stayed red."""

    @property
    def text(self) -> str:
        """The lesson as a sentence for a model that works here next."""
        said = f"{self.check} (`{self.command}`) was red: {self.failure}"
        return f"{said} What helped: {self.remedy}" if self.remedy else f"{said} It stayed red."


def lessons_of(red: Verification, *, mended: bool, remedy: str) -> tuple[Lesson, ...]:
    """What the checks that were red at first teach, once healing has ended."""
    return tuple(
        Lesson(
            check=check.name,
            command=check.command,
            failure=headline(check.output_tail),
            remedy=_cut(remedy, _REMEDY_CHARS) or "the change itself." if mended else "",
        )
        for check in red.checks
        if check.status in {CheckStatus.FAILED, CheckStatus.TIMED_OUT}
    )


def headline(output: str) -> str:
    """The line of a check's output that says most about why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for pattern in _TELLING:
        telling = [line for line in lines if pattern.search(line)]
        if telling:
            return _cut(telling[-1], _HEADLINE_CHARS)
    return _cut(lines[-1], _HEADLINE_CHARS) if lines else "no output"


def checks_of(results: Iterable[CheckResult]) -> tuple[CheckMemory, ...]:
    """The checks as they went, for the next run to know what there is and how long it takes."""
    return tuple(
        CheckMemory(
            name=result.name,
            command=result.command,
            status=result.status.value,
            seconds=result.seconds,
        )
        for result in results
        if result.behavioural and result.exit_code is not None
    )


def _cut(text: str, limit: int) -> str:
    flat = one_line(text)
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
