"""The editor against a simple model of text, and what each of its keys does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.draw.frame import Point, Size
from m31a.widgets.draft import BLANK, Draft, drafted, pasted
from m31a.widgets.draft_rows import editor_view, height_of, rows_of
from m31a.widgets.editor import applied, typed

ACTIONS = (
    *("edit.left", "edit.right", "edit.up", "edit.down", "edit.word_left", "edit.word_right"),
    *("edit.home", "edit.end", "edit.newline", "edit.backspace", "edit.delete", "edit.yank"),
    *("edit.kill_word_back", "edit.kill_word", "edit.kill_line", "edit.kill_back"),
    *("edit.undo", "edit.redo", "edit.unfold"),
)
TEXTS = ("a", "two words", " ", "日本", "👩‍👩‍👧", "e\u0301", "\n", "\t", "x" * 30)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(ACTIONS), st.sampled_from(TEXTS)), max_size=25),
    st.integers(4, 30),
)
def test_whatever_is_done_the_cursor_stands_in_the_text_and_on_the_screen(
    steps: list[str], cells: int
) -> None:
    draft = BLANK
    for step in steps:
        before = draft
        if step.startswith("edit."):
            draft = applied(draft, step, cells) or draft
        else:
            draft = typed(draft, step)
            assert draft.text == before.text[: before.at] + step + before.text[before.at :]
        assert 0 <= draft.at <= len(draft.text)
        view = editor_view(draft, Size(cells + 1, 5))
        assert len(view.lines) == 5
        assert all(line.width <= cells + 1 for line in view.lines)
        assert view.cursor is not None
        assert 0 <= view.cursor.row < 5
        assert 0 <= view.cursor.column <= cells + 1
        rows = rows_of(draft, cells)
        assert "".join(draft.text[row.start : row.stop] for row in rows) == draft.text.replace(
            "\n", ""
        )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from((*ACTIONS[:16], *TEXTS)), min_size=1, max_size=12))
def test_undo_leads_back_to_the_beginning_and_redo_to_the_end(steps: list[str]) -> None:
    draft = BLANK
    for step in steps:
        draft = (applied(draft, step) or draft) if step.startswith("edit.") else typed(draft, step)
    end = draft.text

    for _ in range(60):
        draft = applied(draft, "edit.undo") or draft
    assert draft.text == ""
    for _ in range(60):
        draft = applied(draft, "edit.redo") or draft
    assert draft.text == end


def at(text: str) -> Draft:
    """A draft whose cursor stands at the bar."""
    before, _, after = text.partition("|")
    return Draft(before + after, len(before))


def shown(draft: Draft | None) -> str:
    return "None" if draft is None else f"{draft.text[: draft.at]}|{draft.text[draft.at :]}"


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        ("ab|c", "edit.left", "a|bc"),
        ("a👩‍👩‍👧|", "edit.left", "a|👩‍👩‍👧"),
        ("|e\u0301x", "edit.right", "e\u0301|x"),
        ("one two|", "edit.word_left", "one |two"),
        ("|one two", "edit.word_right", "one| two"),
        ("a\nbc|d", "edit.home", "a\n|bcd"),
        ("a\nb|cd\ne", "edit.end", "a\nbcd|\ne"),
        ("a|b", "edit.newline", "a\n|b"),
        ("a日|", "edit.backspace", "a|"),
        ("|日a", "edit.delete", "|a"),
        ("one two|", "edit.kill_word_back", "one |"),
        ("|one two", "edit.kill_word", "| two"),
        ("a\nb|cd\ne", "edit.kill_line", "a\nb|\ne"),
        ("ab|\nc", "edit.kill_line", "ab|c"),
        ("a\nbc|d", "edit.kill_back", "a\n|d"),
        ("abc\nd|ef", "edit.up", "a|bc\ndef"),
        ("a|bc\nd", "edit.down", "abc\nd|"),
        ("a|bc", "edit.up", "None"),
        ("a|bc", "edit.down", "None"),
        ("a|bc", "edit.no_such", "None"),
    ],
)
def test_what_an_action_does(before: str, action: str, after: str) -> None:
    assert after == shown(applied(at(before), action))


def test_up_and_down_keep_to_the_column_over_short_lines() -> None:
    draft = at("abcdef\nx\nabcd|ef")

    up = applied(draft, "edit.up")
    assert up is not None
    assert shown(applied(up, "edit.up")) == "abcd|ef\nx\nabcdef"


def test_cuts_in_a_row_come_back_as_one() -> None:
    draft = at("one two three|")
    for _ in range(2):
        draft = applied(draft, "edit.kill_word_back") or draft

    assert shown(applied(draft, "edit.yank")) == "one two three|"


def test_what_was_typed_in_a_row_is_undone_at_once() -> None:
    draft = BLANK
    for letter in "word":
        draft = typed(draft, letter)

    assert shown(applied(draft, "edit.undo")) == "|"


def test_a_long_paste_is_a_marker_that_moves_and_dies_as_one_and_is_sent_whole() -> None:
    text = "\n".join(f"line {number}" for number in range(40))
    draft = pasted(typed(BLANK, "see "), text)

    assert editor_view(draft, Size(60, 1)).lines[0].text == "see [paste 1: 40 lines]"
    assert draft.whole == f"see {text}"
    assert shown(applied(draft, "edit.backspace")) == "see |"
    unfolded = applied(draft, "edit.unfold")
    assert unfolded is not None
    assert unfolded.text == draft.whole


def test_a_short_paste_is_text_and_control_characters_are_dropped() -> None:
    assert shown(pasted(BLANK, "a\r\nb\x1b[31m\x07")) == "a\nb[31m|"
    assert shown(typed(BLANK, "\x1b\x00")) == "|"


def test_a_draft_that_is_too_high_is_seen_around_its_cursor() -> None:
    draft = drafted("\n".join("abcdefgh"))

    view = editor_view(draft, Size(20, 3))

    assert [line.text for line in view.lines] == ["f", "g", "h"]
    assert view.cursor == Point(1, 2)
    assert height_of(draft, 20, 5) == 5


def test_secrets_are_dots_and_placeholders_are_only_shown_when_there_is_nothing() -> None:
    assert editor_view(drafted("key"), Size(9, 1), secret=True).lines[0].text == "•••"
    assert editor_view(BLANK, Size(9, 1), placeholder="say it").lines[0].text == "say it"
