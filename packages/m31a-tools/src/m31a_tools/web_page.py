"""The text in what a web server sent: which bytes are text, and in which letters."""

import html
import importlib.resources
import re
import sys
from dataclasses import dataclass

from m31a_tools.errors import CommandNotStarted
from m31a_tools.process import run_process
from m31a_tools.text_file import detect
from m31a_tools.workspace import Workspace

CONVERSION_S = 15.0
_MARKDOWN_CHARS = 5_000_000
_NO_LIBRARY = 3

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|toml|javascript|ecmascript|sql|graphql"
    r"|x-ndjson|x-sh|x-yaml|x-python|x-javascript)|image/svg\+xml"
)
# Only codecs of this list are asked: some of Python's others are slow or no text at all.
_CHARSET = re.compile(
    r"utf-?8|utf-?16(?:[-_]?[lb]e)?|(?:us-)?ascii|iso-?8859-?\d{1,2}|latin-?1|(?:windows|cp)-?125\d"
    r"|koi8-[ru]|gbk|gb2312|gb18030|big5|shift[-_]jis|euc-(?:jp|kr)|iso-2022-jp"
)
_TAG_NAME = re.compile(r"</?([a-z][a-z0-9]*)")
_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "img", "kbd", "mark"),
        *("q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", ""),
    }
)
"""Tags inside of a line; others end it."""
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([\w-]{1,40})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Page:
    """What a server sent."""

    url: str
    status: int
    content_type: str
    """As it said, "" when it did not."""
    data: bytes
    is_cut: bool
    """There was more than may be read."""

    @property
    def mime(self) -> str:
        """The type without its parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()


def text_of(page: Page) -> str | None:
    """The page as text, None when it is something else."""
    if page.mime and not _TEXT.fullmatch(page.mime) and page.mime not in _HTML:
        return None
    given = re.search(r"charset\s*=\s*[\"']?([\w-]+)", page.content_type, re.IGNORECASE)
    names = [given[1].lower()] if given else []
    if page.mime in _HTML or not page.mime:
        names += [hit.decode().lower() for hit in _META_CHARSET.findall(page.data[:4096])[:1]]
    for name in names:
        if _CHARSET.fullmatch(name):
            return page.data.decode(name, "replace").removeprefix("\ufeff")
    encoding = detect(page.data)
    if encoding is None:
        return None
    # A page that was cut off may end in half of a letter.
    return page.data[len(encoding.bom) :].decode(encoding.name, "replace")


def is_html(page: Page, text: str) -> bool:
    """Whether the text is to be read as HTML."""
    if page.mime:
        return page.mime in _HTML
    return bool(re.match(r"\s{0,100}<(?:!doctype html|html)\b", text, re.IGNORECASE))


async def markdown(text: str, url: str, workspace: Workspace) -> tuple[str, str]:
    """The HTML as Markdown, and "" or why it is plain text without tags instead."""
    source = importlib.resources.files("m31a_tools").joinpath("html_worker.py")
    try:
        done = await run_process(
            [sys.executable, "-I", "-c", source.read_text(encoding="utf-8")],
            cwd=workspace.root,
            timeout_s=CONVERSION_S,
            grace_s=0,
            output_chars=_MARKDOWN_CHARS,
            stdin=f"{url}\n{text}".encode("utf-8", "replace"),
        )
    except CommandNotStarted as exc:
        return without_tags(text), str(exc)
    if done.exit_code == 0 and not done.timed_out:
        return done.output, ""
    if done.exit_code == _NO_LIBRARY:
        return without_tags(text), "install m31a-tools[web] for Markdown"
    return without_tags(text), "it is too large or too deep for Markdown"


def without_tags(text: str) -> str:
    """The HTML without its tags, scripts and styles; linear, whatever the text."""
    lower = text.lower()
    out: list[str] = []
    at = 0
    while (start := text.find("<", at)) >= 0:
        out.append(text[at:start])
        tag = _TAG_NAME.match(lower, start)
        name = tag[1] if tag else ""
        if name in ("script", "style"):
            start = lower.find(f"</{name}", start)
        elif name not in _INLINE:
            out.append("\n")
        end = text.find(">", start) if start >= 0 else -1
        at = end + 1 if end >= 0 else len(text)
    out.append(text[at:])
    lines = (" ".join(line.split()) for line in html.unescape("".join(out)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
