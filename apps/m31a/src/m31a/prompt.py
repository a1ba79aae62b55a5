"""The prompt as a value: a draft, what it may become, and what was written before."""

from dataclasses import dataclass, field, replace

from m31a import completion
from m31a.completion import Offer
from m31a.draw.frame import Point, Size, View
from m31a.draw.line import Line, Span
from m31a.draw.style import ACCENT, DIM
from m31a.program.keymap import KeyTable, bind
from m31a.program.scene import Scene
from m31a.widgets import editor
from m31a.widgets import field as one_line
from m31a.widgets.draft import BLANK, Draft, drafted, pasted
from m31a.widgets.draft_rows import editor_view, height_of
from m31a.widgets.field import field_view
from m31a.widgets.recall import Recall, Search
from m31a.widgets.row_text import one_row

MOST_ROWS = 10
"""Rows the prompt may take."""
MARK = " ❯ "

OFFER: KeyTable = (
    bind("prompt.offer_up", "up", "the one above"),
    bind("prompt.offer_down", "down, ctrl+n", "the one below"),
    bind("prompt.offer_take", "tab", "take it", hint=True),
    bind("prompt.offer_close", "escape", "close", hint=True),
)
SEARCHING: KeyTable = (
    bind("prompt.take_found", "enter, tab", "take it", hint=True),
    bind("prompt.older", "ctrl+r, down, ctrl+n", "the one before", hint=True),
    bind("prompt.newer", "up, ctrl+s, ctrl+p", "the one after"),
    bind("prompt.stop_search", "escape, ctrl+c, ctrl+g", "back", hint=True),
    *one_line.KEYS,
)
WRITING: KeyTable = (bind("prompt.clear", "ctrl+c", "empty the prompt"),)
SEARCH: KeyTable = (bind("prompt.search", "ctrl+r", "search what was written before"),)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is being written, its completions, and the lines of before."""

    draft: Draft = BLANK
    recall: Recall = field(default_factory=Recall)
    search: Search | None = None
    """None while nothing is looked for."""
    offered: int = 0
    """Which completion is chosen."""
    closed_for: str = ""
    """The text for which the completions were closed."""

    @property
    def completes(self) -> bool:
        """Whether completions may be shown."""
        return self.draft.text != self.closed_for and completion.begins(self.draft)

    def holding(self, draft: Draft) -> "Prompt":
        """With this draft, being written."""
        return replace(self, draft=draft, recall=self.recall.left(), offered=0, search=None)

    def typed(self, text: str) -> "Prompt":
        """With more text at the cursor: in the draft, or among the words looked for."""
        if self.search is not None:
            return replace(self, search=Search(editor.typed(self.search.words, text)))
        return self.holding(editor.typed(self.draft, text))

    def pasted(self, text: str) -> "Prompt":
        """The same with a pasted text."""
        if self.search is not None:
            return replace(self, search=Search(one_line.pasted(self.search.words, text)))
        return self.holding(pasted(self.draft, text))

    def cleared(self) -> "Prompt":
        """Empty; what stood there is not remembered as sent."""
        return replace(self, draft=BLANK, recall=replace(self.recall.left(), kept=self.draft))

    def sent(self, line: str) -> "Prompt":
        """Empty, the line remembered."""
        return Prompt(recall=self.recall.remembering(line))


def keys_of(prompt: Prompt) -> tuple[KeyTable, KeyTable]:
    """The keys that come before all others, and those that come after the screen's own."""
    if prompt.search is not None:
        return SEARCHING, ()
    writing = () if prompt.draft.empty else WRITING
    return (OFFER if prompt.completes else ()), (*writing, *SEARCH)


def applied(prompt: Prompt, action: str, scene: Scene) -> Prompt | None:
    """After an action of the prompt's keys or the editor's; None when it is none of them."""
    if prompt.search is not None:
        return _searched(prompt, prompt.search, action)
    match action:
        case "prompt.clear":
            return prompt.cleared()
        case "prompt.search":
            return replace(prompt, search=Search(drafted(one_row(prompt.draft.text))))
        case _ if action.startswith("prompt.offer"):
            return _offered(prompt, action, scene)
        case "edit.up" | "edit.down":
            moved = editor.applied(prompt.draft, action, _cells(scene))
            if moved is not None:
                return replace(prompt, draft=moved)
            recall, draft = prompt.recall.stepped(prompt.draft, -1 if action == "edit.up" else 1)
            return replace(prompt, recall=recall, draft=draft)
        case _:
            draft_after = editor.applied(prompt.draft, action, _cells(scene))
            return None if draft_after is None else replace(prompt, draft=draft_after, offered=0)


def offers_of(prompt: Prompt, scene: Scene) -> tuple[Offer, ...]:
    """What the text at the cursor may become; while something is looked for, what was found."""
    if prompt.search is not None:
        return tuple((one_row(line), "") for line in prompt.search.found(prompt.recall.lines))
    return completion.offers(prompt.draft, scene) if prompt.completes else ()


def meant(prompt: Prompt, scene: Scene) -> str:
    """The line that is sent: the chosen command when one is offered and nothing stands behind."""
    text = prompt.draft.whole.strip()
    offers = offers_of(prompt, scene)
    known = {command.name for command in scene.commands}
    if text.startswith("/") and offers and " " not in text and text[1:] not in known:
        return offers[min(prompt.offered, len(offers) - 1)][0]
    return text


def rows_of(prompt: Prompt, size: Size) -> int:
    """How many rows the prompt takes on a screen of this size."""
    if prompt.search is not None:
        return 1
    most = max(1, min(MOST_ROWS, size.height // 3))
    return height_of(prompt.draft, size.width - len(MARK), most)


def prompt_view(prompt: Prompt, size: Size, placeholder: str) -> View:
    """The prompt with its mark, as many rows as `rows_of` says."""
    if prompt.search is not None:
        drawn = field_view(
            " look for ", prompt.search.words, size.width, placeholder="words of an earlier line"
        )
        return View((drawn.line,), None if drawn.cursor is None else Point(drawn.cursor, 0))
    room = Size(max(1, size.width - len(MARK)), rows_of(prompt, size))
    written = editor_view(prompt.draft, room, placeholder=placeholder)
    marked = (
        Line.of(Span(MARK if index == 0 else " " * len(MARK), ACCENT), *line.spans)
        for index, line in enumerate(written.lines)
    )
    at = written.cursor
    return View(tuple(marked), Point(at.column + len(MARK), at.row) if at is not None else None)


def offer_lines(prompt: Prompt, scene: Scene, cells: int) -> tuple[Line, ...]:
    """What is offered or found, the chosen one marked; none when there is nothing to say."""
    found = offers_of(prompt, scene)
    if not found and prompt.search is not None:
        return (Line.of(Span("   nothing was written like that", DIM)).clipped(cells),)
    chosen = prompt.offered if prompt.search is None else prompt.search.chosen
    return completion.offer_lines(found, chosen, scene.size.height, cells)


def _cells(scene: Scene) -> int:
    return scene.size.width - len(MARK) - 1


def _offered(prompt: Prompt, action: str, scene: Scene) -> Prompt:
    offers = offers_of(prompt, scene)
    at = min(prompt.offered, max(0, len(offers) - 1))
    match action:
        case "prompt.offer_up" | "prompt.offer_down" if offers:
            step = -1 if action == "prompt.offer_up" else 1
            return replace(prompt, offered=(at + step) % len(offers))
        case "prompt.offer_take" if offers:
            return prompt.holding(completion.taken(prompt.draft, offers[at][0]))
        case "prompt.offer_close":
            return replace(prompt, closed_for=prompt.draft.text)
        case _:
            return prompt


def _searched(prompt: Prompt, search: Search, action: str) -> Prompt | None:
    found = search.found(prompt.recall.lines)
    match action:
        case "prompt.older" | "prompt.newer":
            step = 1 if action == "prompt.older" else -1
            return replace(prompt, search=search.stepped(step, len(found)))
        case "prompt.take_found" if found:
            return prompt.holding(drafted(found[search.chosen]))
        case "prompt.take_found":
            return prompt
        case "prompt.stop_search":
            return replace(prompt, search=None)
        case _:
            words = editor.applied(search.words, action)
            return None if words is None else replace(prompt, search=Search(words))
