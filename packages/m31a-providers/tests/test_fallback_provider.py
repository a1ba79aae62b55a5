from collections.abc import Sequence

import anyio
import pytest

from m31a_providers import (
    ChatRequest,
    FallbackProvider,
    FallbackSettings,
    Finished,
    Health,
    HealthStatus,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Restarted,
    StreamEvent,
    Switch,
    TextDelta,
    Unauthorized,
    Unavailable,
    UserMessage,
)
from m31a_providers.testing import Reply, Rule, ScriptedProvider

pytestmark = pytest.mark.anyio

HELLO = ChatRequest(model="m", messages=(UserMessage(text="hello"),))
LIMITED = RateLimited(provider="first", address="http://first")
LIVE = Health(status=HealthStatus.live, latency_ms=10)
SLOW = Health(status=HealthStatus.slow, latency_ms=900)
DEGRADED = Health(status=HealthStatus.degraded, latency_ms=5000)
OFFLINE = Health(status=HealthStatus.offline)


def scripted(name: str, health: Health, *lines: Reply | str | ProviderError) -> ScriptedProvider:
    return ScriptedProvider(lines, name=name, health=health)


def always(name: str, health: Health = LIVE) -> ScriptedProvider:
    return ScriptedProvider([Rule(reply=Reply(text=name))], name=name, health=health)


async def ask(provider: FallbackProvider) -> list[StreamEvent]:
    with anyio.fail_after(5):
        async with provider.stream(HELLO) as events:
            return [event async for event in events]


async def text_from(provider: FallbackProvider) -> str:
    last = (await ask(provider))[-1]
    assert isinstance(last, Finished)
    return last.message.text


async def test_the_first_provider_answers_while_it_is_well() -> None:
    switches: list[Switch] = []
    second = always("second")
    provider = FallbackProvider([always("first"), second], on_switch=switches.append)
    assert await text_from(provider) == "first"
    assert (switches, second.requests, provider.name) == ([], [], "first")


@pytest.mark.parametrize(
    ("others", "winner"),
    [
        ([LIVE, LIVE], "b"),
        ([SLOW, LIVE], "c"),
        ([SLOW, SLOW], "b"),
        ([OFFLINE, SLOW], "c"),
        ([DEGRADED, LIVE], "c"),
        ([DEGRADED, OFFLINE], None),
    ],
    ids=["both live", "live before slow", "both slow", "offline", "degraded", "none"],
)
async def test_the_best_of_the_others_takes_over(
    others: Sequence[Health], winner: str | None
) -> None:
    switches: list[Switch] = []
    provider = FallbackProvider(
        [scripted("a", LIVE, LIMITED), always("b", others[0]), always("c", others[1])],
        on_switch=switches.append,
    )
    if winner is None:
        with pytest.raises(RateLimited):
            await ask(provider)
        assert switches == []
    else:
        assert await text_from(provider) == winner
        assert switches == [Switch(origin="a", target=winner, reason=str(LIMITED))]
        assert provider.name == winner


async def test_what_was_shown_before_the_switch_is_called_back() -> None:
    broken = Reply(text="Hello", chunk=2, break_after=2)
    provider = FallbackProvider([scripted("a", LIVE, broken), always("b")])
    events = await ask(provider)
    assert events[0] == TextDelta(text="He")
    assert isinstance(events[1], Restarted)
    assert events[2] == TextDelta(text="b")


async def test_a_fault_of_the_request_or_key_moves_nobody() -> None:
    refused = Unauthorized(provider="a", status=401)
    second = always("b")
    provider = FallbackProvider([scripted("a", LIVE, refused), second])
    with pytest.raises(Unauthorized):
        await ask(provider)
    assert second.requests == []


async def test_each_provider_is_tried_once_and_the_last_error_is_told() -> None:
    down = Unavailable(provider="b", status=503)
    empty = OutOfCredit(provider="c")
    provider = FallbackProvider(
        [scripted("a", LIVE, LIMITED), scripted("b", LIVE, down), scripted("c", LIVE, empty)]
    )
    with pytest.raises(OutOfCredit):
        await ask(provider)


async def test_the_first_gets_its_place_back_when_it_is_live_again() -> None:
    now = 0.0
    switches: list[Switch] = []
    first = scripted("a", LIVE, LIMITED, "back")
    provider = FallbackProvider([first, always("b")], on_switch=switches.append, clock=lambda: now)
    assert await text_from(provider) == "b"
    now = 59.0
    assert await text_from(provider) == "b"
    now = 60.0
    assert await text_from(provider) == "back"
    assert [(switch.origin, switch.target) for switch in switches] == [("a", "b"), ("b", "a")]


async def test_a_first_provider_that_is_still_slow_stays_left() -> None:
    now = 0.0
    provider = FallbackProvider([scripted("a", SLOW, LIMITED), always("b")], clock=lambda: now)
    assert await text_from(provider) == "b"
    now = 100.0
    assert await text_from(provider) == "b"


async def test_a_provider_that_was_left_is_asked_once_in_a_while_only() -> None:
    asked: list[float] = []
    now = 0.0

    class Counted(ScriptedProvider):
        async def health(self) -> Health:
            asked.append(now)
            return SLOW

    provider = FallbackProvider([Counted([LIMITED], name="a"), always("b")], clock=lambda: now)
    for moment in (0.0, 59.0, 61.0, 70.0, 120.0, 122.0):
        now = moment
        assert await text_from(provider) == "b"
    assert asked == [61.0, 122.0]


async def test_a_provider_that_does_not_say_how_it_is_does_not_delay_the_others() -> None:
    class Mute(ScriptedProvider):
        async def health(self) -> Health:
            await anyio.sleep_forever()
            raise AssertionError

    settings = FallbackSettings(health_timeout_s=0.05)
    mute = Mute([], name="b")
    provider = FallbackProvider(
        [scripted("a", LIVE, LIMITED), mute, always("c")], settings=settings
    )
    assert await text_from(provider) == "c"


async def test_the_thresholds_of_the_settings_decide_what_is_live() -> None:
    settings = FallbackSettings(live_ms=1000)
    provider = FallbackProvider(
        [scripted("a", LIVE, LIMITED), always("b", SLOW), always("c", LIVE)], settings=settings
    )
    assert await text_from(provider) == "b"


async def test_another_provider_is_asked_for_its_own_model() -> None:
    second = always("b")
    provider = FallbackProvider([scripted("a", LIVE, LIMITED), second], models_of={"b": "other"})
    last = (await ask(provider))[-1]
    assert isinstance(last, Finished)
    assert (second.requests[0].model, last.message.model) == ("other", "other")


async def test_questions_go_to_the_provider_in_use_and_closing_to_all() -> None:
    provider = FallbackProvider([always("a", SLOW), always("b")])
    assert await provider.health() == SLOW
    assert [model.id for model in await provider.models()] == ["scripted"]
    await provider.aclose()


async def test_nobody_to_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FallbackProvider([])
