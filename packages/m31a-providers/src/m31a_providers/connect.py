"""From a provider's name and settings to the provider."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module

import anyio

from m31a_providers.prefix import PrefixBreak
from m31a_providers.provider import Provider
from m31a_providers.retry import Retry, Timeouts
from m31a_providers.server import TraceHeaders, server_for
from m31a_providers.wire import Kind

_TIMEOUTS = Timeouts()
_RETRY = Retry()


def connect(
    name: str,
    *,
    kind: Kind | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeouts: Timeouts = _TIMEOUTS,
    retry: Retry = _RETRY,
    trace_headers: TraceHeaders = "loopback",
    price_in: float | None = None,
    price_out: float | None = None,
    text_tools: bool = False,
    context: int | None = None,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    on_prefix_break: Callable[[PrefixBreak], None] | None = None,
) -> Provider:
    """A model server, ready to be asked; nothing is sent before the first question.

    Args:
        name: `"openrouter"`, `"zen"`, `"anthropic"`, or any other name with a `base_url`.
        kind: `"openai"` for a server that speaks chat completions, `"anthropic"` for Anthropic's
            Messages; `None` is what the name stands for, and else `"openai"`.
        base_url: up to and without `/chat/completions` or `/messages`, e.g.
            `http://127.0.0.1:8080/v1`.
        api_key: sent as that kind of server wants it; `None` sends none.
        headers: more headers for every request; they may hold secrets too.
        timeouts: how long to wait for what.
        retry: what to try again, and when.
        trace_headers: where `ChatRequest.labels` are sent along.
        price_in: US dollars per input token, for every model of this server; what Anthropic's
            cache costs follows from it.
        price_out: US dollars per output token.
        text_tools: recognise tool calls that the model prints as text.
        context: tokens of the window, where the server does not know it.
        sleep: waits between tries; tests pass one that does not.
        on_prefix_break: told when a request does not begin as the last one of its conversation,
            so that the server's prompt cache is lost.

    Raises:
        UnknownProvider: neither a built-in name nor an address.
        BadSetting: address, key or headers that no request can be made with.
    """
    server = server_for(
        name,
        kind=kind,
        base_url=base_url,
        api_key=api_key,
        headers=headers,
        trace_headers=trace_headers,
        price_in=price_in,
        price_out=price_out,
        context=context,
        text_tools=text_tools,
    )
    # Here and not above: httpx takes longer to import than all the rest of this package, and a
    # program that shows its version or paints its first screen has no use for it.
    from m31a_providers.chat_client import ChatClient

    return ChatClient(server, timeouts, retry, sleep, on_prefix_break)


def warm_up(*, tls: bool = True) -> None:
    """Import what the first request needs; blocks, so call it in a thread while waiting for more.

    Args:
        tls: prepare for https as well.
    """
    chat_client = import_module("m31a_providers.chat_client")
    if tls:
        chat_client.shared_tls()
