import msgspec
import pytest

from m31a_providers import (
    ChatRequest,
    ModelInfo,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolSpec,
    UserMessage,
)
from m31a_providers.finish import finished_message
from m31a_providers.reply import Reply
from m31a_providers.server import Server, server_for

READ = ToolSpec(name="read", description="", parameters={})
ASKED = ChatRequest(model="m", messages=(UserMessage(text="hi"),), tools=(READ,))
REMOTE = server_for("far", base_url="https://far.example/v1")


def reply_of(server: Server, *deltas: dict[str, object], usage: object = None) -> Reply:
    reply = Reply(server.source, new_id=lambda: "new")
    for delta in deltas:
        reply.read_event("", msgspec.json.encode({"choices": [{"delta": delta}]}))
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}
    reply.read_event("", msgspec.json.encode(end))
    return reply


USED = {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 5}}
LISTED = ModelInfo(id="m", price_in=2.0, price_out=3.0, price_cached=1.0)


@pytest.mark.parametrize(
    ("server", "listed", "usage", "cost"),
    [
        (REMOTE, None, USED, None),
        (REMOTE, LISTED, USED, 27.0),
        (REMOTE, ModelInfo(id="m"), USED, None),
        (REMOTE, LISTED, {**USED, "cost": 0.5}, 0.5),
        (REMOTE, LISTED, {**USED, "cost": 0}, 0.0),
        (server_for("far", base_url="https://x/v1", price_in=1, price_out=1), LISTED, USED, 14.0),
        (server_for("far", base_url="https://x/v1", price_in=1), LISTED, USED, None),
        (server_for("near", base_url="http://localhost/v1"), LISTED, USED, 0.0),
        (server_for("near", base_url="http://localhost/v1", price_in=1), None, USED, None),
    ],
    ids=range(9),
)
def test_the_cost_is_the_servers_the_configured_or_the_listed_one(
    server: Server, listed: ModelInfo | None, usage: object, cost: float | None
) -> None:
    catalogue = {"m": listed} if listed else {}
    reply = reply_of(server, {"content": "x"}, usage=usage)
    message, _ = finished_message(reply, ASKED, server, catalogue, request_bytes=100)
    assert message.usage.cost_usd == cost
    assert not message.usage.estimated


def test_a_guess_covers_all_that_was_written() -> None:
    call = {"index": 0, "id": "1", "function": {"name": "read", "arguments": '{"a": 1}'}}
    reply = reply_of(REMOTE, {"reasoning": "12345"}, {"content": "1234567"}, {"tool_calls": [call]})
    message, _ = finished_message(reply, ASKED, REMOTE, {"m": LISTED}, request_bytes=101)
    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (26, 6, 2)
    assert usage.estimated
    assert usage.cost_usd == 26 * 2.0 + 6 * 3.0


def test_calls_in_text_keep_the_reasoning_and_leave_no_empty_text() -> None:
    weak = server_for("weak", base_url="http://localhost/v1", text_tools=True)
    printed = '<tool_call>{"name": "read", "arguments": {}}</tool_call>'
    reply = reply_of(weak, {"reasoning": "Hm"}, {"content": printed})
    message, recognised = finished_message(reply, ASKED, weak, {}, request_bytes=1)
    call = ToolCall(id="new", name="read", arguments="{}")
    assert recognised == (call,)
    assert message.parts == (ReasoningPart(text="Hm"), call)
    plain = reply_of(weak, {"content": "no call"})
    message, recognised = finished_message(plain, ASKED, weak, {}, request_bytes=1)
    assert (message.parts, recognised) == ((TextPart(text="no call"),), ())


def test_real_calls_leave_the_text_alone() -> None:
    weak = server_for("weak", base_url="http://localhost/v1", text_tools=True)
    printed = '{"name": "read", "arguments": {}}'
    call = {"index": 0, "id": "1", "function": {"name": "read", "arguments": "{}"}}
    reply = reply_of(weak, {"content": printed}, {"tool_calls": [call]})
    message, recognised = finished_message(reply, ASKED, weak, {}, request_bytes=1)
    assert (message.text, len(message.tool_calls), recognised) == (printed, 1, ())
