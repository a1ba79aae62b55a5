"""What servers and networks do wrong: each ends in its own error, in time, with nothing left."""

import gzip
import logging
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import httpx
import pytest

from m31a_providers import (
    ChatRequest,
    FallbackProvider,
    Finished,
    MalformedReply,
    OutOfCredit,
    Provider,
    ProviderError,
    RateLimited,
    Recorder,
    RequestRejected,
    Restarted,
    Retry,
    Stalled,
    StreamBroken,
    Switch,
    TextDelta,
    Timeouts,
    Unauthorized,
    Unavailable,
    Unreachable,
    UserMessage,
    WindowExceeded,
    connect,
    fold,
    load_catalogue,
)
from m31a_providers.testing import ModelServer, Reply, Rule, Script

pytestmark = pytest.mark.anyio

KEY = "sk-planted-0123456789abcdef"
HELLO = ChatRequest(model="m", messages=(UserMessage(text="hello"),))
ONCE = Retry(attempts=1)
TEXT = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'


BOMB = gzip.compress(b"x" * 2**25)


@pytest.fixture(autouse=True)
async def nothing_is_left_behind() -> AsyncIterator[None]:
    """After each fault there are no more tasks and no more sockets than before."""
    tasks, sockets = len(anyio.get_running_tasks()), open_sockets()
    yield
    assert len(anyio.get_running_tasks()) <= tasks
    assert open_sockets() <= sockets


def open_sockets() -> set[str]:
    """The sockets of this process by their names, where the system shows them."""
    folder = Path("/proc/self/fd")
    found = set()
    for entry in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):
            found.add(str(entry.readlink()))
    return {name for name in found if name.startswith("socket:")}


async def failure_of(provider: Provider) -> ProviderError:
    with anyio.fail_after(10), pytest.raises(ProviderError) as caught:
        async with provider.stream(HELLO) as events:
            await fold(events)
    await provider.aclose()
    return caught.value


async def failure_from(reply: Reply, timeouts: Timeouts = Timeouts()) -> ProviderError:  # noqa: B008
    with ModelServer([reply]) as server:
        return await failure_of(
            connect("local", base_url=server.base_url, retry=ONCE, timeouts=timeouts)
        )


@contextmanager
def raw_server(
    answer: bytes | None, *, drips: int = 0, tls: ssl.SSLContext | None = None, resets: bool = False
) -> Iterator[str]:
    """An address where each connection gets these bytes and no more; `None` resets it.

    With `drips` the bytes come again and again, a few milliseconds apart; with `resets` it is
    reset after them.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                if ended.is_set():
                    return
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                connection.recv(65536)
                if answer is None or resets:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                if answer is None:
                    continue
                connection.sendall(answer)
                for _ in range(drips):
                    if ended.wait(0.01):
                        break
                    connection.sendall(b": still here\n\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        ended.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join()
        listener.close()


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        *(f"{name.replace('_', '-')}: {headers[name]}" for name in headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_a_refused_connection_is_given_up_within_a_second_of_waiting() -> None:
    with ModelServer([]) as server:
        pass
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    retry = Retry(random=lambda: 0.2)
    error = await failure_of(connect("local", base_url=server.base_url, retry=retry, sleep=wait))
    assert isinstance(error, Unreachable)
    assert error.reason == "connection refused"
    assert server.base_url in str(error)
    assert waits == pytest.approx([0.1, 0.2, 0.4])


async def test_a_refused_connection_without_patience_is_an_error_at_once() -> None:
    with ModelServer([]) as server:
        pass
    provider = connect("local", base_url=server.base_url, retry=Retry(unreachable_s=0))
    assert isinstance(await failure_of(provider), Unreachable)


async def test_a_server_that_answered_before_is_waited_for_longer() -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    with ModelServer(["Hi"]) as server:
        provider = connect(
            "local",
            base_url=server.base_url,
            retry=Retry(unreachable_s=0, random=lambda: 1.0),
            sleep=wait,
        )
        async with provider.stream(HELLO) as events:
            await fold(events)
    assert isinstance(await failure_of(provider), Unreachable | StreamBroken)
    assert waits == [0.5, 1.0, 2.0]


async def test_a_name_that_does_not_exist_is_unreachable() -> None:
    provider = connect("local", base_url="http://no-such-host.invalid/v1", retry=ONCE)
    error = await failure_of(provider)
    assert isinstance(error, Unreachable)
    assert "name" in error.reason


async def test_a_reset_before_the_answer_is_a_broken_stream() -> None:
    with raw_server(None) as base_url:
        error = await failure_of(connect("local", base_url=base_url, retry=ONCE))
    assert isinstance(error, StreamBroken)


@pytest.mark.parametrize("is_left", [False, True])
async def test_a_handshake_that_is_not_answered_is_left_with_its_connection(is_left: bool) -> None:
    """Whoever waits gives up, or is cancelled; the server sees the end at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked, ended = threading.Event(), threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while connection.recv(4096):
                asked.set()
        ended.set()

    server = threading.Thread(target=serve)
    server.start()
    timeouts = Timeouts(first_token_s=60.0 if is_left else 0.2)
    address = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
    provider = connect("local", base_url=address, retry=ONCE, timeouts=timeouts)
    with anyio.fail_after(10):
        if is_left:
            async with anyio.create_task_group() as group:
                group.start_soon(failure_of, provider)
                await anyio.to_thread.run_sync(asked.wait, 5)
                group.cancel_scope.cancel()
        else:
            assert isinstance(await failure_of(provider), Stalled)
        assert await anyio.to_thread.run_sync(ended.wait, 5)
        await provider.aclose()
    server.join()
    listener.close()


async def test_https_to_a_server_without_it_is_unreachable() -> None:
    with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as base_url:
        address = base_url.replace("http:", "https:")
        error = await failure_of(connect("local", base_url=address, retry=ONCE))
    assert isinstance(error, Unreachable)
    assert error.reason.startswith("TLS: ")


@pytest.fixture
def own_certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server's certificate that nobody has signed but itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so there is no certificate to refuse")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate}"
    argv = ["openssl", *words.split(), "-subj", "/CN=localhost"]
    subprocess.run(argv, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    own_certificate: ssl.SSLContext,
) -> None:
    with raw_server(head() + TEXT, tls=own_certificate) as base_url:
        address = base_url.replace("http://127.0.0.1", "https://localhost")
        error = await failure_of(connect("local", base_url=address, api_key=KEY, retry=ONCE))
    assert isinstance(error, Unreachable)
    assert error.reason == "TLS: self-signed certificate"


PIECES = (
    *(b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n' % number for number in range(6)),
    b'data: {"choices":[{"delta":{"tool_calls":[{"id":"c","function":{"name":"f"}}]}}]}\n\n',
    b'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n',
    b"data: [DONE]\n\n",
)
ENDED_AT = 8
"""So many of them make a whole message."""


@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
async def test_a_connection_lost_after_any_piece_is_told_with_what_had_come(resets: bool) -> None:
    begun = head(Content_Type="text/event-stream", Content_Length="99999")
    for sent in range(len(PIECES) + 1):
        with raw_server(begun + b"".join(PIECES[:sent]), resets=resets) as base_url:
            provider = connect("local", base_url=base_url, retry=ONCE)
            broken = whole = None
            try:
                with anyio.fail_after(10):
                    async with provider.stream(HELLO) as events:
                        whole = await fold(events)
            except StreamBroken as exc:
                broken = exc
            await provider.aclose()
        if whole is not None:
            assert sent >= ENDED_AT
            assert (whole.text, [call.name for call in whole.tool_calls]) == ("012345", ["f"])
        elif resets:
            # A reset may overtake what was sent before it.
            assert broken is not None
            assert "012345"[:sent].startswith(broken.partial)
        else:
            assert broken is not None
            assert (sent < ENDED_AT, broken.partial) == (True, "012345"[:sent])


async def test_a_server_that_never_answers_stalls_at_the_first_token() -> None:
    with ModelServer([Reply(hold="gate")]) as server:
        server.hold("gate")
        timeouts = Timeouts(first_token_s=0.05)
        error = await failure_of(
            connect("local", base_url=server.base_url, retry=ONCE, timeouts=timeouts)
        )
    assert isinstance(error, Stalled)
    assert (error.limit, error.seconds) == ("first_token_s", 0.05)


async def test_signs_of_life_are_no_first_token() -> None:
    answer = head(Content_Type="text/event-stream")
    with raw_server(answer, drips=1000) as base_url:
        timeouts = Timeouts(first_token_s=0.1)
        error = await failure_of(connect("local", base_url=base_url, retry=ONCE, timeouts=timeouts))
    assert isinstance(error, Stalled)
    assert error.limit == "first_token_s"


async def test_silence_in_the_middle_stalls_with_what_had_come() -> None:
    slow = Reply(text="Hello", chunk=5, delay_ms=60_000)
    answer = head(Content_Type="text/event-stream") + TEXT.replace(b'"stop"', b"null")
    with raw_server(answer, drips=0) as base_url:
        error = await failure_of(connect("local", base_url=base_url, retry=ONCE))
    assert isinstance(error, StreamBroken)
    assert error.partial == "Hi"
    error = await failure_from(slow, Timeouts(first_token_s=0.05, silence_s=30))
    assert isinstance(error, Stalled)
    assert error.limit == "first_token_s"


async def test_silence_after_the_first_token_has_its_own_limit() -> None:
    reply = Reply(text="Hello", chunk=5, delay_ms=300)
    timeouts = Timeouts(first_token_s=10, silence_s=0.1)
    error = await failure_from(Reply(text="Hello", chunk=1, delay_ms=reply.delay_ms), timeouts)
    assert isinstance(error, Stalled)
    assert (error.limit, error.partial) == ("silence_s", "H")


async def test_a_slow_drip_ends_at_the_total_limit() -> None:
    drip = Reply(text="x" * 10_000, chunk=1, delay_ms=5)
    error = await failure_from(drip, Timeouts(total_s=0.1))
    assert isinstance(error, Stalled)
    assert error.limit == "total_s"
    assert set(error.partial) <= {"x"}


async def test_silence_after_a_whole_answer_does_no_harm() -> None:
    answer = head(Content_Type="text/event-stream") + TEXT
    with raw_server(answer, drips=1000) as base_url:
        provider = connect("local", base_url=base_url, retry=ONCE, timeouts=Timeouts(total_s=0.2))
        async with provider.stream(HELLO) as events:
            assert (await fold(events)).text == "Hi"
        await provider.aclose()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(status=401, error="no such key"), Unauthorized),
        (Reply(status=403, error="forbidden"), Unauthorized),
        (Reply(status=403, error="input was flagged by moderation"), RequestRejected),
        (Reply(status=401, error="billing: add a payment method"), OutOfCredit),
        (Reply(status=402), OutOfCredit),
        (Reply(status=429), RateLimited),
        (Reply(status=429, error="insufficient_quota: pay"), OutOfCredit),
        (Reply(status=404, error="no such model"), RequestRejected),
        (Reply(status=400, error="context length exceeded"), WindowExceeded),
        (Reply(status=413), WindowExceeded),
        (Reply(status=400, error="overloaded"), Unavailable),
        (Reply(status=408), Unavailable),
        (Reply(status=503), Unavailable),
        (Reply(status=529), Unavailable),
        (Reply(status=500, headers={"X-Should-Retry": "false"}), RequestRejected),
        (Reply(error="in the middle"), Unavailable),
        (Reply(raw=b"<html>hi</html>", headers={"Content-Type": "text/html"}), MalformedReply),
        (Reply(raw=b"<!doctype html>", headers={"Content-Type": "text/plain"}), MalformedReply),
        (Reply(raw=b"data: " + b"x" * (20 * 2**20)), MalformedReply),
        (Reply(raw=TEXT.replace(b"Hi", b"x" * (20 * 2**20))), MalformedReply),
        (Reply(raw=b'{"x": "' + b"x" * (17 * 2**20)), MalformedReply),
        (Reply(raw=b"no gzip", headers={"Content-Encoding": "gzip"}), MalformedReply),
        (Reply(raw=BOMB, headers={"Content-Encoding": "gzip"}), MalformedReply),
        (Reply(raw=TEXT, headers={"Content-Encoding": "br"}), MalformedReply),
        (Reply(raw=TEXT, headers={"Content-Encoding": "br"}, status=429), RateLimited),
        (Reply(raw=b""), StreamBroken),
        (Reply(text="x", finish="", no_done=True), StreamBroken),
    ],
)  # fmt: skip
async def test_each_fault_has_its_error(reply: Reply, expected: type[ProviderError]) -> None:
    error = await failure_from(reply)
    assert type(error) is expected
    assert "\n" not in str(error)
    assert "/v1/chat/completions" in str(error)


@pytest.mark.parametrize("kind", ["text/event-stream", "text/plain", "application/octet-stream"])
async def test_events_are_read_whatever_the_server_calls_them(kind: str) -> None:
    packed = gzip.compress(TEXT)
    headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
    with ModelServer([Reply(raw=packed, headers=headers)]) as server:
        provider = connect("local", base_url=server.base_url, retry=ONCE)
        async with provider.stream(HELLO) as events:
            assert (await fold(events)).text == "Hi"
        await provider.aclose()


async def test_a_redirect_is_not_followed_and_says_where_it_led() -> None:
    with ModelServer([]) as other:
        target = f"{other.base_url}/chat/completions?secret=1"
        moved = Reply(status=307, headers={"Location": target})
        with ModelServer([moved]) as server:
            provider = connect("local", base_url=server.base_url, api_key=KEY, retry=ONCE)
            error = await failure_of(provider)
        assert other.requests == ()
    assert isinstance(error, RequestRejected)
    assert other.base_url in error.reason
    assert "secret" not in error.reason


async def test_the_key_is_in_no_message_log_or_representation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    replies = [
        Reply(status=401, error=f"the key {KEY} is not valid"),
        Reply(error=f"upstream said: Bearer {KEY}"),
        Reply(raw=f"data: {KEY}\n\n".encode()),
        Reply(status=500, raw=KEY.encode(), headers={"Content-Type": "text/plain"}),
    ]
    texts = []
    with ModelServer(replies) as server:
        base_url = server.base_url.replace("//", f"//user:{KEY}@")
        for _ in replies:
            provider = connect(
                "local", base_url=base_url, api_key=KEY, headers={"X-Key": KEY}, retry=ONCE
            )
            texts.append(repr(provider))
            error: BaseException | None = await failure_of(provider)
            while error is not None:
                texts += [str(error), repr(error), repr(vars(error))]
                error = error.__cause__ or error.__context__
    texts += [record.getMessage() for record in caplog.records]
    assert texts
    assert not [text for text in texts if KEY in text]


async def test_no_exception_behind_ours_holds_the_headers() -> None:
    with raw_server(None) as base_url:
        error = await failure_of(connect("local", base_url=base_url, api_key=KEY, retry=ONCE))
    cause: BaseException | None = error
    requests = []
    while cause is not None:
        requests += [cause.request] if isinstance(cause, httpx.RequestError) else []
        cause = cause.__cause__ or cause.__context__
    assert requests
    assert not any(KEY in value for request in requests for value in request.headers.values())


async def test_the_key_is_in_no_event_recording_catalogue_or_log_of_a_server(
    tmp_path: Path,
) -> None:
    refused = Reply(text="Hal", error=f"upstream said: Bearer {KEY}")
    switches: list[Switch] = []
    recorded, models, log = tmp_path / "recorded", tmp_path / "models.json", tmp_path / "log"
    with ModelServer([refused], log=log) as first, ModelServer(["Hello"], log=log) as second:
        providers = [
            connect("one", base_url=first.base_url, api_key=KEY, retry=ONCE),
            connect("two", base_url=second.base_url, api_key=KEY),
        ]
        both = Recorder(FallbackProvider(providers, on_switch=switches.append), recorded)
        with anyio.fail_after(10):
            async with both.stream(HELLO) as events:
                seen = [event async for event in events]
            catalogue = await load_catalogue(providers[1], models)
        await both.aclose()
        shown = repr([*first.requests, *second.requests])
    with pytest.raises(ProviderError) as caught:
        await load_catalogue(connect("gone", base_url=second.base_url, api_key=KEY), tmp_path / "x")
    stale = await load_catalogue(
        connect("two", base_url=second.base_url, api_key=KEY), models, fresh_s=-1
    )
    assert stale.trouble
    assert [type(event) for event in seen] == [TextDelta, Restarted, TextDelta, Finished]
    texts = [repr(seen), repr(switches), repr(catalogue), repr(stale), shown, str(caught.value)]
    texts += [file.read_text() for file in (recorded, models, log)]
    assert all(texts)
    assert not [text for text in texts if KEY in text]


async def test_a_key_in_an_address_that_the_server_names_is_cleared_too() -> None:
    moved = Reply(status=302, headers={"Location": f"http://x/{KEY}/y"})
    with ModelServer([moved]) as server:
        error = await failure_of(connect("local", base_url=server.base_url, api_key=KEY))
    assert KEY not in str(error)
    assert "http://x/••••/y" in str(error)


async def test_rules_run_out_and_the_server_says_for_whom() -> None:
    script = Script(rules=(Rule(reply=Reply(text="x"), phase="plan"),))
    with ModelServer(script, check=False) as server:
        error = await failure_of(connect("local", base_url=server.base_url))
    assert isinstance(error, RequestRejected)
    assert "no rule for phase=''" in error.reason
    assert "'hello'" in error.reason
    assert len(server.unmatched) == len(server.requests) == 1


async def test_a_list_of_models_that_is_none_is_an_error_of_that_address() -> None:
    body = b'{"models": []}'
    answer = head(Content_Length=str(len(body)), Content_Type="application/json") + body
    with raw_server(answer) as base_url:
        provider = connect("local", base_url=base_url)
        with pytest.raises(MalformedReply, match=f"{base_url}/models"):
            await provider.models()
        await provider.aclose()


async def test_a_connection_that_nobody_accepts_is_given_up_at_its_limit() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # The queue of a listener that never accepts is full after a few.
        waiting = [socket.socket() for _ in range(4)]
        for visitor in waiting:
            visitor.setblocking(False)
            visitor.connect_ex(address)
        provider = connect(
            "local",
            base_url=f"http://127.0.0.1:{address[1]}/v1",
            timeouts=Timeouts(connect_s=0.1),
            retry=ONCE,
        )
        error = await failure_of(provider)
        for visitor in waiting:
            visitor.close()
    assert isinstance(error, Unreachable)
    assert error.reason == "no connection within 0.1 s"
