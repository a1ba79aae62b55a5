"""The figure of coverage in an output, as measuring tools print it."""

import re

_PERCENT = r"(\d{1,3}(?:\.\d{1,6})?)"
_FIGURES = (
    re.compile(rf"TOTAL(?:\s+\d{{1,9}})+\s+{_PERCENT}%"),  # coverage.py
    re.compile(rf"[Aa]ll files\s*\|(?:\s*[\d.]+\s*\|){{3}}\s*{_PERCENT}\s*\|.*"),  # istanbul
    re.compile(rf"Lines\s*:\s*{_PERCENT}%.*"),  # istanbul's summary
    re.compile(rf"total:\s+\(statements\)\s+{_PERCENT}%"),  # go
)
_LONGEST_LINE = 1000


def percent_in(output: str) -> float | None:
    """The coverage that an output tells, the lowest of several figures; None when it tells none.

    Known are coverage.py, pytest-cov, what istanbul, jest, vitest, c8 and nyc print, and go.
    """
    found = [
        float(match[1])
        for line in output.splitlines()
        if len(line) <= _LONGEST_LINE
        for figure in _FIGURES
        if (match := figure.fullmatch(line.strip()))
    ]
    return min(found, default=None)
