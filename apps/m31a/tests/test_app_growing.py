"""Answers that grow piece by piece: the same lines as at once, and no memory of every length."""

import tracemalloc
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.draw.code import PLAIN_CODE, code_lines, prepare_for
from m31a.draw.line import Line, Span, wrapped
from m31a.draw.style import DIM, PLAIN
from m31a.people import LONGEST_OUTPUT, People
from m31a.story.blocks import Said
from m31a.widgets.markdown import markdown_lines
from m31a.widgets.transcript import lines_of

PIECES = (
    *(
        "# Title\n",
        "text ",
        "**bold**",
        "\n",
        "\n\n",
        "- item\n",
        "  more\n",
        "    deep\n",
        "1. one\n",
    ),
    *(
        "```python\nx = 1\n",
        "```",
        "``",
        "`\n",
        "| a |\n|---|\n",
        "| 日本 |\n",
        "~~~\n",
        "> q\n",
        "👩‍👩‍👧",
    ),
)


def texts(lines: tuple[Line, ...]) -> list[str]:
    return [line.text.rstrip() for line in lines]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=20), st.integers(8, 60), st.booleans())
def test_an_answer_in_pieces_is_laid_out_as_at_once(
    pieces: list[str], cells: int, done: bool
) -> None:
    for count in range(len(pieces)):
        markdown_lines("".join(pieces[:count]), cells, done=False)
    whole = "".join(pieces)

    grown = markdown_lines(whole, cells, done=done)

    at_once = markdown_lines(whole, cells, done=done, indent=" ")  # nothing is known of that one
    assert [f" {text}".rstrip() for text in texts(grown)] == texts(at_once)


def test_an_answer_begun_anew_shares_only_what_it_shares() -> None:
    markdown_lines("- one\n\nand then", 40, done=False)

    assert texts(markdown_lines("- one\n\n  still one", 40, done=False)) == ["• one", "  still one"]


def test_a_fence_has_its_colours_once_it_is_closed() -> None:
    code = "```python\ndef add(a, b):\n    return a + b"

    growing = markdown_lines(code, 60, done=False)
    closed = markdown_lines(f"{code}\n```\n", 60, done=False)

    assert texts(growing) == texts(closed) == ["╭ python", "│ def add(a, b):", "│     return a + b"]
    assert {style for line in growing[1:] for _, style in line.spans[1:]} == {PLAIN_CODE}
    assert len({style for line in closed[1:] for _, style in line.spans[1:]}) > 2


def test_a_long_answer_is_kept_once_and_not_in_every_length_it_had() -> None:
    rows = [f"value_{number} = compute({number})  # number {number}\n" for number in range(300)]
    texts_so_far = ["```python\n" + "".join(rows[: count + 1]) for count in range(300)]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for text in texts_so_far:
        lines_of(Said("talk", text), 98, opened=False)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert after - before < 4_000_000  # kept in every length it is more than 20 MB


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(("a", "long" * 9, " ", "   ", "日本", "e\u0301", "👩‍👩‍👧")), max_size=30
    ),
    st.integers(4, 30),
    st.sampled_from((("", ""), ("", "   "), ("1234 ", ""))),
)
def test_no_row_is_wider_than_there_is_room_whatever_stands_before_it(
    words: list[str], cells: int, heads: tuple[str, str]
) -> None:
    parts = [Span(word, DIM if number % 2 else PLAIN) for number, word in enumerate(words)]

    rows = wrapped(parts, cells, first=heads[0], rest=heads[1])

    assert [row.text for row in rows if row.width > cells] == []


def test_the_languages_of_a_project_are_read_ready_and_others_are_left_alone() -> None:
    files = ["a.py", "b.py", "c.unheardof", "README", "d.toml"]

    prepare_for(files)

    coloured = code_lines("def add(): return 1", "python")
    assert len({style for line in coloured for _, style in line.spans}) > 2
    assert texts(code_lines("a b", "unheardof")) == ["a b"]


@pytest.mark.anyio
async def test_of_what_a_command_of_the_persons_prints_the_end_alone_is_kept(
    tmp_path: Path,
) -> None:
    loud = "yes 'zwölf Boxkämpfer' | head -c 40000000; echo; echo the very end; exit 3"
    tracemalloc.start()
    with anyio.fail_after(60):
        output, code = await People(tmp_path, {}).shell(loud)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (output[-13:], code) == ("the very end\n", 3)
    assert len(output) == LONGEST_OUTPUT
    assert peak < 10_000_000
