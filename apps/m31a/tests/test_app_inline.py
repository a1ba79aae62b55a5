"""Inline: what is whole stands in the terminal's own history once, the prompt moves below it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyghostty  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.draw.frame import Frame, Point, Scrollback, Size
from m31a.draw.line import Line
from m31a.draw.theme import DARK
from m31a.terminal.ink import Depth, Ink
from m31a.terminal.inline_differ import ALTERNATE, InlineDiffer
from m31a.testing import Desk, sample_scene
from m31a_engine import MessageDone, Mode, RunStarted, TextStreamed, Usage
from m31a_engine.sample import sample_events
from window import Open, windows_on

SIZE, ROOMY = Size(30, 8), Size(60, 20)
SHELL = "$ ls\r\nnotes.txt\r\n$ m31a --inline\r\n"
HISTORY = tuple(Line.of(f"item {number}") for number in range(100))


def above(count: int) -> Scrollback:
    return Scrollback(count, lambda start, stop: HISTORY[start:stop])


def live(count: int, *rows: str, size: Size = SIZE, cursor: Point | None = None) -> Frame:
    """So many items in the history, and these rows below them."""
    at = cursor or Point(0, len(rows) - 1)
    return Frame(size, tuple(map(Line.of, rows)), at, "m31a", above(count))


def terminal(size: Size = SIZE) -> "pyghostty.Terminal":
    screen = pyghostty.Terminal(*size)
    screen.feed(SHELL)
    return screen


def differ() -> InlineDiffer:
    return InlineDiffer(Ink(DARK, Depth.TRUE))


def rows(screen: "pyghostty.Terminal") -> list[str]:
    """History and screen as rows, the blank ones at the end left out."""
    return [row.rstrip() for row in str(screen.contents()).rstrip().split("\n")]


def expected(items: int, live_rows: Sequence[str]) -> list[str]:
    shell = SHELL.rstrip("\r\n").split("\r\n")
    every = [*shell, *(line.text for line in HISTORY[:items]), *live_rows]
    while every and not every[-1].strip():
        every.pop()
    return [row.rstrip() for row in every]


frames = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.lists(
            st.sampled_from(["one", "two", "", "three rows", "字 wide"]), min_size=1, max_size=4
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(frames)
def test_the_history_stands_once_above_the_rows_that_change(
    steps: list[tuple[int, list[str]]],
) -> None:
    screen, painter, count = terminal(), differ(), 0
    for more, texts in steps:
        count += more
        screen.feed(painter.update(live(count, *texts)))

        assert expected(count, texts) == rows(screen)
    column, _ = screen.cursor
    assert column == 0


def test_the_same_again_sends_nothing_and_a_moved_cursor_little() -> None:
    painter = differ()
    painter.update(live(3, "one", "two"))
    assert painter.update(live(3, "one", "two")) == ""
    assert "one" not in painter.update(live(3, "one", "two", cursor=Point(1, 0)))


def test_another_screen_takes_the_alternate_one_and_gives_it_back() -> None:
    screen, painter = terminal(), differ()
    screen.feed(painter.update(live(2, "talk", "prompt")))
    full = Frame(SIZE, (Line.of("a whole screen"),) * SIZE.height, Point(0, 0))

    screen.feed(painter.update(full))
    assert screen.mode(1049)
    assert "a whole screen" in screen.text()

    screen.feed(painter.update(live(5, "talk", "prompt")))
    assert not screen.mode(1049)
    assert expected(5, ("talk", "prompt")) == rows(screen)


def test_nothing_of_ours_is_left_below_the_history_at_the_end() -> None:
    screen, painter = terminal(), differ()
    screen.feed(painter.update(live(2, "talk", "prompt", "status")))
    screen.feed(painter.end())
    screen.feed("$ next")
    assert [*expected(2, ()), "$ next"] == rows(screen)


def test_the_end_on_the_alternate_screen_leaves_that_too() -> None:
    screen, painter = terminal(), differ()
    screen.feed(painter.update(live(2, "talk", "prompt")))
    assert ALTERNATE in painter.update(Frame(SIZE, (Line.of("x"),), None))
    screen.feed(f"{ALTERNATE}{painter.end()}")
    assert not screen.mode(1049)
    assert expected(2, ()) == rows(screen)


def test_what_the_terminal_has_already_is_not_written_by_the_next_painter() -> None:
    screen, painter = terminal(), differ()
    screen.feed(painter.update(live(3, "prompt")))
    screen.feed(painter.end())
    again = InlineDiffer(Ink(DARK, Depth.TRUE), written=painter.written)
    screen.feed(again.update(live(4, "prompt")))
    assert expected(4, ("prompt",)) == rows(screen)


@pytest.mark.parametrize("width", [12, 20, 50])
def test_a_terminal_that_breaks_rows_anew_keeps_one_prompt(width: int) -> None:
    screen, painter = terminal(), differ()
    rule = "─" * (SIZE.width - 1)
    screen.feed(painter.update(live(3, "talk", rule, "> prompt", "status")))
    size = Size(width, SIZE.height)
    screen.resize(*size)

    screen.feed(painter.update(live(4, "talk", "─" * (width - 1), "> prompt", "status", size=size)))

    told = "\n".join(rows(screen))
    assert told.count("> prompt") == told.count("talk") == told.count("status") == 1
    assert [told.count(line.text) for line in HISTORY[:4]] == [1] * 4


def inline(*, size: Size = ROOMY, events: bool = True) -> Desk:
    scene = sample_scene(sample_events() if events else (), goal="Keep digits" if events else "")
    scene = replace(scene, settings=replace(scene.settings, inline=True))
    return Desk("repl", scene=scene, size=size)


def test_only_what_still_grows_is_live() -> None:
    desk = inline(events=False)
    assert "Say what should be true when it is done." in desk.text
    desk.tell(
        RunStarted(goal="g", project="p", mode=Mode.FULL, model="m", provider="p"),
        TextStreamed(conversation="c", text="The pattern leaves"),
    )
    assert "● The pattern leaves" in desk.text
    assert "Say what should be true" not in desk.text
    assert desk.frame.above is not None
    assert desk.frame.above.count == 0

    desk.tell(
        MessageDone(
            conversation="c",
            text="The pattern leaves digits out.",
            model="m",
            usage=Usage(),
            calls=0,
        )
    )

    assert "The pattern" not in desk.text
    assert desk.frame.above.count == 1
    told = desk.frame.above.rows(0, 1)
    assert told[0].text == "● The pattern leaves digits out."


@pytest.mark.parametrize(
    "size", [Size(200, 60), Size(80, 24), Size(40, 12), Size(20, 5), Size(9, 2)]
)
def test_the_live_rows_are_few_and_stay_short_of_the_last_column(size: Size) -> None:
    frame = inline(size=size).frame
    assert frame.above is not None
    assert len(frame.lines) <= max(5, size.height // 2 + 2)
    assert len(frame.lines) <= size.height
    assert all(line.width < size.width for line in frame.lines)
    assert frame.cursor is None or frame.cursor.row < len(frame.lines)


def test_rows_told_in_two_parts_are_those_told_at_once() -> None:
    scrollback = inline().frame.above
    assert scrollback is not None
    whole = scrollback.rows(0, scrollback.count)
    for cut in range(scrollback.count + 1):
        assert whole == (*scrollback.rows(0, cut), *scrollback.rows(cut, scrollback.count))


def test_who_scrolls_sees_the_conversation_on_the_whole_screen_and_comes_back() -> None:
    desk = inline()
    assert desk.press("pageup").frame.above is None
    assert desk.press("escape").frame.above is not None
    assert desk.press("ctrl+o").frame.above is None
    assert desk.press("escape").frame.above is not None
    assert desk.mouse("press", 3, 3).frame.above is not None


def test_toasts_stand_above_the_prompt() -> None:
    desk = inline()
    desk.app = desk.app.told("copied 12 characters", "ok")
    assert desk.text.split("\n")[0].startswith(" copied 12 characters")


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Open]:
    place = tmp_path / "work"
    place.mkdir()
    with windows_on(place, tmp_path / "home") as opened:
        yield opened


def test_a_run_stays_in_the_terminals_history(window: Open) -> None:
    shown = window("--inline")
    shown.until("Say what should be true")
    assert shown.modes == [2004, 1004]

    shown.type("/demo\r")
    shown.until("a approve")
    assert shown.screen.mode(1049)
    shown.type("a")
    shown.until("■ shipped")
    assert not shown.screen.mode(1049)
    shown.type("\x04")

    assert shown.ended() == 0
    assert shown.modes == []
    assert shown.is_cooked
    told = str(shown.screen.contents())
    assert told.count("■ shipped") == 1
    assert told.count("── verify") == 1
    assert "❯" not in told
    assert told.rstrip().split("\n")[-1].startswith("session ")


@pytest.mark.parametrize("place", ["file", "environment"])
def test_the_setting_is_as_good_as_the_flag(window: Open, tmp_path: Path, place: str) -> None:
    home = tmp_path / "m31a-home"
    home.mkdir()
    settings = {"M31A_HOME": str(home)}
    if place == "file":
        (home / "config.toml").write_text("[ui]\ninline = true\n")
    else:
        settings["M31A_UI_INLINE"] = "true"

    shown = window(**settings)
    shown.until("❯")

    assert shown.modes == [2004, 1004]
    assert not shown.screen.mode(1049)
    shown.type("\x04")
    assert shown.ended() == 0


def test_the_editor_in_between_tells_nothing_twice(window: Open) -> None:
    shown = window("--inline", EDITOR="sed -i s/kept/edited/")
    shown.until("❯")
    shown.type("!echo marked\r")
    shown.until("│ marked")
    shown.type("kept\x07")
    shown.until("❯ edited")
    shown.type("\x15\x04")

    assert shown.ended() == 0
    assert str(shown.screen.contents()).count("│ marked") == 1
