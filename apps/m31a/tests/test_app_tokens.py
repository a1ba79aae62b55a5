"""Bytes from a terminal: the same tokens wherever they were cut, and never a reply as text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.terminal.tokens import (
    ESCAPE_WAIT_S,
    PASTE_WAIT_S,
    REPLY_WAIT_S,
    ControlToken,
    PasteToken,
    SequenceToken,
    TextToken,
    Token,
    Tokenizer,
)

PIECES = (
    *("a", "grüß ", "日本", "👩‍👩‍👧", " ", "\r", "\t", "\x03", "\x7f", "\x1b", "\x1b\x1b", "\x1ba"),
    *("\x1b[A", "\x1b[1;5C", "\x1bOP", "\x1b[[A", "\x1b[13;2u", "\x1b[<0;3;4M", "\x1b[?1;2c"),
    *("\x1b]11;rgb:0000/0000/0000\x1b\\", "\x1b]52;c;YQ==\x07", "\x1bP>|kitty 0.3\x1b\\"),
    *(
        "\x1b[200~two\nlines\x1b[A\x1b[201~",
        "\x1b[200~\x1b[20\x1b[201~",
        "\x1b[1\x18",
        "\x1b]0;x\x18",
    ),
    *("\x1b[5\x1b[B", "\x1b]half\x1b[A", "\x1bX\x1b\\", "[201~", "~", ";5;"),
)


def joined(tokens: list[Token]) -> list[Token]:
    """Runs of text as one token: only where they were cut may differ."""
    result: list[Token] = []
    for token in tokens:
        last = result[-1] if result else None
        if isinstance(token, TextToken) and isinstance(last, TextToken):
            result[-1] = TextToken(last.text + token.text)
        else:
            result.append(token)
    return result


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.data())
def test_where_the_bytes_are_cut_makes_no_difference(
    pieces: list[str], data: st.DataObject
) -> None:
    stream = "".join(pieces).encode()
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    whole, cut = Tokenizer(), Tokenizer()
    expected = [*whole.feed(stream), *whole.flush()]

    got: list[Token] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += cut.feed(stream[start:stop])
    got += cut.flush()

    assert joined(expected) == joined(got)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_at_all_give_tokens_and_lose_nothing_but_marks(data: bytes, cut: int) -> None:
    tokenizer = Tokenizer()

    tokens = [*tokenizer.feed(data[:cut]), *tokenizer.feed(data[cut:]), *tokenizer.flush()]

    whole = Tokenizer()
    assert joined([*whole.feed(data), *whole.flush()]) == joined(tokens)
    assert tokenizer.wait_s is None


@pytest.mark.parametrize(
    ("stream", "tokens"),
    [
        ("\x1b[A", [SequenceToken("\x1b[A")]),
        ("\x1b\x1b[A", [ControlToken("\x1b"), SequenceToken("\x1b[A")]),
        ("\x1b[200~a\x1b[Ab\x1b[201~c", [PasteToken("a\x1b[Ab"), TextToken("c")]),
        ("\x1b]11;rgb:1/2/3\x07x", [SequenceToken("\x1b]11;rgb:1/2/3\x07"), TextToken("x")]),
        ("\x1b[12\x1b[A", [SequenceToken("\x1b[12"), SequenceToken("\x1b[A")]),
        ("\x1b]0;half\x1b[A", [SequenceToken("\x1b]0;half"), SequenceToken("\x1b[A")]),
        ("\x1b[12é", [SequenceToken("\x1b[12"), TextToken("é")]),
    ],
)
def test_what_a_stream_is_cut_into(stream: str, tokens: list[Token]) -> None:
    assert tokens == Tokenizer().feed(stream.encode())


def test_a_paste_that_stalls_is_still_one_paste() -> None:
    tokenizer = Tokenizer()

    assert tokenizer.feed(b"\x1b[200~first\r") == []
    assert tokenizer.wait_s == PASTE_WAIT_S
    assert [PasteToken("first\rsecond")] == tokenizer.feed(b"second\x1b[201~")


def test_a_paste_whose_end_never_comes_gives_the_keyboard_back() -> None:
    tokenizer = Tokenizer()
    tokenizer.feed(b"\x1b[200~half\x1b[20")

    assert [PasteToken("half\x1b[20", complete=False)] == tokenizer.flush()
    assert [TextToken("x")] == tokenizer.feed(b"x")


def test_how_long_to_wait_depends_on_what_has_begun() -> None:
    tokenizer = Tokenizer()

    tokenizer.feed(b"\x1b")
    assert tokenizer.wait_s == ESCAPE_WAIT_S
    assert [ControlToken("\x1b")] == tokenizer.flush()
    tokenizer.feed(b"\x1b[1;")
    assert tokenizer.wait_s == REPLY_WAIT_S
    assert [SequenceToken("\x1b[1;")] == tokenizer.flush()
    assert tokenizer.wait_s is None


def test_a_paste_of_a_megabyte_in_small_reads_is_whole() -> None:
    tokenizer = Tokenizer()
    text = ("0123456789abcde\n" * 65_536).encode()
    stream = b"\x1b[200~" + text + b"\x1b[201~"

    tokens = [
        token
        for start in range(0, len(stream), 1021)
        for token in tokenizer.feed(stream[start : start + 1021])
    ]

    assert [PasteToken(text.decode())] == tokens
