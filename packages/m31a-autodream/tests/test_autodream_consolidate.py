"""What a consolidation may take away, what it must leave, and how it is taken back."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_autodream import Breaker, CannotUndo, Consolidation, ConsolidationStopped, consolidate


@dataclass(frozen=True)
class Note:
    """A message as small as it can be."""

    text: str
    role: str = "user"
    tokens: int = 10
    call: str | None = None
    pinned: bool = False


def pinned(note: Note) -> bool:
    return note.pinned


def tokens(note: Note) -> int:
    return note.tokens


def call(note: Note) -> str | None:
    return note.call


def role(note: Note) -> str:
    return note.role


def stub(note: Note) -> Note | None:
    return replace(note, text=f"{note.text} (cut)", tokens=3) if note.role == "tool" else None


def facts(note: Note) -> Note | None:
    """The parts of a note that are marked as state, alone in a note of the system."""
    marked = [word for word in note.text.split() if word.startswith("fact:")]
    return Note(" ".join(marked), "system", len(marked)) if marked else None


class Summariser:
    """Writes summaries of a given size and remembers what it was given."""

    def __init__(self, size: int = 1) -> None:
        self.size = size
        self.asked: list[tuple[Note, ...]] = []

    async def __call__(self, notes: Sequence[Note]) -> Note:
        self.asked.append(tuple(notes))
        return Note(f"summary {len(self.asked)}", "assistant", self.size)


def notes(count: int, **fields: object) -> list[Note]:
    return [Note(f"n{number}", **fields) for number in range(count)]  # type: ignore[arg-type]


def shorten(
    messages: Sequence[Note],
    summarise: Callable[[Sequence[Note]], Awaitable[Note]],
    **options: object,
) -> Consolidation[Note]:
    """Consolidate without a running event loop of one's own."""

    async def call_it() -> Consolidation[Note]:
        return await consolidate(
            messages,
            protect=pinned,
            size=tokens,
            summarise=summarise,
            **options,  # type: ignore[arg-type]
        )

    return anyio.run(call_it)


@pytest.mark.anyio
async def test_the_oldest_half_of_what_is_free_gives_way_to_one_summary_in_its_place() -> None:
    system, plan = Note("system", pinned=True), Note("plan", pinned=True)
    middle = notes(8)
    last = [Note(f"last {number}") for number in range(5)]
    summarise = Summariser()

    result = await consolidate(
        [system, middle[0], plan, *middle[1:], *last],
        protect=pinned,
        size=tokens,
        summarise=summarise,
    )

    summary = Note("summary 1", "assistant", 1)
    assert result.messages == (system, summary, plan, *middle[4:], *last)
    assert result.removed == tuple(middle[:4])
    assert result.summary == summary
    assert result.saved_tokens == 39
    assert summarise.asked == [tuple(middle[:4])]


def test_half_is_measured_in_tokens_not_in_messages() -> None:
    bulky = Note("bulky", tokens=500)

    result = shorten([bulky, *notes(9)], Summariser(), keep_last=0)

    assert result.removed == (bulky,)


def test_the_last_messages_are_left_alone_and_with_them_the_calls_they_answer() -> None:
    early_call = Note("call", "assistant", call="c1")
    late_result = Note("result", "tool", tokens=90, call="c1")
    summarise = Summariser()

    result = shorten(
        [early_call, *notes(4), late_result], summarise, group=call, stub=stub, keep_last=1
    )

    assert result.messages[0] == early_call
    assert result.messages[-1] == late_result
    assert result.removed == tuple(notes(2))


def test_an_open_call_is_left_alone() -> None:
    waiting = Note("call", "assistant", tokens=500, call="c1")

    result = shorten([waiting, *notes(4)], Summariser(), group=call, keep_last=0)

    assert result.messages[0] == waiting
    assert result.removed == tuple(notes(2))


def test_one_protected_message_keeps_its_whole_call() -> None:
    asked = Note("call", "assistant", tokens=100, call="c1")
    answer = Note("result", "tool", tokens=100, call="c1", pinned=True)

    result = shorten([asked, answer, *notes(2)], Summariser(), group=call, stub=stub, keep_last=0)

    assert result.messages[:2] == (asked, answer)


def test_bulky_outputs_are_stubbed_before_anything_is_summarised() -> None:
    asked = Note("call", "assistant", call="c1")
    output = Note("output", "tool", tokens=900, call="c1")
    small = Note("small", "tool", tokens=2)
    summarise = Summariser()

    result = shorten(
        [*notes(2), asked, output, small], summarise, group=call, stub=stub, keep_last=0
    )

    cut = Note("output (cut)", "tool", tokens=3, call="c1")
    assert result.messages == (result.summary, asked, cut, small)
    assert result.removed == tuple(notes(2))
    assert result.saved_tokens == 20 - 1 + 897


def test_stubs_that_reach_the_target_spare_the_summary() -> None:
    conversation = [Note("output", "tool", tokens=900), *notes(3)]
    summarise = Summariser()

    enough = shorten(conversation, summarise, stub=stub, keep_last=0, target_tokens=33)
    too_little = shorten(conversation, summarise, stub=stub, keep_last=0, target_tokens=32)

    assert (enough.summary, enough.removed, enough.saved_tokens) == (None, (), 897)
    assert enough.undo(enough.messages) == tuple(conversation)
    assert too_little.summary is not None
    assert len(summarise.asked) == 1


def test_a_summary_that_is_not_smaller_is_dropped() -> None:
    result = shorten(notes(4), Summariser(size=20), keep_last=0)

    assert result.messages == tuple(notes(4))
    assert (result.removed, result.summary, result.saved_tokens) == ((), None, 0)


def test_where_nothing_can_be_gained_no_summary_is_asked_for() -> None:
    summarise = Summariser()
    all_state = Note("fact:a", "system", 1)

    assert shorten(notes(5), summarise).messages == tuple(notes(5))
    assert shorten([], summarise).messages == ()
    assert shorten([all_state] * 4, summarise, state=facts, keep_last=0).saved_tokens == 0
    assert shorten([Note("fact:a x", tokens=1)], summarise, state=facts, keep_last=0).removed == ()
    assert summarise.asked == []


def test_state_stays_word_for_word_where_it_stood() -> None:
    spoken = Note("we use fact:port=8443 from now on", tokens=12)
    output = Note("log log fact:build=77 log", "tool", tokens=80)
    conversation = [Note("a"), spoken, Note("b"), output, *notes(6, tokens=30)]

    result = shorten(conversation, Summariser(), state=facts, stub=stub, keep_last=0)

    assert result.messages[:3] == (
        result.summary,
        Note("fact:port=8443", "system", 1),
        Note("fact:build=77", "system", 1),
    )
    assert spoken in result.removed
    assert output in result.removed


def test_a_message_that_holds_state_is_not_stubbed() -> None:
    output = Note("log fact:build=77", "tool", tokens=30)
    conversation = [*notes(5), output]

    result = shorten(conversation, Summariser(), state=facts, stub=stub, keep_last=0)

    assert result.messages[-1] == output


def test_a_result_that_is_all_state_keeps_its_call_too() -> None:
    asked = Note("call", "assistant", tokens=50, call="c1")
    answer = Note("fact:a", "system", 1, call="c1")

    def keep_facts(note: Note) -> Note | None:
        return note if note.text.startswith("fact:") else None

    result = shorten(
        [asked, answer, *notes(2)], Summariser(), group=call, state=keep_facts, keep_last=0
    )

    assert result.messages[:2] == (asked, answer)


def test_fifty_facts_are_all_there_after_ten_consolidations() -> None:
    summarise = Summariser(size=5)
    expected = [f"fact:{number}" for number in range(50)]
    conversation: tuple[Note, ...] = (Note("system", "system", pinned=True),)
    for batch in range(10):
        told = [Note(f"so {fact} it is", tokens=40) for fact in expected[batch * 5 : batch * 5 + 5]]
        chatter = [Note(f"talk {batch}.{number}", "assistant", 60) for number in range(6)]
        result = shorten((*conversation, *told, *chatter), summarise, state=facts, keep_last=2)
        assert result.summary is not None
        conversation = result.messages

    words = " ".join(note.text for note in conversation).split()
    assert [word for word in words if word.startswith("fact:")] == expected


def test_every_role_has_its_first_and_last_word_in_what_is_summarised() -> None:
    conversation = [
        Note("goal", "user", 100),
        Note("call", "assistant", 100, call="c1"),
        Note("result", "tool", 100, call="c1"),
        *[Note(f"thought {number}", "assistant", 100) for number in range(20)],
        Note("hint", "system", 100),
        Note("thanks", "user", 100),
        Note("newer", "assistant", tokens=3000),
        Note("newest", "assistant", tokens=500),
    ]
    summarise = Summariser()

    result = shorten(
        conversation, summarise, group=call, role=role, keep_last=1, sample_tokens=3600
    )

    given = [note.text for note in summarise.asked[0]]
    assert given == ["goal", "call", "result", "thought 19", "hint", "thanks", "newer"]
    assert len(result.removed) == 26, "what was not sampled is removed all the same"


def test_within_the_budget_the_newest_fill_up_and_without_one_all_are_given() -> None:
    summarise = Summariser()

    shorten(notes(20), summarise, keep_last=0, sample_tokens=40)
    shorten(notes(20), summarise, keep_last=0, sample_tokens=None)

    assert [note.text for note in summarise.asked[0]] == ["n0", "n7", "n8", "n9"]
    assert summarise.asked[1] == tuple(notes(10))


def test_undo_gives_back_everything_and_keeps_what_was_said_since() -> None:
    conversation = [*notes(8), Note("out", "tool", tokens=90)]
    result = shorten(conversation, Summariser(), stub=stub, keep_last=0)
    since = [Note("later 1"), Note("later 2")]

    assert result.undo([*result.messages, *since]) == (*conversation, *since)
    with pytest.raises(CannotUndo, match="has changed since"):
        result.undo([Note("other"), *result.messages[1:]])
    with pytest.raises(CannotUndo):
        result.undo(result.messages[:-1])


def test_two_poor_consolidations_in_a_row_stop_the_third() -> None:
    breaker = Breaker()
    summarise = Summariser(size=9)
    conversation = [Note("system", tokens=500, pinned=True), *notes(2)]

    shorten(conversation, summarise, keep_last=0, breaker=breaker)
    shorten(conversation, summarise, keep_last=0, breaker=breaker)

    assert breaker.tripped
    with pytest.raises(ConsolidationStopped):
        shorten(conversation, summarise, keep_last=0, breaker=breaker)
    assert len(summarise.asked) == 2
    breaker.reset()
    assert shorten(conversation, summarise, keep_last=0, breaker=breaker).saved_tokens == 1


def test_a_failing_summariser_changes_nothing_and_does_not_count() -> None:
    breaker = Breaker(times=1)

    async def fail(notes: Sequence[Note]) -> Note:
        raise ConnectionError("no model")

    with pytest.raises(ConnectionError):
        shorten(notes(8), fail, keep_last=0, breaker=breaker)
    assert not breaker.tripped


def test_a_negative_keep_last_is_refused() -> None:
    with pytest.raises(ValueError, match="keep_last is -1"):
        shorten([], Summariser(), keep_last=-1)


@st.composite
def conversations(draw: st.DrawFn) -> list[Note]:
    """Messages of all kinds, calls with none to three results that need not follow at once."""
    conversation: list[Note] = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["user", "assistant", "system", "call", "fact"]))
        size = draw(st.integers(0, 60))
        note = Note(f"m{number}", kind, size, pinned=draw(st.integers(0, 5)) == 0)
        if kind == "fact":
            note = replace(note, text=f"m{number} fact:{number}", role="user", tokens=size + 2)
        conversation.append(note)
        if kind == "call":
            conversation[-1] = replace(note, role="assistant", call=f"c{number}")
            for answer in range(draw(st.integers(0, 3))):
                place = draw(st.integers(conversation.index(conversation[-1]), len(conversation)))
                result = Note(f"m{number} r{answer}", "tool", size * 3, f"c{number}")
                conversation.insert(max(place, 1), result)
    return conversation


@settings(deadline=None, max_examples=250)
@given(conversations(), st.integers(0, 6), st.integers(0, 40), st.integers(0, 200))
def test_nothing_protected_is_lost_no_result_is_orphaned_order_is_kept_and_nothing_grows(
    conversation: list[Note], keep_last: int, summary_size: int, budget: int
) -> None:
    summarise = Summariser(summary_size)
    result = shorten(
        conversation,
        summarise,
        group=call,
        state=facts,
        stub=stub,
        role=role,
        keep_last=keep_last,
        sample_tokens=budget,
    )

    def name(note: Note) -> str:
        return note.text.removesuffix(" (cut)")

    names = [note.text for note in conversation]
    left = [name(note) for note in result.messages if name(note) in names]
    gone = [note.text for note in result.removed]
    tail = conversation[len(conversation) - min(keep_last, len(conversation)) :]
    protected = [note for note in conversation if note.pinned or note in tail]
    assert [note for note in result.messages if note in protected] == protected
    assert left == [text for text in names if text not in gone], "order is kept, nothing else goes"
    for key in {note.call for note in conversation} - {None}:
        members = [note.text for note in conversation if note.call == key]
        assert all(text in gone for text in members) or not any(text in gone for text in members)
        assert len(members) > 1 or members[0] in left, "an open call stays"
    total = sum(note.tokens for note in result.messages)
    assert total == sum(note.tokens for note in conversation) - result.saved_tokens
    assert result.saved_tokens >= 0
    kept_facts = [word for note in result.messages for word in note.text.split() if "fact:" in word]
    assert kept_facts == [
        word for note in conversation for word in note.text.split() if "fact:" in word
    ]
    assert list(result.messages).count(Note("summary 1", "assistant", summary_size)) == bool(gone)
    for asked in summarise.asked:
        removed_roles = {note.role for note in result.removed}
        assert not gone or {note.role for note in asked} == removed_roles
    assert result.undo(result.messages) == tuple(conversation)
