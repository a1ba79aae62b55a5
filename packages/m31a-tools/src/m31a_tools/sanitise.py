r"""Text from outside, made safe to show: nothing in it can move a cursor or hide a letter."""

import re

_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
# Bidi controls, zero-width and filler characters, tags, variation selectors other than the
# emoji one, separators that some programs take for a line end.
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_EMOJI = "\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"

# Every alternative begins with a character that none of the repeated classes contains, and the
# repeats give nothing back: the time is linear whatever the text.
_REMOVED = re.compile(
    # operating system commands and other strings, with their end when one follows
    rf"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?:[^{_CONTROL}]{{0,4096}}+(?:\x07|\x1b\\|[\x9c\x18\x1a]))?"
    # control sequences, complete or not
    r"|(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    # other escapes
    r"|\x1b[ -/]*+[0-~]?"
    rf"|[{_CONTROL}]"
    # a joiner stays between two emoji
    rf"|(?<![{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])|(?!\u200d)[{_HIDDEN}]"
)
_PILED_MARKS = re.compile(rf"([{_MARKS}]{{8}})[{_MARKS}]++")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SUSPECT = re.compile(rf"[{_CONTROL}{_HIDDEN}\ud800-\udfff]")


def sanitise(text: str) -> str:
    """`text` without escape sequences, control bytes, bidi overrides and invisible characters.

    Newlines and tabs stay, `\\r\\n` becomes a newline, at most eight combining marks stay on a
    letter, lone surrogates become U+FFFD. An unterminated sequence loses its beginning only.
    """
    if _SUSPECT.search(text) is None:  # as nearly always; a single class is searched fast
        return text if text.isascii() else _PILED_MARKS.sub(r"\1", text)
    text = _REMOVED.sub("", text.replace("\r\n", "\n"))
    if text.isascii():
        return text
    return encodable(_PILED_MARKS.sub(r"\1", text))


def encodable(text: str) -> str:
    """`text` with lone surrogates, which no encoding has, as U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def hides_something(text: str) -> bool:
    """Whether `text` has characters that a reader would not see."""
    return _SUSPECT.search(text) is not None


def listed(path: str) -> str:
    """`path` as one line of a list: as it is, or as JSON has it where it would be misread."""
    path = encodable(path)
    if not (path.startswith('"') or "\n" in path or "\t" in path or hides_something(path)):
        return path
    for char, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        path = path.replace(char, written)
    return f'"{_SUSPECT.sub(_in_json, path)}"'


def _in_json(hit: re.Match[str]) -> str:
    units = hit[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def escaped(text: str) -> str:
    """`text` with every character a reader would not see written out, like `\\x1b`."""
    return _SUSPECT.sub(lambda hit: hit[0].encode("unicode_escape").decode("ascii"), text)
