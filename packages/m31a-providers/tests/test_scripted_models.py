import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec
import pytest

from m31a_providers import (
    AssistantMessage,
    ChatRequest,
    NotRecorded,
    Provider,
    RateLimited,
    RequestRejected,
    StreamBroken,
    TextPart,
    ToolSpec,
    Unavailable,
    UserMessage,
    connect,
    fold,
)
from m31a_providers.testing import (
    Call,
    ModelServer,
    Reply,
    Rule,
    Script,
    ScriptedProvider,
    UnmatchedRequests,
)
from m31a_providers.testing.__main__ import main

TOOL = ToolSpec(name="read", description="", parameters={})


def asked(
    text: str = "hello", *, turn: int = 1, tools: tuple[ToolSpec, ...] = (), **labels: str
) -> ChatRequest:
    earlier = (AssistantMessage(parts=(TextPart(text="earlier"),)),) * (turn - 1)
    return ChatRequest(
        model="m", messages=(*earlier, UserMessage(text=text)), tools=tools, labels=labels
    )


async def answer(provider: Provider, request: ChatRequest) -> AssistantMessage:
    with anyio.fail_after(10):
        async with provider.stream(request) as events:
            return await fold(events)


SCRIPT = Script(
    rules=(
        Rule(reply=Reply(text="once"), contains="once", times=1),
        Rule(reply=Reply(text="plan 1"), phase="plan", turn=1),
        Rule(reply=Reply(text="plan 2"), phase="plan", turn=2),
        Rule(reply=Reply(text="task 7"), task="7"),
        Rule(reply=Reply(text="tools"), tools=True),
        Rule(reply=Reply(text="no tools"), tools=False),
    )
)
ASKED = (
    (asked("only once"), "once"),
    (asked("only once"), "no tools"),
    (asked(phase="plan", turn=2), "plan 2"),
    (asked(phase="plan"), "plan 1"),
    (asked(phase="execute", task="7", tools=(TOOL,)), "task 7"),
    (asked(task="8", tools=(TOOL,)), "tools"),
)


@pytest.mark.anyio
async def test_the_first_rule_that_fits_answers_in_the_process_and_over_http() -> None:
    scripted = ScriptedProvider(SCRIPT)
    with ModelServer(SCRIPT) as server:
        provider = connect("local", base_url=server.base_url)
        for request, text in ASKED:
            assert (await answer(scripted, request)).text == text
            assert (await answer(provider, request)).text == text
        await provider.aclose()
    assert [seen.rule for seen in server.requests] == [0, 5, 2, 1, 3, 4]
    assert scripted.requests == [request for request, _ in ASKED]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reply",
    [
        Reply(),
        Reply(text="Grüße 🚀", chunk=1, reasoning="Hm…"),
        Reply(text="x", tool_calls=(Call(name="a", arguments={"b": [1, "ü"]}), Call(name="c"))),
        Reply(tool_calls=(Call(name="a", arguments="{broken", id="given"),), finish="length"),
        Reply(text="x", usage=(5, 4), cached_tokens=3, cost_usd=0.5, model="other"),
        Reply(text="x", flush="all", delay_ms=1, first_delay_ms=1),
        Reply(text="x", no_done=True, no_usage=True),
    ],
    ids=["empty", "text", "calls", "broken call", "usage", "at once", "little"],
)
async def test_both_fakes_make_the_same_message_of_a_reply(reply: Reply) -> None:
    with ModelServer([reply]) as server:
        provider = connect("local", base_url=server.base_url)
        over_http = await answer(provider, asked())
        await provider.aclose()
    assert await answer(ScriptedProvider([reply]), asked()) == over_http
    assert over_http.text == reply.text


@pytest.mark.anyio
async def test_a_scripted_provider_fails_as_it_is_told() -> None:
    provider = ScriptedProvider(
        [
            RateLimited(provider="scripted"),
            Reply(status=503, error="down"),
            Reply(text="Hello", chunk=2, break_after=3),
            Reply(text="x", finish="", no_done=True),
            "last",
        ]
    )
    for expected in (RateLimited, Unavailable, StreamBroken, StreamBroken):
        with pytest.raises(expected):
            await answer(provider, asked())
    assert (await answer(provider, asked())).text == "last"
    with pytest.raises(NotRecorded, match="phase='plan'"):
        await answer(provider, asked(phase="plan"))
    await provider.aclose()


@pytest.mark.anyio
async def test_held_answers_wait_for_their_release() -> None:
    with ModelServer([Reply(text="late", hold="gate")]) as server:
        server.hold("gate")
        provider = connect("local", base_url=server.base_url)
        texts: list[str] = []

        async def ask() -> None:
            texts.append((await answer(provider, asked())).text)

        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                await anyio.to_thread.run_sync(server.wait_held, "gate")
                await anyio.to_thread.run_sync(server.wait_requests, 1)
                assert texts == []
                server.release("gate")
        await provider.aclose()
    assert texts == ["late"]


def test_waiting_for_what_never_comes_ends_in_an_error() -> None:
    with ModelServer([]) as server:
        with pytest.raises(TimeoutError, match="fewer than 1 requests"):
            server.wait_requests(1, timeout_s=0.01)
        with pytest.raises(TimeoutError, match="'gate'"):
            server.wait_held("gate", timeout_s=0.01)


async def ask_without_rule(server: ModelServer) -> None:
    provider = connect("local", base_url=server.base_url)
    with pytest.raises(RequestRejected, match="no rule for phase='ship'"):
        await answer(provider, asked(phase="ship"))
    await provider.aclose()


def test_a_request_without_a_rule_fails_the_test_that_made_it() -> None:
    server = ModelServer([]).__enter__()
    anyio.run(ask_without_rule, server)
    with pytest.raises(UnmatchedRequests, match="phase='ship'"):
        server.__exit__(None, None, None)


def test_an_error_of_the_test_itself_is_not_hidden_by_the_server() -> None:
    server = ModelServer([]).__enter__()
    anyio.run(ask_without_rule, server)
    server.__exit__(KeyError, KeyError(), None)
    assert len(server.unmatched) == 1


def test_nothing_is_left_behind_after_the_block() -> None:
    before = set(threading.enumerate())
    with ModelServer([Reply(text="x" * 100, delay_ms=60_000)]) as server:
        idle = socket.create_connection(("127.0.0.1", int(server.base_url.split(":")[2][:-3])))
        slow = socket.create_connection(idle.getpeername())
        body = b'{"messages": [], "stream": true}'
        slow.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        slow.sendall(body)
        server.wait_requests(1)
    assert set(threading.enumerate()) == before
    for connection in (idle, slow):
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(idle_address(server))


def idle_address(server: ModelServer) -> tuple[str, int]:
    host, port = server.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    return host, int(port)


def exchange(server: ModelServer, request: bytes) -> bytes:
    with socket.create_connection(idle_address(server), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    ("request_bytes", "begins"),
    [
        (b"GET /v1/models HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK"),
        (b"GET /health HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK"),
        (b"GET /elsewhere HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 Not Found"),
        (b"hello\r\n\r\n", b"HTTP/1.1 400 Bad Request"),
        (b"x" * 70_000, b"HTTP/1.1 400 Bad Request"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 1\r\n\r\n{", b"HTTP/1.1 400"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", b""),
        (
            b"POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\n"
            b"Content-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK",
        ),
        (b"", b""),
    ],
    ids=range(11),
)
def test_the_server_speaks_http_with_whoever_comes(request_bytes: bytes, begins: bytes) -> None:
    with ModelServer([Rule(reply=Reply(text="x"))]) as server:
        assert exchange(server, request_bytes).startswith(begins)


def test_a_request_without_stream_gets_one_document_and_odd_statuses_a_name() -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    with ModelServer(
        [Rule(reply=Reply(text="x"), contains="hi", times=1), Reply(status=599)]
    ) as server:
        document = exchange(server, head + body).partition(b"\r\n\r\n")[2]
        assert exchange(server, head + body).startswith(b"HTTP/1.1 599 Scripted")
    assert msgspec.json.decode(document)["choices"][0]["message"]["content"] == "x"
    assert server.requests[0].body == msgspec.json.decode(body)


def test_the_requests_are_remembered_without_the_key(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    body = b'{"model": "m", "messages": [], "stream": true}'
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer sk-1\r\nX-M31A-Phase: p\r\n"
    )
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    with ModelServer(["x"], keep_bodies=False, log=log) as server:
        exchange(server, head + body)
    (seen,) = server.requests
    assert (seen.order, seen.path, seen.labels, seen.raw) == (
        1,
        "/v1/chat/completions",
        {"phase": "p"},
        b"",
    )
    assert "sk-1" not in repr(seen)
    assert seen.began_ns <= seen.ended_ns
    line = json.loads(log.read_text())
    assert (line["turn"], line["finished"], line["body_bytes"]) == (1, True, len(body))


@pytest.mark.parametrize("name", ["script.json", "script.toml"])
def test_a_script_is_loaded_from_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    script = Script(rules=(Rule(reply=Reply(text="Hi", raw=b"\x00"), turn=2),))
    encode = msgspec.toml.encode if path.suffix == ".toml" else msgspec.json.encode
    plain = {"rules": [{"turn": 2, "reply": {"text": "Hi", "raw": "AA=="}}]}
    path.write_bytes(encode(plain) if path.suffix == ".json" else TOML)
    assert Script.load(path) == script


TOML = b'[[rules]]\nturn = 2\nreply = {text = "Hi", raw = "AA=="}\n'


@pytest.mark.parametrize(
    ("content", "code"), [(b"{", 2), (b'{"rules": [{"turn": "x"}]}', 2), (None, 2)]
)
def test_a_script_nobody_can_read_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, code: int
) -> None:
    path = tmp_path / "script.json"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path)]) == code
    assert capsys.readouterr().err.startswith(str(path))


async def ask_two_turns(base_url: str) -> None:
    provider = connect("local", base_url=base_url)
    assert (await answer(provider, asked())).text == "Hi"
    with pytest.raises(RequestRejected, match="no rule"):
        await answer(provider, asked(turn=2))
    await provider.aclose()


def test_a_script_is_played_by_a_process_of_its_own(tmp_path: Path) -> None:
    path, log = tmp_path / "script.json", tmp_path / "log.jsonl"
    path.write_bytes(msgspec.json.encode(Script(rules=(Rule(reply=Reply(text="Hi"), turn=1),))))
    command = [sys.executable, "-m", "m31a_providers.testing", str(path), "--log", str(log)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        anyio.run(ask_two_turns, process.stdout.readline().strip())
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "no rule for phase=''" in errors
    assert [json.loads(line)["status"] for line in log.read_text().splitlines()] == [200, 500]
