"""Whether a D-Bus session bus is there at all, found out without a D-Bus library."""

import re
import socket
from collections.abc import Mapping
from typing import Final

_CONNECT_TIMEOUT_S: Final = 0.05
_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")


def why_no_bus(environ: Mapping[str, str]) -> str | None:
    """The reason why no session bus can be reached, or `None` when something listens there."""
    listed = environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    if not listed:
        return "there is no D-Bus session (DBUS_SESSION_BUS_ADDRESS is not set)"
    addresses = [found for part in listed.split(";") if (found := _socket_address(part))]
    if not addresses:
        return "DBUS_SESSION_BUS_ADDRESS names no local socket"
    # Only the first is tried, as the library that will talk to the bus does.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_TIMEOUT_S)
        try:
            probe.connect(addresses[0])
        except OSError:
            return "nothing listens at DBUS_SESSION_BUS_ADDRESS"
    return None


def _socket_address(part: str) -> str | None:
    """The address for `connect` in one D-Bus address, `None` when it is no local socket."""
    transport, _, rest = part.partition(":")
    if transport != "unix":
        return None
    pairs = dict(pair.partition("=")[::2] for pair in rest.split(","))
    if "abstract" in pairs:
        return "\0" + _unescaped(pairs["abstract"])
    return _unescaped(pairs["path"]) if "path" in pairs else None


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
