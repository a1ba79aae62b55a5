"""A multi-line text editor: what its keys do to a draft."""

from dataclasses import replace

from m31a.program.keymap import KeyTable, bind
from m31a.widgets.draft import Draft, redone, spliced, undone, writable
from m31a.widgets.draft_rows import vertical
from m31a.widgets.text_bounds import after, before, word_after, word_before

MOST_KILLS = 30

KEYS: KeyTable = (
    bind("edit.newline", "alt+enter, ctrl+j, shift+enter", "a new line", hint=True),
    bind("edit.left", "left", "a character back"),
    bind("edit.right", "right, ctrl+f", "a character on"),
    bind("edit.up", "up", "a line up, then older history"),
    bind("edit.down", "down", "a line down, then newer history"),
    bind("edit.word_left", "alt+b, ctrl+left, alt+left", "a word back"),
    bind("edit.word_right", "alt+f, ctrl+right, alt+right", "a word on"),
    bind("edit.home", "home, ctrl+a", "to the line's beginning"),
    bind("edit.end", "end, ctrl+e", "to the line's end"),
    bind("edit.backspace", "backspace, shift+backspace", "delete back"),
    bind("edit.delete", "delete", "delete on"),
    bind("edit.kill_word_back", "ctrl+w, alt+backspace, ctrl+backspace", "cut the word before"),
    bind("edit.kill_word", "alt+d, ctrl+delete", "cut the word after"),
    bind("edit.kill_line", "ctrl+k", "cut to the line's end"),
    bind("edit.kill_back", "ctrl+u", "cut to the line's beginning"),
    bind("edit.yank", "ctrl+y", "put back what was cut"),
    bind("edit.undo", "ctrl+_, ctrl+x u", "undo"),
    bind("edit.redo", "ctrl+x r, alt+shift+_", "redo"),
    bind("edit.unfold", "ctrl+x p", "show a pasted text in full"),
)


def typed(draft: Draft, text: str) -> Draft:
    """The draft with text at the cursor."""
    text = writable(text)
    if not text:
        return draft
    word = "type" if not text.isspace() else "space"
    changed = spliced(draft, draft.at, draft.at, text, word, merge=draft.last == "type" == word)
    return replace(changed, last=word)


def applied(draft: Draft, action: str, cells: int = 80) -> Draft | None:
    """The draft after an editing action; None when it moves out of the text, or is none of ours.

    `cells` is how wide the editor is drawn: up and down go by what is seen.
    """
    match action:
        case "edit.up" | "edit.down":
            return vertical(draft, -1 if action == "edit.up" else 1, cells)
        case "edit.newline":
            return spliced(draft, draft.at, draft.at, "\n", "newline")
        case "edit.backspace":
            return spliced(draft, before(draft.text, draft.at), draft.at, "", "backspace")
        case "edit.delete":
            return spliced(draft, draft.at, after(draft.text, draft.at), "", "delete")
        case "edit.yank":
            killed = draft.kills[-1] if draft.kills else ""
            return spliced(draft, draft.at, draft.at, killed, "yank")
        case "edit.undo":
            return undone(draft)
        case "edit.redo":
            return redone(draft)
        case "edit.unfold":
            return spliced(draft, 0, len(draft.text), draft.whole, "unfold")
        case _ if action.startswith("edit.kill"):
            return _killed(draft, action)
        case _:
            target = _target(draft, action)
            return None if target is None else replace(draft, at=target, column=None, last="move")


def _target(draft: Draft, action: str) -> int | None:
    text, at = draft.text, draft.at
    match action:
        case "edit.left":
            return before(text, at)
        case "edit.right":
            return after(text, at)
        case "edit.word_left":
            return word_before(text, at)
        case "edit.word_right":
            return word_after(text, at)
        case "edit.home":
            return text.rfind("\n", 0, at) + 1
        case "edit.end":
            end = text.find("\n", at)
            return len(text) if end < 0 else end
        case _:
            return None


def _killed(draft: Draft, action: str) -> Draft | None:
    text, at = draft.text, draft.at
    match action:
        case "edit.kill_word_back":
            start, stop = word_before(text, at), at
        case "edit.kill_word":
            start, stop = at, word_after(text, at)
        case "edit.kill_line":
            end = text.find("\n", at)
            start, stop = at, len(text) if end < 0 else max(end, at + (end == at))
        case "edit.kill_back":
            start, stop = text.rfind("\n", 0, at) + 1, at
        case _:
            return None
    if start == stop:
        return draft
    cut = text[start:stop]
    kills = draft.kills
    if draft.last == "kill" and kills:
        joined = cut + kills[-1] if start < at else kills[-1] + cut
        kills = (*kills[:-1], joined)
    else:
        kills = (*kills[-MOST_KILLS:], cut)
    return replace(spliced(draft, start, stop, "", "kill"), kills=kills)
