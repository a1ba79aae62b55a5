"""The face of everything that keeps secrets, and the two stores that need no other program."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol

from m31a_keychain.errors import BadSecret, NoBackend
from m31a_keychain.names import service_of
from m31a_keychain.secret import Secret, usable


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Whether a store can be used, for people."""

    store: str
    """What it is called, as `Secret Service`."""

    is_available: bool
    detail: str
    """Why it cannot be used, or where it keeps its secrets."""


class SecretStore(Protocol):
    """Keeps one secret a provider under the name `m31a/<provider>`.

    All methods are blocking and may raise any `KeychainError`; `status` raises none.
    """

    @property
    def name(self) -> str:
        """What people call this store."""

    def get(self, provider: str) -> Secret | None:
        """The provider's key, `None` when the store has none."""

    def set(self, provider: str, secret: Secret) -> None:
        """Keep the key in place of an older one."""

    def delete(self, provider: str) -> bool:
        """Forget the key; False when there was none."""

    def status(self) -> StoreStatus:
        """Whether the store can be used now, without asking the person for anything."""


class MemoryStore:
    """Keeps secrets until the process ends; for tests, and for people who want nothing kept."""

    name = "memory"

    def __init__(self, secrets: Mapping[str, Secret] | None = None) -> None:
        """Begin with these secrets by provider."""
        self._secrets: dict[str, Secret] = {}
        for provider, secret in (secrets or {}).items():
            self.set(provider, secret)

    def get(self, provider: str) -> Secret | None:
        """The provider's key, `None` when there is none."""
        return self._secrets.get(service_of(provider))

    def set(self, provider: str, secret: Secret) -> None:
        """Keep the key in place of an older one.

        Raises:
            BadSecret: it cannot be an API key.
        """
        self._secrets[service_of(provider)] = storable(secret)

    def delete(self, provider: str) -> bool:
        """Forget the key; False when there was none."""
        return self._secrets.pop(service_of(provider), None) is not None

    def status(self) -> StoreStatus:
        """Always available."""
        return StoreStatus(self.name, True, "kept until the program ends")


class NoStore:
    """Stands where no keychain works: it keeps nothing and says why."""

    name = "the keychain"

    def __init__(self, reason: str) -> None:
        """Keep the reason in words."""
        self.reason = reason

    def get(self, provider: str) -> NoReturn:  # noqa: ARG002
        """Raise `NoBackend` with the reason."""
        raise NoBackend(self.name, self.reason)

    def set(self, provider: str, secret: Secret) -> NoReturn:  # noqa: ARG002
        """Raise `NoBackend` with the reason."""
        raise NoBackend(self.name, self.reason)

    def delete(self, provider: str) -> NoReturn:  # noqa: ARG002
        """Raise `NoBackend` with the reason."""
        raise NoBackend(self.name, self.reason)

    def status(self) -> StoreStatus:
        """Never available."""
        return StoreStatus(self.name, False, self.reason)


def storable(secret: Secret) -> Secret:
    """The secret as it is kept, without the blanks around it.

    Raises:
        BadSecret: it is empty or cannot be an API key.
    """
    found = usable(secret.reveal())
    if found is None:
        raise BadSecret("it is empty")
    return found
