"""The client of model servers: the only module that knows httpx and httpx-sse.

A request goes in, `StreamEvent`s come out; what fails comes out as `ProviderError`. What the
bytes mean is decided in `reply` or `messages_reply`, what a status means in `failures`, whether to
try again in `retry` and `tries`.
"""

import functools
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
import httpx
import httpx_sse

from m31a_providers.causes import cause_of
from m31a_providers.chat_wire import RequestEncoder
from m31a_providers.errors import BadSetting, ProviderError, Stalled, StreamBroken
from m31a_providers.failures import Source
from m31a_providers.finish import finished_message
from m31a_providers.handshake import Handshake
from m31a_providers.messages_reply import MessagesReply
from m31a_providers.messages_wire import MessagesEncoder
from m31a_providers.model_list import read_models
from m31a_providers.models import ModelInfo
from m31a_providers.prefix import PrefixBreak, PrefixWatch
from m31a_providers.provider import Health, HealthStatus, grade
from m31a_providers.reply import Reply
from m31a_providers.reply_body import Limits, ReplyBody
from m31a_providers.requests import ChatRequest
from m31a_providers.retry import Retry, Timeouts
from m31a_providers.server import Server
from m31a_providers.stream import Finished, StreamEvent, ToolCallStarted
from m31a_providers.tries import Tries
from m31a_providers.wire import Encoder, Kind, Reader

_QUESTION_S = 15.0
_HEALTH_S = 10.0
_GRACE_S = 0.25
_REFUSAL_S = 5.0
_MOST_REFUSAL_BYTES = 65_536
# Each byte is one character: events are split as text and decoded as the bytes they were, so
# that broken UTF-8 is an error and not a replacement character in somebody's file.
_BYTES_AS_TEXT = "latin-1"
_EVENT_STREAM = {"content-type": f"text/event-stream; charset={_BYTES_AS_TEXT}"}
_ENCODERS: dict[Kind, Callable[[Mapping[str, object]], Encoder]] = {
    "openai": RequestEncoder,
    "anthropic": MessagesEncoder,
}
_READERS: dict[Kind, Callable[[Source], Reader]] = {"openai": Reply, "anthropic": MessagesReply}


@dataclass(slots=True)
class _Call:
    """One question to the server through all its tries."""

    request: ChatRequest
    body: bytes
    headers: dict[str, str]
    limits: Limits


@dataclass(slots=True)
class ChatClient:
    """One model server; made by `connect`."""

    server: Server
    timeouts: Timeouts
    retry: Retry
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    on_prefix_break: Callable[[PrefixBreak], None] | None = None
    _client: httpx.AsyncClient = field(init=False, repr=False)
    _encoder: Encoder = field(init=False, repr=False)
    _watch: PrefixWatch = field(init=False, repr=False)
    _catalogue: dict[str, ModelInfo] = field(default_factory=dict, init=False, repr=False)
    _has_answered: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Open nothing yet: the client connects when it is first asked."""
        self._encoder = _ENCODERS[self.server.kind](self.server.extra)
        self._watch = PrefixWatch(self._encoder)
        try:
            self._client = httpx.AsyncClient(
                verify=_tls(self.server.base_url),
                trust_env=not self.server.is_loopback,
                follow_redirects=False,
                timeout=httpx.Timeout(None, connect=self.timeouts.connect_s),
                limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=300.0),
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as exc:
            # Proxies and certificates of the environment; SOCKS needs a package of its own.
            reason = str(exc).partition(". ")[0].rstrip(".")
            raise BadSetting(
                provider=self.server.name,
                setting="proxy or certificate (HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE)",
                reason=reason,
            ) from exc

    @property
    def name(self) -> str:
        """What people call the server."""
        return self.server.name

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """The answer as it is written; leaving the context closes what is still open."""
        async with aclosing(self._events(request)) as events:
            yield events

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models on offer; configured prices and window stand above the server's."""
        body = await self.question(self.server.models_path, _QUESTION_S)
        try:
            found = read_models(body)
        except ValueError as exc:
            source = self.server.source_of(f"{self.server.base_url}/models")
            raise source.malformed(str(exc)) from exc
        models = tuple(self.server.with_settings(model) for model in found)
        self._catalogue = {model.id: model for model in models}
        return models

    async def health(self) -> Health:
        """How fast the server answers a small question."""
        began = anyio.current_time()
        try:
            await self.question(self.server.health_path, _HEALTH_S)
        except ProviderError as exc:
            return Health(status=HealthStatus.offline, detail=str(exc))
        latency_ms = (anyio.current_time() - began) * 1000
        return Health(status=grade(latency_ms), latency_ms=latency_ms)

    async def aclose(self) -> None:
        """Close the connections that were kept."""
        await self._client.aclose()

    async def _events(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        if self.on_prefix_break is not None and (found := self._watch.look(request)) is not None:
            self.on_prefix_break(found)
        call = _Call(
            request=request,
            body=self._encoder.encode(request),
            headers={
                "Content-Type": "application/json",
                "Accept": "text/event-stream, application/json",
                # A compressed stream comes in lumps.
                "Accept-Encoding": "identity",
                **self.server.request_headers(request.labels),
            },
            limits=Limits(self.timeouts, total_at=anyio.current_time() + self.timeouts.total_s),
        )
        tries = Tries(self.retry, self.timeouts.total_s, self.sleep, lambda: self._has_answered)
        async with aclosing(tries.events(lambda: self._attempt(call))) as events:
            async for event in events:
                yield event

    async def _attempt(self, call: _Call) -> AsyncGenerator[StreamEvent, None]:
        call.limits.begin()
        reply = _READERS[self.server.kind](self.server.source)
        try:
            async with (
                self._opened(self._chat_request(call), call.limits) as body,
                aclosing(read_events(body, reply)) as events,
            ):
                async for event in events:
                    yield event
        except ProviderError as exc:
            # Whole is whole, whatever became of the connection after it.
            if not (reply.is_ended and isinstance(exc, StreamBroken | Stalled)):
                exc.partial = reply.partial
                raise
        message, recognised = finished_message(
            reply, call.request, self.server, self._catalogue, request_bytes=len(call.body)
        )
        for tool_call in recognised:
            yield ToolCallStarted(id=tool_call.id, name=tool_call.name)
        yield Finished(message=message)

    def _chat_request(self, call: _Call) -> httpx.Request:
        request = self._client.build_request(
            "POST", self.server.chat_url, content=call.body, headers=call.headers
        )
        request.stream = _Body(call.body)
        return request

    async def question(self, path: str, limit_s: float, body: bytes | None = None) -> bytes:
        """The whole answer to a small question, asked once; with a body it is a POST.

        Raises:
            ProviderError: there is no good answer within the limit.
        """
        headers = self.server.request_headers({})
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = self._client.build_request(
            "GET" if body is None else "POST",
            f"{self.server.base_url}{path}",
            headers=headers,
            content=body,
        )
        timeouts = Timeouts(first_token_s=limit_s, silence_s=limit_s, total_s=limit_s)
        limits = Limits(timeouts, total_at=anyio.current_time() + limit_s)
        limits.begin()
        async with self._opened(request, limits) as answer:
            whole = await answer.whole()
            limits.is_ended = True
        return whole

    async def _sent(self, request: httpx.Request, deadline: float) -> httpx.Response | None:
        """The answer's head, None when it does not come in time."""
        handshake = Handshake()
        request.extensions["trace"] = handshake.trace
        response = None
        try:
            with anyio.CancelScope(deadline=deadline):
                response = await self._client.send(request, stream=True)
        finally:
            if response is None:
                await handshake.give_up()
        return response

    @asynccontextmanager
    async def _opened(self, request: httpx.Request, limits: Limits) -> AsyncIterator[ReplyBody]:
        """The body of a good answer; afterwards its connection is free again, or closed."""
        source = self.server.source_of(str(request.url))
        try:
            at = limits.next_at()
            response = await self._sent(request, at)
            if response is None:
                raise source.stalled(*limits.passed(at))
            self._has_answered = True
            pieces = response.aiter_raw()
            try:
                encoding = response.headers.get("content-encoding", "")
                packed = "" if encoding.lower() == "identity" else encoding
                body = ReplyBody(pieces, limits, source, packed)
                await _refuse_unless_good(response, body)
                yield body
            finally:
                await _close(response, pieces, limits)
        except httpx.ConnectTimeout as exc:
            _forget_headers(exc)
            reason = f"no connection within {self.timeouts.connect_s:g} s"
            raise source.unreachable(reason) from exc
        except (httpx.ConnectError, httpx.ProxyError) as exc:
            _forget_headers(exc)
            raise source.unreachable(cause_of(exc)) from exc
        except httpx.TransportError as exc:
            _forget_headers(exc)
            raise source.broken(cause_of(exc)) from exc


def _forget_headers(error: httpx.RequestError) -> None:
    """Leave the key out of what somebody may log with the exception that ours came from."""
    error.request = httpx.Request(error.request.method, error.request.url)


async def read_events(body: ReplyBody, reply: Reader) -> AsyncGenerator[StreamEvent, None]:
    """The deltas in a body, be it a stream or one document; afterwards the reply is whole.

    Raises:
        ProviderError: it is not whole, reports an error, or cannot be read.
    """
    if await body.first_byte() == b"{":
        for event in reply.read_document(await body.whole()):
            yield event
        body.limits.is_ended = True
        return
    async with aclosing(httpx_sse.EventSource(_Framed(body)).aiter_sse()) as frames:
        try:
            async for frame in frames:
                body.unread_bytes = 0
                for event in reply.read_event(frame.event, frame.data.encode(_BYTES_AS_TEXT)):
                    yield event
                body.limits.has_begun = reply.has_begun
                body.limits.is_ended = reply.is_ended
                if reply.is_done:
                    break
        finally:
            # The generators inside httpx end by themselves instead of being left behind.
            body.cut()
            async for _ in frames:
                pass
    if not reply.is_ended:
        is_empty = not body.total_bytes
        raise body.source.broken("it is empty" if is_empty else "it ended in the middle")


class _Body(httpx.AsyncByteStream):
    """A request's body.

    httpx's own is an async generator: when the connection breaks while it is being sent, nobody
    closes it, and trio complains of what the garbage collector finds.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._data)


class _Once(AsyncIterator[bytes]):
    def __init__(self, data: bytes) -> None:
        self._left: bytes | None = data

    async def __anext__(self) -> bytes:
        data, self._left = self._left, None
        if data is None:
            raise StopAsyncIteration
        return data


class _Pieces(httpx.AsyncByteStream):
    """A body with the blank line that a last event may lack."""

    def __init__(self, body: ReplyBody) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._body.read()) is not None:
            yield piece
        yield b"\n\n"


class _Framed(httpx.Response):
    """A body as httpx-sse wants it."""

    def __init__(self, body: ReplyBody) -> None:
        self._pieces = _Pieces(body)
        super().__init__(200, headers=_EVENT_STREAM, stream=self._pieces)

    async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:  # noqa: ARG002
        """The pieces as they come: httpx's own four layers do the same for a third more CPU."""
        async for piece in self._pieces:
            yield piece.decode(_BYTES_AS_TEXT)


@functools.cache
def shared_tls() -> ssl.SSLContext:
    """The one context of this process; making it costs as much as a dozen requests."""
    return httpx.create_ssl_context()


def _tls(base_url: str) -> ssl.SSLContext:
    if base_url.startswith("https:"):
        return shared_tls()
    # Plain http needs none, yet httpx would make one; this one is cheap and trusts nobody.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _refuse_unless_good(response: httpx.Response, body: ReplyBody) -> None:
    if not response.is_success:
        said = b""
        with suppress(ProviderError, httpx.HTTPError), anyio.move_on_after(_REFUSAL_S):
            while len(said) < _MOST_REFUSAL_BYTES and (piece := await body.read()):
                said += piece
        raise body.source.refused(response.status_code, response.headers, said)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/html" or await body.first_byte() == b"<":
        raise body.source.malformed(f"it answered with {kind or 'markup'}")


async def _close(response: httpx.Response, pieces: AsyncIterator[bytes], limits: Limits) -> None:
    """Free the connection for the next request if the rest is at hand, else close it."""
    try:
        if limits.is_ended:
            with anyio.move_on_after(_GRACE_S):
                await _exhaust(pieces)
    finally:
        await response.aclose()
        # Once closed, the generators inside httpx end by themselves.
        await _exhaust(pieces)


async def _exhaust(pieces: AsyncIterator[bytes]) -> None:
    with suppress(httpx.HTTPError, httpx.StreamError):
        async for _ in pieces:
            pass
