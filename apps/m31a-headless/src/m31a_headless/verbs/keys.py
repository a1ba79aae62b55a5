"""`keys status|set|delete PROVIDER`: API keys in the system's keychain; never an argument."""

import getpass
import os
import sys

from m31a_engine import secrets_of_system
from m31a_headless.options import Parser, UsageError


def main(program: str, words: list[str]) -> int:
    """Say where a key comes from, store one, or remove it."""
    parser = Parser(prog=f"{program} keys", description="API keys in the system's keychain.")
    parser.add_argument("action", choices=["status", "set", "delete"])
    parser.add_argument("provider", nargs="?", default="openrouter")
    given = parser.parse_args(words)
    secrets = secrets_of_system(os.environ)
    if given.action == "status":
        line, found = secrets.status(given.provider)
        print(line)
        return 0 if found else 1
    if given.action == "delete":
        return 0 if secrets.delete(given.provider) else 1
    if sys.stdin.isatty():
        key = getpass.getpass(f"key for {given.provider} (not shown): ")
    else:
        key = sys.stdin.readline()
    if not key.strip():
        raise UsageError("the key is empty; nothing was stored")
    print(secrets.set(given.provider, key.strip()))
    return 0
