"""The search of Grep where there is no ripgrep, as a program of its own.

It runs in a process that can be killed, for a regular expression can take for ever. It is
started from its source text by `python -I -S -c`, so it uses the standard library alone and
nothing of this package.

Input: a line of JSON (pattern, ignore_case), then paths relative to the working folder, each
ended by a NUL. Output: a line of JSON `[number of the path from 0, line number, line]` for each
hit. Exit code 2: the pattern is no regular expression; its error is the output.
"""

import json
import os
import re
import stat
import sys
from collections.abc import Iterator

MAX_FILE_BYTES = 200 * 1024 * 1024
LINE_CHARS = 1000
_BINARY_BYTES = 65536
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def main() -> int:
    """Search the files named on standard input."""
    request = json.loads(sys.stdin.buffer.readline())
    source, ignore_case = request["pattern"], request["ignore_case"]
    try:
        pattern = re.compile(source, re.MULTILINE | (re.IGNORECASE if ignore_case else 0))
    except (re.error, OverflowError, RecursionError) as exc:
        sys.stdout.write(str(exc))
        return 2
    search = Search(
        pattern=pattern,
        word=b"" if ignore_case else required_word(source).encode(),
        # What these mean depends on where the text ends, so lines are not looked at together.
        whole_first=not re.search(r"\\[AZ]|\(\?", source),
    )
    paths = sys.stdin.buffer.read().split(b"\0")[:-1]
    for number, data in contents(paths):
        hits = search.hits(data)
        if hits:
            for line, text in hits:
                sys.stdout.write(json.dumps([number, line, text]) + "\n")
            sys.stdout.flush()
    return 0


def required_word(pattern: str) -> str:
    """The longest run of characters that every match must have; empty when none is sure.

    Only the simplest patterns are understood: no groups, alternatives, sets or counts.
    """
    plain = re.sub(r"\\[dDwWsSbB\W]", "\n", pattern)
    if re.search(r"[\[\](){}|\\]", plain):
        return ""
    return max(re.split(r"[\w ][*?]|[^\w ]", plain, flags=re.ASCII), key=len)


class Search:
    """Finds the lines that match."""

    def __init__(self, pattern: re.Pattern[str], word: bytes, whole_first: bool) -> None:
        self.pattern = pattern
        self.word = word
        self.whole_first = whole_first

    def hits(self, data: bytes) -> list[tuple[int, str]]:
        """Number and text of each line that matches; none in a binary file."""
        if self.word not in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return []
        text = text_of(data)
        if text is None:
            return []
        text = text.replace("\r\n", "\n")
        search = self.pattern.search
        if self.whole_first and search(text) is None:
            return []
        lines = text.split("\n")
        if lines[-1] == "":
            # What follows the last line end is no line.
            lines.pop()
        numbered = enumerate(lines, 1)
        return [(number, line[:LINE_CHARS]) for number, line in numbered if search(line)]


def text_of(data: bytes) -> str | None:
    """The text of a file, None when it is binary."""
    for bom, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(bom):
            return data[2:].decode(encoding, "replace")
    nul = data.find(b"\0")
    if 0 <= nul < _BINARY_BYTES:
        return None
    if nul >= 0:
        data = data[: data.rfind(b"\n", 0, nul) + 1]
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def contents(paths: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each file that is regular, not too large and within reach."""
    here, opened = -1, None
    try:
        for number, path in enumerate(paths):
            folder, _, name = path.rpartition(b"/")
            if folder != opened:
                if here >= 0:
                    os.close(here)
                here, opened = open_folder(folder), folder
            if here >= 0 and (data := read_regular(name, here)) is not None:
                yield number, data
    finally:
        if here >= 0:
            os.close(here)


def open_folder(path: bytes) -> int:
    """A descriptor of the folder, -1 when it is not there; no link on the way is followed."""
    here = os.open(".", _FOLDER)
    for name in filter(None, path.split(b"/")):
        try:
            inner = os.open(name, _FOLDER, dir_fd=here)
        except OSError:
            return -1
        finally:
            os.close(here)
        here = inner
    return here


def read_regular(name: bytes, folder: int) -> bytes | None:
    """The bytes of a regular file, None for anything else."""
    try:
        fd = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        return None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_BYTES:
            return None
        data = os.read(fd, status.st_size + 1)
        while len(data) < status.st_size and (more := os.read(fd, status.st_size - len(data))):
            data += more
        return data
    except OSError:
        return None
    finally:
        os.close(fd)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    sys.exit(main())
