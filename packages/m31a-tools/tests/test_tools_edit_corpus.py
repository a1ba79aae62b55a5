"""Edits of many kinds of files: each is made right, byte for byte, or refused; none is made wrong.

A case is a file, lines of it, and how a model quotes them. What must come out is put together from
the lines, without the code that is tested. The corpus counts itself at the end of this page.
"""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from m31a_tools import CallFailed, Edit, Workspace
from m31a_tools.edit_file import EditArgs, OneEdit

pytestmark = pytest.mark.anyio

Lines = tuple[str, ...]


@pytest.fixture
def anyio_backend() -> str:
    """One event loop will do: the tool works in a thread."""
    return "asyncio"


@dataclass(frozen=True)
class Change:
    """Lines `first` up to `last` of a file become others."""

    lines: Lines
    first: int
    last: int
    new: Lines

    @property
    def old(self) -> Lines:
        return self.lines[self.first : self.last]

    @property
    def result(self) -> Lines:
        return (*self.lines[: self.first], *self.new, *self.lines[self.last :])


def change(text: str, old: str, new: str) -> Change:
    lines = tuple(text.strip("\n").split("\n"))
    wanted = tuple(old.strip("\n").split("\n"))
    places = [i for i in range(len(lines)) if lines[i : i + len(wanted)] == wanted]
    assert len(places) == 1, f"the case is wrong: {old!r} stands in {len(places)} places"
    added = tuple(new.strip("\n").split("\n")) if new else ()
    return Change(lines, places[0], places[0] + len(wanted), added)


PYTHON = """
import os

class A:
    def f(self, x):
        if x:
            return "one"
        return None

    def g(self, x):
        if x:
            return "two"
        return None

def main():
    a = A()
    print(a.f(1), a.g(2))  # prints: ok

if __name__ == "__main__":
    main()
"""
GO = """
package main

func sum(xs []int) int {
\ttotal := 0
\tfor _, x := range xs {
\t\tif x > 0 {
\t\t\ttotal += x
\t\t}
\t}
\treturn total
}

func main() {
\tprintln(sum([]int{1, 2}))
}
"""
MAKE = """
all: build test

build:
\tcc -o app main.c

test: build
\t./app --check
\t@echo "done"
"""
HTML = """
<ul>
  <li class="a">one</li>
  <li class="b">two</li>
</ul>
<p>
    deep
      deeper
</p>
"""
YAML = """
jobs:
  test:
    steps:
      - run: one
      - run: two
  build:
    steps:
      - run: three
"""
SQL = """
SELECT a, b
  FROM t
 WHERE a = 'x'
   AND b <> 1;

DELETE FROM u;
"""
PROSE = """
# Title

First - a line with "quotes" and it's fine.

Second paragraph, with an end.
"""

CHANGES = {
    "a line": change(PYTHON, "    a = A()", "    a = A()  # made here"),
    "a deeper block": change(
        PYTHON,
        '        if x:\n            return "one"',
        '        if x > 1:\n            return "one"\n        if x < 0:\n            return "less"',
    ),
    "the first line": change(PYTHON, "import os", "import os\nimport sys"),
    "the last line": change(PYTHON, "    main()", "    raise SystemExit(main())"),
    "a deleted method": change(
        PYTHON, '    def g(self, x):\n        if x:\n            return "two"', ""
    ),
    "a changed line between others": change(
        PYTHON,
        "def main():\n    a = A()\n    print(a.f(1), a.g(2))  # prints: ok",
        "def main():\n    a = A()\n    print(a.g(2))  # prints: ok",
    ),
    "tabs": change(GO, "\t\tif x > 0 {\n\t\t\ttotal += x\n\t\t}", "\t\ttotal += x"),
    "more tabs": change(
        GO, "\tfor _, x := range xs {\n\t\tif x > 0 {", "\tfor _, x := range xs {\n\t\tif x != 0 {"
    ),
    "a rule of make": change(MAKE, "build:\n\tcc -o app main.c", "build:\n\tcc -O2 -o app main.c"),
    "a list": change(
        HTML, '  <li class="b">two</li>', '  <li class="b">two</li>\n  <li class="c">three</li>'
    ),
    "uneven depth": change(HTML, "    deep\n      deeper", "    deep\n      deepest"),
    "yaml": change(YAML, "  build:\n    steps:", "  build:\n    needs: test\n    steps:"),
    "sql": change(SQL, " WHERE a = 'x'\n   AND b <> 1;", " WHERE a = 'x';"),
    "prose": change(
        PROSE,
        'First - a line with "quotes" and it\'s fine.',
        'First - a line with "more quotes" and it\'s good.',
    ),
}

ENDS = {"unix": ("\n",), "windows": ("\r\n",), "mixed": ("\r\n", "\n", "\n"), "mac": ("\r",)}
ENCODINGS = {
    "utf-8": (b"", "utf-8"),
    "utf-8 with mark": (codecs.BOM_UTF8, "utf-8"),
    "utf-16-le": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-16-be": (codecs.BOM_UTF16_BE, "utf-16-be"),
    "cp1252": (b"", "cp1252"),
}


@dataclass(frozen=True)
class Form:
    """How lines stand in a file."""

    ends: Lines
    mark: bytes
    encoding: str
    finished: bool
    """The last line has an end."""

    def write(self, lines: Lines, ends: Lines) -> bytes:
        """The bytes of the lines, each with its own end."""
        text = "".join(line + end for line, end in zip(lines, ends, strict=True))
        if not self.finished and lines:
            text = text.removesuffix(ends[-1])
        return self.mark + text.encode(self.encoding)

    def ends_of(self, count: int) -> Lines:
        return tuple(self.ends[i % len(self.ends)] for i in range(count))


def forms() -> Iterator[Form]:
    for (_, ends), (_, (mark, encoding)) in product(ENDS.items(), ENCODINGS.items()):
        for finished in (True, False):
            yield Form(ends, mark, encoding, finished)


def expected_ends(case: Change, form: Form) -> Lines | None:
    """The ends of the result's lines; None when more than one would be right."""
    before = form.ends_of(len(case.lines))
    if len(set(form.ends)) == 1:
        return (form.ends[0],) * len(case.result)
    if len(case.new) == len(case.old):
        return before
    return None


async def edited(workspace: Workspace, data: bytes, old: str, new: str, **more: object) -> bytes:
    (workspace.root / "file").write_bytes(data)
    workspace.seen.clear()
    args = EditArgs(path="file", old_string=old, new_string=new, **more)  # type: ignore[arg-type]
    await Edit().run(args, workspace)
    return (workspace.root / "file").read_bytes()


async def refused(workspace: Workspace, data: bytes, old: str, new: str, **more: object) -> str:
    with pytest.raises(CallFailed) as told:
        await edited(workspace, data, old, new, **more)
    assert (workspace.root / "file").read_bytes() == data
    return str(told.value)


CASES: list[int] = []
"""How many cases were looked at, added by each test below."""


@pytest.mark.parametrize("name", CHANGES)
async def test_an_exact_quotation_is_replaced_in_every_kind_of_file(
    workspace: Workspace, name: str
) -> None:
    case = CHANGES[name]
    extra = "\u00e4\u20ac"  # letters that each encoding writes in its own way
    lines = (f"# {extra}", *case.lines)
    for form in forms():
        whole = Change(lines, case.first + 1, case.last + 1, case.new)
        ends = expected_ends(whole, form)
        if ends is None or (whole.last == len(lines) and not whole.new):
            continue
        data = form.write(lines, form.ends_of(len(lines)))
        old, new = "\n".join(case.old), "\n".join(case.new)
        if not case.new:
            old += "\n"
        assert await edited(workspace, data, old, new) == form.write(whole.result, ends)
        CASES.append(1)


Distortion = Callable[[str], str]


def _unindented(line: str) -> str:
    return line.lstrip(" \t")


def _deeper(line: str) -> str:
    return f"    {line}" if line.strip() else line


def _plain(line: str) -> str:
    return line


def _typographic(line: str) -> str:
    return line.replace("'", "\u2019").replace('"', "\u201c").replace(" - ", " \u2013 ")


# How the quotation differs from the file: what a model does to quoted lines, and to the file's.
DISTORTIONS: dict[str, tuple[Distortion, Distortion]] = {
    "blanks at the ends of quoted lines": (lambda line: f"{line}  ", _plain),
    "blanks at the ends of the file's lines": (_plain, lambda line: f"{line} \t"),
    "more indentation": (_deeper, _plain),
    "spaces for tabs": (lambda line: line.replace("\t", "    "), _plain),
    "tabs for spaces": (lambda line: line.replace("    ", "\t"), _plain),
    "typographic quotation": (_typographic, _plain),
    "typographic file": (_plain, _typographic),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_distorted_quotation_is_made_right_or_refused(
    workspace: Workspace, name: str
) -> None:
    """New lines may come out as the file is indented; lines outside never change."""
    case = CHANGES[name]
    made = 0
    for (how, (quoted, there)), ends in product(DISTORTIONS.items(), ENDS.values()):
        form = Form(ends, b"", "utf-8", finished=True)
        lines = tuple(map(there, case.lines))
        data = form.write(lines, form.ends_of(len(lines)))
        old = "\n".join(map(quoted, case.old)) + "\n"
        new = "".join(f"{quoted(line)}\n" for line in case.new)
        CASES.append(1)
        try:
            after = await edited(workspace, data, old, new)
        except CallFailed:
            assert (workspace.root / "file").read_bytes() == data
            continue
        made += 1
        head = b"".join(
            (line + end).encode()
            for line, end in zip(lines[: case.first], form.ends_of(case.first), strict=True)
        )
        rest = form.ends_of(len(lines))[case.last :]
        tail = b"".join(
            (line + end).encode() for line, end in zip(lines[case.last :], rest, strict=True)
        )
        assert after.startswith(head), how
        assert after.endswith(tail), how
        middle = after[len(head) : len(after) - len(tail)].decode()
        found = middle.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
        told = [line.split() for line in (found if middle else [])]
        wanted = [line.split() for line in case.new]
        folded = [[_folded(word) for word in words] for words in told]
        assert folded == [[_folded(word) for word in words] for words in wanted], how
        # Lines that the change keeps are the file's own, to the last byte.
        for line in set(case.old) & set(case.new):
            assert there(line) in found, how
    assert made >= len(ENDS) * 4


def _folded(word: str) -> str:
    table = {"\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-"}
    return "".join(table.get(char, char) for char in word)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_quotation_that_fits_twice_or_not_is_refused(
    workspace: Workspace, name: str
) -> None:
    """The file's text stands in it twice; or the quotation is of other words."""
    case = CHANGES[name]
    text = "\n".join(case.lines) + "\n"
    old, new = "\n".join(case.old), "\n".join(case.new)
    for ends in ("\n", "\r\n"):
        twice = (text + text).replace("\n", ends).encode()
        assert "stands in 2 places" in await refused(workspace, twice, old, new)
        deeper = "".join(f"  {line}\n" for line in case.lines)
        both = (deeper + deeper).replace("\n", ends).encode()
        assert "places" in await refused(workspace, both, f"{old}\n", new)
        once = text.replace("\n", ends).encode()
        other = "\n".join(f"{line} and more" for line in case.old)
        assert "not in the file" in await refused(workspace, once, other, new)
        gap = f"{case.old[0]}\n(something in between)\n{case.old[-1]}"
        assert "not in the file" in await refused(workspace, once, gap, new)
        CASES.append(4)


@pytest.mark.parametrize("name", CHANGES)
async def test_every_place_is_replaced_when_all_are_meant(workspace: Workspace, name: str) -> None:
    case = CHANGES[name]
    old = "\n".join(case.old) + "\n"
    new = "".join(f"{line}\n" for line in case.new)
    text = "\n".join(case.lines) + "\n"
    result = "".join(f"{line}\n" for line in case.result)
    for ends in ("\n", "\r\n"):
        data = (text * 3).replace("\n", ends).encode()
        after = await edited(workspace, data, old, new, replace_all=True)
        assert after == (result * 3).replace("\n", ends).encode()
        CASES.append(1)


async def test_a_block_is_moved_by_two_edits_of_one_call(workspace: Workspace) -> None:
    block = '    def f(self, x):\n        if x:\n            return "one"\n        return None\n\n'
    for ends in ("\n", "\r\n"):
        text = PYTHON.replace("\n", ends)
        moved = PYTHON.replace(block, "").replace("def main():", block + "def main():")
        there = OneEdit(old_string="def main():", new_string=block + "def main():")
        after = await edited(workspace, text.encode(), block, "", edits=(there,))
        assert after == moved.replace("\n", ends).encode()
        # When the second cannot be made, the first is not either.
        none = OneEdit(old_string="no such line", new_string="x")
        told = await refused(workspace, text.encode(), block, "", edits=(none,))
        assert "Edit 2 of 2 failed, none was made" in told
        CASES.append(2)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_whole_file_is_replaced_by_quoting_all_of_it(
    workspace: Workspace, name: str
) -> None:
    lines = CHANGES[name].lines
    text = "\n".join(lines) + "\n"
    for ends in ("\n", "\r\n"):
        data = text.replace("\n", ends).encode()
        assert await edited(workspace, data, text, "new\n") == f"new{ends}".encode()
        assert await edited(workspace, data, text, "") == b""
        CASES.append(2)


async def test_a_big_file_is_edited_in_one_place(workspace: Workspace) -> None:
    lines = tuple(f"line {i}: {i * 7919 % 1000003}" for i in range(100_000))
    for form in (Form(("\n",), b"", "utf-8", True), Form(("\r\n", "\n"), b"", "utf-8", False)):
        data = form.write(lines, form.ends_of(len(lines)))
        for at in (0, 50_000, 99_999):
            changed = (*lines[:at], "changed", *lines[at + 1 :])
            after = await edited(workspace, data, lines[at], "changed")
            assert after == form.write(changed, form.ends_of(len(lines)))
            CASES.append(1)


async def test_bytes_that_are_no_text_around_an_edit_stay(workspace: Workspace) -> None:
    for stray in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x80\x81"):
        data = b"first \xc3\xa4\xc3\xb6\xc3\xbc\n" + stray + b"\nlast\n"
        after = await edited(workspace, data, "last", "end")
        assert after == data.replace(b"last", b"end")
        CASES.append(1)


def test_the_corpus_is_as_large_as_promised() -> None:
    if not CASES:
        pytest.skip("the corpus was not asked for")
    assert sum(CASES) >= 1000
