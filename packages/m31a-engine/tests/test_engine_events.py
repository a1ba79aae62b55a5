"""Every event can be stored and read back; the sum of them is what consumers match on."""

import typing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine import events
from m31a_engine.asks import (
    Grant,
    OpenAsks,
    PermissionAnswer,
    PermissionAsk,
    PlanAnswer,
    PlanAsk,
    PlanChoice,
    QuestionsAnswer,
)
from m31a_engine.checks.result import Culprit, Finding, FindingKind, Severity
from m31a_engine.events import Envelope, Event
from m31a_engine.sample import SAMPLE_PLAN, sample_events
from m31a_providers import Usage
from m31a_tools import Listing, PermissionRequest, Risk

REQUEST = PermissionRequest(
    tool="Bash",
    summary="run rm -r build",
    detail="rm -r build",
    risk=Risk.DESTRUCTIVE,
    command="rm -r build",
    destroys=("rm -r",),
)
RARE: tuple[Event, ...] = (
    events.ReasoningStreamed(conversation="c", text="hm"),
    events.MessageRestarted(conversation="c", reason="the connection broke"),
    events.TaskHealing(task_id=1, attempt=2, error="red"),
    events.CulpritFound(culprit=Culprit(check="test", commit="c1", subject="Mend", steps=4)),
    events.FindingMade(
        finding=Finding(
            kind=FindingKind.SECRET, severity=Severity.BLOCKING, path="a.py", text="a key"
        )
    ),
    events.ProviderSwitched(origin="a", target="b", reason="slow"),
    events.ModelChosen(
        task_id=2, model="small", instead_of="large", complexity="simple", reason="cheaper"
    ),
    events.ContextCondensed(conversation="c", removed=4, saved_tokens=4000),
    events.LandingRefused(reason="moved", paths=("a.py",), command="git merge m31a/x"),
    events.Noticed(text="look", remedy="there"),
    events.UsageChanged(usage=Usage(input_tokens=3, cost_usd=None), requests=1),
    events.AskOpened(ask=PermissionAsk(ask_id="p-1", request=REQUEST, task="1"), timeout_s=300.0),
    events.AskOpened(
        ask=PlanAsk(ask_id="l-1", plan=SAMPLE_PLAN, version=2, problems=("long",)), timeout_s=1.0
    ),
    events.AskClosed(ask_id="p-1", answer=PermissionAnswer(ask_id="p-1", grant=Grant.ALWAYS)),
    events.AskClosed(
        ask_id="l-1", answer=PlanAnswer(ask_id="l-1", choice=PlanChoice.REFINE, feedback="less")
    ),
    events.ToolEnded(
        conversation="c",
        call_id="1",
        tool="Glob",
        display=Listing(paths=("a", "b")),
        is_error=False,
    ),
)
ALL = (*sample_events(), *RARE)


@pytest.mark.parametrize("kind", typing.get_args(Event), ids=lambda kind: kind.__name__)
def test_each_kind_of_event_is_the_same_after_json(kind: type[Event]) -> None:
    of_kind = [event for event in ALL if type(event) is kind]
    assert of_kind, "an event of each kind stands in the sample or above"

    for event in of_kind:
        envelope = Envelope(seq=1, at="2026-11-21T04:15:30.000Z", session="s", event=event)
        text = msgspec.json.encode(envelope)
        assert envelope == msgspec.json.decode(text, type=Envelope)
        assert b"object at 0x" not in text


def test_no_two_kinds_share_a_tag() -> None:
    tags = [kind.__struct_config__.tag for kind in typing.get_args(Event)]
    assert len(tags) == len(set(tags))


@settings(max_examples=60, deadline=None)
@given(text=st.text(), remedy=st.text(), seq=st.integers(1, 2**53))
def test_any_text_survives_json(text: str, remedy: str, seq: int) -> None:
    event = events.Noticed(text=text, remedy=remedy)
    envelope = Envelope(seq=seq, at="", session="s", event=event)
    assert envelope == msgspec.json.decode(msgspec.json.encode(envelope), type=Envelope)


def test_an_old_event_without_later_fields_loads() -> None:
    text = b'{"type":"task.ended","task_id":1,"outcome":"done"}'
    assert events.TaskEnded(task_id=1, outcome="done") == msgspec.json.decode(text, type=Event)


pytestmark = pytest.mark.anyio
ASK = PermissionAsk(ask_id="permission-1", request=REQUEST)


async def test_an_answer_that_came_before_anybody_waited_is_kept() -> None:
    asks = OpenAsks()
    asks.register(ASK)
    answer = PermissionAnswer(ask_id=ASK.ask_id, grant=Grant.ONCE)

    assert asks.answer(answer)
    assert not asks.answer(PermissionAnswer(ask_id=ASK.ask_id, grant=Grant.DENY))
    assert answer == await asks.wait(ASK, 5)
    assert not asks.answer(answer), "the ask is closed"


async def test_an_answer_of_another_kind_or_to_nobody_is_refused() -> None:
    asks = OpenAsks()
    asks.register(ASK)
    assert not asks.answer(QuestionsAnswer(ask_id=ASK.ask_id))
    assert not asks.answer(PermissionAnswer(ask_id="unknown", grant=Grant.ONCE))
    assert await asks.wait(ASK, 0) is None


async def test_ids_are_never_used_twice() -> None:
    asks = OpenAsks()
    assert [asks.new_id(prefix) for prefix in ("permission", "plan", "plan")] == [
        "permission-1",
        "plan-2",
        "plan-3",
    ]
