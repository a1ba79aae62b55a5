"""HTML turned into Markdown, as a program of its own.

It runs in a process that can be killed, for a hostile page can take for ever. It is started from
its source text by `python -I -c`, so it uses nothing of this package.

Input: the address of the page, a newline, the page in UTF-8. Output: Markdown in UTF-8, links made
absolute. Left out is what a reader of the page would not see. Exit code 3: the library that
converts is not installed.
"""

import importlib
import re
import resource
import sys
from typing import Any
from urllib.parse import urljoin

_MEMORY_BYTES = 1 << 30
_DEPTH = 20_000
_NO_LIBRARY = 3
_UNSEEN_TAGS = [
    "title",
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "iframe",
    "object",
    "head",
]
_UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_CLOSED_BY_NEXT = (("li",), ("p",), ("dt", "dd"), ("td", "th"), ("tr",))
"""Elements whose end tags pages leave out; the parser takes the next for an inner one."""
_WEB_LINK = re.compile(r"https?:|mailto:", re.IGNORECASE)


def markdown(page: str, base: str) -> str | None:
    """The page in Markdown; None when the library that converts is not installed."""
    try:
        soup_of = importlib.import_module("bs4").BeautifulSoup
        converter = importlib.import_module("markdownify").MarkdownConverter
    except ImportError:
        return None
    soup = soup_of(page, "html.parser")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    prepare(soup, base)
    try:
        text = converter(heading_style="atx", bullets="-", escape_misc=False).convert_soup(soup)
    except RecursionError:
        # Nested too deep: the text is still there.
        text = soup.get_text("\n")
    text = re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()
    return f"Title: {title}\n\n{text}" if title else text


def prepare(soup: Any, base: str) -> None:
    """Take out what nobody would see, end what has no end, make links work anywhere."""
    for tag in [*soup(_UNSEEN_TAGS), *soup(style=_UNSEEN_STYLE), *soup(hidden=True)]:
        if not tag.decomposed:
            tag.decompose()
    for names in _CLOSED_BY_NEXT:
        for tag in soup(list(names)):
            if tag.parent is not None and tag.parent.name in names:
                tag.parent.insert_after(tag)
    for tag in soup("a", href=True):
        try:
            link = urljoin(base, tag["href"])
        except ValueError:
            link = ""
        if _WEB_LINK.match(link):
            tag["href"] = link
        else:
            del tag["href"]
    for tag in soup("img"):
        described = " ".join((tag.get("alt") or "").split())
        tag.replace_with(f"[image: {described}]" if described else "")


def main() -> int:
    """Convert the page on standard input."""
    base, _, page = sys.stdin.buffer.read().decode("utf-8", "replace").partition("\n")
    text = markdown(page, base)
    if text is None:
        return _NO_LIBRARY
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    sys.setrecursionlimit(_DEPTH)
    sys.exit(main())
