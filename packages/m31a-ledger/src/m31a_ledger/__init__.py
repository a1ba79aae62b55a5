"""A ledger of runs as a Markdown table that people read and programs trust."""

from m31a_ledger.__about__ import __version__
from m31a_ledger.entry import LedgerEntry, Reading, RowProblem
from m31a_ledger.errors import LedgerError, LedgerLocked, LedgerUnavailable, UnwritableEntry
from m31a_ledger.recall import keywords_of, recall
from m31a_ledger.stats import Group, LedgerStats, ModelRecord, Tally, summarise
from m31a_ledger.store import LedgerStore

__all__ = [
    "Group",
    "LedgerEntry",
    "LedgerError",
    "LedgerLocked",
    "LedgerStats",
    "LedgerStore",
    "LedgerUnavailable",
    "ModelRecord",
    "Reading",
    "RowProblem",
    "Tally",
    "UnwritableEntry",
    "__version__",
    "keywords_of",
    "recall",
    "summarise",
]
