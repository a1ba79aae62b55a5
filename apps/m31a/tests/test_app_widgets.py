"""Markdown while it streams, finding by letters, long conversations, tables, charts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.draw.code import code_lines
from m31a.draw.frame import Size
from m31a.draw.line import EMPTY, Line, span, wrapped
from m31a.draw.style import DIM, STRONG, Tone
from m31a.draw.text import clip, expand_tabs, scrub, width
from m31a.draw.theme import CONTRAST, DARK, LIGHT, Theme, theme_of
from m31a.program.keymap import GLOBAL, Part, bind, clashes, look_up, shown
from m31a.story.blocks import Block, Said, UserSaid
from m31a.widgets import picker
from m31a.widgets.charts import bar, bar_chart, progress, sparkline
from m31a.widgets.diff_view import diff_lines
from m31a.widgets.fuzzy import fits, ranked
from m31a.widgets.markdown import markdown_lines
from m31a.widgets.picker import Picker, picker_view
from m31a.widgets.scroll import Window, window_lines
from m31a.widgets.table import Column, card_lines, table_lines
from m31a.widgets.transcript import FOLLOW, Scroll, scroll_applied, scrolled, transcript_lines

PIECES = (
    *("# Title\n", "text ", "**bold**", "\n\n", "- item\n", "  - sub\n", "1. one\n", "> q\n"),
    *("```python\nx = 1\n", "```\n", "| a | b |\n|---|---|\n", "| 1 | 日本 |\n", "`code`", "\n"),
    *("[x](http://y.z)", "~~~\n", "---\n", "    indented\n", "<b>html</b>", "![i](p)", "👩‍👩‍👧"),
)


def texts(lines: tuple[Line, ...]) -> list[str]:
    return [line.text.rstrip() for line in lines]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.integers(8, 90))
def test_markdown_of_any_kind_stays_within_its_width(pieces: list[str], cells: int) -> None:
    text = "".join(pieces)

    for done in (False, True):
        assert all(line.width <= cells for line in markdown_lines(text, cells, done=done))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=2, max_size=14), st.integers(1, 12))
def test_what_stands_is_not_laid_out_anew_when_a_paragraph_follows(
    pieces: list[str], cut: int
) -> None:
    head = "".join(pieces[:cut]).rstrip() + "\n\n"
    if head.count("```") % 2 or head.count("~~~") % 2:
        return
    before = markdown_lines(head, 60, done=True)
    after = markdown_lines(f"{head}And then?", 60, done=True)

    assert after[: len(before)] == before


def test_markdown_as_people_read_it() -> None:
    text = (
        "# Title\n\nSome **bold** `code` and a [link](https://example.org).\n\n"
        "- one\n  - two\n\n| a | b |\n|---|---|\n| 1 | 日本 |\n\n```python\nx = 1\n```\n"
    )

    assert texts(markdown_lines(text, 60, done=True)) == [
        "Title",
        "",
        "Some bold code and a link (https://example.org).",
        "",
        "• one",
        "  ◦ two",
        "",
        "a  b",
        "─  ────",
        "1  日本",
        "",
        "╭ python",
        "│ x = 1",
    ]


def test_a_table_row_is_shown_when_it_is_whole() -> None:
    table = "| a | b |\n|---|---|\n| 1 | tw"

    assert "tw" not in "\n".join(texts(markdown_lines(table, 40, done=False)))
    assert "tw" in "\n".join(texts(markdown_lines(table, 40, done=True)))


def test_code_has_its_syntax_made_visible_and_unknown_languages_are_plain() -> None:
    tones = {
        style.fg for line in code_lines("def f(): return 'x'", "python") for _, style in line.spans
    }

    assert {Tone.SYN_KEYWORD, Tone.SYN_STRING, Tone.SYN_FUNCTION} <= tones
    assert [line.text for line in code_lines("a\tb\n\nc", "no-such")] == ["a   b", "", "c"]
    assert [line.text for line in code_lines("x = 1\n\n\ny", "x.py")] == ["x = 1", "", "", "y"]


def test_a_diff_has_numbers_and_signs() -> None:
    diff = "@@ -3,2 +3,3 @@ def f\n a\n-b\n+c\n+d\n@@ -9 +10 @@\n-x\n\\ No newline at end of file\n"

    assert texts(diff_lines(diff, 40)) == [
        *("   3   a", "   4 - b", "   4 + c", "   5 + d", "  ⋯", "   9 - x"),
        "      \\ No newline at end of file",
    ]


def test_a_removed_line_that_looks_like_a_head_is_a_removed_line() -> None:
    diff = "@@ -1,3 +1,2 @@\n a\n--- x\n-b\n+++ y\n"

    assert texts(diff_lines(diff, 40, path="q.sql")) == [
        *("   1   a", "   2 - -- x", "   3 - b", "   2 + ++ y")
    ]


def test_a_diff_of_files_names_each_and_says_what_has_no_lines() -> None:
    diff = (
        "--- a/one\n+++ b/one\n@@ -1 +1 @@\n-a\n+b\n--- a/two\n+++ /dev/null\n@@ -1 +0,0 @@\n-c\n"
        "diff --git a/logo.png b/logo.png\nBinary files a/logo.png and b/logo.png differ\n"
    )

    assert texts(diff_lines(diff, 60)) == [
        *("one", "  ⋯", "   1 - a", "   1 + b"),
        *("two", "  ⋯", "   1 - c"),
        *("logo.png", "  Binary files a/logo.png and b/logo.png differ"),
    ]


def test_a_diff_with_its_middle_left_out_is_shown_as_far_as_it_goes() -> None:
    diff = (
        "@@ -1,9 +1,9 @@\n a\n-b\n[... 3,000 characters cut ...]\n c\n+d\n@@ -90 +90 @@\n-x\n+y\n"
    )

    assert texts(diff_lines(diff, 60, path="f")) == [
        *("   1   a", "   2 - b", "      [... 3,000 characters cut ...]", "   2   c", "   3 + d"),
        *("  ⋯", "  90 - x", "  90 + y"),
    ]
    assert texts(diff_lines("@@ 5000 lines from line 1 became 6000 @@\n", 60, path="f")) == [
        "  @@ 5000 lines from line 1 became 6000 @@"
    ]


@pytest.mark.parametrize(
    ("pattern", "items", "best"),
    [
        ("rp", ["carp", "r_p", "repl"], "r_p"),
        ("slugs", ["test_slugs.py", "slugs.py"], "slugs.py"),
        ("RM", ["readme", "README.md"], "README.md"),
        ("", ["b", "a"], "b"),
        ("mo de", ["model", "mode"], "mode"),
    ],
)
def test_the_best_candidate_comes_first(pattern: str, items: list[str], best: str) -> None:
    assert best == ranked(pattern, items, str)[0][0]


def test_letters_out_of_order_do_not_fit() -> None:
    assert fits("ba", "ab") is None
    assert fits("x", "İx") is not None


def test_a_picker_keeps_its_choice_when_the_items_change() -> None:
    chosen = Picker(("one", "two", "three"), str).applied("pick.down")
    assert chosen is not None
    moved = chosen.with_items(("zero", "one", "two"))

    assert moved.choice == "two"
    assert moved.typed("zzz").choice is None
    view = picker_view(moved.typed("zzz"), Size(30, 6), lambda item, _: (item,))
    assert "nothing fits" in view.lines[2].text


@pytest.mark.parametrize(
    ("action", "choice"),
    [("pick.last", "e9"), ("pick.page_down", "e9"), ("pick.up", "e0"), ("pick.first", "e0")],
)
def test_a_picker_moves_within_its_rows(action: str, choice: str) -> None:
    moved = Picker(tuple(f"e{number}" for number in range(10)), str).applied(action)

    assert moved is not None
    assert moved.choice == choice
    assert moved.typed("9").applied("pick.erase") is not None
    assert moved.applied("no.such") is None
    assert picker.KEYS


def blocks(count: int) -> tuple[Block, ...]:
    return tuple(
        UserSaid(f"goal {number}") if number % 10 == 0 else Said("c", f"answer {number}", done=True)
        for number in range(count)
    )


def test_the_end_is_followed_until_somebody_scrolls_and_again_at_the_end() -> None:
    talk, size = blocks(50), Size(40, 10)
    assert any("answer 49" in line for line in texts(transcript_lines(talk, FOLLOW, size)))

    up = scrolled(talk, FOLLOW, size, -20)
    seen = texts(transcript_lines(talk, up, size))
    assert up.block is not None
    assert texts(transcript_lines((*talk, *blocks(12)), up, size))[:-1] == seen[:-1]
    assert "12 new" in texts(transcript_lines((*talk, *blocks(12)), up, size))[-1]
    assert scrolled(talk, up, size, 500) == FOLLOW


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-30, 30), max_size=12), st.integers(1, 60), st.integers(3, 12))
def test_scrolling_anywhere_fills_the_window(steps: list[int], count: int, rows: int) -> None:
    talk, size, scroll = blocks(count), Size(30, rows), FOLLOW
    for step in steps:
        scroll = scrolled(talk, scroll, size, step)
        lines = transcript_lines(talk, scroll, size)
        assert len(lines) == rows
        assert all(line.width <= 30 for line in lines)


def test_one_can_go_from_goal_to_goal_and_to_both_ends() -> None:
    talk, size = blocks(40), Size(40, 10)

    top = scroll_applied(talk, FOLLOW, size, "scroll.top")
    assert top == Scroll(0, 0, 40)
    before = scroll_applied(talk, FOLLOW, size, "scroll.prompt_up")
    assert before is not None
    assert before.block == 30
    after = scroll_applied(talk, top, size, "scroll.prompt_down")
    assert after is not None
    assert after.block == 10
    assert scroll_applied(talk, before, size, "scroll.bottom") == FOLLOW
    assert scroll_applied(talk, FOLLOW, size, "scroll.open") == Scroll(opened=True)
    assert scroll_applied(talk, FOLLOW, size, "no.such") is None


def test_a_window_says_where_it_is() -> None:
    lines = [Line.of(f"row {number}") for number in range(50)]
    window = Window().applied("scroll.bottom", 50, 10)
    assert window is not None

    seen = window_lines(lines, window, Size(20, 10))

    assert seen[-1].text.startswith("row 49")
    assert seen[-1].text.endswith("█")
    assert window_lines(lines[:2], Window(), Size(20, 3))[2] == EMPTY
    assert Window(30).showing(5, 10) == Window(5)
    assert Window(0).showing(15, 10) == Window(6)
    assert Window(3).applied("scroll.line_up", 50, 10) == Window(2)
    assert Window(3).applied("scroll.page_down", 50, 10) == Window(12)
    assert Window(3).applied("no.such", 50, 10) is None


def test_a_table_gives_its_room_to_the_flexible_column() -> None:
    columns = (Column("name", 4, flex=True), Column("cost", 4, right=True))
    rows = [(Line.of("a long name indeed"), Line.of("$1")), (Line.of("b"), Line.of("$22.50"))]

    assert texts(table_lines(columns, rows, 24, chosen=1)) == [
        *("  name              cost", "  ──────────────  ──────"),
        *("  a long name i…      $1", "▸ b               $22.50"),
    ]
    assert texts(card_lines(columns, rows, 24, chosen=0)[0]) == [
        *("▸ name a long name inde…", "  cost $1"),
    ]


def test_charts_are_exact_to_an_eighth() -> None:
    assert bar(0.5, 4).text == "██  "
    assert bar(0.53125, 4).text == "██▏ "
    assert bar(7, 2).text == "██"
    assert sparkline([0, 1, 2, 4], 3).text == "▃▅█"
    assert sparkline([0, 0], 9).text == "▁▁"
    assert progress(1, 4, 12).text == "▓▓░░░░░░ 1/4"
    assert texts(bar_chart([("a", 2, "$2"), ("bb", 1, "$1")], 20)) == [
        *("a  ██████████████ $2", "bb ███████        $1"),
    ]


def test_words_are_kept_whole_and_wide_ones_are_broken() -> None:
    lines = wrapped(
        (span("one two ", STRONG), span("日本日本日本 three", DIM)), 9, first="> ", rest="  "
    )

    assert texts(lines) == ["> one two", "  日本日", "  本日本", "  three"]
    assert texts(wrapped(("a\n\nb",), 9)) == ["a", "", "b"]
    assert texts(wrapped(("ab",), 1, first="> ")) == ["a", "b"]


def test_a_wide_character_cut_in_half_is_a_blank() -> None:
    line = Line.of("a日b")

    assert line.cut(0, 2).text == "a "
    assert line.cut(2, 4).text == " b"
    assert line.under(1, Line.of("X"), 4).text == "aX b"
    assert line.fitted(3).text == "a …"
    assert line.clipped(0).text == ""


def test_text_is_measured_cut_and_cleaned() -> None:
    assert width("日e\u0301👩‍👩‍👧") == 5
    assert clip("日本語", 5, "…") == "日本…"
    assert clip("abc", 0, "…") == ""
    assert expand_tabs("a\tb\t", 0) == "a   b   "
    assert scrub("a\x1b\x7f\x9b\u202e") == "a␛␡��"


def test_chords_may_be_several_keys_and_the_first_table_wins() -> None:
    own = (bind("x", "ctrl+x c, y", "x"), bind("z", "y", "z"))

    assert look_up((own, GLOBAL), ["ctrl+x"]) is Part.PREFIX
    assert look_up((own, GLOBAL), ["ctrl+x", "c"]) == "x"
    assert look_up((own, GLOBAL), ["ctrl+c"]) == "app.interrupt"
    assert look_up((own, GLOBAL), ["q"]) is Part.NOTHING
    assert list(clashes((own, GLOBAL))) == [("y", "x", "z")]
    assert shown("ctrl+x up") == "ctrl+x ↑"


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("theme", "ground"), [(DARK, "#0d1117"), (LIGHT, "#ffffff"), (CONTRAST, "#000000")]
)
def test_every_text_colour_stands_out_from_its_ground(theme: Theme, ground: str) -> None:
    grounds = (Tone.PANEL, Tone.OVERLAY, Tone.SELECT, Tone.DIFF_ADD_WORD, Tone.DIFF_DEL_WORD)
    below = luminance(ground)
    for tone in Tone:
        colour = theme.colour(tone)
        if tone in grounds or not isinstance(colour, str):
            continue
        light, dark = sorted((luminance(colour), below), reverse=True)
        least = 3.0 if tone in {Tone.BORDER, Tone.BAR_REST, Tone.MD_RULE} else 4.5
        assert (light + 0.05) / (dark + 0.05) >= least, tone


def test_auto_goes_by_the_ground_and_a_name_goes_before() -> None:
    assert theme_of("auto", dark_ground=False) is LIGHT
    assert theme_of("auto", dark_ground=None) is DARK
    assert theme_of("contrast", dark_ground=False) is CONTRAST
