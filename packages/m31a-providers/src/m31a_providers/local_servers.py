"""Model servers that run on this machine: found by asking, and so is what they have to offer.

Nothing is guessed: a window that the server does not tell is unknown. What each one is asked is
from its own documents (llama.cpp `/props`, Ollama `/api/show` and `/api/ps`, LM Studio
`/api/v0/models`, vLLM `max_model_len`).
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Annotated, TypeVar

import anyio
import msgspec

from m31a_providers.errors import ProviderError
from m31a_providers.model_list import read_models
from m31a_providers.models import ModelInfo
from m31a_providers.retry import Retry, Timeouts
from m31a_providers.server import server_for

USUAL_ADDRESSES = (
    "http://127.0.0.1:8080",
    "http://127.0.0.1:11434",
    "http://127.0.0.1:1234",
    "http://127.0.0.1:8000",
)
"""Where llama.cpp, Ollama, LM Studio and vLLM listen unless they are told otherwise."""
_MOST_SHOWN = 64
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")

Window = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
T = TypeVar("T")

Ask = Callable[[str, bytes | None], Awaitable[bytes | None]]
"""A path and a body or none in, the answer out; None when there is no good one."""


class LocalKind(StrEnum):
    """The program behind an address."""

    llama_cpp = "llama.cpp"
    ollama = "ollama"
    lm_studio = "lm-studio"
    vllm = "vllm"
    other = "other"


class LocalServer(msgspec.Struct, frozen=True, kw_only=True):
    """A model server that answers on this machine."""

    kind: LocalKind
    base_url: str
    """As `connect` wants it."""
    models: tuple[ModelInfo, ...]
    """With the window in use where the server tells it."""


class _OllamaModel(msgspec.Struct, frozen=True, kw_only=True):
    model: str = ""
    context_length: Window | None = None


class _OllamaList(msgspec.Struct, frozen=True, kw_only=True):
    models: list[_OllamaModel]


class _OllamaShown(msgspec.Struct, frozen=True, kw_only=True):
    model_info: dict[str, object] = {}
    parameters: str = ""
    capabilities: list[str] | None = None


class _Generation(msgspec.Struct, frozen=True, kw_only=True):
    n_ctx: Window


class _Props(msgspec.Struct, frozen=True, kw_only=True):
    default_generation_settings: _Generation


class _Owned(msgspec.Struct, frozen=True, kw_only=True):
    owned_by: str = ""


class _OwnedList(msgspec.Struct, frozen=True, kw_only=True):
    data: list[_Owned]


async def discover(
    addresses: Sequence[str] = USUAL_ADDRESSES, *, limit_s: float = 1.0
) -> tuple[LocalServer, ...]:
    """The model servers that answer at these addresses of this machine, all asked at once.

    Args:
        addresses: scheme, host and port; by default where such servers usually listen.
        limit_s: how long to wait for each answer.

    Raises:
        BadSetting: an address that no request can be made with.
    """
    found: dict[int, LocalServer] = {}

    async def look(place: int) -> None:
        server = await inspect_local(addresses[place], limit_s=limit_s)
        if server is not None:
            found[place] = server

    async with anyio.create_task_group() as group:
        for place in range(len(addresses)):
            group.start_soon(look, place)
    return tuple(found[place] for place in sorted(found))


async def inspect_local(address: str, *, limit_s: float = 1.0) -> LocalServer | None:
    """The model server at an address and what it offers; `None` when no such server answers.

    Args:
        address: with or without `/v1` at its end; no key is ever sent there.
        limit_s: how long to wait for each answer.

    Raises:
        BadSetting: no request can be made with the address.
    """
    place = address.rstrip("/").removesuffix("/v1")
    # As in `connect`: httpx takes longer to import than all the rest.
    from m31a_providers.chat_client import ChatClient

    client = ChatClient(
        server_for("local", base_url=place, trace_headers="never"),
        Timeouts(connect_s=limit_s, total_s=limit_s),
        Retry(attempts=1),
    )

    async def ask(path: str, body: bytes | None = None) -> bytes | None:
        try:
            return await client.question(path, limit_s, body)
        except ProviderError:
            return None

    try:
        listed = await ask("/v1/models")
        models = _models(listed)
        if listed is None or models is None:
            return None
        kind, models = await _known(ask, listed, models)
        return LocalServer(kind=kind, base_url=f"{client.server.base_url}/v1", models=models)
    finally:
        await client.aclose()


async def _known(
    ask: Ask, listed: bytes, models: tuple[ModelInfo, ...]
) -> tuple[LocalKind, tuple[ModelInfo, ...]]:
    """(which program it is, its models with what only that program's own addresses tell)."""
    answers: dict[str, bytes | None] = {}

    async def keep(path: str) -> None:
        answers[path] = await ask(path, None)

    async with anyio.create_task_group() as group:
        for path in ("/props", "/api/ps", "/api/v0/models"):
            group.start_soon(keep, path)
    if (props := _read(answers["/props"], _Props)) is not None:
        window = props.default_generation_settings.n_ctx
        return LocalKind.llama_cpp, _with_window(models, window)
    if (running := _read(answers["/api/ps"], _OllamaList)) is not None:
        return LocalKind.ollama, await _ollama_models(ask, models, running)
    if native := _models(answers["/api/v0/models"]):
        return LocalKind.lm_studio, native
    owners = _read(listed, _OwnedList)
    if owners is not None and any(entry.owned_by == "vllm" for entry in owners.data):
        return LocalKind.vllm, models
    return LocalKind.other, models


def _models(listed: bytes | None) -> tuple[ModelInfo, ...] | None:
    """The models in an answer; None when it is no list of any."""
    try:
        return None if listed is None else read_models(listed)
    except ValueError:
        return None


def _with_window(models: tuple[ModelInfo, ...], tokens: int) -> tuple[ModelInfo, ...]:
    if tokens <= 0 or len(models) != 1:
        # One that serves several models says nothing of the window of each.
        return models
    return (msgspec.structs.replace(models[0], context_tokens=tokens),)


async def _ollama_models(
    ask: Ask, models: tuple[ModelInfo, ...], running: _OllamaList
) -> tuple[ModelInfo, ...]:
    """The models with their windows: as loaded, else as their file says, else unknown."""
    loaded = {model.model: model.context_length for model in running.models}
    shown: dict[str, ModelInfo] = {}

    async def show(model: ModelInfo) -> None:
        answer = await ask("/api/show", msgspec.json.encode({"model": model.id}))
        about = _read(answer, _OllamaShown) or _OllamaShown()
        shown[model.id] = msgspec.structs.replace(
            model,
            context_tokens=loaded.get(model.id) or _configured_window(about.parameters),
            trained_context_tokens=_trained_window(about.model_info),
            supports_tools=None if about.capabilities is None else "tools" in about.capabilities,
            supports_reasoning=(
                None if about.capabilities is None else "thinking" in about.capabilities
            ),
        )

    async with anyio.create_task_group() as group:
        for model in models[:_MOST_SHOWN]:
            group.start_soon(show, model)
    return tuple(shown.get(model.id, model) for model in models)


def _configured_window(parameters: str) -> int | None:
    """`num_ctx` in the lines of a model's parameters."""
    for line in parameters.splitlines():
        match line.split():
            case ["num_ctx", figure] if _NUMBER.fullmatch(figure):
                return int(figure)
    return None


def _trained_window(info: dict[str, object]) -> int | None:
    """`ARCHITECTURE.context_length` among what the model's file tells of itself."""
    for name, figure in info.items():
        if name.endswith(".context_length") and _NUMBER.fullmatch(str(figure)):
            return int(str(figure))
    return None


def _read(answer: bytes | None, kind: type[T]) -> T | None:
    """The answer as what it should be; None when it is something else."""
    if answer is None:
        return None
    try:
        return msgspec.json.decode(answer, type=kind)
    except (ValueError, RecursionError):
        return None
