"""The one document that says how a run went; `--output json` prints it."""

from enum import StrEnum

import msgspec

from m31a_engine.checks.result import Finding, Verification
from m31a_engine.machine import Mode
from m31a_providers import Usage

SCHEMA_VERSION = 1


class Outcome(StrEnum):
    """How a run ended."""

    SHIPPED = "shipped"
    SHIPPED_PARTIAL = "shipped_partial"
    SHIPPED_ON_BRANCH = "shipped_on_branch"
    FAILED = "failed"
    ANSWERED = "answered"
    STOPPED = "stopped"
    WAITING = "waiting"
    DENIED = "denied"
    LIMIT = "limit"
    PROVIDER = "provider"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    BUG = "bug"


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """One changed file; line counts are None for binary content."""

    path: str
    status: str
    added: int | None
    removed: int | None


class TaskReport(msgspec.Struct, frozen=True, kw_only=True):
    """One task of the plan and what became of it."""

    id: int
    title: str
    outcome: str
    heals: int = 0
    commit: str | None = None
    files: tuple[str, ...] = ()
    cost_usd: float | None = None
    model: str = ""
    """Who answered, as the models name themselves; several are joined by ` + `."""
    reason: str = ""


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and requests of the whole session."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0

    @classmethod
    def of(cls, usage: Usage, requests: int) -> "UsageReport":
        """The report of a provider's sums."""
        return cls(
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            requests=requests,
        )


class ErrorReport(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run did not finish, and what to do next."""

    code: str
    message: str
    remedy: str = ""


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a caller who did not watch needs to know."""

    schema_version: int = SCHEMA_VERSION
    session: str
    outcome: Outcome
    goal: str
    mode: Mode
    branch: str | None = None
    base_commit: str | None = None
    commit: str | None = None
    landed: bool = False
    commits: tuple[str, ...] = ()
    files: tuple[FileReport, ...] = ()
    diff: str = ""
    answer: str = ""
    """The model's closing words: an answer to a question, or what was built and how to try it."""
    tasks: tuple[TaskReport, ...] = ()
    verification: Verification | None = None
    findings: tuple[Finding, ...] = ()
    known_failures: tuple[str, ...] = ()
    manual_steps: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    usage: UsageReport = UsageReport()
    cost_usd: float | None = None
    models: tuple[str, ...] = ()
    """The models that answered, as they name themselves, in the order of their first answers."""
    duration_s: float = 0.0
    ledger_entry: str | None = None
    session_path: str = ""
    error: ErrorReport | None = None


def encode_report(report: RunReport) -> str:
    """A report as the JSON document that `--output json` prints, indented, with a line end."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
