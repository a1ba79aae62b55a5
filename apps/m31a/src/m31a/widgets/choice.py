"""A choice among a few words on one line, the chosen one between guillemets."""

from collections.abc import Sequence

from m31a.draw.line import Line, Part, Span, span
from m31a.draw.style import ACCENT, DIM, STRONG, Style


def stepped(words: Sequence[str], word: str, step: int) -> str:
    """The word `step` places on, round and round; the first when `word` is none of them."""
    if word not in words:
        return words[0]
    return words[(words.index(word) + step) % len(words)]


def choice_line(
    label: str, words: Sequence[str], word: str, cells: int, *, focused: bool = True
) -> Line:
    """The words on one line; as many as fit, the chosen one always."""
    head = Line.of(Span(label, ACCENT if focused else DIM))
    chosen: Style = ACCENT if focused else STRONG
    whole = head.plus(*_words(words, word, chosen))
    if whole.width <= cells:
        return whole
    place = f" ({words.index(word) + 1} of {len(words)})" if word in words else ""
    return head.plus(span(f"‹ {word} ›", chosen), Span(place, DIM)).clipped(cells)


def _words(words: Sequence[str], word: str, chosen: Style) -> list[Part]:
    return [
        span(f"‹ {each} ›", chosen) if each == word else span(f"  {each}  ", DIM) for each in words
    ]
