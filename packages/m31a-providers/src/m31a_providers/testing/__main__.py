"""`python -m m31a_providers.testing SCRIPT --port N`: a scripted model for another process."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from m31a_providers.script import Script
from m31a_providers.testing.model_server import ModelServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Play a script until SIGINT or SIGTERM; 1 when a request found no rule."""
    parser = argparse.ArgumentParser(
        prog="python -m m31a_providers.testing",
        description="A chat-completions server on loopback that plays a script.",
    )
    parser.add_argument("script", type=Path, help="a JSON or TOML file of rules")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--log", type=Path, help="write one line of JSON for each request")
    options = parser.parse_args(arguments)
    try:
        script = Script.load(options.script)
    except (OSError, ValueError) as exc:
        sys.stderr.write(f"{options.script}: {exc}\n")
        return 2
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = ModelServer(script, port=options.port, check=False, keep_bodies=False, log=options.log)
    with server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        ended.wait()
    for asked in server.unmatched:
        sys.stderr.write(f"no rule for {asked}\n")
    return 1 if server.unmatched else 0


if __name__ == "__main__":
    raise SystemExit(main())
