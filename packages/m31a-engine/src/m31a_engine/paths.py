"""File names as text that every file and wire can hold."""

import os


def shown_path(path: str) -> str:
    """A path whose bytes that are no UTF-8 stand as `\\xff`; others are left as they are."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_text(path: str) -> bool:
    """Whether a path is UTF-8, as a model or a configuration can name it."""
    return shown_path(path) == path
