"""Which key a sequence is, on the terminals there are."""

import pytest

from m31a.terminal.decoder import Decoder
from m31a.terminal.driver import Driver, named
from m31a.terminal.events import Focus, InputEvent, Key, Mouse, Paste, Reply
from m31a.terminal.tokens import Tokenizer

DRIVER = Driver("xterm-256color")


def events(stream: str, *, bracketed: bool = True) -> list[InputEvent]:
    decoder = Decoder(DRIVER.find_key)
    decoder.bracketed = bracketed
    tokenizer = Tokenizer()
    return list(decoder.events([*tokenizer.feed(stream.encode()), *tokenizer.flush()]))


@pytest.mark.parametrize(
    ("stream", "chord"),
    [
        *(("\x1b[A", "up"), ("\x1bOB", "down"), ("\x1b[C", "right"), ("\x1bOD", "left")),
        *(("\x1b[H", "home"), ("\x1bOF", "end"), ("\x1b[1~", "home"), ("\x1b[4~", "end")),
        *(("\x1b[5~", "pageup"), ("\x1b[6~", "pagedown"), ("\x1b[3~", "delete")),
        *(("\x1b[1;5C", "ctrl+right"), ("\x1b[1;3A", "alt+up"), ("\x1b[1;2B", "shift+down")),
        *(("\x1b[3;5~", "ctrl+delete"), ("\x1b[Z", "shift+tab"), ("\x1bOP", "f1")),
        *(("\x1b[1;5H", "ctrl+home"), ("\x1b[1;5F", "ctrl+end"), ("\x1b[15~", "f5")),
        *(("\r", "enter"), ("\n", "ctrl+j"), ("\t", "tab"), ("\x7f", "backspace")),
        *(("\x1b", "escape"), ("\x03", "ctrl+c"), ("\x1a", "ctrl+z"), ("\x00", "ctrl+space")),
        *(("\x1f", "ctrl+_"), ("\x1ba", "alt+a"), ("\x1b\r", "alt+enter"), ("\x1b ", "alt+space")),
        *(("\x1b\x7f", "alt+backspace"), ("\x1b\x01", "ctrl+alt+a"), ("\x1b[", "alt+[")),
        # kitty's protocol
        *(("\x1b[27u", "escape"), ("\x1b[13;2u", "shift+enter"), ("\x1b[13;5u", "ctrl+enter")),
        *(("\x1b[97;5u", "ctrl+a"), ("\x1b[97;3u", "alt+a"), ("\x1b[97;6u", "ctrl+shift+a")),
        *(
            ("\x1b[127;5u", "ctrl+backspace"),
            ("\x1b[9;2u", "shift+tab"),
            ("\x1b[99;5:1u", "ctrl+c"),
        ),
        # xterm's modifyOtherKeys
        *(
            ("\x1b[27;2;13~", "shift+enter"),
            ("\x1b[27;5;99~", "ctrl+c"),
            ("\x1b[27;3;120~", "alt+x"),
        ),
    ],
)
def test_a_sequence_is_this_key(stream: str, chord: str) -> None:
    assert [chord] == [each.chord for each in events(stream) if isinstance(each, Key)]


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        ("a", "a"),
        ("é", "é"),
        ("日", "日"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("\x1b[63;2u", "?"),
        ("\x1b[97;2u", "A"),
    ],
)
def test_a_printable_key_types_itself(stream: str, text: str) -> None:
    assert [Key(text, text)] == events(stream)


@pytest.mark.parametrize(
    "stream",
    [
        "\x1b]11;rgb:0000/0000/0000\x1b\\",
        "\x1b[?2026;2$y",
        "\x1b[?64;1;2c",
        "\x1b[?997;1n",
        "\x1bP>|WezTerm 2026\x1b\\",
        "\x1b[?1u",
        "\x1b[3;7R",
        "\x1b[99z",
    ],
)
def test_an_answer_of_the_terminal_is_never_typed(stream: str) -> None:
    typed = [each for each in events(stream) if isinstance(each, Key | Paste)]

    assert typed == [] or stream == "\x1b[3;7R"  # a cursor report looks like shift+f3 on some
    assert all(not key.text for key in typed if isinstance(key, Key))


def test_releases_of_keys_are_nothing() -> None:
    assert events("\x1b[97;1:3u") == [Reply("\x1b[97;1:3u")]
    assert events("\x1b[1;1:3A") == [Reply("\x1b[1;1:3A")]


def test_mouse_and_focus() -> None:
    stream = "\x1b[<0;3;4M\x1b[<0;3;4m\x1b[<64;1;1M\x1b[<65;1;1M\x1b[<32;2;2M\x1b[I\x1b[O"

    assert events(stream) == [
        Mouse("press", 2, 3),
        Mouse("release", 2, 3),
        Mouse("wheel_up", 0, 0),
        Mouse("wheel_down", 0, 0),
        Mouse("drag", 1, 1),
        Focus(gained=True),
        Focus(gained=False),
    ]


def test_a_paste_has_newlines_whatever_ended_its_lines() -> None:
    assert [Paste("a\nb\nc\n")] == events("\x1b[200~a\r\nb\rc\n\x1b[201~")


def test_a_burst_with_line_ends_is_a_paste_where_pastes_are_not_marked() -> None:
    assert [Paste("one\ntwo")] == events("one\rtwo", bracketed=False)
    assert events("\r", bracketed=False) == [Key("enter")]
    typed = events("ls\r", bracketed=False)
    assert [each.chord for each in typed if isinstance(each, Key)] == ["l", "s", "enter"]


def test_more_than_anybody_types_at_once_is_a_paste() -> None:
    assert [Paste("x" * 65)] == events("x" * 65)


def test_unknown_sequences_are_told_as_replies() -> None:
    assert [Reply("\x1b[?64;1;2c")] == events("\x1b[?64;1;2c")


def test_no_color_in_the_environment_takes_no_key_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert Key("up") == Driver("xterm-256color").find_key("\x1b[A")
    assert Key("up") == Driver("").find_key("\x1b[A")


def test_colours_are_the_nearest_of_the_palette() -> None:
    assert DRIVER.nearest(255, 0, 0, 256) in {9, 196}
    assert DRIVER.nearest(255, 0, 0, 16) in {1, 9}


def test_names_that_are_no_keys_are_none() -> None:
    assert named("CSI") is None
    assert named("KEY_A_RELEASED") is None
    assert Key("ctrl+shift+left") == named("KEY_CTRL_SHIFT_LEFT")
