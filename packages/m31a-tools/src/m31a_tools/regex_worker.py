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

MAX_FILE_BYTES = 200 * 1024 * 1024
LINE_CHARS = 1000
_BINARY_BYTES = 65536
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def main() -> int:
    """Search the files named on standard input."""
    request = json.loads(sys.stdin.buffer.readline())
    try:
        flags = re.MULTILINE | (re.IGNORECASE if request["ignore_case"] else 0)
        pattern = re.compile(request["pattern"], flags)
    except (re.error, OverflowError, RecursionError) as exc:
        sys.stdout.write(str(exc))
        return 2
    # What these mean depends on where the text ends, so lines are not looked at together.
    whole_first = not re.search(r"\\[AZ]|\(\?", request["pattern"])
    for number, name in enumerate(sys.stdin.buffer.read().split(b"\0")[:-1]):
        search(number, os.fsdecode(name), pattern, whole_first=whole_first)
    return 0


def search(file: int, path: str, pattern: re.Pattern[str], *, whole_first: bool) -> None:
    """Write the hits in one file, known by its number."""
    text = read_text(path)
    if text is None:
        return
    text = text.replace("\r\n", "\n")
    if whole_first and pattern.search(text) is None:
        return
    lines = text.split("\n")
    if lines[-1] == "":
        # What follows the last line end is no line.
        lines.pop()
    hits = [
        json.dumps([file, number, line[:LINE_CHARS]])
        for number, line in enumerate(lines, 1)
        if pattern.search(line) is not None
    ]
    if hits:
        sys.stdout.write("\n".join(hits) + "\n")
        sys.stdout.flush()


def read_text(path: str) -> str | None:
    """The text of a file, None when it is binary, special or out of reach."""
    try:
        fd = open_below(path)
    except OSError:
        return None
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_BYTES:
        os.close(fd)
        return None
    with os.fdopen(fd, "rb", buffering=0) as file:
        data = file.readall()
    for bom, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(bom):
            return data[2:].decode(encoding, "replace")
    nul = data.find(b"\0")
    if 0 <= nul < _BINARY_BYTES:
        return None
    if nul >= 0:
        data = data[: data.rfind(b"\n", 0, nul) + 1]
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def open_below(path: str) -> int:
    """A descriptor of the file, following no link on the way."""
    *folders, name = path.split("/")
    here = os.open(".", _FOLDER)
    try:
        for folder in folders:
            inner = os.open(folder, _FOLDER, dir_fd=here)
            os.close(here)
            here = inner
        return os.open(name, _FILE, dir_fd=here)
    finally:
        os.close(here)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    sys.exit(main())
