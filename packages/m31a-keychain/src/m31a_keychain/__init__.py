"""API keys from the environment, the operating system's keychain or pass, with the source told."""

from m31a_keychain.__about__ import __version__
from m31a_keychain.choice import default_store
from m31a_keychain.errors import (
    BackendHung,
    BadProviderName,
    BadSecret,
    Denied,
    KeychainError,
    NoBackend,
    StoreFailed,
)
from m31a_keychain.keyring_store import KeyringStore
from m31a_keychain.names import service_of, variables_of
from m31a_keychain.pass_store import PassStore
from m31a_keychain.resolve import Found, Missing, Source, SourceKind, resolve
from m31a_keychain.secret import Secret
from m31a_keychain.store import MemoryStore, NoStore, SecretStore, StoreStatus

__all__ = [
    "BackendHung",
    "BadProviderName",
    "BadSecret",
    "Denied",
    "Found",
    "KeychainError",
    "KeyringStore",
    "MemoryStore",
    "Missing",
    "NoBackend",
    "NoStore",
    "PassStore",
    "Secret",
    "SecretStore",
    "Source",
    "SourceKind",
    "StoreFailed",
    "StoreStatus",
    "__version__",
    "default_store",
    "resolve",
    "service_of",
    "variables_of",
]
