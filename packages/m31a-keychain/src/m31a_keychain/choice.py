"""Which store this machine offers."""

import sys

from m31a_keychain.keyring_store import KeyringStore
from m31a_keychain.pass_store import PassStore
from m31a_keychain.store import NoStore, SecretStore


def default_store(*, deadline_s: float = 2.0) -> SecretStore:
    """The system's keychain; on Linux `pass` when there is no Secret Service; else a `NoStore`.

    Without a session bus the answer takes milliseconds, with one that hangs `deadline_s`, once in
    a process. Nothing is ever kept in plain text instead: a `NoStore` says what is missing, and
    the caller decides.
    """
    system = KeyringStore(deadline_s=deadline_s)
    found = system.status()
    if found.is_available or sys.platform != "linux":
        return system
    second = PassStore()
    found_second = second.status()
    if found_second.is_available:
        return second
    return NoStore(f"{found.store}: {found.detail}; {found_second.store}: {found_second.detail}")
