"""What the text at the cursor may become: commands, their arguments, the project's files."""

from dataclasses import replace

from m31a.commands import completions, quoted
from m31a.draw.line import Line, Span, span
from m31a.draw.style import ACCENT, DIM, STRONG
from m31a.program.scene import Scene
from m31a.widgets.draft import Draft, drafted
from m31a.widgets.fuzzy import ranked

OFFERED, MOST_OFFERED = 7, 100
"""Rows of completions, and how many can be gone through."""
Offer = tuple[str, str]
"""What the text would become, and what that is."""


def begins(draft: Draft) -> bool:
    """Whether something can be offered: a command line, or `@` and the beginning of a name."""
    text = draft.text
    return (text.startswith("/") and "\n" not in text) or _file_word(draft) is not None


def _file_word(draft: Draft) -> str | None:
    """The beginning of a file's name behind `@`, when the cursor stands at its end."""
    before = draft.text[: draft.at]
    word = before[max(before.rfind(" "), before.rfind("\n")) + 1 :]
    return word[1:] if word.startswith("@") else None


def offers(draft: Draft, scene: Scene) -> tuple[Offer, ...]:
    """What the text at the cursor may become, the best first."""
    word = _file_word(draft)
    if word is not None:
        found = ranked(word, scene.files, str)
        return tuple((path, "") for path, _ in found[:MOST_OFFERED])
    text = draft.text
    every = completions(text, scene)
    fitting = (
        ((each, None) for each in every) if text == "/" else ranked(text, every, _offered_text)
    )
    return tuple(each for each, _ in fitting if each[0] != text)[:MOST_OFFERED]


def _offered_text(offer: Offer) -> str:
    return offer[0]


def offer_lines(found: tuple[Offer, ...], chosen: int, rows: int, cells: int) -> tuple[Line, ...]:
    """The offers around the chosen one, on a screen of so many rows."""
    at = min(chosen, len(found) - 1)
    room = min(OFFERED, max(1, rows // 3))
    first = max(0, min(at - room // 2, len(found) - room))
    lines = []
    for index, (text, says) in enumerate(found[first : first + room], first):
        mark = Span(" ▸ " if index == at else "   ", ACCENT)
        name = span(text, STRONG if index == at else DIM)
        last = index == first + room - 1 < len(found) - 1
        more = f"  (+{len(found) - first - room})" if last else ""
        lines.append(Line.of(mark, name, Span(f"  {says}{more}", DIM)).clipped(cells))
    return tuple(lines)


def taken(draft: Draft, offer: str) -> Draft:
    """The draft with the offer in place of what it completes."""
    word = _file_word(draft)
    if word is None:
        return drafted(f"{offer} " if " " not in offer else offer)
    start = draft.at - len(word)
    text = f"{draft.text[:start]}{quoted(offer)} {draft.text[draft.at :]}"
    return replace(drafted(text), at=start + len(quoted(offer)) + 1, pastes=draft.pastes)
