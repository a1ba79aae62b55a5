"""A map of files within a token budget: what stands where, without the code."""

from collections.abc import Callable, Iterable, Sequence

from m31a_engine.code.parsed import Parsed, Symbol
from m31a_engine.paths import shown_path

Estimate = Callable[[str], int]
"""The tokens of a text, or a little more."""

_LARGEST_SHARE = 3
"""No file takes more than a third of the budget while others wait."""
_MOST_LINES = 60


def outline_of(
    files: Iterable[tuple[str, Parsed | None]], budget_tokens: int, estimate: Estimate
) -> str:
    """Files in their order with line ranges and signatures; never more than the budget.

    A file is shown with all its symbols, else with the outer ones or the first of them, else by its
    name.
    """
    blocks: list[str] = []
    room = budget_tokens
    for path, parsed in files:
        share = max(1, min(room, budget_tokens // _LARGEST_SHARE))
        for block in _blocks(path, parsed):
            cost = estimate(block + "\n")
            if cost <= (share if "\n" in block else room):
                blocks.append(block)
                room -= cost
                break
        else:
            break
    # The tokens of a whole may be a few more than those of its parts.
    while blocks and estimate("\n".join(blocks)) > budget_tokens:
        blocks.pop()
    return "\n".join(blocks)


def _blocks(path: str, parsed: Parsed | None) -> list[str]:
    """A file in less and less detail."""
    name = shown_path(path)
    if parsed is None or not parsed.symbols:
        return [name]
    title = f"{name} ({parsed.lines} lines)"
    outer = [symbol for symbol in parsed.symbols if not symbol.container]
    found = [_block(title, parsed.symbols, _MOST_LINES)]
    found += [_block(title, outer, count) for count in (_MOST_LINES, 20, 8)]
    return [*dict.fromkeys(found), title, name]


def _block(title: str, symbols: Sequence[Symbol], count: int) -> str:
    lines = [_line(symbol) for symbol in symbols[:count]]
    if len(symbols) > count:
        lines.append(f"  … {len(symbols) - count} more")
    return "\n".join([title, *lines])


def _line(symbol: Symbol) -> str:
    depth = 1 + (symbol.container.count(".") + 1 if symbol.container else 0)
    last = f"-{symbol.end_line}" if symbol.end_line > symbol.line else ""
    return f"{'  ' * depth}{symbol.line}{last} {symbol.signature or symbol.name}"
