"""A real HTTP server on loopback that plays a script. Blocking, in threads of its own.

It speaks chat completions at `/v1/chat/completions` and Anthropic's Messages at `/v1/messages`.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from m31a_providers.script import Playback, Reply, Rule, Script
from m31a_providers.testing.http_wire import (
    LAST_CHUNK,
    BadRequest,
    HttpRequest,
    RequestReader,
    answer_head,
    chunk,
    whole_answer,
)
from m31a_providers.testing.messages_payloads import message_document, message_events
from m31a_providers.testing.payloads import document, event_payloads
from m31a_providers.testing.seen import RequestSeen, seen

_JSON = {"Content-Type": "application/json"}
_MESSAGES = "/messages"
_EVENTS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}


class UnmatchedRequests(AssertionError):
    """Requests came that no rule of the script is for."""


class ModelServer:
    """`with ModelServer(script) as server:` plays the script at `server.base_url`.

    Leaving the context closes every socket, ends every thread, and raises `UnmatchedRequests`
    if a request found no rule (that request was answered with status 500 and the reason).
    """

    def __init__(
        self,
        script: Script | Iterable[Rule | Reply | str],
        *,
        port: int = 0,
        check: bool = True,
        keep_bodies: bool = True,
        log: Path | None = None,
    ) -> None:
        """Nothing is opened before the context is entered.

        Args:
            script: rules; bare answers and texts are used once each, in order.
            port: 0 takes a free one.
            check: raise for unmatched requests at the end.
            keep_bodies: keep each request's body in the log.
            log: a file that gets one line of JSON for each request.
        """
        self.script = Script.of(script)
        self.unmatched: list[str] = []
        """The requests that no rule was for, in words."""
        self.connections = 0
        """How many were made so far."""
        self._playback = Playback(self.script.rules)
        self._port, self._check = port, check
        self._keep_bodies, self._log = keep_bodies, log
        self._requests: list[RequestSeen] = []
        self._shut: set[str] = set()
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._is_closing = False
        self._connections: dict[socket.socket, threading.Thread] = {}

    def __enter__(self) -> Self:
        """Listen and answer."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="model-server")
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything; the error of the block, if any, goes first."""
        self._close()
        if self._check and kind is None:
            self.check()

    @property
    def base_url(self) -> str:
        """The address a client is given."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> tuple[RequestSeen, ...]:
        """The chat requests so far, in order."""
        with self._changed:
            return tuple(self._requests)

    def check(self) -> None:
        """Raise `UnmatchedRequests` if there were any."""
        if self.unmatched:
            raise UnmatchedRequests("no rule for " + "; ".join(self.unmatched))

    def hold(self, name: str) -> None:
        """From now on answers with `hold=name` wait."""
        with self._changed:
            self._shut.add(name)

    def release(self, name: str) -> None:
        """Let them go on."""
        with self._changed:
            self._shut.discard(name)
            self._changed.notify_all()

    def wait_held(self, name: str, timeout_s: float = 5.0) -> None:
        """Return when an answer waits there. Raises TimeoutError."""
        self._wait(lambda: name in self._waiting, f"no answer waits at {name!r}", timeout_s)

    def wait_requests(self, count: int, timeout_s: float = 5.0) -> None:
        """Return when so many chat requests have come. Raises TimeoutError."""
        self._wait(lambda: len(self._requests) >= count, f"fewer than {count} requests", timeout_s)

    def _wait(self, is_so: Callable[[], bool], otherwise: str, timeout_s: float) -> None:
        with self._changed:
            if not self._changed.wait_for(is_so, timeout_s):
                raise TimeoutError(f"{otherwise} after {timeout_s:g} s")

    def _close(self) -> None:
        with self._changed:
            self._is_closing = True
            self._shut.clear()
            self._changed.notify_all()
        # A thread in accept() is woken by a visitor on every system, by close() on few.
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        self._accepting.join()
        self._listener.close()
        with self._changed:
            connections = dict(self._connections)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                if self._is_closing:
                    connection.close()
                    return
                thread = threading.Thread(
                    target=self._serve, args=(connection,), name="model-server-connection"
                )
                self._connections[connection] = thread
                self.connections += 1
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        reader = RequestReader(connection)
        try:
            while (request := reader.next()) is not None:
                if not self._answer(connection, request):
                    break
        except BadRequest as exc:
            with suppress(OSError):
                connection.sendall(whole_answer(400, _JSON, _error_body(str(exc), 400)))
        except OSError:
            pass  # The client went away, which is its right.
        finally:
            # While it is in the table, whoever closes the server waits for this thread.
            connection.close()
            with self._changed:
                self._connections.pop(connection, None)

    def _answer(self, connection: socket.socket, request: HttpRequest) -> bool:
        """Whether the connection may be used again."""
        path = request.path.partition("?")[0].removeprefix("/v1")
        if request.method == "POST" and path in ("/chat/completions", _MESSAGES):
            return self._chat(connection, request)
        status, body = 404, _error_body(f"nothing at {request.path}", 404)
        if request.method == "GET" and path in ("/models", "/health"):
            status, body = 200, self._models() if path == "/models" else b'{"status":"ok"}'
        connection.sendall(whole_answer(status, _JSON, body))
        return True

    def _models(self) -> bytes:
        entry: dict[str, object] = {"object": "model", "created": 0, "owned_by": "script"}
        if self.script.context_tokens is not None:
            entry["context_length"] = self.script.context_tokens
        models = [{"id": name, **entry} for name in self.script.models]
        return msgspec.json.encode({"object": "list", "data": models})

    def _chat(self, connection: socket.socket, request: HttpRequest) -> bool:
        began_ns = time.monotonic_ns()
        with self._changed:
            order = len(self._requests) + 1
            try:
                entry = seen(request, order=order, began_ns=began_ns, keep_body=self._keep_bodies)
            except ValueError as exc:
                raise BadRequest(f"no chat request: {exc}") from exc
            entry.rule = self._playback.choose(entry.asked)
            self._requests.append(entry)
            if entry.rule is None:
                self.unmatched.append(str(entry.asked))
            self._changed.notify_all()
        try:
            if entry.rule is None:
                return _refuse_unmatched(connection, entry)
            reply = self._playback.rules[entry.rule].reply
            return self._play(connection, entry, reply)
        finally:
            entry.ended_ns = time.monotonic_ns()
            self._write_log(entry)

    def _play(self, connection: socket.socket, entry: RequestSeen, reply: Reply) -> bool:
        self._pause(reply.first_delay_ms)
        if reply.hold is not None:
            self._wait_at(reply.hold)
        entry.status = reply.status
        if reply.status != 200 and reply.raw is None:
            body = _error_body(reply.error or "scripted", reply.status)
            connection.sendall(whole_answer(reply.status, {**_JSON, **reply.headers}, body))
        elif reply.plain_json or not (entry.wants_stream or reply.raw is not None):
            make = message_document if entry.path.endswith(_MESSAGES) else document
            body = make(reply, model=entry.model, turn=entry.turn, request_bytes=entry.body_bytes)
            connection.sendall(whole_answer(200, {**_JSON, **reply.headers}, body))
        elif not self._stream(connection, entry, reply):
            return False
        entry.finished = True
        return True

    def _stream(self, connection: socket.socket, entry: RequestSeen, reply: Reply) -> bool:
        headers = {**_EVENTS, "Transfer-Encoding": "chunked", **reply.headers}
        head = answer_head(reply.status, headers)
        if reply.raw is not None:
            pieces = [reply.raw] if reply.raw else []
        else:
            pieces = _events(entry, reply)
        is_broken = reply.break_after is not None
        pieces = [chunk(piece) for piece in pieces[: reply.break_after]]
        if reply.flush == "all":
            pieces = [b"".join(pieces)]
        connection.sendall(head)
        for piece in pieces:
            connection.sendall(piece)
            self._pause(reply.delay_ms)
        if is_broken:
            return False
        connection.sendall(LAST_CHUNK)
        return True

    def _pause(self, delay_ms: float) -> None:
        if delay_ms:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closing, delay_ms / 1000)

    def _wait_at(self, name: str) -> None:
        with self._changed:
            self._waiting.add(name)
            self._changed.notify_all()
            self._changed.wait_for(lambda: name not in self._shut)
            self._waiting.discard(name)

    def _write_log(self, entry: RequestSeen) -> None:
        if self._log is not None:
            with self._changed, self._log.open("ab") as file:
                file.write(entry.log_line() + b"\n")


def _events(entry: RequestSeen, reply: Reply) -> list[bytes]:
    """The events of a streamed answer, as the address that was asked speaks."""
    turn, request_bytes = entry.turn, entry.body_bytes
    if not entry.path.endswith(_MESSAGES):
        payloads = event_payloads(reply, model=entry.model, turn=turn, request_bytes=request_bytes)
        return [b"data: %b\n\n" % payload for payload in payloads]
    events = message_events(reply, model=entry.model, turn=turn, request_bytes=request_bytes)
    return [b"event: %b\ndata: %b\n\n" % (name.encode(), data) for name, data in events]


def _refuse_unmatched(connection: socket.socket, entry: RequestSeen) -> bool:
    entry.status = 500
    body = _error_body(f"the script has no rule for {entry.asked}", 500)
    # Asking again would find no rule either.
    connection.sendall(whole_answer(500, {**_JSON, "X-Should-Retry": "false"}, body))
    entry.finished = True
    return True


def _error_body(message: str, code: int) -> bytes:
    return msgspec.json.encode({"error": {"message": message, "code": code}})
