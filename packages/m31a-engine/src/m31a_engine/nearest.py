"""What a mistyped word was probably meant to be."""

from collections.abc import Iterable

_MAX_CHARS = 64


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None when none is close enough to suggest.

    Case, hyphens and underscores make no difference; two letters that changed places count
    as one mistake. A word that stands in exactly one known word suggests that one.
    """
    typed = _plain(word)
    candidates = {name: _plain(name) for name in known}
    limit = max(1, min(3, len(typed) // 3))
    ranked = sorted((_distance(typed, plain), name) for name, plain in candidates.items())
    if ranked and ranked[0][0] <= limit:
        return ranked[0][1]
    holding = [name for name, plain in candidates.items() if len(typed) >= 4 and typed in plain]
    return holding[0] if len(holding) == 1 else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` to be put behind a sentence, or nothing."""
    name = nearest(word, known)
    return f"; did you mean {name!r}?" if name is not None else ""


def _plain(word: str) -> str:
    return word[:_MAX_CHARS].casefold().replace("-", "_")


def _distance(one: str, other: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn one into the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        oldest, before, row = before, row, [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, oldest[j - 2] + 1)
            row.append(cost)
    return row[-1]
