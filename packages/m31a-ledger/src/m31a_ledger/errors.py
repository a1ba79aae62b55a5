"""What can go wrong with a ledger, by what the caller can do about it.

LedgerError
├─ LedgerLocked          another process holds the lock: wait, then try again
├─ LedgerUnavailable     the file cannot be read or written: repair the path, the disk, the rights
└─ UnwritableEntry       the entry cannot be stored without loss: correct the caller
"""

from pathlib import Path


class LedgerError(Exception):
    """The root of all errors of this distribution."""


class LedgerLocked(LedgerError):
    """Another process kept the ledger's lock for longer than the caller was ready to wait."""

    def __init__(self, path: Path, waited_s: float) -> None:
        """Keep the ledger's path and the time spent waiting."""
        super().__init__(
            f"{path} is locked by another process for more than {waited_s:g} s; "
            "nothing was changed, try again when that process has ended"
        )
        self.path = path
        self.waited_s = waited_s


class LedgerUnavailable(LedgerError):
    """The ledger, its folder or its lock could not be read or written."""

    def __init__(self, path: Path, reason: str) -> None:
        """Keep the ledger's path and the reason in words."""
        super().__init__(f"the ledger {path} cannot be used: {reason}")
        self.path = path
        self.reason = reason


class UnwritableEntry(LedgerError):
    """The entry has no form in the table that would be read back as the same entry."""

    def __init__(self, session: str, reason: str) -> None:
        """Keep the entry's session and the reason in words."""
        super().__init__(f"the entry of session {session!r} cannot be written: {reason}")
        self.session = session
        self.reason = reason
