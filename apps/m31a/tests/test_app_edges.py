"""Where the app touches the system: the writer, the person's programs, files, what is kept."""

import os
import threading
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.crash import tell_of_bug
from m31a.draw.frame import Frame, Size
from m31a.draw.line import Line
from m31a.draw.style import PLAIN, STRONG, Style, Tone
from m31a.draw.theme import ANSI, DARK
from m31a.farewell import MOST_ROWS, farewell
from m31a.file_list import project_files
from m31a.opening import opening_frame
from m31a.people import People
from m31a.story.block_list import BlockList
from m31a.story.blocks import Block, Notice, UserSaid
from m31a.story.story import Story, begin, halted
from m31a.story.telling import tell
from m31a.terminal.differ import Differ
from m31a.terminal.ink import Depth, Ink, depth_of, no_nearest
from m31a.terminal.outlet import write_all
from m31a.terminal.probe import Capabilities, assumed, learned
from m31a.terminal.writer import Writer
from m31a_engine import (
    ContextCondensed,
    CulpritFound,
    Finding,
    FindingKind,
    FindingMade,
    MessageRestarted,
    Noticed,
    Refused,
    Severity,
    TaskEnded,
    TextStreamed,
)
from m31a_engine.checks.result import Culprit

SIZE = Size(20, 3)


def frame(text: str) -> Frame:
    return Frame(SIZE, (Line.of(text),))


def ink(depth: Depth = Depth.MONO) -> Ink:
    return Ink(DARK, depth)


def test_a_terminal_that_takes_nothing_slows_nobody_and_gets_the_newest_frame() -> None:
    reader, screen = os.pipe()
    while True:  # fill the pipe: nobody reads
        try:
            os.set_blocking(screen, False)
            os.write(screen, b"." * 4096)
        except BlockingIOError:
            break
    os.set_blocking(screen, True)
    writer = Writer(screen, Differ(ink(), sync=False))
    writer.start()

    for number in range(1000):
        writer.show(frame(f"frame {number}"))
    writer.repaint()
    assert writer.busy
    assert not writer.settle(0.01)

    read = bytearray()
    done = threading.Thread(target=_read_all, args=(reader, read))
    done.start()
    assert writer.settle(5)
    assert writer.close()
    os.close(screen)
    done.join(5)
    os.close(reader)
    painted = [number for number in range(1000) if f"frame {number}".encode() in bytes(read)]
    assert 999 in painted or b"999" in read
    assert len(painted) < 10


def _read_all(reader: int, into: bytearray) -> None:
    while data := os.read(reader, 65_536):
        into.extend(data)


def test_a_terminal_that_is_gone_stops_the_writer() -> None:
    reader, screen = os.pipe()
    os.close(reader)
    writer = Writer(screen, Differ(ink()))
    writer.start()

    writer.show(frame("x"))

    assert writer.settle(5)
    assert writer.broken
    assert writer.close()
    os.close(screen)


def test_a_non_blocking_terminal_gets_everything() -> None:
    reader, screen = os.pipe()
    os.set_blocking(screen, False)
    read = bytearray()
    done = threading.Thread(target=_read_all, args=(reader, read))
    done.start()

    write_all(screen, "x" * 300_000)

    os.close(screen)
    done.join(5)
    os.close(reader)
    assert len(read) == 300_000


def test_another_theme_and_marks_count_from_the_next_frame_on() -> None:
    reader, screen = os.pipe()
    writer = Writer(screen, Differ(ink(), sync=False))
    writer.start()
    writer.show(Frame(SIZE, (Line.of(("x", STRONG)),)))  # type: ignore[arg-type]
    writer.settle(5)
    writer.use(ink(Depth.TRUE))
    writer.configure(sync=True, scroll=False)
    writer.send("\x1b[c")
    writer.show(Frame(SIZE, (Line.of(("x", STRONG)),)))  # type: ignore[arg-type]
    writer.close()
    os.close(screen)
    sent = os.read(reader, 65_536).decode()
    os.close(reader)

    first, _, second = sent.partition("\x1b[c")
    assert "38;2" not in first
    assert second.startswith("\x1b[?2026h")
    assert "38;2;240;246;252" in second


@pytest.mark.anyio
async def test_a_text_is_edited_with_the_persons_editor(tmp_path: Path) -> None:
    script = tmp_path / "my editor"
    script.write_text('#!/bin/sh\nprintf " and more" >> "$1"\n')
    script.chmod(0o755)
    people = People(tmp_path, {"EDITOR": f"'{script}'"})

    with anyio.fail_after(10):
        assert await people.edit("a goal") == "a goal and more"
        with pytest.raises(Refused, match="no editor is named"):
            await People(tmp_path, {}).edit("x")
        with pytest.raises(Refused, match="false ended with 1"):
            await People(tmp_path, {"VISUAL": "false"}).edit("x")


@pytest.mark.anyio
async def test_a_command_runs_in_the_project_and_says_everything(tmp_path: Path) -> None:
    with anyio.fail_after(10):
        output, code = await People(tmp_path, {}).shell("pwd; echo wrong >&2; exit 3")

    assert (output, code) == (f"{tmp_path}\nwrong\n", 3)


def test_files_are_listed_shallow_first_without_what_tools_make(tmp_path: Path) -> None:
    for name in ("b.py", "docs/a.md", "node_modules/x.js", ".git/HEAD", "bad\x1b.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    assert project_files(tmp_path) == ("b.py", "docs/a.md")
    assert project_files(tmp_path, most=1) == ("b.py",)
    assert project_files(tmp_path / "none") == ()


def test_a_bug_is_told_in_one_line_with_its_traceback_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("M31A_HOME", str(tmp_path))
    with pytest.raises(ExceptionGroup) as caught:
        raise ExceptionGroup("group", [ValueError("broken\x1b[2J")])

    assert tell_of_bug(caught.value) == 70

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "ValueError: broken?[2J; please report it with" in err
    assert "ValueError" in (tmp_path / "logs" / "crash.log").read_text()
    monkeypatch.setenv("M31A_HOME", str(tmp_path / "logs" / "crash.log"))
    assert tell_of_bug(ValueError("x")) == 70


def test_the_newest_rows_of_the_conversation_stay_on_the_main_screen() -> None:
    story = Story().adding(*(UserSaid(f"goal {number}") for number in range(400)))

    rows = farewell(story, 40, ink()).splitlines()

    assert len(rows) <= MOST_ROWS + 1
    assert rows[0].endswith("the rest is in the session") or "rest" in rows[0]
    assert "goal 399" in rows[-1]
    assert farewell(Story(), 40, ink()) == ""


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=20), st.integers(0, 700))
def test_a_block_list_is_a_list(changes: list[int], count: int) -> None:
    model: list[Block] = [Notice(str(number)) for number in range(count)]
    blocks = BlockList.of(model)
    for number in changes:
        if number < len(model):
            model[number] = Notice(f"changed {number}")
            blocks = blocks.changing(number, model[number])
        more = [Notice(f"more {number}")] * (number % 3)
        model.extend(more)
        blocks = blocks.adding(*more)

    assert list(blocks) == model
    assert len(blocks) == len(model)
    assert [blocks[at] for at in range(-len(model), 0)] == model
    assert list(blocks[3:9]) == model[3:9]
    with pytest.raises(IndexError):
        blocks[len(model)]


def test_a_story_is_told_event_by_event() -> None:
    story = begin(Story(), "goal", 1.0)
    story = tell(story, TextStreamed(conversation="c", text="half an ans"))
    story = tell(story, MessageRestarted(conversation="c", reason="lost"))
    story = tell(story, TextStreamed(conversation="c", text="a whole answer"))
    story = tell(story, TaskEnded(task_id=7, outcome="skipped", reason="not needed"))
    story = tell(story, ContextCondensed(conversation="c", removed=3, saved_tokens=900))
    story = tell(story, Noticed(text="look"))
    finding = Finding(kind=FindingKind.SECRET, severity=Severity.WARNING, text="a key")
    story = tell(story, FindingMade(finding=finding))

    for culprit in (
        Culprit(check="test", commit="c0ffee1234567", subject="Change"),
        Culprit(check="test", inconclusive="it is flaky"),
    ):
        story = tell(story, CulpritFound(culprit=culprit))

    assert [type(block).__name__ for block in story.blocks] == [
        *("UserSaid", "Said", "TaskMark", "Notice", "Notice", "FindingCard", "Notice", "Notice"),
    ]
    assert story.blocks[-2] == Notice("test is red since c0ffee1234 Change", level="warn")
    assert story.task(7) is not None
    assert story.findings == (finding,)
    over = halted(story, "it broke", "mend it")
    assert (over.running, over.blocks[-1]) == (False, Notice("it broke", "mend it", "err"))


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({"TERM": "xterm"}, Depth.ANSI),
        ({"TERM": "xterm-256color"}, Depth.MANY),
        ({"TERM": "xterm-direct"}, Depth.TRUE),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, Depth.TRUE),
        ({"TERM": "xterm", "FORCE_COLOR": "2"}, Depth.MANY),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, Depth.MONO),
    ],
)
def test_how_many_colours_there_are(environ: dict[str, str], depth: Depth) -> None:
    assert depth_of(environ) is depth


def test_palette_colours_are_written_in_their_shortest_form() -> None:
    style = Style(fg=Tone.OK, bg=Tone.SELECT, strike=True, italic=True)
    bright = Ink(DARK, Depth.ANSI, lambda *_: 12)

    assert Ink(ANSI, Depth.ANSI).begin(style) == "\x1b[3;9;32;44m"
    assert bright.begin(style) == "\x1b[3;9;94;104m"
    assert Ink(DARK, Depth.MANY, lambda *_: 99).begin(style) == "\x1b[3;9;38;5;99;48;5;99m"
    assert (no_nearest(255, 255, 255, 256), no_nearest(0, 0, 0, 16)) == (15, 0)
    assert ink().begin(PLAIN) == ""
    assert ink().begin(Style(link="x")) == "\x1b[4m"


@pytest.mark.parametrize(
    ("reply", "known"),
    [
        ("\x1b]11;rgb:1/1/1\x1b\\", Capabilities(dark_ground=True)),
        ("\x1b]11;rgba:f/f/f/f\x07", Capabilities(dark_ground=False)),
        ("\x1b[?997;2n", Capabilities(dark_ground=False, ask_again=True)),
        ("\x1bP>|kitty(0.4)\x1b\\", Capabilities(program="kitty(0.4)")),
        ("\x1b[?2026;1$y", Capabilities()),
        ("\x1b[?9;1$y", Capabilities()),
        ("\x1b[?6c", Capabilities(answered=True)),
        ("\x1b[zzz", Capabilities()),
    ],
)
def test_what_a_reply_tells(reply: str, known: Capabilities) -> None:
    assert learned(Capabilities(), reply) == known


def test_what_the_environment_tells() -> None:
    assert assumed({"COLORFGBG": "0;15"}).dark_ground is False
    assert assumed({"COLORFGBG": "15;default"}).dark_ground is None
    assert not assumed({"M31A_SYNC": "0"}).sync
    assert not assumed({"TERM": "screen"}).scroll
    assert not assumed({"TERM": "linux"}).links


def test_the_first_frame_fits_any_size() -> None:
    for size in (Size(1, 1), Size(40, 12), Size(200, 60)):
        shown = opening_frame(size, "~/slugs")
        assert len(shown.lines) == size.height
        assert all(line.width <= size.width for line in shown.lines)
