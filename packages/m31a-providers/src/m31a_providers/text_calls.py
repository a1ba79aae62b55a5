"""Tool calls that a weak model prints as text instead of making them.

Only for models marked so, only when the answer holds no real call, only at its very end, and only
for tools that were on offer: whatever else looks like a call is text.
"""

import re
from collections.abc import Callable, Iterable

import msgspec

from m31a_providers.messages import ToolCall

_BLOCK = re.compile(
    r"<tool_call>\s*(?P<tagged>.*?)\s*</tool_call>"
    r"|```(?:json|tool_call|tool_code)?[ \t]*\n(?P<fenced>.*?)\n?[ \t]*```",
    re.DOTALL,
)
_NAMES = ("name", "tool", "function", "tool_name")
_ARGUMENTS = ("arguments", "args", "input", "parameters")
_MOST_CALLS = 16
_MOST_CHARS = 65_536


def split_calls(
    text: str, offered: Iterable[str], new_id: Callable[[], str]
) -> tuple[str, tuple[ToolCall, ...]]:
    """(text before the calls, the calls at its end); the text as it was when there are none."""
    names = frozenset(offered)
    start = max(0, len(text) - _MOST_CHARS)
    blocks = list(_BLOCK.finditer(text, start))
    found: list[ToolCall] = []
    end = len(text.rstrip())
    for block in reversed(blocks):
        calls = _calls(block["tagged"] or block["fenced"] or "", names, new_id)
        if block.end() != end or not calls:
            break
        found[:0] = calls
        end = len(text[: block.start()].rstrip())
    if not found:
        end = _bare_start(text, start)
        found = _calls(text[end:], names, new_id)
    if not found or len(found) > _MOST_CALLS:
        return text, ()
    return text[:end].rstrip(), tuple(found)


def _bare_start(text: str, start: int) -> int:
    """Where a last paragraph that is nothing but JSON begins; the end of the text if none does."""
    for match in re.finditer(r"(?:\A|\n)[ \t]*(?=[\[{])", text[start:]):
        try:
            msgspec.json.decode(text[start + match.end() :])
        except (msgspec.DecodeError, RecursionError):
            continue
        return start + match.end()
    return len(text)


def _calls(block: str, names: frozenset[str], new_id: Callable[[], str]) -> list[ToolCall]:
    """The calls a block of JSON stands for; none if anything in it is something else."""
    try:
        decoded: object = msgspec.json.decode(block)
    except (msgspec.DecodeError, RecursionError):
        return []
    items = decoded if isinstance(decoded, list) else [decoded]
    calls = []
    for item in items:
        call = _call(item, names, new_id)
        if call is None:
            return []
        calls.append(call)
    return calls


def _call(item: object, names: frozenset[str], new_id: Callable[[], str]) -> ToolCall | None:
    if not isinstance(item, dict):
        return None
    function: dict[str, object] = item
    if isinstance(item.get("function"), dict):
        function = item["function"]
    name = next((function[key] for key in _NAMES if isinstance(function.get(key), str)), None)
    if not isinstance(name, str) or name not in names:
        return None
    arguments = next((function[key] for key in _ARGUMENTS if key in function), {})
    if isinstance(arguments, dict):
        arguments = msgspec.json.encode(arguments).decode()
    if not isinstance(arguments, str):
        return None
    return ToolCall(id=new_id(), name=name, arguments=arguments)
