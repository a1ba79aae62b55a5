"""`keys status|set|delete PROVIDER`: API keys in the system's keychain; never an argument."""

import getpass
import os
import sys

from m31a_engine import load_config, secrets_of_system
from m31a_headless.options import Parser, UsageError
from m31a_headless.output import say
from m31a_headless.streams import standard_input


def main(program: str, words: list[str]) -> int:
    """Say where a key comes from, store one, or remove it."""
    parser = Parser(
        prog=f"{program} keys",
        description="API keys in the system's keychain. `set` asks for the key, or takes the first"
        " line of standard input.",
    )
    parser.add_argument("action", choices=["status", "set", "delete"])
    parser.add_argument("provider", nargs="?", default="openrouter", help="default: openrouter")
    given = parser.parse_args(words)
    secrets = secrets_of_system(os.environ)
    match given.action:
        case "status":
            config = load_config(None, os.environ, {})
            line, found = secrets.status(given.provider, config.providers.get(given.provider))
            say(line)
            return 0 if found else 1
        case "delete":
            was = secrets.delete(given.provider)
            say(f"{given.provider}: {'removed' if was else 'there was no key'}")
            return 0 if was else 1
        case _:
            say(secrets.set(given.provider, _typed(given.provider)))
            return 0


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
