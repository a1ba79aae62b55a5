"""Everything the engine raises on purpose.

EngineError
├─ ConfigError             a configuration file, variable or option cannot be used
├─ Refused                 the folder or repository is in a state M31A will not work in
│   └─ Busy                another living process holds the lock
├─ BadTransition           a phase was asked for that the state machine does not allow
├─ PlanUnreadable          a model's plan cannot be run; the reason goes back to the model
├─ BudgetSpent             the next request could cost more than is left
├─ LimitReached            turns, time or tool calls are used up
├─ WaitingForApproval      a permission was deferred and nothing else can go on
├─ Denied                  a person said no and stopped the run
├─ ProviderFailed          the model's server cannot be used
├─ NothingToResume         no session, or none that can go on
└─ JournalBroken           a session's journal cannot be read

Each has a `code` (stable, for programs), a sentence, and a `remedy` (what to do next).
"""

from typing import ClassVar


class EngineError(Exception):
    """Something M31A says in one sentence, with a remedy."""

    code: ClassVar[str] = "engine"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ConfigError(EngineError):
    """A configuration value cannot be used; names the file, the line and the key."""

    code: ClassVar[str] = "config"

    def __init__(
        self,
        reason: str,
        *,
        file: str = "",
        key: str = "",
        line: int | None = None,
        remedy: str = "",
    ) -> None:
        place = file + (f":{line}" if file and line is not None else "")
        parts = [part for part in (place, key, reason) if part]
        super().__init__(": ".join(parts), remedy=remedy)
        self.file = file
        self.key = key
        self.line = line
        self.reason = reason


class Refused(EngineError):
    """The folder or repository is in a state in which nothing will be started."""

    code: ClassVar[str] = "refused"


class Busy(Refused):
    """Another living process holds what this run needs."""

    code: ClassVar[str] = "busy"


class BadTransition(EngineError):
    """A phase may not follow another."""

    code: ClassVar[str] = "transition"

    def __init__(self, origin: str, target: str) -> None:
        super().__init__(f"phase {target} may not follow phase {origin}")
        self.origin = origin
        self.target = target


class PlanUnreadable(EngineError):
    """A plan cannot be run; `reason` is a sentence for the model."""

    code: ClassVar[str] = "plan"

    def __init__(self, reason: str) -> None:
        super().__init__(reason, remedy="ask for a new plan, or run with --mode fast")
        self.reason = reason


class BudgetSpent(EngineError):
    """The next request could cost more than the budget has left."""

    code: ClassVar[str] = "budget"

    def __init__(self, message: str, *, limit_usd: float, spent_usd: float) -> None:
        super().__init__(message, remedy="raise --budget-usd and resume the session")
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd


class LimitReached(EngineError):
    """A limit on turns or time ended the work; the session can be resumed."""

    code: ClassVar[str] = "limit"


class WaitingForApproval(EngineError):
    """A permission was deferred or denied and nothing else could go on."""

    code: ClassVar[str] = "approval"


class Denied(EngineError):
    """A person said no and stopped the run; the session can be resumed."""

    code: ClassVar[str] = "denied"


class ProviderFailed(EngineError):
    """The model's server refused, broke off or could not be reached."""

    code: ClassVar[str] = "provider"


class NothingToResume(EngineError):
    """There is no session to go on with."""

    code: ClassVar[str] = "resume"


class JournalBroken(EngineError):
    """A session's journal cannot be read."""

    code: ClassVar[str] = "journal"


def sole(error: Exception) -> Exception:
    """The one error inside exception groups, or the group when there are several."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
