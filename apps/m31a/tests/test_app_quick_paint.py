"""What is painted at once, what is joined, and what the last rows say."""

import os
import pty
import select
from collections.abc import Iterator

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.draw.frame import Frame, Size
from m31a.draw.line import Line
from m31a.draw.theme import THEMES
from m31a.program.joining import joined
from m31a.program.messages import Told
from m31a.program.news import MOST_WAITING, Inbox
from m31a.program.remembering import remembering
from m31a.story.blocks import Said
from m31a.story.story import Story
from m31a.story.telling import tell
from m31a.terminal.differ import Differ
from m31a.terminal.ink import Depth, Ink
from m31a.terminal.outlet import Outlet, write_all
from m31a.terminal.writer import QUICK_BYTES, Writer
from m31a.testing import Desk
from m31a.widgets.ending import ending_lines
from m31a_engine import Envelope, Event, Mode, Noticed, Outcome, RunReport, RunStarted, TextStreamed

SIZE = Size(60, 4)


def envelope(event: Event) -> Envelope:
    return Envelope(seq=1, at="", session="s", event=event)


def piece(text: str, conversation: str = "talk") -> Envelope:
    return envelope(TextStreamed(conversation=conversation, text=text))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.text(max_size=5)), max_size=12))
def test_joined_pieces_tell_the_same_story(pieces: list[tuple[str, str]]) -> None:
    singly, queue = Story(), list[Envelope]()
    for conversation, text in pieces:
        singly = tell(singly, piece(text, conversation).event)
        more = joined(queue[-1], piece(text, conversation)) if queue else None
        queue[-1:] = [more] if more else [*queue[-1:], piece(text, conversation)]
    together = Story()
    for each in queue:
        together = tell(together, each.event)

    assert list(together.blocks) == list(singly.blocks)
    assert all(isinstance(block, Said) for block in singly.blocks)


def test_only_pieces_of_one_answer_are_joined() -> None:
    assert joined(piece("a"), piece("b", "other")) is None
    assert joined(piece("a"), envelope(Noticed(text="b"))) is None
    assert joined(piece("a"), piece("b")) == piece("ab")


@pytest.mark.anyio
async def test_a_run_that_tells_more_than_is_taken_waits_and_nothing_is_lost() -> None:
    inbox = Inbox()
    told = [envelope(Noticed(text=str(number))) for number in range(MOST_WAITING + 100)]

    async def tell() -> None:
        for each in told:
            await inbox.tell(each)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(tell)
            await anyio.wait_all_tasks_blocked()
            first = list(iter(inbox.take, None))
            await anyio.wait_all_tasks_blocked()
            rest = list(iter(inbox.take, None))

    assert (len(first), bool(inbox)) == (MOST_WAITING, False)
    assert [news.message for news in (*first, *rest)] == [Told(each) for each in told]


@pytest.fixture
def far() -> Iterator[tuple[int, int]]:
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    yield master, slave
    os.close(master)
    os.close(slave)


def differ() -> Differ:
    return Differ(Ink(THEMES["dark"], Depth.MONO), sync=False)


def drained(master: int, until: bytes) -> bytes:
    sent = b""
    while until not in sent:
        assert select.select([master], [], [], 5.0)[0], sent[-200:]
        sent += os.read(master, 65_536)
    return sent


def test_a_small_frame_is_on_its_way_when_show_returns(far: tuple[int, int]) -> None:
    master, slave = far
    writer = Writer(slave, differ())  # its thread is never started

    writer.show(Frame(SIZE, (Line.of("at once"),)))

    assert b"at once" in os.read(master, 65_536)
    assert not writer.busy


def fill(slave: int) -> None:
    """Write until the terminal takes nothing more; the kernel makes some room behind our back."""
    outlet = Outlet(slave)
    while outlet.has_room(0.05):
        outlet.offer(b"x" * 1000)
    outlet.close()


def test_a_terminal_that_stays_full_is_left_with_what_it_has(far: tuple[int, int]) -> None:
    master, slave = far
    fill(slave)
    writer = Writer(slave, differ())
    writer.start()
    writer.show(Frame(SIZE, (Line.of("never seen"),)))

    assert not writer.close()  # and the thread has ended: nothing comes after what is written now
    with pytest.raises(TimeoutError, match="took nothing"):
        write_all(slave, "given back", patience_s=0.05)
    taken = b""
    while select.select([master], [], [], 0.05)[0]:
        taken += os.read(master, 65_536)
    write_all(slave, "given back", patience_s=5.0)
    assert b"never" not in taken + drained(master, b"given back")


def test_a_terminal_that_is_full_keeps_nobody_waiting_and_gets_the_rest_later(
    far: tuple[int, int],
) -> None:
    master, slave = far
    fill(slave)
    writer = Writer(slave, differ())
    writer.start()

    writer.show(Frame(SIZE, (Line.of("first"),)))
    writer.show(Frame(SIZE, (Line.of("second"),)))

    assert writer.busy
    sent = drained(master, b"second")
    assert sent.index(b"first") < sent.index(b"second")
    assert writer.settle()
    assert writer.close()


def test_a_large_frame_and_an_output_that_is_no_terminal_are_left_to_the_thread(
    far: tuple[int, int],
) -> None:
    master, slave = far
    read, write = os.pipe()
    for output, reading in ((slave, master), (write, read)):
        writer = Writer(output, differ())
        writer.start()
        lines = tuple(Line.of(f"{number:03d} " + "word " * 20) for number in range(40))
        assert sum(line.width for line in lines) > QUICK_BYTES
        writer.show(Frame(Size(110, 40), lines))
        drained(reading, b"039")
        assert writer.close()
    os.close(read)
    os.close(write)


def test_stopping_is_offered_only_while_something_runs() -> None:
    desk = Desk("repl", size=Size(100, 30))
    assert "esc stop" not in desk.text

    started = RunStarted(goal="g", project="p", mode=Mode.AUTO, model="m", provider="p")
    desk.tell(started)

    assert "esc stop" in desk.text


def test_an_end_without_a_commit_names_the_branch_that_keeps_the_work() -> None:
    report = RunReport(
        session="s", outcome=Outcome.FAILED, goal="g", mode=Mode.AUTO, branch="m31a/s"
    )

    assert "  kept     on m31a/s" in [line.text for line in ending_lines(report, 60)]


def test_what_is_asked_again_is_made_once_and_anything_else_anew() -> None:
    made: list[tuple[list[str], int]] = []

    @remembering
    def joined_up(words: list[str], count: int) -> str:
        made.append((words, count))
        return " ".join(words * count)

    assert joined_up(["a", "b"], 2) == joined_up(["a", "b"], 2) == "a b a b"
    assert joined_up(["a"], count=1) == joined_up(["a"], count=1) == "a"
    assert joined_up(["a", "b"], 2) == "a b a b"
    assert made == [(["a", "b"], 2), (["a"], 1), (["a", "b"], 2)]
