"""A ledger's text and the entries in it: pure, header-driven, and suspicious of half a row.

A table begins with a header that has a `Session` column and the row of dashes under it, and ends
at the first blank line. The text may hold several, with prose between them.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from m31a_ledger.cells import decode_items, decode_text, shown
from m31a_ledger.columns import TITLES, Column, cells_of, column_for
from m31a_ledger.entry import LedgerEntry, RowProblem

_WIDTH: Final = len(TITLES)
_CANONICAL: Final = tuple(TITLES.values())
_DASHES: Final = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_TEXT_PLACES: Final = tuple(
    place for place, field in enumerate(TITLES) if LedgerEntry.__annotations__[field] is str
)
_PIPE_OR_ESCAPE: Final = re.compile(r"\\.|\|")
_BYTES: Final = re.compile(r"[\udc80-\udcff]")

HEADER: Final = "".join(f"| {' | '.join(cells)} |\n" for cells in (_CANONICAL, ("---",) * _WIDTH))
"""The two lines a table of ours begins with."""

PREFACE: Final = (
    "# Ledger\n\n"
    "One row a run, the newest last. `\\n` in a cell is a line end, `\\|` a pipe; an empty cost\n"
    "is an unknown one. Rows may be edited or removed by hand.\n\n"
)
"""What a new ledger says before its table."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a whole ledger text holds, and how it ends."""

    entries: tuple[LedgerEntry, ...]
    lines: tuple[int, ...]
    """The line number of each entry, from 1."""

    problems: tuple[RowProblem, ...]

    in_own_table: bool
    """Whether a row added at the end would belong to a table with our columns."""

    is_torn: bool
    """Whether the last line is the beginning of a row whose writing was cut short."""


def row_of(entry: LedgerEntry) -> str:
    """The line for an entry, with its line end.

    Raises:
        UnwritableEntry: the entry has no lossless form.
    """
    return f"| {' | '.join(cells_of(entry))} |\n"


def read_page(text: str) -> Page:
    """All entries and problems of a ledger's text.

    Bytes that were not UTF-8 stand in `text` as lone surrogates (`surrogateescape`).
    """
    return _Reader(text).read()


def split_row(line: str) -> list[str]:
    """The cells of a line, without the blanks around them, still escaped."""
    body = line.strip(" \t\r")
    if "\\" in body:
        cuts = [match.start() for match in _PIPE_OR_ESCAPE.finditer(body) if match[0] == "|"]
        starts = [0, *(cut + 1 for cut in cuts)]
        cells = [body[a:b] for a, b in zip(starts, [*cuts, len(body)], strict=True)]
    else:
        cells = body.split("|")
    if len(cells) > 1 and not cells[0]:
        del cells[0]
    if len(cells) > 1 and not cells[-1]:
        del cells[-1]
    return [cell.strip(" \t") for cell in cells]


class _Reader:
    """One pass over the lines of a ledger."""

    def __init__(self, text: str) -> None:
        self._lines = text.removeprefix("\ufeff").split("\n")
        self._columns: tuple[Column | None, ...] = ()
        """Of the table the current line stands in; none outside of a table."""
        self._is_canonical = False
        self._entries: list[LedgerEntry] = []
        self._at: list[int] = []
        self._problems: list[RowProblem] = []
        self._line_by_session: dict[str, int] = {}
        self._has_bytes = _BYTES.search(text) is not None

    def read(self) -> Page:
        lines = self._lines
        last = len(lines) - 1
        index = 0
        while index < last:
            line = lines[index]
            if self._columns:
                if self._is_canonical and self._take_own(line, index + 1):
                    index += 1
                    continue
                if not line.strip():
                    self._columns = ()
                elif self._starts_table(index):
                    index += 1
                else:
                    self._take(line, index + 1)
            elif "|" in line and self._starts_table(index):
                index += 1
            index += 1
        is_torn = self._take_unterminated(lines[last], last + 1) if index == last else False
        return Page(
            entries=tuple(self._entries),
            lines=tuple(self._at),
            problems=tuple(self._problems),
            in_own_table=bool(self._columns) and self._is_canonical,
            is_torn=is_torn,
        )

    def _starts_table(self, index: int) -> bool:
        if index + 1 >= len(self._lines):
            return False
        if not _DASHES.fullmatch(self._lines[index + 1].strip()):
            return False
        titles = split_row(self._lines[index])
        if len(titles) != len(split_row(self._lines[index + 1])):
            return False
        columns = tuple(column_for(decode_text(title)) for title in titles)
        if not any(column and column.field == "session" for column in columns):
            return False
        self._columns = columns
        self._is_canonical = tuple(titles) == _CANONICAL
        return True

    def _take_own(self, line: str, number: int) -> bool:
        """Keep the entry of a row as we write them; the short path of nearly all rows.

        False when the row is anything else: the long path then says what is wrong with it.
        """
        if "\\" in line:
            cells = split_row(line)
            for place in _TEXT_PLACES if len(cells) == _WIDTH else ():
                cells[place] = decode_text(cells[place])
        else:
            cells = [cell.strip(" \t\r") for cell in line.split("|")]
            if cells.pop() or (cells and cells.pop(0)):
                return False
        if len(cells) != _WIDTH or not cells[0] or self._has_bytes:
            return False
        try:
            entry = LedgerEntry(
                session=cells[0],
                at=cells[1],
                project=cells[2],
                project_type=cells[3],
                framework=cells[4],
                provider=cells[5],
                model=cells[6],
                mode=cells[7],
                complexity=cells[8],
                tasks=int(cells[9]),
                failed=int(cells[10]),
                skipped=int(cells[11]),
                healed=int(cells[12]),
                cost_usd=float(cells[13]) if cells[13] else None,
                duration_s=float(cells[14]),
                commits=int(cells[15]),
                outcome=cells[16],
                keywords=decode_items(cells[17]),
                failures=decode_items(cells[18]),
                kind=cells[19],
            )
        except ValueError:
            return False
        if not math.isfinite(entry.duration_s + (entry.cost_usd or 0)):
            return False
        self._keep(entry, line, number)
        return True

    def _take(self, line: str, number: int) -> None:
        """Keep the entry of any row, or report why there is none."""
        try:
            self._keep(self._entry_of(line), line, number)
        except ValueError as exc:
            self._report(number, str(exc), line)

    def _entry_of(self, line: str) -> LedgerEntry:
        if _BYTES.search(line):
            raise ValueError("it is not UTF-8")
        cells = split_row(line)
        width = len(self._columns)
        if len(cells) != width:
            raise ValueError(f"it has {len(cells)} cells, the table has {width}")
        values: dict[str, object] = {"at": ""}
        for cell, column in zip(cells, self._columns, strict=True):
            if column is None:
                continue
            try:
                values[column.field] = column.read(cell)
            except ValueError as exc:
                raise ValueError(f"{column.title} is no number: {shown(cell, 40)!r}") from exc
        if not values["session"]:
            raise ValueError("its Session is empty")
        return msgspec.convert(values, LedgerEntry)

    def _take_unterminated(self, line: str, number: int) -> bool:
        """Deal with a last line that has no line end; true if its writing was cut short."""
        if "\0" in line:
            self._report(number, "it was cut short by a crash", line)
            return True
        if not self._columns or not line.strip():
            return False
        if line.startswith("|") and not self._is_whole(line):
            self._report(number, "its writing was cut short", line)
            return self._is_canonical
        self._take(line, number)
        return False

    def _is_whole(self, line: str) -> bool:
        """Whether the row has all its cells and the closing pipe."""
        return split_row(f"{line}x")[-1] == "x" and len(split_row(line)) == len(self._columns)

    def _keep(self, entry: LedgerEntry, line: str, number: int) -> None:
        first = self._line_by_session.setdefault(entry.session, number)
        if first != number:
            self._report(number, f"its session already stands in line {first}", line)
            return
        self._entries.append(entry)
        self._at.append(number)

    def _report(self, number: int, reason: str, line: str) -> None:
        self._problems.append(RowProblem(line=number, reason=reason, text=shown(line)))
