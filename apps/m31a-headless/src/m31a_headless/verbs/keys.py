"""`keys status|set|delete PROVIDER`: API keys in the system's keychain; never an argument."""

import getpass
import os
import sys
from collections.abc import Iterable

from m31a_engine import Config, Secrets, load_config, secrets_of_system
from m31a_engine.config import BUILT_IN_PROVIDERS
from m31a_engine.document import as_document
from m31a_headless.options import Parser, UsageError
from m31a_headless.output import say
from m31a_headless.streams import standard_input


def main(program: str, words: list[str]) -> int:
    """Say where a key comes from, store one, or remove it."""
    parser = Parser(
        prog=f"{program} keys",
        description="API keys in the system's keychain. `set` asks for the key, or takes the first"
        " line of standard input. Without a provider, status tells of all, set and delete mean"
        " the chosen one.",
        allow_abbrev=False,
    )
    parser.add_argument("action", choices=["status", "set", "delete"])
    parser.add_argument("provider", nargs="?")
    parser.add_argument("--json", action="store_true", help="status as one JSON document")
    given = parser.parse_args(words)
    secrets = secrets_of_system(os.environ)
    config = load_config(None, os.environ, {})
    provider = given.provider or config.chosen_provider
    match given.action:
        case "status":
            names = [given.provider] if given.provider else (*BUILT_IN_PROVIDERS, *config.providers)
            return _status(secrets, config, dict.fromkeys(names), json=given.json)
        case "delete":
            was = secrets.delete(provider)
            say(f"{provider}: {'removed' if was else 'there was no key'}")
            return 0 if was else 1
        case _:
            say(secrets.set(provider, _typed(provider)))
            return 0


def _status(secrets: Secrets, config: Config, names: Iterable[str], *, json: bool) -> int:
    """Say where each key comes from; 0 when there is one."""
    told = {name: secrets.status(name, config.providers.get(name)) for name in names}
    if json:
        rows = [
            {"provider": name, "found": found, "told": line} for name, (line, found) in told.items()
        ]
        print(as_document(rows), end="")
    else:
        say(*(line for line, _ in told.values()))
    return 0 if any(found for _, found in told.values()) else 1


def _typed(provider: str) -> str:
    """The key as it was typed or piped in."""
    if sys.stdin is not None and sys.stdin.isatty():
        key = getpass.getpass(f"key for {provider} (not shown): ")
    else:
        try:
            key = standard_input().strip().partition("\n")[0]
        except ValueError:
            raise UsageError("the key is not text; nothing was stored") from None
    if not key.strip():
        raise UsageError("the key is empty; nothing was stored")
    return key.strip()
