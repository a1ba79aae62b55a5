"""Model servers of this machine, played by small HTTP servers that answer as each program does."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import anyio
import pytest

from m31a_providers import LocalKind, LocalServer, ModelInfo, discover, inspect_local
from m31a_providers.testing import ModelServer, Script

pytestmark = pytest.mark.anyio

Answers = Mapping[str, object]

LLAMA_CPP: Answers = {
    "/v1/models": {"data": [{"id": "a.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 9}}]},
    "/props": {"default_generation_settings": {"n_ctx": 4096}, "total_slots": 1},
}
OLLAMA: Answers = {
    "/v1/models": {"data": [{"id": name, "owned_by": "library"} for name in ("a", "b", "c", "d")]},
    "/api/ps": {"models": [{"model": "a", "context_length": 8192}, {"model": "other"}]},
    "/api/show a": {
        "model_info": {"qwen.context_length": 32768},
        "capabilities": ["completion", "tools"],
    },
    "/api/show b": {"parameters": "stop X\nnum_ctx   2048", "capabilities": ["thinking"]},
    "/api/show c": {"model_info": {"llama.context_length": 131072}},
}
LM_STUDIO: Answers = {
    "/v1/models": {"data": [{"id": "a"}, {"id": "b"}]},
    "/api/v0/models": {
        "data": [
            {"id": "a", "max_context_length": 9000, "loaded_context_length": 4096},
            {"id": "b", "max_context_length": 9000, "capabilities": ["tool_use"]},
        ]
    },
    # For what it does not know it answers with status 200.
    "/props": {"error": "Unexpected endpoint or method."},
    "/api/ps": {"error": "Unexpected endpoint or method."},
}
VLLM: Answers = {"/v1/models": {"data": [{"id": "a", "owned_by": "vllm", "max_model_len": 777}]}}
ABSURD: Answers = {
    "/v1/models": {"data": [{"id": "a"}]},
    "/props": {"default_generation_settings": {"n_ctx": 10**30}},
    "/api/ps": {"models": []},
    "/api/show a": {"parameters": "num_ctx many", "model_info": {"x.context_length": 10**30}},
}
SEVERAL: Answers = {**LLAMA_CPP, "/v1/models": {"data": [{"id": "a"}, {"id": "b"}]}}


@contextmanager
def played(answers: Answers) -> Iterator[tuple[str, list[str]]]:
    """(the address of a server with these answers, what it was asked)."""
    asked: list[str] = []

    class Player(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(self.path)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(f"{self.path} {body['model']}")

        def answer(self, question: str) -> None:
            asked.append(question)
            assert "authorization" not in self.headers
            said = answers.get(question)
            body = json.dumps(said).encode()
            self.send_response(404 if said is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Player)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("answers", "kind", "models"),
    [
        (
            LLAMA_CPP,
            LocalKind.llama_cpp,
            (ModelInfo(id="a.gguf", context_tokens=4096, trained_context_tokens=9),),
        ),
        (SEVERAL, LocalKind.llama_cpp, (ModelInfo(id="a"), ModelInfo(id="b"))),
        (
            OLLAMA,
            LocalKind.ollama,
            (
                ModelInfo(
                    id="a",
                    context_tokens=8192,
                    trained_context_tokens=32768,
                    supports_tools=True,
                    supports_reasoning=False,
                ),
                ModelInfo(
                    id="b", context_tokens=2048, supports_tools=False, supports_reasoning=True
                ),
                ModelInfo(id="c", trained_context_tokens=131072),
                ModelInfo(id="d"),
            ),
        ),
        (
            LM_STUDIO,
            LocalKind.lm_studio,
            (
                ModelInfo(id="a", context_tokens=4096, trained_context_tokens=9000),
                ModelInfo(id="b", trained_context_tokens=9000, supports_tools=True),
            ),
        ),
        (ABSURD, LocalKind.ollama, (ModelInfo(id="a"),)),
        (VLLM, LocalKind.vllm, (ModelInfo(id="a", context_tokens=777),)),
        ({"/v1/models": {"data": [{"id": "x"}]}}, LocalKind.other, (ModelInfo(id="x"),)),
        (
            {"/v1/models": {"data": []}, "/api/v0/models": ["?"], "/props": []},
            LocalKind.other,
            (),
        ),
    ],
    ids=[
        "llama.cpp",
        "llama.cpp with two",
        "ollama",
        "lm studio",
        "absurd",
        "vllm",
        "other",
        "empty",
    ],
)
async def test_each_program_is_known_and_its_windows_are_asked_for(
    answers: Answers, kind: LocalKind, models: tuple[ModelInfo, ...]
) -> None:
    with played(answers) as (address, _), anyio.fail_after(10):
        found = await inspect_local(f"{address}/v1", limit_s=5)
    assert found == LocalServer(kind=kind, base_url=f"{address}/v1", models=models)


async def test_what_is_no_model_server_is_asked_one_thing_and_left_out() -> None:
    with (
        played({"/v1/models": {"hello": "world"}}) as (website, asked),
        played({}) as (empty, _),
        ModelServer(Script(models=("m",), context_tokens=5)) as server,
        socket.create_server(("127.0.0.1", 0)) as silent,
        anyio.fail_after(20),
    ):
        mute = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ours = server.base_url.removesuffix("/v1")
        found = await discover((website, mute, ours, empty), limit_s=0.5)
    assert found == (
        LocalServer(
            kind=LocalKind.other,
            base_url=server.base_url,
            models=(ModelInfo(id="m", context_tokens=5),),
        ),
    )
    assert asked == ["/v1/models"]


async def test_nothing_at_an_address_is_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert await inspect_local(address, limit_s=2) is None
