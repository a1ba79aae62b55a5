"""Who answers in a run, who instead, and what that costs; nothing leaves this machine."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from m31a_engine.arbitrage import Arbitrage, records_of
from m31a_engine.budget import MAX_OUTPUT_TOKENS, Budget, Prices
from m31a_engine.config import Config, load_config
from m31a_engine.config_sections import AgentsSection, ModelSection, ProviderSettings
from m31a_engine.connecting import connection_to, connections_of, is_local, prices_of
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.models import Models
from m31a_engine.conversation.window import WindowWatch
from m31a_engine.errors import BudgetSpent, ConfigError, ProviderFailed, Refused
from m31a_engine.events import ModelChosen, Noticed, ProviderSwitched
from m31a_engine.member import Member, list_file
from m31a_engine.planning.plan import PlannedTask
from m31a_engine.session.journal import Journal, read_records
from m31a_engine.session.stream import EventStream
from m31a_engine.switchboard import ASKED_FOR, News, Switchboard
from m31a_keychain import MemoryStore
from m31a_ledger import LedgerEntry
from m31a_providers import (
    AssistantMessage,
    ChatRequest,
    Complexity,
    FallbackSettings,
    Finished,
    ModelInfo,
    ProviderError,
    Record,
    Restarted,
    StreamEvent,
    SystemMessage,
    TextDelta,
    Unreachable,
    Usage,
    UserMessage,
)
from m31a_providers.testing import ModelServer, Reply, Script, ScriptedProvider

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest(model="large", messages=(UserMessage(text="Do it."),))
BUSY = Reply(status=503, error="busy")
SMALL = ModelInfo(id="small", price_in=1e-7, price_out=1e-7, context_tokens=200_000)
LARGE = ModelInfo(id="large", price_in=1e-5, price_out=2e-5, context_tokens=200_000)


class Listing(ScriptedProvider):
    """A scripted model whose server tells prices, and counts how often it is asked for them."""

    def __init__(self, lines: list[Reply | str | ProviderError], name: str, *offer: ModelInfo):
        super().__init__(lines, name=name)
        self.offer = offer
        self.asked = 0

    async def models(self) -> tuple[ModelInfo, ...]:
        self.asked += 1
        if not self.offer:
            raise Unreachable(provider=self.name, address="", reason="no list")
        return self.offer


def settings(**fields: object) -> ProviderSettings:
    return msgspec.structs.replace(ProviderSettings(), **fields)


@contextmanager
def at_stream(folder: Path) -> Iterator[tuple[Journal, EventStream]]:
    journal = Journal.open(folder)
    stream = EventStream("s", journal)
    try:
        yield journal, stream
    finally:
        stream.close()
        stream.reader.close()
        journal.close()


def board_of(
    folder: Path,
    providers: Mapping[str, ScriptedProvider],
    *,
    line: tuple[str, ...],
    given: Mapping[str, ProviderSettings] | None = None,
    fallback: bool = False,
    limit_usd: float | None = None,
) -> Switchboard:
    def open_member(name: str, _: object) -> Member:
        if name not in providers:
            raise ProviderFailed(f"there is no API key for {name}", remedy="set one")
        has = (given or {}).get(name, ProviderSettings())
        return Member(providers[name], has, list_file(folder, name, has))

    return Switchboard(
        line,
        open_member,
        is_named=lambda name: name in {*providers, "keyless"},
        fallback=FallbackSettings() if fallback else None,
        limit_usd=limit_usd,
    )


async def news_of(board: Switchboard) -> list[News]:
    told: list[News] = []

    async def emit(news: News) -> None:
        told.append(news)

    await board.tell(emit)
    return told


async def said_by(board: Switchboard) -> tuple[str, Usage]:
    """The answer, and what it took; what was taken back is not in it."""
    text = ""
    async with board.stream(REQUEST) as events:
        async for event in events:
            match event:
                case TextDelta():
                    text += event.text
                case Restarted():
                    text = ""
                case Finished():
                    return text, event.message.usage
                case _:
                    pass
    raise AssertionError("no answer")


def config_of(tmp_path: Path, **overrides: object) -> Config:
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_config(None, {"M31A_HOME": str(tmp_path)}, {"model.default": "large", **given})


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:1234/v1", True),
        ("http://localhost.evil.example/v1", False),
        ("http://127.0.0.1.evil.example/v1", False),
        ("http://localhost@evil.example/v1", False),
        ("https://example.com/v1", False),
        (None, False),
    ],
)
def test_only_a_whole_loopback_host_is_local_and_free(address: str | None, near: bool) -> None:
    server = settings(base_url=address)
    assert is_local(server) is near
    assert prices_of(server).known is near


def test_anthropic_is_built_in_and_speaks_messages(tmp_path: Path) -> None:
    config = config_of(tmp_path, provider__default="anthropic", features__trace_headers="never")
    store = MemoryStore()
    with pytest.raises(ProviderFailed, match="no API key for anthropic"):
        connection_to("anthropic", config, {}, store)

    connection = connection_to("anthropic", config, {"ANTHROPIC_API_KEY": "sk-1"}, store)

    assert connection.open().name == "anthropic"
    assert "sk-1" not in repr(connection)


@pytest.mark.parametrize("kind", ["anthropic", "openai"])
async def test_a_server_of_ones_own_speaks_the_protocol_that_is_configured(
    tmp_path: Path, kind: str
) -> None:
    with ModelServer(["hello"]) as server:
        config = config_of(
            tmp_path,
            provider__default="mine",
            provider__mine__base_url=server.base_url,
            provider__mine__kind=kind,
        )
        provider = connection_to("mine", config, {}, MemoryStore()).open()
        async with provider.stream(REQUEST) as events:
            _ = [event async for event in events]
        await provider.aclose()

    end = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}[kind]
    assert [request.path for request in server.requests] == [end]


def test_who_stands_in_has_a_key_or_an_address_and_only_when_that_is_wanted(
    tmp_path: Path,
) -> None:
    def line(environ: Mapping[str, str], **overrides: object) -> list[str]:
        servers: dict[str, object] = {
            "provider__default": "mine",
            "provider__mine__base_url": "http://127.0.0.1:1/v1",
            "provider__other__base_url": "http://127.0.0.1:2/v1",
            "provider__nowhere__price_in": 1.0,
        }
        config = config_of(tmp_path, **(servers | overrides))
        return [each.name for each in connections_of(config, environ, MemoryStore())]

    zen = {"ZEN_API_KEY": "k"}
    assert line(zen) == ["mine"]
    assert line(zen, provider__auto_fallback=True) == ["mine", "zen", "other"]
    assert line(
        zen, provider__auto_fallback=True, provider__fallback_priority=("other", "mine")
    ) == ["mine", "other"]
    with pytest.raises(ConfigError, match="has no address"):
        line(zen, provider__default="nowhere")


async def test_who_stands_in_is_told_before_its_first_word_and_asked_for_its_own_model(
    tmp_path: Path,
) -> None:
    first = ScriptedProvider([BUSY], name="first")
    second = ScriptedProvider(["from the second"], name="second")
    board = board_of(
        tmp_path,
        {"first": first, "second": second},
        line=("first", "second"),
        given={"second": settings(model="stand-in")},
        fallback=True,
    )
    told: list[object] = []
    async with board.stream(REQUEST) as events:
        async for event in events:
            told.extend(await news_of(board))
            told.append(type(event))

    assert isinstance(told[0], ProviderSwitched)
    assert (told[0].origin, told[0].target) == ("first", "second")
    assert "busy" in told[0].reason
    assert TextDelta in told
    assert (board.name, second.requests[0].model) == ("second", "stand-in")


async def test_without_fallback_an_outage_is_an_error(tmp_path: Path) -> None:
    board = board_of(tmp_path, {"first": ScriptedProvider([BUSY], name="first")}, line=("first",))
    with pytest.raises(ProviderError, match="busy"):
        await said_by(board)
    assert await news_of(board) == []


async def test_another_provider_answers_from_the_next_request_on(tmp_path: Path) -> None:
    providers = {
        "first": ScriptedProvider(["one", "again"], name="first"),
        "second": ScriptedProvider(["two"], name="second"),
    }
    board = board_of(tmp_path, providers, line=("first",))
    assert not board.choose("unheard of")
    assert (await said_by(board))[0] == "one"

    assert board.choose("second")
    await board.settle("large")
    assert (await said_by(board))[0] == "two"
    assert board.choose("first")
    await board.settle("large")
    await board.settle("large")

    assert (await said_by(board))[0] == "again"
    assert await news_of(board) == [
        ProviderSwitched(origin="first", target="second", reason=ASKED_FOR),
        ProviderSwitched(origin="second", target="first", reason=ASKED_FOR),
    ]
    await board.aclose()


async def test_a_model_that_a_person_names_is_asked_for_by_that_very_name(tmp_path: Path) -> None:
    second = ScriptedProvider(["two", "two"], name="second")
    providers = {"first": ScriptedProvider([], name="first"), "second": second}
    given = {"second": settings(model="its-own")}
    board = board_of(tmp_path, providers, line=("first",), given=given)
    assert board.choose("second")
    await board.settle("large")
    await said_by(board)

    board.take_as_named("large")
    await said_by(board)

    assert [request.model for request in second.requests] == ["its-own", "large"]


async def test_a_provider_that_cannot_be_used_is_told_of_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    dear = Listing([], "dear")
    providers = {"first": ScriptedProvider(["still here"], name="first"), "dear": dear}
    free = settings(price_in=0.0, price_out=0.0)
    board = board_of(tmp_path, providers, line=("first",), given={"first": free}, limit_usd=1.0)

    for name in ("keyless", "dear"):
        assert board.choose(name)
        await board.settle("large")

    no_key, no_price = await news_of(board)
    assert isinstance(no_key, Noticed)
    assert isinstance(no_price, Noticed)
    assert "no API key" in no_key.text
    assert no_key.remedy == "set one"
    assert "price of dear's model large is not known" in no_price.text
    assert (await said_by(board))[0] == "still here"


async def test_news_is_journalled_in_its_order_even_when_whoever_tells_is_cancelled(
    tmp_path: Path,
) -> None:
    providers = {"first": ScriptedProvider([], name="first")}
    board = board_of(tmp_path, providers, line=("first",))
    for name in ("keyless", "keyless"):
        board.choose(name)
        await board.settle("large")

    with at_stream(tmp_path) as (_, stream):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await board.tell(stream.emit)
        stream.close()
        told = [envelope.event async for envelope in stream.reader]
    kept = [record for record in read_records(tmp_path)[0] if record.kind == "envelope"]

    assert [type(event) for event in told] == [Noticed] * 2
    assert len(kept) == 2


async def test_prices_are_configured_else_listed_else_unknown_and_asked_for_once(
    tmp_path: Path,
) -> None:
    listing = Listing(["words"], "far", LARGE)
    far = Member(listing, ProviderSettings(), tmp_path / "far.json")
    assert far.known_window("large") is None
    assert await far.prices("large") == Prices(input_usd=1e-5, output_usd=2e-5)
    assert await far.prices("unheard of") == Prices(input_usd=None, output_usd=None)
    assert (await far.window("large"), far.known_window("large")) == (200_000, 200_000)
    assert listing.asked == 1

    configured = Member(listing, settings(price_in=1.0, price_out=2.0), tmp_path / "x.json")
    assert await configured.prices("any") == Prices(input_usd=1e-6, output_usd=2e-6)
    assert listing.asked == 1


async def test_an_old_list_of_models_serves_when_nobody_answers(tmp_path: Path) -> None:
    kept_at = tmp_path / "far.json"
    await Member(Listing([], "far", LARGE), ProviderSettings(), kept_at).models()
    aged = msgspec.json.decode(kept_at.read_bytes()) | {"fetched_at_s": 0.0}
    kept_at.write_bytes(msgspec.json.encode(aged))
    silent = Listing([], "far")

    assert (await Member(silent, ProviderSettings(), kept_at).prices("large")).known
    assert silent.asked == 1
    nothing = Member(silent, ProviderSettings(), tmp_path / "none.json")
    assert await nothing.models() == ()


async def test_a_cache_that_cannot_be_written_hides_no_models(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    member = Member(Listing([], "far", LARGE), ProviderSettings(), tmp_path / "file" / "far.json")
    assert await member.models() == (LARGE,)


class Unpriced(Listing):
    """A server that counts tokens and names no cost."""

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        async def events() -> AsyncGenerator[StreamEvent, None]:
            usage = Usage(input_tokens=100, output_tokens=10)
            yield Finished(message=AssistantMessage(model="large-2", usage=usage))

        async with aclosing(events()) as row:
            yield row


@pytest.mark.parametrize(("offer", "cost"), [((LARGE,), 0.0012), ((SMALL,), None), ((), None)])
async def test_an_answer_is_priced_by_the_list_where_the_server_names_no_cost(
    tmp_path: Path, offer: tuple[ModelInfo, ...], cost: float | None
) -> None:
    board = board_of(tmp_path, {"far": Unpriced([], "far", *offer)}, line=("far",))
    _, usage = await said_by(board)
    assert usage.cost_usd == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize(("window", "known"), [(32_768, 32_768), (None, None)])
async def test_a_server_on_this_machine_tells_its_window_for_whatever_name_it_is_asked(
    tmp_path: Path, window: int | None, known: int | None
) -> None:
    with ModelServer(Script(models=("the-only-one",), context_tokens=window)) as server:
        config = config_of(
            tmp_path, provider__default="mine", provider__mine__base_url=server.base_url
        )
        provider = connection_to("mine", config, {}, MemoryStore()).open()
        member = Member(provider, config.providers["mine"], tmp_path / "mine.json")
        assert await member.window("whatever") == known
        await member.aclose()

    assert not (tmp_path / "mine.json").exists(), "what it has loaded may change at any time"


def conversation(turns: int = 0, size: int = 10) -> Conversation:
    talk = Conversation(
        "t", "execute", "1", (SystemMessage(text="s"), UserMessage(text="x" * size))
    )
    talk.turns = turns
    return talk


@pytest.mark.parametrize(
    ("window", "size", "longest"),
    [
        (None, 10, None),
        (2_048, 10, 1024),
        (32_000, 10, 8_000),
        (1_000_000, 10, MAX_OUTPUT_TOKENS),
        (4_096, 11_500, None),
    ],
    ids=["unknown", "at least", "a quarter", "at most", "no room"],
)
async def test_the_longest_answer_follows_from_the_window(
    tmp_path: Path, window: int | None, size: int, longest: int | None
) -> None:
    providers = {"far": ScriptedProvider([], name="far")}
    board = board_of(tmp_path, providers, line=("far",), given={"far": settings(context=window)})
    assert await WindowWatch(board).longest_answer(conversation(size=size), "m") == longest


async def test_no_model_is_told_to_write_more_than_it_can(tmp_path: Path) -> None:
    short = msgspec.structs.replace(LARGE, max_output_tokens=4_000)
    board = board_of(tmp_path, {"far": Listing([], "far", short)}, line=("far",))
    watch = WindowWatch(board)
    assert await watch.longest_answer(conversation(), "large") is None, "nobody was asked yet"
    await board.offered()
    assert await watch.longest_answer(conversation(), "large") == 4_000


async def test_a_limit_wants_every_price_of_everybody_who_may_answer(tmp_path: Path) -> None:
    priced, silent = Listing([], "priced", LARGE, SMALL), Listing([], "silent")
    providers = {"priced": priced, "silent": silent}

    def board(*line: str, limit_usd: float | None = 1.0, **given: ProviderSettings) -> Switchboard:
        return board_of(
            tmp_path, providers, line=line, given=given, fallback=True, limit_usd=limit_usd
        )

    await board("silent", limit_usd=None).require_prices(("large",))
    assert silent.asked == 0, "without a limit nobody is asked before the first request"
    await board("priced").require_prices(("large", "small"))
    with pytest.raises(Refused, match="price of silent's model large is not known") as refused:
        await board("priced", "silent").require_prices(("large",))
    assert "[provider.silent]" in refused.value.remedy

    dear = board("priced", "silent", silent=settings(price_in=100.0, price_out=1.0))
    await dear.require_prices(("large",))
    assert await dear.prices("large") == Prices(input_usd=1e-4, output_usd=2e-5)


def test_a_limit_is_not_kept_by_looking_away_from_an_unknown_price() -> None:
    with pytest.raises(BudgetSpent, match="price is not known"):
        Budget(1.0).reserve(10, 40, Prices(input_usd=None, output_usd=0.1))


def test_a_try_that_broke_off_is_paid_for_and_the_next_one_has_to_fit() -> None:
    budget = Budget(5.0)
    reservation = budget.reserve(0, 0, Prices(input_usd=0.0, output_usd=0.001), 2000)
    assert (reservation.usd, reservation.max_tokens) == (2.0, 2000)

    budget.repeat(reservation)
    with pytest.raises(BudgetSpent):
        budget.repeat(reservation)
    budget.settle(reservation, Usage(input_tokens=1, output_tokens=1, cost_usd=0.5), "large")

    assert budget.spent_usd == pytest.approx(4.5)
    assert (budget.requests, budget.models) == (3, {"large": 1})


def test_a_row_counts_for_its_model_and_complexity_and_a_mixed_one_for_nobody() -> None:
    def row(model: str, complexity: str, outcome: str, kind: str = "run") -> LedgerEntry:
        return LedgerEntry(
            session="s", at="", model=model, complexity=complexity, outcome=outcome, kind=kind
        )

    rows = (
        row("small", "trivial", "shipped"),
        row("small", "simple", "failed"),
        row("small", "simple", "interrupted"),
        row("small", "complex", "failed"),
        row("large", "simple", "shipped_on_branch"),
        row("large", "simple", "shipped", kind="demo"),
        row("large + small", "simple", "failed"),
    )
    records = records_of(rows, Complexity.simple)
    assert records["small"] == Record(wins=1, losses=1)
    assert records["large"] == Record(wins=1)
    assert records.get("large + small") == Record(losses=1), "no model has that name"


TASK = PlannedTask(id=3, description="rename a variable")


@contextmanager
def arbitrage(
    folder: Path, models: Models, rows: Callable[[], list[LedgerEntry]] = list
) -> Iterator[tuple[Arbitrage, Listing]]:
    """What chooses, with a journal that goes on where the last one here stopped."""
    listing = Listing([], "far", SMALL, LARGE)
    board = board_of(folder, {"far": listing}, line=("far",))
    with at_stream(folder) as (journal, stream):
        yield Arbitrage(board, models, journal, stream, 0.2, rows), listing


def models_of(**agents: str) -> Models:
    agents_section = msgspec.structs.replace(AgentsSection(), **agents)
    return Models(Config(home="/", model=ModelSection(default="large"), agents=agents_section))


async def test_a_task_gets_the_cheapest_model_that_does_it_and_keeps_it_when_resumed(
    tmp_path: Path,
) -> None:
    models = models_of()
    with arbitrage(tmp_path, models) as (chooses, _):
        await chooses.choose(TASK, "task-3/model")
        event = chooses.stream.reader.receive_nowait().event

    assert models.model_for("execute", "3") == "small"
    assert [models.model_for("execute", "4"), models.model_for("heal", "3")] == ["large"] * 2
    assert isinstance(event, ModelChosen)
    assert (event.task_id, event.model, event.instead_of) == (3, "small", "large")
    assert event.saving_usd > 0
    assert "small saves" in event.reason

    models = models_of()
    with arbitrage(tmp_path, models) as (chooses, listing):
        await chooses.choose(TASK, "task-3/model")
    assert (models.model_for("execute", "3"), listing.asked) == ("small", 0)


async def test_a_model_that_failed_before_is_not_chosen(tmp_path: Path) -> None:
    lost = LedgerEntry(session="s", at="", model="small", complexity="simple", outcome="failed")
    models = models_of()
    with arbitrage(tmp_path, models, lambda: [lost] * 3) as (chooses, _):
        await chooses.choose(TASK, "k")
    assert models.model_for("execute", "3") == "large"


@pytest.mark.parametrize("how", ["command", "configuration"])
async def test_a_persons_choice_for_the_phase_wins(tmp_path: Path, how: str) -> None:
    models = models_of(execute="mine" if how == "configuration" else "")
    with arbitrage(tmp_path, models) as (chooses, listing):
        if how == "command":
            await chooses.choose(TASK, "before")
            models.choose("execute", "mine")
        asked = listing.asked
        await chooses.choose(TASK, "k")
        assert (models.model_for("execute", "3"), listing.asked) == ("mine", asked)
