"""What the key of a provider is called in the environment and in a keychain."""

import re
from typing import Final

from m31a_keychain.errors import BadProviderName

ACCOUNT: Final = "api-key"
"""The account under which a keychain that asks for one keeps the key."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def service_of(provider: str) -> str:
    """The name in a keychain, `m31a/<provider>`.

    Raises:
        BadProviderName: the name could mean something else to a keychain, as `../x` to `pass`.
    """
    return f"m31a/{_checked(provider)}"


def variables_of(provider: str) -> tuple[str, str]:
    """Our own environment variable and the provider's usual one, in the order they are asked.

    Raises:
        BadProviderName: the name has no variable.
    """
    word = _checked(provider).upper().replace("-", "_")
    return f"M31A_{word}_API_KEY", f"{word}_API_KEY"


def _checked(provider: str) -> str:
    if not _NAME.fullmatch(provider):
        raise BadProviderName(provider)
    return provider
