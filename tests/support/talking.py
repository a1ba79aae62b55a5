"""A conversation in the process: real tools and files, a real journal, a scripted model."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.lowlevel

from m31a_engine.asks import OpenAsks
from m31a_engine.budget import Budget, Prices
from m31a_engine.config import Config
from m31a_engine.config_sections import ModelSection, ProviderSettings
from m31a_engine.connecting import PER_TOKEN
from m31a_engine.conversation.asker import RunAsker
from m31a_engine.conversation.hands import Hands, Place
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.models import Models
from m31a_engine.conversation.steering import Steering
from m31a_engine.conversation.turn import Talker
from m31a_engine.conversation.window import WindowWatch
from m31a_engine.events import Event
from m31a_engine.member import Member
from m31a_engine.session.journal import Journal
from m31a_engine.session.stream import EventStream
from m31a_engine.switchboard import Switchboard
from m31a_providers import (
    ProviderError,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from m31a_providers.testing import Call, Reply, Rule, ScriptedProvider
from m31a_tools import (
    Mode,
    PermissionRequest,
    Policy,
    Toolbox,
    Workspace,
    default_toolbox,
)

OPENING = (SystemMessage(text="You work."), UserMessage(text="Do it."))
FREE = Prices(input_usd=0.0, output_usd=0.0)
DEAR = Prices(input_usd=0.0, output_usd=0.001)
Script = Iterable[Rule | Reply | str | ProviderError]


@dataclass(slots=True)
class Desk:
    """Everything a conversation needs, in one folder."""

    folder: Path
    provider: ScriptedProvider
    journal: Journal
    stream: EventStream
    talker: Talker
    hands: Hands
    asks: OpenAsks
    kept: list[PermissionRequest] = field(default_factory=list)
    seen: list[Event] = field(default_factory=list)

    def talk(self) -> Conversation:
        """The conversation as the journal has it."""
        return Conversation.restore("task", "execute", "1", OPENING, self.journal.records)

    async def carry_on(self, talk: Conversation | None = None) -> str:
        """What the model says in the end."""
        with anyio.fail_after(20):
            return await self.talker.carry_on(talk or self.talk(), self.hands)

    def events(self) -> list[Event]:
        """What was told so far."""
        while True:
            try:
                self.seen.append(self.stream.reader.receive_nowait().event)
            except (anyio.WouldBlock, anyio.EndOfStream):
                return self.seen

    def told(self, request: int = -1) -> list[str]:
        """The results that stand in a request."""
        messages = self.provider.requests[request].messages
        return [message.text for message in messages if isinstance(message, ToolMessage)]


def talker_with(
    board: Switchboard, stream: EventStream, journal: Journal, budget: Budget, turns: int = 50
) -> Talker:
    """What carries conversations on, with one model for everything."""
    return Talker(
        board=board,
        stream=stream,
        journal=journal,
        models=Models(Config(home="/", model=ModelSection(default="any"))),
        window=WindowWatch(board),
        steering=Steering(journal),
        budget=budget,
        session="s",
        turns=turns,
    )


@asynccontextmanager
async def at_desk(
    folder: Path,
    script: Script,
    *,
    mode: Mode = Mode.ALLOW_ALL,
    toolbox: Toolbox | None = None,
    turns: int = 50,
    budget: Budget | None = None,
    prices: Prices = FREE,
    on_timeout: str = "defer",
    timeout_s: float = 300.0,
    window: int | None = None,
) -> AsyncIterator[Desk]:
    """A desk whose journal goes on where an earlier one in this folder stopped."""
    (folder / "work").mkdir(exist_ok=True)
    journal = Journal.open(folder)
    stream = EventStream("s", journal)
    asks = OpenAsks()
    provider = ScriptedProvider(script)
    served = ProviderSettings(
        context=window,
        price_in=(prices.input_usd or 0.0) * PER_TOKEN,
        price_out=(prices.output_usd or 0.0) * PER_TOKEN,
    )
    board = Switchboard(
        ["scripted"], lambda _, told: Member(provider, served, folder / "models.json")
    )
    place = Workspace(root=folder / "work")
    kept: list[PermissionRequest] = []

    async def remember(request: PermissionRequest) -> None:
        kept.append(request)

    async def where() -> Place:
        return Place(workspace=place, policy=Policy(mode=mode))

    try:
        yield Desk(
            folder=folder,
            provider=provider,
            journal=journal,
            stream=stream,
            talker=talker_with(board, stream, journal, budget or Budget(None), turns),
            hands=Hands(
                toolbox=toolbox or default_toolbox(place),
                asker=RunAsker(stream, asks, "1", timeout_s, on_timeout),
                place=where,
                remember=remember,
            ),
            asks=asks,
            kept=kept,
        )
    finally:
        stream.close()
        stream.reader.close()
        journal.close()


def bash(command: str) -> Call:
    """A call of the shell."""
    return Call(name="Bash", arguments={"command": command})


def reading(path: str) -> Call:
    """A call that reads a file."""
    return Call(name="FileRead", arguments={"path": path})


def calling(*calls: Call, text: str = "") -> Reply:
    """An answer that makes calls."""
    return Reply(text=text, tool_calls=calls)


def scripted(script: Sequence[Reply]) -> list[Rule]:
    """The same answer for the same turn, however often it is asked."""
    return [Rule(turn=number, reply=reply) for number, reply in enumerate(script, 1)]
