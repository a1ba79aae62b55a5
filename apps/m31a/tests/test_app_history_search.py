"""What was written before, searched: words narrow it, and looking loses nothing."""

import pytest

from m31a.draw.frame import Size
from m31a.program.effects import StartRun
from m31a.screens.repl import Remembered
from m31a.testing import Desk
from m31a.widgets.draft import drafted
from m31a.widgets.recall import Recall, Search
from m31a_engine import Options

GOALS = (
    "Sign tokens with RS256",
    "Rate limit the login route",
    "Sign cookies too\nand tell about it",
    "Log in with a passkey",
)


def remembering() -> Desk:
    """The home screen with four goals of earlier sessions."""
    desk = Desk("repl").send(Remembered(GOALS))
    desk.effects.clear()
    return desk


def prompt_of(desk: Desk) -> str:
    """The rows from the prompt on, hints and status left out."""
    rows = desk.text.split("\n")
    rule = max(at for at, row in enumerate(rows) if row.startswith("───"))
    return "\n".join(rows[rule + 1 : -2])


def test_the_newest_line_with_the_words_is_taken_and_not_sent() -> None:
    desk = remembering().press("ctrl+r").type("sign").press("enter")

    assert prompt_of(desk) == " ❯ Sign cookies too\n   and tell about it"
    assert desk.effects == []


def test_the_search_goes_on_to_older_lines_and_round() -> None:
    desk = remembering().press("ctrl+r").type("sign").press("ctrl+r", "tab")
    assert prompt_of(desk) == " ❯ Sign tokens with RS256"

    desk = remembering().press("ctrl+r").type("sign").press("ctrl+r", "ctrl+r", "up", "enter")
    assert prompt_of(desk) == " ❯ Sign tokens with RS256"


def test_the_search_starts_from_what_is_written_and_gives_it_back() -> None:
    desk = remembering().type("login").press("ctrl+r")
    assert " look for login" in desk.text
    assert "▸ Rate limit the login route" in desk.text

    desk.press("escape")

    assert prompt_of(desk) == " ❯ login"


def test_words_are_found_in_any_order_and_small_letters_stand_for_both() -> None:
    search = Search(drafted("route rate"))
    assert search.found(GOALS) == ("Rate limit the login route",)
    assert Search(drafted("Log")).found(GOALS) == ("Log in with a passkey",)
    assert Search(drafted("LOGIN")).found(GOALS) == ()


def test_what_nobody_has_written_is_told_and_enter_does_nothing() -> None:
    desk = remembering().press("ctrl+r").type("zebra").press("enter")

    assert "nothing was written like that" in desk.text
    assert "look for zebra" in desk.text
    desk.press("ctrl+u").press("enter")
    assert prompt_of(desk) == " ❯ Log in with a passkey"


def test_a_paste_goes_to_the_words_while_something_is_looked_for() -> None:
    desk = remembering().press("ctrl+r").paste("rate\nlimit")
    assert "look for rate limit" in desk.text
    assert "▸ Rate limit the login route" in desk.text


def test_a_line_that_was_found_can_be_sent() -> None:
    desk = remembering().press("ctrl+r").type("passkey").press("enter", "enter")
    assert desk.effects == [StartRun("Log in with a passkey", Options())]


def test_a_search_before_anything_was_written_says_so() -> None:
    desk = Desk("repl").press("ctrl+r", "ctrl+r", "enter")
    assert "nothing was written like that" in desk.text


@pytest.mark.parametrize("height", [3, 6, 12, 24])
def test_the_search_fits_on_every_screen(height: int) -> None:
    frame = remembering().press("ctrl+r").resize(Size(40, height)).frame
    assert height == len(frame.lines)
    assert max(line.width for line in frame.lines) <= 40


def test_older_lines_begin_as_what_is_written_and_the_way_back_is_the_same() -> None:
    recall, draft = Recall().before(GOALS).stepped(drafted("Sign"), -1)
    assert GOALS[2] == draft.text
    recall, draft = recall.stepped(draft, -1)
    assert GOALS[0] == draft.text
    assert (recall, draft) == recall.stepped(draft, -1)
    recall, draft = recall.stepped(draft, 1)
    assert GOALS[2] == draft.text
    recall, draft = recall.stepped(draft, 1)
    assert draft.text == "Sign"
    assert recall.at is None


def test_a_line_written_again_stands_once_at_the_end() -> None:
    assert Recall(("a", "b")).remembering("a").lines == ("b", "a")
