"""A text being written, with what it was before: pastes as markers, cuts, ways back.

A long paste stands in the text as one character of a private plane and is shown as
`[paste 1: 48 lines]`: it is moved over and deleted as one, and sent whole.
"""

import re
from dataclasses import dataclass, replace

PASTE_LINES, PASTE_CHARS = 10, 1000
"""A longer paste stands in the text as a marker."""
MOST_UNDO = 200
_FIRST_MARK = 0xF0000
MARKS = re.compile("[\U000f0000-\U000ffffd]")
"""The characters that stand for pastes."""
_NOT_TYPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\U000f0000-\U000ffffd]")


@dataclass(frozen=True, slots=True)
class Draft:
    """A text being written and where the cursor stands in it."""

    text: str = ""
    at: int = 0
    column: int | None = None
    """The column that up and down keep to."""
    pastes: tuple[str, ...] = ()
    kills: tuple[str, ...] = ()
    undos: tuple[tuple[str, int], ...] = ()
    redos: tuple[tuple[str, int], ...] = ()
    last: str = ""
    """What was done last: typing in a row is undone at once, cuts in a row are one."""

    @property
    def whole(self) -> str:
        """The text with pastes in full: what is sent."""
        return MARKS.sub(lambda mark: self._paste(mark[0]), self.text)

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all."""
        return not self.text

    def _paste(self, mark: str) -> str:
        index = ord(mark) - _FIRST_MARK
        return self.pastes[index] if index < len(self.pastes) else ""

    def label(self, mark: str) -> str:
        """What a marker shows."""
        text = self._paste(mark)
        index = ord(mark) - _FIRST_MARK + 1
        lines = text.count("\n") + 1
        return f"[paste {index}: {f'{lines} lines' if lines > 1 else f'{len(text)} characters'}]"


BLANK = Draft()


def drafted(text: str) -> Draft:
    """A draft of a text, the cursor at its end."""
    clean = writable(text)
    return Draft(clean, len(clean))


def writable(text: str) -> str:
    """A text as a draft can hold it: without control characters and markers of its own."""
    return _NOT_TYPED.sub("", text)


def pasted(draft: Draft, text: str) -> Draft:
    """The draft with a pasted text; a long one as a marker."""
    text = writable(text.replace("\r\n", "\n").replace("\r", "\n"))
    if text.count("\n") < PASTE_LINES and len(text) <= PASTE_CHARS:
        return spliced(draft, draft.at, draft.at, text, "paste")
    mark = chr(_FIRST_MARK + len(draft.pastes))
    draft = replace(draft, pastes=(*draft.pastes, text))
    return spliced(draft, draft.at, draft.at, mark, "paste")


def spliced(
    draft: Draft, start: int, stop: int, text: str, word: str, *, merge: bool = False
) -> Draft:
    """The draft with `start:stop` replaced, and a way back."""
    if start == stop and not text:
        return draft
    undos = draft.undos if merge else (*draft.undos[-MOST_UNDO:], (draft.text, draft.at))
    return replace(
        draft,
        text=draft.text[:start] + text + draft.text[stop:],
        at=start + len(text),
        column=None,
        undos=undos,
        redos=(),
        last=word,
    )


def undone(draft: Draft) -> Draft:
    """The draft as it was before the last change."""
    if not draft.undos:
        return draft
    text, at = draft.undos[-1]
    redos = (*draft.redos, (draft.text, draft.at))
    return replace(
        draft, text=text, at=at, column=None, undos=draft.undos[:-1], redos=redos, last="undo"
    )


def redone(draft: Draft) -> Draft:
    """The draft with what was undone last."""
    if not draft.redos:
        return draft
    text, at = draft.redos[-1]
    undos = (*draft.undos, (draft.text, draft.at))
    return replace(
        draft, text=text, at=at, column=None, undos=undos, redos=draft.redos[:-1], last="redo"
    )
