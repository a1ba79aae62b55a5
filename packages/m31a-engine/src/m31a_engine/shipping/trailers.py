"""The proof in a commit's trailers, written and read."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

import msgspec

from m31a_engine.checks.coverage import NAME as COVERAGE
from m31a_engine.checks.result import CheckResult, CheckStatus, Verdict, Verification

SESSION = "M31A-Session"
BASE = "M31A-Base"
CHECK = "M31A-Check"
VERDICT = "M31A-Verdict"

_CHECK = re.compile(r"([^;]*); exit=(none|-?\d{1,10}); ([^;]*); cmd=([^;]*)")
_UNSAFE = re.compile(r"[%;]|[^\w -~]|\s(?<! )|^ | $")
"""Escaped: the two signs of the format, white space but inner blanks, what does not print."""


class ShippedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check as a commit remembers it."""

    name: str
    exit_code: int | None
    figure: str
    """How many tests ran, or how the check ended."""
    command: str


class ShippedProof(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit says about its own verification."""

    session: str
    base: str
    checks: tuple[ShippedCheck, ...]
    verdict: Verdict | None
    """None when the commit names none that is known."""
    unreadable: tuple[str, ...] = ()
    """Checks that are not written as this engine writes them."""


def shipped_check(check: CheckResult) -> ShippedCheck:
    """What a trailer keeps of a check's result."""
    ended = "" if check.status is CheckStatus.PASSED else check.status.value
    counted = str(check.counts) if check.counts is not None else ""
    return ShippedCheck(
        name=check.name,
        exit_code=check.exit_code,
        figure=" ".join(part for part in (ended, counted) if part) or "passed",
        command=check.command,
    )


def trailers_for(
    session: str, base: str, verification: Verification
) -> tuple[tuple[str, str], ...]:
    """Key and value of each trailer, in the order they are written.

    Listed are the checks that can be repeated: those with a command that saw exactly the
    verified tree, and whose exit code says how they ended. Values are one line each; `;`, `%`
    and what does not print stand as `%XX`.
    """
    checks = (
        shipped_check(check)
        for check in verification.checks
        if check.command and check.tree == verification.tree and _exit_code_tells(check)
    )
    return (
        (SESSION, _escape(session)),
        (BASE, _escape(base)),
        *((CHECK, _line(check)) for check in checks),
        (VERDICT, verification.verdict.value),
    )


def _exit_code_tells(check: CheckResult) -> bool:
    return check.name != COVERAGE or check.passed


def read_trailers(pairs: Iterable[tuple[str, str]]) -> ShippedProof:
    """The proof those trailers hold; what is not ours is left out."""
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        values.setdefault(key.lower(), []).append(value)
    verdict = _last(values, VERDICT)
    told = values.get(CHECK.lower(), ())
    checks = [(value, _CHECK.fullmatch(value)) for value in told]
    return ShippedProof(
        session=_unescape(_last(values, SESSION)),
        base=_unescape(_last(values, BASE)),
        checks=tuple(_check(match) for _, match in checks if match is not None),
        verdict=Verdict(verdict) if verdict in set(Verdict) else None,
        unreadable=tuple(value for value, match in checks if match is None),
    )


def _line(check: ShippedCheck) -> str:
    code = "none" if check.exit_code is None else check.exit_code
    name, figure, command = map(_escape, (check.name, check.figure, check.command))
    return f"{name}; exit={code}; {figure}; cmd={command}"


def _check(match: re.Match[str]) -> ShippedCheck:
    return ShippedCheck(
        name=_unescape(match[1]),
        exit_code=None if match[2] == "none" else int(match[2]),
        figure=_unescape(match[3]),
        command=_unescape(match[4]),
    )


def _last(values: dict[str, list[str]], key: str) -> str:
    return values.get(key.lower(), [""])[-1]


def _escape(text: str) -> str:
    return _UNSAFE.sub(
        lambda match: "".join(
            f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape")
        ),
        text,
    )


def _unescape(text: str) -> str:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode(
        "utf-8", "surrogateescape"
    )
