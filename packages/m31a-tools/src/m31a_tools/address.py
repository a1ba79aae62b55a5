"""Web addresses that may be fetched: public hosts by http or https, whatever the spelling.

An address is refused unless it is plain: what two programs could read differently (short or octal
numbers, backslashes, credentials, control characters) is not decoded but refused. A name is
resolved once and every answer must be public; who connects uses `CheckedAddress.ips`, so that a
name that changes its mind between the check and the connection gains nothing.
"""

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from m31a_tools.errors import BlockedAddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Sequence[str]]
"""The addresses of a host name, as text. Raises OSError when there are none."""

PORTS = frozenset({80, 443, 8080, 8443})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST = 4096
_MOST_ANSWERS = 64

_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d+(?:[/?#]|$))", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\\]")
# Letters that the two standards of international names encode differently.
_DEVIATING = frozenset("\u00df\u03c2\u1e9e\u200c\u200d")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"

_INTERNAL = frozenset(
    {
        *("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp"),
        *("private", "home.arpa", "onion", "test", "invalid"),
    }
)
"""Names, and all below them, that never mean a public host."""


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """An address that may be fetched, and where to connect for it."""

    scheme: str
    host: str
    """In ASCII and lower case; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query."""
    ips: tuple[str, ...]
    """Connect to one of these, with `host` as the name that the server must prove."""

    @property
    def url(self) -> str:
        """The address in ASCII, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def resolve_host(host: str) -> tuple[str, ...]:
    """The system's answers, each once, in its order. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_url(
    url: str,
    resolve: Resolve = resolve_host,
    *,
    permit: Collection[tuple[str, int]] = (),
) -> CheckedAddress:
    """The address, checked, and where to connect for it; asks the network for names.

    Without a scheme it is taken for https. `permit` names (ip, port) pairs that may be reached
    although they are not public. Raises BlockedAddress with the reason.
    """
    scheme, host, port, target = split_url(url)
    ip = _literal(host)
    answers = _answers(url, host, resolve) if ip is None else [ip]
    for answer in answers:
        if (str(answer), port) not in permit:
            _require_public(url, host, answer)
    if port not in PORTS and any((str(answer), port) not in permit for answer in answers):
        raise BlockedAddress(url, f"port {port} is none of {', '.join(map(str, sorted(PORTS)))}")
    ips = tuple(str(answer) for answer in answers)
    return CheckedAddress(scheme=scheme, host=host, port=port, target=target, ips=ips)


def split_url(url: str) -> tuple[str, str, int, str]:
    """Scheme, ASCII host, port and target of the address; asks nobody. Raises BlockedAddress."""
    if len(url) > _LONGEST:
        raise BlockedAddress(url[:100], f"it is longer than {_LONGEST} characters")
    if _UNSEEN.search(url):
        raise BlockedAddress(url, "it has blanks, backslashes or characters that nobody sees")
    if not _HAS_SCHEME.match(url):
        url = f"https://{url.removeprefix('//')}"
    parts = _ABSOLUTE.fullmatch(url)
    if parts is None:
        raise BlockedAddress(url, "only addresses of the form https://host/path are fetched")
    scheme, authority, path, query = parts[1].lower(), parts[2], parts[3], parts[4] or ""
    if "@" in authority:
        raise BlockedAddress(url, "it has a user name or password in it")
    host, port = _host_and_port(url, authority, _DEFAULT_PORTS[scheme])
    try:
        target = quote(path or "/", safe=_PATH_SAFE) + quote(query, safe=_PATH_SAFE + "?")
    except UnicodeEncodeError as exc:
        raise BlockedAddress(ascii(url), "it has half of a character") from exc
    return scheme, host, port, target


def _host_and_port(url: str, authority: str, default: int) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", authority)
    if bracketed is not None:
        host, port = bracketed[1], bracketed[2]
        if not re.fullmatch(r"[0-9A-Fa-f:.]+", host):
            raise BlockedAddress(url, f"{host!r} is no IPv6 address")
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError as exc:
            raise BlockedAddress(url, f"{host!r} is no IPv6 address") from exc
    else:
        host, _, port = authority.partition(":") if ":" in authority else (authority, "", None)
        host = _ascii_host(url, host)
    if port is None:
        return host, default
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        raise BlockedAddress(url, f"{port!r} is no port")
    return host, int(port)


def _ascii_host(url: str, host: str) -> str:
    """The host's name in ASCII and lower case; of numbers, only those written in full."""
    if not host.isascii():
        host = _encoded(url, host)
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise BlockedAddress(url, f"{host!r} is no host's name")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as exc:
            raise BlockedAddress(url, "numbers as a host are four, written in full") from exc
    if any(".".join(labels[i:]) in _INTERNAL for i in range(len(labels))):
        raise BlockedAddress(url, f"{host!r} is a name of private networks")
    if len(labels) == 1:
        raise BlockedAddress(url, f"{host!r} has no domain, so it is a name of this network")
    return host


def _encoded(url: str, host: str) -> str:
    """An international name in ASCII; look-alikes of ASCII letters and digits are refused."""
    lower = host.lower()
    if unicodedata.normalize("NFKC", lower) != lower or _DEVIATING & set(host):
        raise BlockedAddress(url, "its host is written in characters that stand for others")
    try:
        return lower.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise BlockedAddress(url, f"{host!r} is no host's name") from exc


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _answers(url: str, host: str, resolve: Resolve) -> list[IPAddress]:
    try:
        found = resolve(host)
    except (OSError, UnicodeError) as exc:
        raise BlockedAddress(url, f"{host!r} is not found") from exc
    if not 0 < len(found) <= _MOST_ANSWERS:
        raise BlockedAddress(url, f"{host!r} is not found")
    try:
        return [ipaddress.ip_address(text) for text in found]
    except ValueError as exc:
        raise BlockedAddress(url, f"{host!r} leads to no address") from exc


def _require_public(url: str, host: str, ip: IPAddress) -> None:
    from m31a_tools.public_networks import is_public  # its tables take longer than the check

    if not is_public(ip):
        leads = "" if host == str(ip) else f"{host!r} leads to "
        raise BlockedAddress(url, f"{leads}{ip}, which is no public address")
