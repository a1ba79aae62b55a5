"""Secrets in the operating system's own keychain; the one module that imports keyring.

The backend is named here for each system, not searched for: keyring would take any that is
installed, and some of them write plain text. keyring costs a tenth of a second to import, so that
happens at the first use, and on Linux only when a session bus is there.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from m31a_keychain.bus import why_no_bus
from m31a_keychain.errors import Denied, KeychainError, NoBackend, StoreFailed
from m31a_keychain.names import ACCOUNT, service_of
from m31a_keychain.patience import Patience
from m31a_keychain.secret import Secret, usable
from m31a_keychain.store import StoreStatus, storable

_T = TypeVar("_T")

_SYSTEM_NAME: Final = {"darwin": "macOS Keychain", "win32": "Windows Credential Manager"}.get(
    sys.platform, "Secret Service"
)
_UNLOCK: Final = "unlock it and try again"
_SYSTEM_PATIENCE: Final = Patience()
"""Shared by all stores of the process: the system's keychain hangs for all or for none."""


class PasswordBackend(Protocol):
    """What is used of a keyring backend."""

    @property
    def priority(self) -> float:
        """Any number; raises RuntimeError when the backend cannot be used here."""

    def get_password(self, service: str, username: str) -> str | None:
        """The password, `None` when there is none."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep the password in place of an older one."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget the password."""


class KeyringStore:
    """Keeps secrets in Secret Service, macOS Keychain or Windows Credential Manager."""

    def __init__(self, backend: PasswordBackend | None = None, *, deadline_s: float = 2.0) -> None:
        """Use the system's keychain, or a keyring backend of the caller's choice.

        Nothing is imported or asked before the first call. A call that takes longer than
        `deadline_s` raises `BackendHung`, and so do all further ones at once until it answers.
        """
        self.name = _SYSTEM_NAME if backend is None else type(backend).__name__
        self._backend = backend
        self._deadline_s = deadline_s
        self._patience = _SYSTEM_PATIENCE if backend is None else Patience()

    def get(self, provider: str) -> Secret | None:
        """The provider's key, `None` when the keychain has none.

        Raises:
            NoBackend: there is no keychain, or it hangs.
            Denied: it is locked and was not unlocked.
            StoreFailed: it answered with a failure.
            BadSecret: what is kept there cannot be an API key.
        """
        service = service_of(provider)
        return usable(self._ask(lambda backend: backend.get_password(service, ACCOUNT)) or "")

    def set(self, provider: str, secret: Secret) -> None:
        """Keep the key in place of an older one.

        Raises:
            NoBackend: there is no keychain, or it hangs; then it may or may not keep the key.
            Denied: it is locked and was not unlocked.
            StoreFailed: it answered with a failure.
            BadSecret: it cannot be an API key.
        """
        service = service_of(provider)
        kept = storable(secret)
        self._ask(lambda backend: backend.set_password(service, ACCOUNT, kept.reveal()))

    def delete(self, provider: str) -> bool:
        """Forget the key; False when there was none.

        Raises:
            NoBackend: there is no keychain, or it hangs.
            Denied: it is locked and was not unlocked.
            StoreFailed: it answered with a failure.
        """
        service = service_of(provider)

        def delete(backend: PasswordBackend) -> bool:
            # Backends raise one and the same error for "not there" and for "could not".
            if backend.get_password(service, ACCOUNT) is None:
                return False
            backend.delete_password(service, ACCOUNT)
            return True

        return self._ask(delete)

    def status(self) -> StoreStatus:
        """Whether the keychain can be used now; nobody is asked to unlock it."""
        try:
            self._ask(lambda backend: backend.priority)
        except KeychainError as exc:
            detail = exc.reason if isinstance(exc, NoBackend) else str(exc)
            return StoreStatus(self.name, False, detail)
        return StoreStatus(self.name, True, "kept by the operating system")

    def _ask(self, action: Callable[[PasswordBackend], _T]) -> _T:
        backend = self._backend
        if backend is None:
            if sys.platform == "linux" and (reason := why_no_bus(os.environ)):
                raise NoBackend(self.name, reason)
            backend = self._backend = _system_backend()
        chosen = backend
        answer = self._patience.call(
            lambda: _answer(action, chosen, self.name),
            store=self.name,
            deadline_s=self._deadline_s,
        )
        if isinstance(answer, _Failure):
            raise answer.error
        return answer


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a call came to in its thread; a value, so that no cause and no traceback goes along."""

    error: KeychainError


def _answer(
    action: Callable[[PasswordBackend], _T], backend: PasswordBackend, store: str
) -> _T | _Failure:
    try:
        return action(backend)
    except Exception as exc:  # backends raise whatever the libraries below them raise
        return _Failure(_told(exc, backend, store))


def _told(exc: Exception, backend: PasswordBackend, store: str) -> KeychainError:
    """The failure in our words; a backend's own could hold the secret."""
    from keyring.errors import InitError, KeyringLocked

    if isinstance(exc, KeyringLocked):
        return Denied(store, _UNLOCK)
    try:
        _ = backend.priority
    except Exception as unusable:  # it was given no secret, so its words can be passed on
        return NoBackend(store, str(unusable))
    if isinstance(exc, InitError):
        return Denied(store, _UNLOCK)
    return StoreFailed(store, f"its backend raised {type(exc).__name__}")


def _system_backend() -> PasswordBackend:
    if sys.platform == "darwin":  # pragma: no cover - needs that system
        from keyring.backends.macOS import Keyring as MacKeyring

        return MacKeyring()
    if sys.platform == "win32":  # pragma: no cover - needs that system
        from keyring.backends.Windows import WinVaultKeyring

        return WinVaultKeyring()
    from keyring.backends.SecretService import Keyring as SecretServiceKeyring

    return SecretServiceKeyring()  # type: ignore[no-untyped-call]
