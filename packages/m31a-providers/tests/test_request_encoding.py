import gc
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_providers import (
    AssistantMessage,
    ChatRequest,
    Message,
    ReasoningPart,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    ToolSpec,
    UserMessage,
)
from m31a_providers.chat_wire import RequestEncoder
from m31a_providers.prefix import PrefixWatch, common_bytes

texts = st.text(max_size=30) | st.just("broken \udcff half \ud83d")
calls = st.builds(ToolCall, id=texts, name=texts, arguments=texts | st.just('{"a": 1}'))
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(SystemMessage, text=texts),
    st.builds(UserMessage, text=texts),
    st.builds(ToolMessage, call_id=texts, text=texts),
    st.builds(
        AssistantMessage,
        parts=st.lists(
            st.builds(TextPart, text=texts) | st.builds(ReasoningPart, text=texts) | calls,
            max_size=3,
        ).map(tuple),
    ),
)
TOOL = ToolSpec(name="read", description="Read", parameters={"type": "object"})


def request(*said: Message) -> ChatRequest:
    return ChatRequest(model="m", messages=said, tools=(TOOL,))


@settings(max_examples=80, deadline=None)
@given(st.lists(messages, min_size=1, max_size=6))
def test_each_request_is_the_beginning_of_the_next(said: list[Message]) -> None:
    encoder, watch = RequestEncoder(), PrefixWatch()
    before = b""
    for length in range(1, len(said) + 1):
        body = encoder.encode(request(*said[:length]))
        assert body.startswith(before)
        assert body == RequestEncoder().encode(request(*said[:length]))
        assert watch.look(request(*said[:length])) is None
        decoded = json.loads(body)
        assert list(decoded)[-1] == "messages"
        assert len(decoded["messages"]) == length
        before = body.removesuffix(b"]}")


@settings(max_examples=80, deadline=None)
@given(texts)
def test_arguments_sent_back_are_always_a_json_object(arguments: str) -> None:
    answer = AssistantMessage(parts=(ToolCall(id="1", name="f", arguments=arguments),))
    sent = json.loads(RequestEncoder().encode(request(answer)))["messages"][0]
    assert isinstance(json.loads(sent["tool_calls"][0]["function"]["arguments"]), dict)


def test_arguments_that_are_json_are_sent_back_as_they_came() -> None:
    answer = AssistantMessage(parts=(ToolCall(id="1", name="f", arguments='{"b":  1}'),))
    sent = json.loads(RequestEncoder().encode(request(answer)))["messages"][0]
    assert sent["tool_calls"][0]["function"]["arguments"] == '{"b":  1}'


def test_the_bytes_of_a_message_are_kept_as_long_as_the_message() -> None:
    encoder = RequestEncoder()
    said: list[Message] = [UserMessage(text=f"message {number}") for number in range(50)]
    encoder.encode(request(*said))
    assert len(encoder._message) == 50
    del said[10:]
    gc.collect()
    assert len(encoder._message) == 10


def test_a_message_in_the_place_of_a_dead_one_is_encoded_anew() -> None:
    encoder = RequestEncoder()
    for number in range(200):
        body = encoder.encode(request(UserMessage(text=f"text {number}")))
        assert f"text {number}" in body.decode()


def test_a_break_of_the_prefix_names_the_first_differing_place() -> None:
    watch = PrefixWatch()
    system = SystemMessage(text="Be brief.")
    assert watch.look(request(system, UserMessage(text="It is 12:00, go on"))) is None
    found = watch.look(request(system, UserMessage(text="It is 12:01, go on")))
    assert found is not None
    assert (found.message, found.was[:5], found.now[:5]) == (1, "0, go", "1, go")
    assert found.at_byte < found.of_bytes


def test_other_tools_break_the_prefix_before_the_messages() -> None:
    watch = PrefixWatch()
    said = (UserMessage(text="hi"),)
    watch.look(request(*said))
    found = watch.look(ChatRequest(model="m", messages=said))
    assert found is not None
    assert found.message is None


def test_a_conversation_that_shrank_is_broken_where_it_ends() -> None:
    watch = PrefixWatch()
    one, two = UserMessage(text="one"), UserMessage(text="two")
    watch.look(request(one, two))
    found = watch.look(request(one))
    assert found is not None
    assert found.message == 1


def test_conversations_are_told_apart_by_their_labels() -> None:
    watch = PrefixWatch()
    for number in range(40):
        labels = {"task": str(number)}
        asked = ChatRequest(model="m", messages=(UserMessage(text=str(number)),), labels=labels)
        assert watch.look(asked) is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=20), st.binary(max_size=20))
def test_the_common_beginning_is_the_longest_one(start: bytes, one: bytes, two: bytes) -> None:
    length = common_bytes(start + one, start + two)
    assert length >= len(start)
    assert (start + one)[:length] == (start + two)[:length]
    rest_one, rest_two = (start + one)[length:], (start + two)[length:]
    assert not rest_one or not rest_two or rest_one[0] != rest_two[0]
