"""What a scripted model says to whom: rules, the first that fits and is not used up wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, assert_never

import msgspec

from m31a_providers.messages import AssistantMessage
from m31a_providers.requests import ChatRequest


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that the scripted model makes."""

    name: str
    arguments: dict[str, object] | str = {}
    """An object, or text to be sent as it is, broken JSON included."""
    id: str | None = None
    """`None` makes one that is unique in its conversation and the same in every run."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, with whatever shall be wrong about it."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[Call, ...] = ()
    model: str | None = None
    """`None` repeats the model that was asked for."""
    usage: tuple[int, int] | None = None
    """(input, output) tokens; `None` guesses four bytes a token."""
    cached_tokens: int = 0
    cost_usd: float | None = None
    no_usage: bool = False
    """Leave the figures out, as many local servers do."""
    finish: str | None = None
    """`None` says `tool_calls` or `stop`, as it is; an empty text leaves it out."""
    chunk: int = 24
    """Characters a delta, of text and of arguments."""
    first_delay_ms: float = 0.0
    delay_ms: float = 0.0
    """Between two events."""
    hold: str | None = None
    """The name of a gate this answer waits at while `ModelServer.hold` keeps it shut."""
    status: int = 200
    headers: dict[str, str] = {}
    error: str | None = None
    """With another status its message; with 200 an error object in mid-stream."""
    break_after: int | None = None
    """Close the connection after so many events."""
    no_done: bool = False
    plain_json: bool = False
    """Answer with one document although a stream was asked for."""
    raw: bytes | None = None
    """The body, byte for byte, instead of all the above (base64 in a script file)."""
    flush: Literal["event", "all"] = "event"
    """One write for each event, or one for all of them."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An answer and the requests it is for; what is `None` is not looked at."""

    reply: Reply
    phase: str | None = None
    task: str | None = None
    contains: str | None = None
    """A text in the last message."""
    turn: int | None = None
    """The number of the request in its conversation, from 1: the answers it holds, plus one."""
    tools: bool | None = None
    """Whether tools are offered."""
    times: int | None = None
    """How often it may be used; `None` is without end."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """All a scripted model knows."""

    rules: tuple[Rule, ...] = ()
    models: tuple[str, ...] = ("scripted",)
    context_tokens: int | None = None

    @classmethod
    def of(cls, lines: "Script | Iterable[Rule | Reply | str]") -> "Script":
        """A script of rules; a bare answer or text among them is used once, in its place."""
        if isinstance(lines, Script):
            return lines
        return cls(rules=tuple(_rule(line) for line in lines))

    @classmethod
    def load(cls, path: Path) -> "Script":
        """The script in a JSON or TOML file.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no script.
        """
        content = path.read_bytes()
        if path.suffix == ".toml":
            return msgspec.toml.decode(content, type=cls)
        return msgspec.json.decode(content, type=cls)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request a rule can look at."""

    phase: str = ""
    task: str = ""
    turn: int = 1
    last_text: str = ""
    has_tools: bool = False

    def __str__(self) -> str:
        """The request in words, for whoever has to write the missing rule."""
        return (
            f"phase={self.phase!r} task={self.task!r} turn={self.turn} "
            f"tools={self.has_tools} last message {self.last_text[:120]!r}"
        )


def asked_by(request: ChatRequest) -> Asked:
    """What of a request a rule can look at."""
    answers = sum(isinstance(message, AssistantMessage) for message in request.messages)
    return Asked(
        phase=request.labels.get("phase", ""),
        task=request.labels.get("task", ""),
        turn=answers + 1,
        last_text=request.messages[-1].text if request.messages else "",
        has_tools=bool(request.tools),
    )


@dataclass(slots=True)
class Playback:
    """A script being played: which rules are used up."""

    rules: Sequence[Rule]
    _used: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is used up yet."""
        self._used = [0] * len(self.rules)

    def choose(self, asked: Asked) -> int | None:
        """The place of the first rule that fits, which is then used once more."""
        for place, rule in enumerate(self.rules):
            if rule.times is not None and self._used[place] >= rule.times:
                continue
            if _fits(rule, asked):
                self._used[place] += 1
                return place
        return None


def _rule(line: Rule | Reply | str) -> Rule:
    match line:
        case Rule():
            return line
        case Reply():
            return Rule(reply=line, times=1)
        case str():
            return Rule(reply=Reply(text=line), times=1)
        case _:
            assert_never(line)


def _fits(rule: Rule, asked: Asked) -> bool:
    return (
        rule.phase in (None, asked.phase)
        and rule.task in (None, asked.task)
        and rule.turn in (None, asked.turn)
        and rule.tools in (None, asked.has_tools)
        and (rule.contains is None or rule.contains in asked.last_text)
    )
