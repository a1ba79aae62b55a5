"""What a run's exit code says; scripts build on it."""

from m31a_engine import (
    BudgetSpent,
    EngineError,
    LimitReached,
    Outcome,
    ProviderFailed,
    RunReport,
    Verdict,
    WaitingForApproval,
)

VERIFIED = 0
NOT_VERIFIED = 1
USAGE = 2
DENIED = 3
LIMIT = 4
PROVIDER = 5
PARTIAL = 6
NOT_LANDED = 7
BUG = 70
HUNG_UP = 129
INTERRUPTED = 130
TERMINATED = 143

_CODES = {
    Outcome.SHIPPED: VERIFIED,
    Outcome.SHIPPED_PARTIAL: PARTIAL,
    Outcome.SHIPPED_ON_BRANCH: NOT_LANDED,
    Outcome.FAILED: NOT_VERIFIED,
    Outcome.ANSWERED: VERIFIED,
    Outcome.STOPPED: VERIFIED,
    Outcome.WAITING: DENIED,
    Outcome.DENIED: DENIED,
    Outcome.LIMIT: LIMIT,
    Outcome.PROVIDER: PROVIDER,
    Outcome.REFUSED: USAGE,
    Outcome.INTERRUPTED: INTERRUPTED,
    Outcome.BUG: BUG,
}
_PROVEN = (Verdict.VERIFIED, Verdict.VERIFIED_KNOWN_FAILURES)


def exit_code_of(report: RunReport) -> int:
    """The exit code of a run; 0 only for a verified commit, a planned stop or an answer."""
    if report.outcome is Outcome.SHIPPED and (
        report.verification is None or report.verification.verdict not in _PROVEN
    ):
        return PARTIAL  # never 0 without evidence, whatever the outcome says
    return _CODES[report.outcome]


def outcome_of(error: EngineError) -> Outcome:
    """The outcome of a run that could not even begin."""
    match error:
        case ProviderFailed():
            return Outcome.PROVIDER
        case BudgetSpent() | LimitReached():
            return Outcome.LIMIT
        case WaitingForApproval():
            return Outcome.WAITING
        case _:
            return Outcome.REFUSED


def exit_code_of_error(error: EngineError) -> int:
    """The exit code of an error that ended a verb before a run could say its outcome."""
    return _CODES[outcome_of(error)]
