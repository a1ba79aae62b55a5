"""`config show|check|path|set|unset`: what is in force, where it comes from, and changing it."""

import json
import os

from m31a_engine import home_folder, shown
from m31a_engine.desk.settings import Settings
from m31a_headless.looking import Looking, looking_at
from m31a_headless.options import UsageError
from m31a_headless.output import say


def main(program: str, words: list[str]) -> int:
    """Show the configuration with sources, check it, or change a key of the user file."""
    parser = looking_at(
        program,
        "config",
        "The configuration in force, with sources. set and unset change one key of your own file"
        " and leave the rest of it as it is; keys of providers are kept by `keys set` instead.",
        "[show | check | path | set KEY VALUE | unset KEY]",
    )
    actions = ["show", "check", "path", "set", "unset"]
    parser.add_argument("action", nargs="?", choices=actions, default="show")
    parser.add_argument("key", nargs="?", help="as features.max_turns")
    parser.add_argument("value", nargs="?", help="lists are written with commas")
    look = Looking.of(parser, words)
    given = look.given
    if given.action in {"set", "unset"}:
        return _change(given.action, given.key, given.value)
    if given.key:
        raise UsageError(f"config {given.action} takes no key")
    if given.action == "path":
        say(str(Settings(home_folder(os.environ)).file))
        return 0
    config = look.desk().config
    if given.action == "check":
        say(*(f"ignored: {sentence}" for sentence in config.ignored))
        say("the configuration can be used")
        return 0
    rows = shown(config)
    if look.json:
        sources = {key: config.sources.get(key, "default") for key in rows}
        look.print({key: {"value": rows[key], "source": sources[key]} for key in rows})
        return 0
    for key, value in rows.items():
        text = json.dumps(value, ensure_ascii=False)
        say(f"{key} = {text}    # {config.sources.get(key, 'default')}")
    return 0


def _change(action: str, key: str | None, value: str | None) -> int:
    """Set or take out one key; 1 when it was not there to be taken out."""
    settings = Settings(home_folder(os.environ))
    if not key or (value is None) is (action == "set"):
        raise UsageError("write: config set KEY VALUE, or: config unset KEY")
    if value is None:
        gone = settings.unset(key)
        say(f"{key} is not set any more" if gone else f"{key} is not set in {settings.file}")
        return 0 if gone else 1
    kept = settings.set(key, value)
    say(f"{key} = {json.dumps(kept, ensure_ascii=False)}")
    return 0
