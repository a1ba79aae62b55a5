"""Text from outside, and figures, as rows show them."""

from m31a.draw.text import expand_tabs
from m31a_engine import sanitise


def safe(text: str) -> str:
    """Text from outside without what could command a terminal or hide; line ends stay."""
    return sanitise(text)


def one_row(text: str) -> str:
    """Text from outside on one line."""
    return " ".join(safe(text).split())


def seconds(count: float) -> str:
    """A length of time: `0.4 s`, `41 s`, `2:14`, `1:02:03`."""
    if count < 10:
        return f"{count:.1f} s"
    if count < 60:
        return f"{count:.0f} s"
    minutes, rest = divmod(int(count), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def tabbed(text: str) -> str:
    """A text of several lines with its tabs as blanks."""
    return "\n".join(map(expand_tabs, text.split("\n"))) if "\t" in text else text
