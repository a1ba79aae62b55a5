"""What was written before: gone through line by line, or searched."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from m31a.widgets.draft import BLANK, Draft, drafted

MOST_LINES = 500
MOST_FOUND = 100


@dataclass(frozen=True, slots=True)
class Recall:
    """Earlier lines, the oldest first, and which of them stands in the prompt."""

    lines: tuple[str, ...] = ()
    at: int | None = None
    """None while the prompt holds what is being written."""
    kept: Draft = BLANK
    """What was being written before."""

    def before(self, older: Iterable[str]) -> "Recall":
        """With older lines in front of those that are there."""
        return replace(self, lines=(*older, *self.lines)[-MOST_LINES:])

    def remembering(self, line: str) -> "Recall":
        """With a line at the end, standing there once."""
        others = (each for each in self.lines if each != line)
        return Recall((*others, line)[-MOST_LINES:])

    def left(self) -> "Recall":
        """What is in the prompt is being written, wherever it came from."""
        return self if self.at is None else replace(self, at=None)

    def stepped(self, draft: Draft, step: int) -> tuple["Recall", Draft]:
        """An older (-1) or newer (1) line that begins as what was being written."""
        kept = draft if self.at is None else self.kept
        index = (len(self.lines) if self.at is None else self.at) + step
        while 0 <= index < len(self.lines):
            line = self.lines[index]
            if line.startswith(kept.text) and line != draft.text:
                return replace(self, at=index, kept=kept), drafted(line)
            index += step
        if step > 0 and self.at is not None:
            return replace(self, at=None), kept
        return self, draft


@dataclass(frozen=True, slots=True)
class Search:
    """The words that a line is looked for by, and which of those found is chosen."""

    words: Draft = BLANK
    chosen: int = 0

    def found(self, lines: Iterable[str]) -> tuple[str, ...]:
        """The lines with all the words, the newest first; small letters stand for both."""
        text = self.words.text
        words = text.split()
        fold = text == text.lower()
        fits = (
            line
            for line in reversed(tuple(lines))
            if all(word in (line.lower() if fold else line) for word in words)
        )
        return tuple(dict.fromkeys(fits))[:MOST_FOUND]

    def stepped(self, step: int, count: int) -> "Search":
        """The next one of `count`, round and round."""
        return replace(self, chosen=(self.chosen + step) % count) if count else self
