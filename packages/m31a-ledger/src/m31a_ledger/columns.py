"""The columns of the table: their titles, their order, and how a number is read from a cell.

Our own tables have all columns. A table someone wrote by hand may have fewer, in any order, with
other titles for the same thing; columns that mean nothing to us are passed over.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from m31a_ledger.cells import decode_items, decode_text, encode_items, encode_text
from m31a_ledger.entry import LedgerEntry
from m31a_ledger.errors import UnwritableEntry

TITLES: Final[Mapping[str, str]] = {
    "session": "Session",
    "at": "Time",
    "project": "Project",
    "project_type": "Type",
    "framework": "Framework",
    "provider": "Provider",
    "model": "Model",
    "mode": "Mode",
    "complexity": "Complexity",
    "tasks": "Tasks",
    "failed": "Failed",
    "skipped": "Skipped",
    "healed": "Healed",
    "cost_usd": "Cost (USD)",
    "duration_s": "Duration (s)",
    "commits": "Commits",
    "outcome": "Outcome",
    "keywords": "Keywords",
    "failures": "Failures",
    "kind": "Kind",
}
"""The title of each field's column, in the order of the table."""

_OTHER_TITLES: Final[Mapping[str, str]] = {
    "sessionid": "session",
    "id": "session",
    "timestamp": "at",
    "date": "at",
    "at": "at",
    "projecttype": "project_type",
    "goalkeywords": "keywords",
    "result": "outcome",
}
_UNITS_S: Final[Mapping[str, float]] = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}
_UNIT: Final = r"(h|min|m|sec|s)"
_DURATION: Final = re.compile(rf"(?:\d+(?:\.\d+)? *{_UNIT} *)+")
_DURATION_PART: Final = re.compile(rf"(\d+(?:\.\d+)?) *{_UNIT}")
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d+):(\d\d)")
_MONEY: Final = re.compile(r"\$? *(\d+(?:\.\d*)?|\.\d+) *(?:\$|USD)?", re.IGNORECASE)
_NOT_RECORDED: Final = frozenset({"", "-", "–", "—", "?", "n/a", "unknown"})

Read = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: which field it holds and how its cells are read."""

    title: str
    field: str
    read: Read


def column_for(title: str) -> Column | None:
    """The column a header cell announces, or `None` when it is none of ours."""
    name, _, rest = title.partition("(")
    unit = rest.partition(")")[0].strip().casefold()
    word = re.sub(r"[\W_]+", "", name.casefold())
    field = _FIELD_BY_WORD.get(word)
    if field is None:
        return None
    if field == "duration_s":
        scale_s = _UNITS_S.get(unit, 1)
        return Column(title, field, lambda cell: read_duration(cell, scale_s))
    return Column(title, field, _READ.get(field, decode_text))


def read_count(cell: str) -> int:
    """The whole number in a cell, 0 for a cell that says nothing.

    Raises:
        ValueError: the cell holds something else.
    """
    return 0 if cell.casefold() in _NOT_RECORDED else int(cell)


def read_cost(cell: str) -> float | None:
    """The dollars in a cell (`0.25`, `$0.25`, `0.25 USD`), `None` for a cell that says nothing.

    Raises:
        ValueError: the cell holds something else.
    """
    if cell.casefold() in _NOT_RECORDED:
        return None
    money = _MONEY.fullmatch(cell)
    return _finite(money[1] if money else cell)


def read_duration(cell: str, scale_s: float = 1) -> float:
    """The seconds in a cell (`81.5`, `81.5 s`, `1m 21s`, `1:21`), 0 for a cell that says nothing.

    A bare number counts in units of `scale_s` seconds.

    Raises:
        ValueError: the cell holds something else.
    """
    if cell.casefold() in _NOT_RECORDED:
        return 0.0
    if _DURATION.fullmatch(cell):
        return sum(float(n) * _UNITS_S[unit] for n, unit in _DURATION_PART.findall(cell))
    if clock := _CLOCK.fullmatch(cell):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    return _finite(cell) * scale_s


def cells_of(entry: LedgerEntry) -> tuple[str, ...]:
    """The cells of an entry's row, in the order of the columns.

    Raises:
        UnwritableEntry: the session is empty, or a number is not finite or has too many digits.
    """
    if not entry.session:
        raise UnwritableEntry(entry.session, "it has no session")
    try:
        return (
            encode_text(entry.session),
            encode_text(entry.at),
            encode_text(entry.project),
            encode_text(entry.project_type),
            encode_text(entry.framework),
            encode_text(entry.provider),
            encode_text(entry.model),
            encode_text(entry.mode),
            encode_text(entry.complexity),
            str(entry.tasks),
            str(entry.failed),
            str(entry.skipped),
            str(entry.healed),
            "" if entry.cost_usd is None else _number(entry.cost_usd),
            _number(entry.duration_s),
            str(entry.commits),
            encode_text(entry.outcome),
            encode_items(entry.keywords),
            encode_items(entry.failures),
            encode_text(entry.kind),
        )
    except ValueError as exc:
        raise UnwritableEntry(entry.session, str(exc)) from exc


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return repr(float(value))


def _finite(cell: str) -> float:
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(f"{cell} is not a finite number")
    return value


_READ: Final[Mapping[str, Read]] = {
    "tasks": read_count,
    "failed": read_count,
    "skipped": read_count,
    "healed": read_count,
    "commits": read_count,
    "cost_usd": read_cost,
    "keywords": decode_items,
    "failures": decode_items,
}
_FIELD_BY_WORD: Final[Mapping[str, str]] = {
    **{
        re.sub(r"[\W_]+", "", title.partition("(")[0].casefold()): field
        for field, title in TITLES.items()
    },
    **_OTHER_TITLES,
}
