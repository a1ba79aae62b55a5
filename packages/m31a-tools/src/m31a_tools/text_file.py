"""The text in a file's bytes, such that the bytes come back."""

import codecs
import re
from dataclasses import dataclass

from m31a_tools.errors import CallFailed

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"^[ \t\f]*(?:#|//|--|/\*|<!--|<\?xml).*?coding[:=][ \t]*[\"']?([-\w.]+)")
_SNIFF_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Encoding:
    """How bytes and text of one file correspond."""

    name: str
    bom: bytes = b""
    errors: str = "strict"

    def decode(self, data: bytes) -> str:
        """The text after the byte-order mark."""
        return data[len(self.bom) :].decode(self.name, self.errors)

    def encode(self, text: str) -> bytes:
        """The bytes of the whole file. Raises UnicodeEncodeError for what it cannot hold."""
        return self.bom + text.encode(self.name, self.errors)

    def __str__(self) -> str:
        """The name, and whether there is a byte-order mark."""
        stray = ", with bytes that are not" if self.errors == "surrogateescape" else ""
        return f"{self.name}{' with byte-order mark' if self.bom else ''}{stray}"


UTF_8 = Encoding("utf-8")


def encoded(text: str, encoding: Encoding, path: str) -> bytes:
    """The bytes of the file at `path`. Raises CallFailed, naming what it cannot hold."""
    try:
        return encoding.encode(text)
    except UnicodeEncodeError as exc:
        char = exc.object[exc.start]
        if "\ud800" <= char <= "\udfff":
            raise CallFailed(
                f"The new text for {path} has half of a character ({char!a}), which no file can "
                "hold."
            ) from exc
        raise CallFailed(
            f"{path} is encoded in {encoding.name}, which has no {char!r}. "
            "Write it with characters that encoding has, or convert the file first."
        ) from exc


def detect(data: bytes) -> Encoding | None:
    """The encoding of a text file, or None when the bytes are no text.

    Whatever is returned decodes the bytes and encodes them back to the same bytes.
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            encoding = Encoding(name, bom)
            return encoding if _holds(encoding, data) else None
    if b"\0" in data[:_SNIFF_BYTES]:
        return None
    if data.isascii() or _holds(UTF_8, data, round_trip=False):
        return UTF_8
    for line in data[:400].split(b"\n")[:2]:
        declared = _DECLARED.match(line)
        if declared is not None:
            encoding = Encoding(declared[1].decode("ascii").lower())
            if _holds(encoding, data):
                return encoding
    # Mostly UTF-8 with a few stray bytes, or another encoding altogether?
    text = data.decode("utf-8", "surrogateescape")
    stray = sum("\udc80" <= char <= "\udcff" for char in text)
    if stray * 2 <= sum(char > "\x7f" for char in text) - stray:
        return Encoding("utf-8", errors="surrogateescape")
    western = Encoding("cp1252")
    return western if _holds(western, data) else Encoding("latin-1")


def _holds(encoding: Encoding, data: bytes, *, round_trip: bool = True) -> bool:
    try:
        text = encoding.decode(data)
        return not round_trip or encoding.encode(text) == data
    except (LookupError, UnicodeError):
        return False
    except ValueError:
        # Some codecs of Python are not for text.
        return False
