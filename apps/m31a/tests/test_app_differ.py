"""What is sent to the terminal: always enough, and no more than needed."""

import pyghostty  # type: ignore[import-untyped]
import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.draw.frame import Frame, Point, Size
from m31a.draw.line import EMPTY, Line, span
from m31a.draw.style import DIM, ERR, PLAIN, SELECTED, STRONG, Style, Tone
from m31a.draw.theme import DARK
from m31a.terminal.differ import BEGIN_SYNC, Differ
from m31a.terminal.ink import Depth, Ink

BITS = (
    *("a", "hello world ", " ", "日本", "👩‍👩‍👧", "é", "e\u0301", "🇩🇪", "|─┼", "x" * 30, "字" * 40),
    *("👍🏽", "❤️", "ไทย", "한", "\u200d", "ﷺ", "\x1b[31m", "\u202eevil"),
)
STYLES = (PLAIN, STRONG, DIM, ERR, SELECTED, Style(fg=Tone.OK, underline=True))


def line_of(width: int) -> st.SearchStrategy[Line]:
    part = st.builds(span, st.sampled_from(BITS), st.sampled_from(STYLES))
    return st.lists(part, max_size=6).map(lambda parts: Line.of(*parts).clipped(width))


def ink() -> Ink:
    return Ink(DARK, Depth.TRUE)


def terminal(size: Size) -> "pyghostty.Terminal":
    screen = pyghostty.Terminal(*size)
    screen.feed("\x1b[?1049h\x1b[?7l")
    return screen


def looks(screen: "pyghostty.Terminal", size: Size) -> list[object]:
    return [screen.style(column, row) for row in range(size.height) for column in range(size.width)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_screen_after_many_changes_is_that_of_one_fresh_paint(data: st.DataObject) -> None:
    size = Size(data.draw(st.sampled_from([12, 24, 40])), 6)
    line = line_of(size.width)
    lines = data.draw(st.lists(line, min_size=6, max_size=6))
    differ, screen = Differ(ink()), terminal(size)
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.booleans()):
            count = data.draw(st.integers(1, 2))
            new = data.draw(st.lists(line, min_size=count, max_size=count))
            lines = [*lines[count:], *new] if data.draw(st.booleans()) else [*new, *lines[:-count]]
        else:
            lines[data.draw(st.integers(0, 5))] = data.draw(line)
        screen.feed(differ.update(Frame(size, tuple(lines), Point(0, 0))))
    fresh = terminal(size)
    fresh.feed(Differ(ink()).update(Frame(size, tuple(lines), Point(0, 0))))

    assert fresh.text() == screen.text()
    assert looks(fresh, size) == looks(screen, size)
    assert screen.cursor == (0, 0)


def test_a_second_emulator_sees_the_same() -> None:
    size = Size(20, 4)
    differ, screen = Differ(ink(), sync=False, scroll=False), pyte.Screen(*size)
    stream = pyte.Stream(screen)
    first = tuple(Line.of(text) for text in ("one", "two", "three", "four"))
    second = (*first[1:], Line.of(span("日本 five", ERR)))

    for lines in (first, second):
        stream.feed(differ.update(Frame(size, lines)))

    assert [row.rstrip() for row in screen.display[:3]] == ["two", "three", "four"]
    assert screen.display[3].startswith("日本 five")


def test_nothing_is_sent_when_nothing_changes() -> None:
    differ = Differ(ink())
    frame = Frame(Size(10, 2), (Line.of("a"), EMPTY), Point(1, 1), "title")
    differ.update(frame)

    assert differ.update(Frame(Size(10, 2), (Line.of("a"), EMPTY), Point(1, 1), "title")) == ""


def test_one_changed_letter_costs_one_letter_and_its_place() -> None:
    differ = Differ(ink(), sync=False)
    size = Size(80, 24)
    before = tuple(Line.of("x" * 60) for _ in range(24))
    differ.update(Frame(size, before))
    after = (*before[:5], Line.of("x" * 30 + "y" + "x" * 29), *before[6:])

    assert differ.update(Frame(size, after)) == "\x1b[?25l\x1b[6;31Hy"


def test_a_full_width_line_is_not_followed_by_an_erase() -> None:
    differ = Differ(ink(), sync=False)
    differ.update(Frame(Size(5, 1), (Line.of("aaaaa"),)))

    assert "\x1b[K" not in differ.update(Frame(Size(5, 1), (Line.of("bbbbb"),)))


def test_a_shift_is_a_scroll_and_the_new_rows() -> None:
    differ = Differ(ink(), sync=False)
    size = Size(80, 24)
    lines = [Line.of(f"line {number} " + "." * 50) for number in range(40)]
    differ.update(Frame(size, tuple(lines[:24])))

    sent = differ.update(Frame(size, tuple(lines[1:25])))

    assert "\x1b[1S" in sent
    assert len(sent) < 150


def test_without_scroll_regions_rows_are_rewritten() -> None:
    differ = Differ(ink(), sync=False, scroll=False)
    lines = [Line.of(f"line {number}") for number in range(9)]
    differ.update(Frame(Size(20, 8), tuple(lines[:8])))

    assert "S" not in differ.update(Frame(Size(20, 8), tuple(lines[1:9])))


def test_marks_of_synchronized_output_stand_around_a_frame() -> None:
    frame = Frame(Size(5, 1), (Line.of("a"),))

    assert Differ(ink()).update(frame).startswith(BEGIN_SYNC)
    assert BEGIN_SYNC not in Differ(ink(), sync=False).update(frame)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (Depth.TRUE, "\x1b[1;38;2;255;123;114m"),
        (Depth.MONO, "\x1b[1m"),
        (Depth.ANSI, "\x1b[1;97m"),
    ],
)
def test_a_style_in_each_depth(depth: Depth, expected: str) -> None:
    assert expected == Ink(DARK, depth).begin(ERR)


def test_the_chosen_row_is_seen_without_colour() -> None:
    assert Ink(DARK, Depth.MONO).begin(SELECTED) == "\x1b[1;7m"


def test_only_addresses_of_the_web_and_of_files_become_links() -> None:
    paint = Ink(DARK, Depth.TRUE, links=True)
    good = Line.of(span("docs", Style(link="https://example.org/a")))
    bad = Line.of(span("docs", Style(link="javascript:alert(1)")))
    sly = Line.of(span("docs", Style(link="https://x\x1b\\\x1b]52;c;x")))

    assert paint.line(good) == "\x1b]8;;https://example.org/a\x1b\\docs\x1b]8;;\x1b\\"
    assert paint.line(bad) == "docs"
    assert paint.line(sly) == "docs"
