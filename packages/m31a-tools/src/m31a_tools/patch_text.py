"""The text of a patch, taken apart; pure.

The form is the one that some model families are trained on: an envelope of `*** Begin Patch` and
`*** End Patch` around sections `*** Add File: PATH`, `*** Delete File: PATH` and `*** Update
File: PATH`, the last with `*** Move to: PATH` and hunks. A hunk begins with `@@`, behind which may
stand a line above the place; its lines begin with a blank, `-` or `+`; `*** End of File` below
them says that they are the file's last.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from m31a_tools.errors import CallFailed

MAX_SECTIONS = 200
MAX_HUNKS = 1000
"""In one section."""

_BEGIN, _END, _END_OF_FILE = "*** Begin Patch", "*** End Patch", "*** End of File"
_SECTION = re.compile(r"\*\*\* (Add|Delete|Update) File: *(.*)")
_MOVE = re.compile(r"\*\*\* Move to: *(.*)")
_HEREDOC = re.compile(r"""(?:apply_patch[ \t]+)?<<[ \t]*(['"]?)(\w+)\1""")
# Some models write the line numbers of a unified diff, which are often wrong.
_NUMBERS = re.compile(r"-\d+(?:,\d+)? \+\d+(?:,\d+)?(?: @@[ \t]?(.*))?")


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change: the lines that are there and those that shall be."""

    above: tuple[str, ...]
    """Lines somewhere above the place, the nearest last."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    at_end: bool
    """The old lines are the last of the file."""
    number: int
    """The line of the patch in which it begins, from 1."""


@dataclass(frozen=True, slots=True)
class AddFile:
    """A file to make."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """A file to take away."""

    path: str


@dataclass(frozen=True, slots=True)
class UpdateFile:
    """A file to change, to move, or both."""

    path: str
    move_to: str
    """"" when it stays where it is."""
    hunks: tuple[Hunk, ...]


Section = AddFile | DeleteFile | UpdateFile


def paths_of(sections: tuple[Section, ...]) -> Iterator[str]:
    """Every path that the sections name, in their order."""
    for section in sections:
        yield section.path
        if isinstance(section, UpdateFile) and section.move_to:
            yield section.move_to


def parse_patch(text: str) -> tuple[Section, ...]:
    """The sections of the patch, in order. Raises CallFailed, naming the line that is wrong.

    Forgiven are blanks around the marker lines, code fences and here-documents around the whole,
    `\\r\\n`, and hunk headers with line numbers.
    """
    lines = _Lines(text)
    sections: list[Section] = []
    while (line := lines.next()) is not None:
        if not line.strip():
            continue
        header = _SECTION.fullmatch(line.strip())
        if header is None:
            raise lines.wrong("a section must begin: *** Add File:, *** Update File: or")
        kind, path = header[1], header[2].strip()
        if not path:
            raise lines.wrong("the path is missing")
        match kind:
            case "Add":
                sections.append(AddFile(path=path, content=_content(lines)))
            case "Delete":
                sections.append(DeleteFile(path=path))
            case _:
                sections.append(_update(path, lines))
        if len(sections) > MAX_SECTIONS:
            raise CallFailed(f"The patch has more than {MAX_SECTIONS} sections; send several.")
    if not sections:
        raise CallFailed("The patch changes nothing: there is no section in it.")
    return tuple(sections)


class _Lines:
    """The lines between the two ends of the envelope, one after another."""

    def __init__(self, text: str) -> None:
        every = text.replace("\r\n", "\n").split("\n")
        first, last = _envelope(every)
        self.lines = every[first + 1 : last]
        self.offset = first + 1
        self.at = 0

    def next(self) -> str | None:
        """The next line, None at the end."""
        if self.at == len(self.lines):
            return None
        self.at += 1
        return self.lines[self.at - 1]

    def body(self) -> Iterator[str]:
        """The lines up to the next section."""
        while self.at < len(self.lines) and not _SECTION.fullmatch(self.lines[self.at].strip()):
            self.at += 1
            yield self.lines[self.at - 1]

    @property
    def number(self) -> int:
        """The line that was read last, counted in the whole patch from 1."""
        return self.offset + self.at

    def wrong(self, problem: str) -> CallFailed:
        """The error about the line that was read last."""
        line = self.lines[self.at - 1][:200]
        return CallFailed(f"Line {self.number} of the patch is wrong, {problem}: {line!r}")


def _envelope(lines: list[str]) -> tuple[int, int]:
    """Which lines are its two ends; what wraps it may be fences or a here-document alone."""
    plain = [line.strip() for line in lines]
    if _BEGIN not in plain:
        raise CallFailed(f"The patch must begin with a line {_BEGIN!r}.")
    first = plain.index(_BEGIN)
    if _END not in plain[first:]:
        raise CallFailed(
            f"The patch has no line {_END!r}: it may have been cut off. Send all of it, or less."
        )
    last = len(plain) - 1 - plain[::-1].index(_END)
    wraps = [line for line in plain[:first] if line]
    tags = {hit[2] for line in wraps if (hit := _HEREDOC.fullmatch(line))}
    wraps += [line for line in plain[last + 1 :] if line and line not in tags]
    for line in wraps:
        if not (line.startswith("```") or _HEREDOC.fullmatch(line)):
            raise CallFailed(
                f"Outside of the patch's two ends stands {line[:200]!r}; leave it out."
            )
    return first, last


def _content(lines: _Lines) -> str:
    content: list[str] = []
    skipped = 0
    for line in lines.body():
        if line.startswith("+"):
            if skipped:
                raise lines.wrong("the line above has no + before it")
            content.append(f"{line[1:]}\n")
        elif line.strip():
            raise lines.wrong("each line of a new file begins with +")
        else:
            skipped += 1
    return "".join(content)


@dataclass(slots=True)
class _Open:
    """A hunk whose lines are still coming."""

    number: int
    above: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    bare: int = 0
    """Empty lines at its end: lines of the file, or a gap before what comes next."""
    at_end: bool = False

    @property
    def has_lines(self) -> bool:
        return bool(self.old or self.new)

    def closed(self) -> Hunk:
        old = self.old[: len(self.old) - self.bare]
        new = self.new[: len(self.new) - self.bare]
        return Hunk(tuple(self.above), tuple(old), tuple(new), self.at_end, self.number)


def _update(path: str, lines: _Lines) -> UpdateFile:
    move_to = ""
    hunks: list[_Open] = []
    for line in lines.body():
        marker = line.strip()
        if (move := _MOVE.fullmatch(marker)) and not hunks and not move_to:
            move_to = move[1].strip()
            if not move_to:
                raise lines.wrong("the path is missing")
        elif marker == _END_OF_FILE:
            if not hunks or not hunks[-1].has_lines:
                raise lines.wrong("there are no lines before it")
            hunks[-1].at_end = True
        elif line.startswith("@@"):
            _header(line, hunks, lines.number)
        elif marker or hunks:
            _hunk_line(line, hunks, lines)
    if len(hunks) > MAX_HUNKS:
        raise CallFailed(f"The section about {path!r} has more than {MAX_HUNKS} hunks.")
    found = [hunk.closed() for hunk in hunks]
    for hunk in found:
        if not hunk.old and not hunk.new:
            raise CallFailed(f"The hunk at line {hunk.number} of the patch has no lines.")
    if not found and not move_to:
        raise CallFailed(f"The section about {path!r} changes nothing: it has no hunk.")
    return UpdateFile(path=path, move_to=move_to, hunks=tuple(found))


def _header(line: str, hunks: list[_Open], number: int) -> None:
    above = line[2:].removeprefix(" ")
    numbered = _NUMBERS.match(above)
    if numbered is not None:
        above = numbered[1] or ""
    if not hunks or hunks[-1].has_lines:
        # Several headers in a row narrow the place down.
        hunks.append(_Open(number))
    if above.strip():
        hunks[-1].above.append(above.removesuffix(" @@"))


def _hunk_line(line: str, hunks: list[_Open], lines: _Lines) -> None:
    if not hunks or hunks[-1].at_end:
        if not line.strip():
            return
        hunks.append(_Open(lines.number))
    hunk = hunks[-1]
    sign, rest = line[:1], line[1:]
    if sign not in ("", " ", "+", "-", "\\"):
        raise lines.wrong("a line of a hunk begins with a blank, + or -")
    if sign == "\\":
        return
    if sign in ("", " ", "-"):
        hunk.old.append(rest)
    if sign in ("", " ", "+"):
        hunk.new.append(rest)
    hunk.bare = hunk.bare + 1 if sign == "" else 0
