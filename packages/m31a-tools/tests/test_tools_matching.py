"""Edits land where they are meant to, change nothing else, or say why not."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from m31a_tools import CallFailed
from m31a_tools.diff import file_diff
from m31a_tools.matching import Replacement, apply, refuse_omission

PYTHON = "def f(x):\n    if x:\n        return 1\n    return 0\n\n\ndef g():\n\tpass\n"

# text, old, new, result
EXACT = [
    ("a\nb\nc\n", "b", "B", "a\nB\nc\n"),
    ("a\nb\nc\n", "b\n", "", "a\nc\n"),
    ("a\nb\nc\n", "a\nb", "x", "x\nc\n"),
    ("a\nb\nc", "c", "d", "a\nb\nd"),
    ("a\nb\nc", "c", "d\n", "a\nb\nd\n"),
    ("abc", "b", "", "ac"),
    ("one two three", "two", "2", "one 2 three"),
    ("a\r\nb\r\nc\r\n", "a\nb", "x\ny", "x\r\ny\r\nc\r\n"),
    ("a\r\nb\r\nc\r\n", "b", "b\nb2", "a\r\nb\r\nb2\r\nc\r\n"),
    ("a\r\nb\r\nc\r\n", "b\n", "", "a\r\nc\r\n"),
    ("a\r\nb\nc\r\n", "a\nb\nc", "a\nB\nc", "a\r\nB\nc\r\n"),
    ("a\r\nb\nc\r\n", "a\nb\n", "a\nX\nb\n", "a\r\nX\r\nb\nc\r\n"),
    ("a\r\nb\nc\nd\r\n", "a\nb\nc\nd\n", "A\nb\nc\nD\n", "A\r\nb\nc\nD\r\n"),
    ("a\r\nb\nc\r\n", "b\nc", "b\nx\ny\nc", "a\r\nb\nx\ny\nc\r\n"),
    ("a\nb\r\n", "b\n", "b\nc\n", "a\nb\r\nc\r\n"),
    ("x\r\ny", "y", "y\nz", "x\r\ny\r\nz"),
    ("old\rmac\rends\r", "mac\nends", "new\nlines", "old\rnew\rlines\r"),
    ("a\rb\nc\n", "c", "d", "a\rb\nd\n"),
    ("a\rb\nc\n", "a\rb", "x", "x\nc\n"),
    ("a\r\nb\r\n", "a\r\nb\r\n", "a\nb\n", "a\nb\n"),
    ("a\r\nb\r\n", "a\r\nb", "x\r\ny", "x\r\ny\r\n"),
    ("tab\there", "\t", "  ", "tab  here"),
    ("trailing  \nnext\n", "trailing  \nnext", "x", "x\n"),
    ("\ufeffstart\n", "start", "begin", "\ufeffbegin\n"),
    ("ünï\n", "ünï", "uni", "uni\n"),
    ("a\x0cb\u2028c\n", "b\u2028c", "x", "a\x0cx\n"),
    ("\n\na\n", "\n\na", "b", "b\n"),
    ("emoji 👩\u200d🔬 end", "👩\u200d🔬", "x", "emoji x end"),
    ("half \udce9 byte", "byte", "bite", "half \udce9 bite"),
]


@pytest.mark.parametrize(("text", "old", "new", "result"), EXACT)
def test_exact_quotation_is_replaced(text: str, old: str, new: str, result: str) -> None:
    applied = apply(text, Replacement(old, new))
    assert (applied.text, applied.inexact) == (result, "")


# text, old, new, result, what was inexact
FORGIVEN = [
    ("a  \nb\t\nc\n", "a\nb\n", "x\ny\n", "x\ny\nc\n", "trailing blanks"),
    ("a  \nb\t\nc\n", "a\nb", "a\nB", "a  \nB\nc\n", "trailing blanks"),
    ("a\nb\n", "a  \nb", "a  \nc", "a\nc\n", "trailing blanks"),
    ("a\nb", "a\nb\n", "a\nc\n", "a\nc", "trailing blanks"),
    ("a \nb\nc\n", "a\nb\n", "", "c\n", "trailing blanks"),
    (
        "class A:\n    def f(self):\n        return 1\n",
        "def f(self):\n    return 1",
        "def f(self):\n    return 2",
        "class A:\n    def f(self):\n        return 2\n",
        "indentation",
    ),
    (
        "class A:\n    def f(self):\n        return 1\n",
        "def f(self):\n    return 1",
        "def f(self):\n    if x:\n        y\n    return 2",
        "class A:\n    def f(self):\n        if x:\n            y\n        return 2\n",
        "indentation",
    ),
    (
        "def f():\n    return 1\n",
        "        def f():\n            return 1",
        "        def f():\n            return 2",
        "def f():\n    return 2\n",
        "indentation",
    ),
    (
        "if x:\n\tdo()\n\tmore()\n",
        "if x:\n    do()\n    more()",
        "if x:\n    do()\n    if y:\n        less()",
        "if x:\n\tdo()\n\tif y:\n\t\tless()\n",
        "indentation",
    ),
    (
        "if x:\n    do()\n    more()\n",
        "if x:\n\tdo()\n\tmore()",
        "if x:\n\tdo()\n\tless()\n\t\tdeep()",
        "if x:\n    do()\n    less()\n        deep()\n",
        "indentation",
    ),
    (
        "  a\n  b\n",
        "a\nb",
        "a\n\nb\nc",
        "  a\n\n  b\n  c\n",
        "indentation",
    ),
    (
        "\tif (x) {\r\n\t\ty();\r\n\t}\r\n",
        "if (x) {\n    y();\n}",
        "if (x) {\n    z();\n}",
        "\tif (x) {\r\n\t\tz();\r\n\t}\r\n",
        "indentation",
    ),
    (
        "say \u201chello\u201d\n",
        'say "hello"',
        'say "bye"',
        'say "bye"\n',
        "typographic characters",
    ),
    (
        "it\u2019s\nfine \u2013 really\n",
        "it's\nfine - really",
        "it's\nbad",
        "it\u2019s\nbad\n",
        "typographic characters",
    ),
    ("a\u00a0b\n", "a b", "c", "c\n", "typographic characters"),
    (
        "  say \u201chi\u201d\n  end\n",
        'say "hi"\nend',
        'say "yo"\nend',
        '  say "yo"\n  end\n',
        "indentation and typographic characters",
    ),
]


@pytest.mark.parametrize(("text", "old", "new", "result", "inexact"), FORGIVEN)
def test_a_near_quotation_of_whole_lines_is_forgiven_and_said(
    text: str, old: str, new: str, result: str, inexact: str
) -> None:
    applied = apply(text, Replacement(old, new))
    assert (applied.text, applied.inexact) == (result, inexact)


# text, old, part of the message
REFUSED = [
    ("a\na\n", "a", "stands in 2 places"),
    ("a\nb\na\n", "a", "1\ta\n3\ta"),
    ("aaa", "aa", "stands in 2 places"),
    ("a \nx\na  \n", "a\t\n", "trailing blanks aside"),
    ("  f()\n    f()\n", "\tf()", "indentation aside"),
    ("x\n" * 50, "x", "... and 40 more"),
    ("abc", "", "old_string is empty"),
    ("abc", "abc", "nothing to change"),
    ("abc", "xyz", "not in the file"),
    ("", "xyz", "not in the file"),
    (PYTHON, "def f(x):\n    if x:\n        return 2", "most similar lines are:\n1\tdef f(x):"),
    (PYTHON, "1\tdef f(x):\n2\t    if x:", "leave them out"),
    ("a\nNEW\n", "gone", "new_string is, at line 2"),
    # A rung never matches inside a line.
    ("prefix  foo  suffix\n", " foo suffix", "not in the file"),
    ("foobar\n", "\tfoo", "not in the file"),
    # Indentation that is no shift of the quotation's.
    ("if a:\n  b\n      c\n", "if a:\n    b\n    c", "not in the file"),
    # Nothing but blank lines says nothing.
    ("a\n\n\nb\n", "  \n\t\n", "not in the file"),
    # First and last line alone are no match.
    ("begin\n1\n2\nend\n", "begin\nx\ny\nend", "not in the file"),
]


@pytest.mark.parametrize(("text", "old", "message"), REFUSED)
def test_what_is_not_clear_is_refused_with_a_way_on(text: str, old: str, message: str) -> None:
    with pytest.raises(CallFailed) as refused:
        apply(text, Replacement(old, "abc" if old == "abc" else "NEW"))
    assert message in str(refused.value)


def test_an_indentation_that_cannot_be_told_is_not_guessed() -> None:
    # One level is known; a level deeper could be two or four blanks.
    with pytest.raises(CallFailed, match="not in the file"):
        apply("\tx\n\ty\n", Replacement("x\ny", "x\n   y\nz"))


def test_replace_all_replaces_every_place_in_the_line_ends_of_each() -> None:
    applied = apply("x\r\na x\nx", Replacement("x", "y\nz", replace_all=True))
    assert applied.text == "y\r\nz\r\na y\r\nz\ny\nz"
    assert applied.lines == (1, 2, 3)
    assert apply("aaaa", Replacement("aa", "b", replace_all=True)).text == "bb"
    assert apply("a\r\na\r\n", Replacement("a\r\n", "b\r\n", replace_all=True)).text == "b\r\nb\r\n"


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the code",
        "    // ... existing code ...",
        "/* ... unchanged ... */",
        "<!-- ... remaining content -->",
        "# rest of the function ...",
        "// existing code...",
        "... rest of the file ...",
        "-- ... (other columns)",
        "\u2026 existing code \u2026",
        "  {/* ... existing JSX ... */}",
    ],
)
def test_text_that_leaves_code_out_is_refused_unless_it_stood_there(line: str) -> None:
    with pytest.raises(CallFailed, match="leaves something out"):
        refuse_omission(f"def f():\n{line}\n", "def f(): pass")
    refuse_omission(f"def f():\n{line}\n", f"x\n{line}\n")


@pytest.mark.parametrize(
    "text",
    [
        "def f(): ...",
        "x = [1, 2, ...]",
        "...",
        "# the rest is silence",
        "And so on ... the end",
        "a # ... b",
    ],
)
def test_ordinary_dots_are_no_omission(text: str) -> None:
    refuse_omission(text, "")


def test_hostile_sizes_do_not_take_for_ever() -> None:
    lines = "".join(f"line {i} of the file\n" for i in range(20_000))
    with pytest.raises(CallFailed, match="most similar"):
        apply(lines, Replacement("line 777 of that file\nnext", "x"))
    with pytest.raises(CallFailed):
        apply(" " * 200_000, Replacement("x" + " " * 50_000, "y"))
    refuse_omission(" " * 300_000 + "\n" + "#" + " " * 300_000, "")


ENDS = st.sampled_from(["\n", "\r\n"])
WORDS = st.text(alphabet="ab \tü“", max_size=6)
FILES = st.lists(st.tuples(WORDS, ENDS), max_size=12)


@settings(max_examples=120, deadline=None)
@given(FILES, st.data())
def test_bytes_outside_the_quotation_are_identical(
    lines: list[tuple[str, str]], data: st.DataObject
) -> None:
    text = "".join(line + end for line, end in lines)
    first = data.draw(st.integers(0, len(lines)))
    last = data.draw(st.integers(first, len(lines)))
    before = "".join(line + end for line, end in lines[:first])
    quoted = "".join(f"{line}\n" for line, _ in lines[first:last])
    after = "".join(line + end for line, end in lines[last:])
    new = data.draw(st.lists(WORDS, max_size=4).map(lambda words: "".join(f"{w}\n" for w in words)))
    assume(quoted and quoted != new)
    if _occurrences(text.replace("\r\n", "\n"), quoted) > 1:
        with pytest.raises(CallFailed, match="places"):
            apply(text, Replacement(quoted, new))
        return
    applied = apply(text, Replacement(quoted, new))
    assert not applied.inexact
    assert applied.text.startswith(before)
    assert applied.text.endswith(after)
    middle = applied.text[len(before) : len(applied.text) - len(after)]
    assert middle.replace("\r\n", "\n") == new


def _occurrences(text: str, piece: str) -> int:
    return sum(text.startswith(piece, at) for at in range(len(text)))


@settings(max_examples=100, deadline=None)
@given(FILES, WORDS, WORDS)
def test_an_edit_is_exact_or_about_whole_lines_or_refused(
    lines: list[tuple[str, str]], old: str, new: str
) -> None:
    text = "".join(line + end for line, end in lines)
    assume(old and old != new)
    plain = text.replace("\r\n", "\n")
    try:
        applied = apply(text, Replacement(old, new))
    except CallFailed:
        return
    if not applied.inexact:
        assert applied.text.replace("\r\n", "\n") == plain.replace(old, new, 1)
        return
    # One line is another now, the others are the same.
    before, after = text.split("\n"), applied.text.split("\n")
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) <= 1


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "ab\n"]), max_size=30)


@settings(max_examples=100, deadline=None)
@given(LINES, LINES, st.sampled_from(["", "x"]))
def test_a_diff_leads_from_the_old_text_to_the_new(
    old: list[str], new: list[str], last: str
) -> None:
    before, after = "".join(old) + last, "".join(new)
    change = file_diff("p", before, after)
    assert patched(before, change.diff) == after
    assert change.added - change.removed == len(after.splitlines()) - len(before.splitlines())


def patched(text: str, diff: str) -> str:
    """The text after applying unified hunks."""
    source = text.splitlines(keepends=True)
    out: list[str] = []
    at = 0
    lines = diff.splitlines(keepends=True)
    for i, line in enumerate(lines):
        kept = line[1:]
        if i + 1 < len(lines) and lines[i + 1].startswith("\\"):
            kept = kept.removesuffix("\n")
        if line.startswith("@@"):
            start, _, length = line.split(" ")[1][1:].partition(",")
            begin = int(start) - (length != "0")
            out += source[at:begin]
            at = begin
        elif line.startswith(" "):
            assert source[at] == kept
            out.append(kept)
            at += 1
        elif line.startswith("-"):
            assert source[at] == kept
            at += 1
        elif line.startswith("+"):
            out.append(kept)
    return "".join(out + source[at:])


def test_a_small_edit_of_a_big_file_is_shown_with_its_line_numbers() -> None:
    before = "".join(f"{i}\n" for i in range(1, 100_001))
    change = file_diff("p", before, before.replace("\n50000\n", "\nhere\n"))
    assert change.diff == (
        "@@ -49997,7 +49997,7 @@\n 49997\n 49998\n 49999\n-50000\n+here\n 50001\n 50002\n 50003\n"
    )
    assert (change.added, change.removed) == (1, 1)


def test_a_diff_too_big_to_compute_is_told_in_one_line() -> None:
    change = file_diff("p", "a\n" * 3000, "b\n" * 3000)
    assert change.diff == "@@ 3000 lines from line 1 became 3000 @@\n"
