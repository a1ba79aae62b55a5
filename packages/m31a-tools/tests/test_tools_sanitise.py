"""Text from outside cannot play with a terminal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_tools import escaped, hides_something, sanitise

CASES = {
    "plain text\n\twith tab": "plain text\n\twith tab",
    "\x1b[31mred\x1b[0m": "red",
    "\x1b[38;2;1;2;3mtrue colour\x1b[m": "true colour",
    "\x1b[2J\x1b[Hcleared": "cleared",
    "\x1b[?1049hother screen": "other screen",
    "\x1b[1 qcursor": "cursor",
    "\x1b]0;title\x07text": "text",
    "\x1b]0;title\x1b\\text": "text",
    "\x1b]52;c;Y2xpcA==\x07text": "text",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\": "link",
    "\x1bP1$r0m\x1b\\text": "text",
    "\x1b_apc\x1b\\text": "text",
    "\x1b^pm\x1b\\text": "text",
    "\x1bXsos\x1b\\text": "text",
    "\x9b31mred": "red",
    "\x9d0;title\x9ctext": "text",
    "\x90dcs\x9ctext": "text",
    "\x1b]0;unterminated": "0;unterminated",
    "\x1b[31": "",
    "\x1b": "",
    "a\x1bcb": "ab",
    "\x1b(0lines": "lines",
    "\x1b%Gutf": "utf",
    "a\x08b\x07c\x00d\x7fe": "abcde",
    "over\rwritten": "overwritten",
    "dos\r\nlines\r\n": "dos\nlines\n",
    "abc\u202edef\u202c": "abcdef",
    "\u2066isolate\u2069": "isolate",
    "a\u200bb\u200cc\u2060d\ufeffe": "abcde",
    "tag\U000e0041\U000e007f": "tag",
    "soft\u00adhyphen": "softhyphen",
    "filler\u3164": "filler",
    "👩\u200d👩\u200d👧": "👩\u200d👩\u200d👧",
    "👩🏽\u200d🔬": "👩🏽\u200d🔬",
    "❤\ufe0f\u200d🔥": "❤\ufe0f\u200d🔥",
    "a\u200db": "ab",
    "x\u200d👩": "x👩",
    "👩\u200d": "👩",
    "e" + "\u0301" * 50: "e" + "\u0301" * 8,
    "half \ud800 pair": "half \ufffd pair",
    "äöü 漢字 עברית": "äöü 漢字 עברית",
    "\x1b\x1b[31m": "",
    "\x1b[\x1b[31mx": "x",
}


@pytest.mark.parametrize(("given_text", "clean"), CASES.items())
def test_sanitised_text(given_text: str, clean: str) -> None:
    assert sanitise(given_text) == clean


ODD = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90\x9c\x07\\[]P;?0m\r\n\u202e\u200d\ufe0f👩e\u0301\x00 "),
        st.characters(),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(ODD)
def test_no_control_byte_survives_and_cleaning_twice_changes_nothing(text: str) -> None:
    clean = sanitise(text)
    assert not [c for c in clean if ord(c) < 32 and c not in "\n\t"]
    assert not [c for c in clean if 0x7F <= ord(c) <= 0x9F]
    assert not set(clean) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\ufeff")
    assert sanitise(clean) == clean
    clean.encode()


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\n")))
def test_printable_text_is_untouched(text: str) -> None:
    assert sanitise(text) == text
    assert escaped(text) == text
    assert not hides_something(text)


@pytest.mark.parametrize(
    "piece",
    [
        "\x1b]",
        "\x9d",
        "\x1b]" + "a" * 5000,
        "\x1b[",
        "\x1b[0;",
        "\u200d",
        "e\u0301",
        "\x1b ",
        "👩\u200d",
    ],
)
def test_hostile_repetition_takes_linear_time(piece: str) -> None:
    """Quadratic behaviour on two megabytes would not end in this suite's lifetime."""
    assert len(sanitise(piece * (2_000_000 // len(piece)))) <= 2_000_000


def test_what_hides_is_written_out() -> None:
    assert escaped("rm\u202e -rf\x1b[2K /\n\tx") == "rm\\u202e -rf\\x1b[2K /\n\tx"
    assert hides_something("a\u200bb")
    assert hides_something("\x1b[0m")
