"""Where a provider's API key comes from: asked in a fixed order, and the answer says which."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from m31a_keychain.errors import BadSecret, KeychainError, NoBackend
from m31a_keychain.names import service_of, variables_of
from m31a_keychain.secret import Secret, usable
from m31a_keychain.store import NoStore, SecretStore


class SourceKind(StrEnum):
    """The kinds of places a key can be in."""

    ENVIRONMENT = "environment"
    KEYCHAIN = "keychain"
    CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True)
class Source:
    """A place a key can be in."""

    kind: SourceKind
    name: str
    """The variable, the name in the keychain, or the configuration key."""

    store: str = ""
    """What people call the keychain; empty for the other kinds."""

    def __str__(self) -> str:
        """The place in words."""
        match self.kind:
            case SourceKind.ENVIRONMENT:
                return f"environment variable {self.name}"
            case SourceKind.KEYCHAIN:
                return f"entry {self.name} in {self.store}"
            case SourceKind.CONFIGURATION:
                return f"{self.name} in the configuration"


@dataclass(frozen=True, slots=True)
class Found:
    """The key, and where it was."""

    secret: Secret
    source: Source
    tried: tuple[str, ...] = ()
    """The places asked before, each with the reason why it gave no key."""


@dataclass(frozen=True, slots=True)
class Missing:
    """No place has a key."""

    tried: tuple[str, ...]
    """All places in the order of asking, each with the reason why it gave no key."""


def resolve(
    provider: str,
    *,
    environ: Mapping[str, str],
    store: SecretStore | None,
    configured: str | Secret | None = None,
    variable: str | None = None,
) -> Found | Missing:
    """The API key of `provider` from the first place that has one.

    Asked are `M31A_<PROVIDER>_API_KEY`, `variable` (a name from the configuration), the usual
    `<PROVIDER>_API_KEY`, the keychain, and what the configuration itself holds. Blanks around a
    value are taken off; an empty value is none. A place that fails or holds what cannot be a key
    is passed over and told in `tried`. The keychain is asked only when no variable has a key.

    Raises:
        BadProviderName: the name cannot name a provider.
    """
    tried: list[str] = []
    for source, ask in _places(provider, environ, store, configured, variable):
        try:
            secret = ask()
        except (BadSecret, NoBackend) as exc:
            tried.append(f"{source}: {exc.reason}")
        except KeychainError as exc:
            tried.append(f"{source}: {exc}")
        else:
            if secret is not None:
                return Found(secret, source, tuple(tried))
            tried.append(f"{source}: not set")
    return Missing(tuple(tried))


def _places(
    provider: str,
    environ: Mapping[str, str],
    store: SecretStore | None,
    configured: str | Secret | None,
    variable: str | None,
) -> Iterator[tuple[Source, Callable[[], Secret | None]]]:
    ours, usual = variables_of(provider)
    for name in dict.fromkeys((ours, variable or usual, usual)):
        yield Source(SourceKind.ENVIRONMENT, name), _variable(environ, name)
    keychain = store or NoStore("none is in use")
    yield (
        Source(SourceKind.KEYCHAIN, service_of(provider), keychain.name),
        lambda: keychain.get(provider),
    )
    plain = Secret(configured) if isinstance(configured, str) else configured or Secret("")
    yield (
        Source(SourceKind.CONFIGURATION, f"provider.{provider}.api_key"),
        lambda: usable(plain.reveal()),
    )


def _variable(environ: Mapping[str, str], name: str) -> Callable[[], Secret | None]:
    return lambda: usable(environ.get(name, ""))
