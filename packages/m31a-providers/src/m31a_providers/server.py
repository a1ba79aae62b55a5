"""Where a model server is and how it wants to be spoken to. No network here."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import msgspec

from m31a_providers.__about__ import __version__
from m31a_providers.errors import BadSetting, UnknownProvider
from m31a_providers.failures import Source
from m31a_providers.models import ModelInfo
from m31a_providers.secret import Scrubber, Secret
from m31a_providers.wire import Kind

TraceHeaders = Literal["loopback", "always", "never"]

TRACE_HEADERS = {"session": "X-M31A-Session", "phase": "X-M31A-Phase", "task": "X-M31A-Task"}
_LOOPBACK = re.compile(r"localhost|.+\.localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3}")
_CHAT_PATHS: Mapping[Kind, str] = {"openai": "/chat/completions", "anthropic": "/messages"}
# What Anthropic charges for its cache, in parts of the price of an input token.
_ANTHROPIC_CACHE_READ, _ANTHROPIC_CACHE_WRITTEN = 0.1, 1.25
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_HEADER_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")


@dataclass(frozen=True, slots=True)
class KnownServer:
    """What is fixed about a provider that people call by its name."""

    base_url: str
    kind: Kind = "openai"
    health_path: str = "/models"
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


KNOWN_SERVERS = {
    "openrouter": KnownServer(
        base_url="https://openrouter.ai/api/v1",
        # The list of models is public; only this address looks at the key.
        health_path="/auth/key",
        headers={"X-Title": "M31A"},
        # Without it the last chunk carries no cost.
        extra={"usage": {"include": True}},
    ),
    "zen": KnownServer(base_url="https://opencode.ai/zen/v1"),
    "anthropic": KnownServer(base_url="https://api.anthropic.com/v1", kind="anthropic"),
}


@dataclass(frozen=True, slots=True)
class Server:
    """One server, ready to be asked."""

    name: str
    base_url: str
    """Without credentials and without a slash at its end."""
    kind: Kind
    chat_url: str
    """Where questions to a model go."""
    models_path: str
    headers: Mapping[str, Secret]
    """Sent with every request; any of them may hold a key."""
    source: Source
    is_loopback: bool
    is_traced: bool
    health_path: str
    extra: Mapping[str, object]
    price: ModelInfo | None
    """Configured prices, which stand for every model."""
    context_tokens: int | None
    has_text_tools: bool

    def source_of(self, url: str) -> Source:
        """The same server, for errors that speak of another of its addresses."""
        return replace(self.source, address=url)

    def with_settings(self, model: ModelInfo) -> ModelInfo:
        """The model as configured: prices and window of the settings above the server's own."""
        if self.price is not None:
            model = msgspec.structs.replace(
                model,
                price_in=self.price.price_in,
                price_out=self.price.price_out,
                price_cached=self.price.price_cached,
                price_cache_written=self.price.price_cache_written,
            )
        if self.context_tokens is not None:
            model = msgspec.structs.replace(model, context_tokens=self.context_tokens)
        return model

    def request_headers(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The headers of one request, in clear."""
        headers = {name: secret.reveal() for name, secret in self.headers.items()}
        if self.is_traced:
            for label, name in TRACE_HEADERS.items():
                if labels.get(label):
                    headers[name] = quote(labels[label], safe=_HEADER_SAFE)
        return headers


def server_for(
    name: str,
    *,
    kind: Kind | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    trace_headers: TraceHeaders = "loopback",
    price_in: float | None = None,
    price_out: float | None = None,
    context: int | None = None,
    text_tools: bool = False,
) -> Server:
    """The server these settings mean.

    Raises:
        UnknownProvider: no built-in server has this name and there is no address.
        BadSetting: the address, key or a header cannot be used.
    """
    known = KNOWN_SERVERS.get(name)
    if base_url is None:
        if known is None:
            raise UnknownProvider(provider=name, known=tuple(KNOWN_SERVERS))
        base_url = known.base_url
    known = known or KnownServer(base_url=base_url)
    kind = kind or known.kind
    address, credentials = _split_address(name, base_url)
    key = (api_key or "").strip()
    sent = _sent(name, kind, known, key, credentials, headers or {})
    is_near = is_loopback(address)
    secrets = (key, *credentials, *(headers or {}).values())
    return Server(
        name=name,
        base_url=address,
        kind=kind,
        chat_url=address + _CHAT_PATHS[kind],
        models_path="/models?limit=1000" if kind == "anthropic" else "/models",
        headers={header: Secret(value) for header, value in sent.items()},
        source=Source(name, address + _CHAT_PATHS[kind], Scrubber.of(secrets)),
        is_loopback=is_near,
        is_traced=trace_headers == "always" or (trace_headers == "loopback" and is_near),
        health_path=known.health_path,
        extra=known.extra,
        price=_price(kind, price_in, price_out),
        context_tokens=context,
        has_text_tools=text_tools,
    )


def is_loopback(base_url: str) -> bool:
    """Whether an address is on this machine: by its whole host, not by how that begins."""
    url = _parsed(base_url)
    return url is not None and bool(_LOOPBACK.fullmatch(url.hostname or ""))


def _sent(
    name: str,
    kind: Kind,
    known: KnownServer,
    key: str,
    credentials: tuple[str, ...],
    more: Mapping[str, str],
) -> dict[str, str]:
    """The headers of every request."""
    sent = {"User-Agent": f"m31a-providers/{__version__}", **known.headers}
    key_header, key_value = "Authorization", f"Bearer {key}"
    if kind == "anthropic":
        sent["anthropic-version"] = "2023-06-01"
        key_header, key_value = "x-api-key", key
    if key:
        sent[key_header] = key_value
    elif credentials:
        sent["Authorization"] = _basic(credentials)
    sent |= more
    for header, value in sent.items():
        if not _HEADER_NAME.fullmatch(header) or not _HEADER_VALUE.fullmatch(value):
            is_key = header == key_header and bool(key)
            raise BadSetting(
                provider=name,
                setting="api_key" if is_key else f"header {header[:40]!r}",
                reason="it holds characters that no header can carry",
            )
    return sent


def _price(kind: Kind, price_in: float | None, price_out: float | None) -> ModelInfo | None:
    if price_in is None and price_out is None:
        return None
    price = ModelInfo(id="", price_in=price_in, price_out=price_out)
    if kind != "anthropic" or price_in is None:
        return price
    return msgspec.structs.replace(
        price,
        price_cached=price_in * _ANTHROPIC_CACHE_READ,
        price_cache_written=price_in * _ANTHROPIC_CACHE_WRITTEN,
    )


def _split_address(name: str, base_url: str) -> tuple[str, tuple[str, ...]]:
    """(address without credentials, the credentials)."""

    def refuse(reason: str) -> BadSetting:
        return BadSetting(provider=name, setting="base_url", reason=reason)

    url = _parsed(base_url)
    if url is None:
        raise refuse("it is no URL")
    if url.scheme not in ("http", "https"):
        raise refuse("it must begin with http:// or https://")
    if not url.hostname:
        raise refuse("it names no host")
    if url.query or url.fragment:
        raise refuse("it must end with the path, without ? or #")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    place = host if url.port is None else f"{host}:{url.port}"
    path = url.path.rstrip("/")
    for end in _CHAT_PATHS.values():
        path = path.removesuffix(end)
    credentials = tuple(unquote(part) for part in (url.username, url.password) if part)
    return urlunsplit((url.scheme, place, path, "", "")), credentials


def _parsed(base_url: str) -> SplitResult | None:
    # No error leaves here: its text may repeat the password that stands before the @.
    try:
        url = urlsplit(base_url.strip())
        _ = url.port
    except ValueError:
        return None
    return url


def _basic(credentials: tuple[str, ...]) -> str:
    user, password = credentials[0], credentials[1] if len(credentials) > 1 else ""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
