"""From the command line to the app: the first frame stands before the rest is imported."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from m31a.opening import Opening, shortened
from m31a.terminal.session import Session

USAGE, INTERRUPTED = 2, 130


def run_on_screen(words: list[str], *, inline: bool = False) -> int:
    """The app until it is left; the exit code. The terminal is given back whatever happens."""
    session = Session(0, 1, inline=inline or _inline_by_choice(os.environ))
    opening = Opening(session, shortened(Path.cwd(), os.environ))
    typed = b""
    try:
        if not any(word.startswith("-") for word in words):
            opening.begin()
            typed = opening.wait_for(_load)
        return _app(words, session, opening, typed)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as exc:
        from m31a.crash import tell_of_bug

        session.leave()
        return tell_of_bug(exc)
    finally:
        session.leave()


def _inline_by_choice(environ: Mapping[str, str]) -> bool:
    """Whether `[ui] inline` is set; the configuration is read early only where it may be."""
    folder = environ.get("M31A_HOME") or "~/.m31a"
    try:
        named = b"inline" in (Path(folder).expanduser() / "config.toml").read_bytes()
    except (OSError, RuntimeError):
        named = False
    if not named and "M31A_UI_INLINE" not in environ:
        return False
    from m31a_engine import ConfigError, load_config

    try:
        return load_config(Path.cwd(), environ, {}).ui.inline
    except ConfigError:  # told when a run begins
        return False


def _load() -> None:
    """Import what the app needs; it takes longer than people like to wait for a prompt."""
    for module in ("m31a.command_line", "m31a.fullscreen", "m31a.screens.repl"):
        import_module(module)
    import_module("anyio._backends._asyncio")


def _app(words: list[str], session: Session, opening: Opening, typed: bytes) -> int:
    from m31a.command_line import UsageError, wish_of
    from m31a.fullscreen import run_fullscreen

    try:
        wish = wish_of(words)
    except UsageError as exc:
        session.leave()
        print(f"m31a: {exc}", file=sys.stderr)
        return USAGE
    if not session.entered:
        opening.begin()
    return run_fullscreen(replace(wish, inline=session.inline), session, os.environ, typed)
