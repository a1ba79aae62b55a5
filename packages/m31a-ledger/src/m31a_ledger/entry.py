"""What the ledger remembers of one run."""

import msgspec


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One run: what was tried, with which model, at what cost, and how it ended.

    Only `session` and `at` must be known. An empty text or tuple means "not recorded"; numbers
    that were not recorded are 0, except the cost, which is then `None` and never 0.
    """

    session: str
    """Identifies the run; a ledger holds at most one entry a session."""

    at: str
    """When the run ended, ISO 8601 in UTC, as `2026-11-21T03:14:15Z`."""

    project: str = ""
    """The project's name or path, as the caller wants to find it again."""

    project_type: str = ""
    """The kind of project, as `python` or `node`; recall prefers entries of the same kind."""

    framework: str = ""
    provider: str = ""
    model: str = ""
    mode: str = ""
    complexity: str = ""

    tasks: int = 0
    """Tasks of the plan, the failed and skipped ones included."""

    failed: int = 0
    skipped: int = 0

    healed: int = 0
    """Tasks that failed first and were repaired."""

    cost_usd: float | None = None
    """What the provider charged; `None` when the price is unknown."""

    duration_s: float = 0.0
    """Wall time of the run."""

    commits: int = 0

    outcome: str = ""
    """The word the run ended with, as `shipped` or `failed`."""

    keywords: tuple[str, ...] = ()
    """What the goal was about, from `keywords_of`."""

    failures: tuple[str, ...] = ()
    """What went wrong, one short reason each."""

    kind: str = "run"
    """`run`, or `demo` for a row that recall and statistics leave out."""

    @property
    def is_demo(self) -> bool:
        """Whether this row only shows the machinery and says nothing of real work."""
        return self.kind == "demo"


class RowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger that was not read as data; it stays in the file as it is."""

    line: int
    """Line number in the file, from 1."""

    reason: str
    """What is wrong with the line, for a person who will repair it."""

    text: str
    """The line itself, cut after 200 characters, with control characters escaped."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one pass over a ledger found."""

    entries: tuple[LedgerEntry, ...] = ()
    """In the order of the file, which is the order of appending."""

    problems: tuple[RowProblem, ...] = ()
