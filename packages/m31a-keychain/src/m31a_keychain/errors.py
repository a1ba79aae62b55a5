"""What can go wrong with a keychain, by what the caller can do about it.

KeychainError
├─ NoBackend             nothing here keeps secrets: use a variable, or ask the person
│  └─ BackendHung        something does, and did not answer in time
├─ Denied                it is locked, or the person refused: unlock it, then try again
├─ StoreFailed           it answered with a failure
├─ BadProviderName       a name that cannot stand in a variable or a path: correct the caller
└─ BadSecret             a value that no key has: ask the person to paste it again

No error holds a secret or has a cause that could: backends put what they like into theirs.
"""


class KeychainError(Exception):
    """The root of all errors of this distribution."""


class NoBackend(KeychainError):
    """Nothing on this machine keeps secrets for us."""

    def __init__(self, store: str, reason: str) -> None:
        """Keep the store's name and the reason in words."""
        super().__init__(f"{store} cannot be used: {reason}")
        self.store = store
        self.reason = reason


class BackendHung(NoBackend):
    """The keychain did not answer in time; it is not asked again until it has."""

    def __init__(self, store: str, deadline_s: float) -> None:
        """Keep the store's name and how long it was waited for."""
        super().__init__(store, f"it did not answer within {deadline_s:g} s")
        self.deadline_s = deadline_s


class Denied(KeychainError):
    """The keychain is locked, or the person did not allow the access."""

    def __init__(self, store: str, remedy: str) -> None:
        """Keep the store's name and what the person can do."""
        super().__init__(f"{store} is locked or refused access; {remedy}")
        self.store = store
        self.remedy = remedy


class StoreFailed(KeychainError):
    """The keychain answered with a failure."""

    def __init__(self, store: str, reason: str) -> None:
        """Keep the store's name and the reason in words."""
        super().__init__(f"{store} failed: {reason}")
        self.store = store
        self.reason = reason


class BadProviderName(KeychainError):
    """The name cannot name a provider."""

    def __init__(self, provider: str) -> None:
        """Keep the name."""
        super().__init__(
            f"{provider[:80]!r} is no provider's name: use at most 64 letters, digits, "
            "hyphens and underscores, a letter or digit first"
        )
        self.provider = provider


class BadSecret(KeychainError):
    """The value cannot be an API key; the value itself is not told."""

    def __init__(self, reason: str) -> None:
        """Keep the reason in words."""
        super().__init__(f"this cannot be an API key: {reason}")
        self.reason = reason
