"""Paths as a plan names them, made the project's own or refused."""

import posixpath
import re

_LINK = re.compile(r"\[([^\[\]]+)\]\([^()]*\)")
_MARK = re.compile(
    r"(?i:\[\s*(new|create|modify|update|edit|delete|remove)\s*\]\s*:?\s*"
    r"|(new|create|modify|update|edit|delete|remove)\s*:\s+)|(NEW|MODIFY|DELETE)\s+"
)
_REMARK = re.compile(r"\s+[(\[]([^()\[\]]*)[)\]]\s*$")
HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
"""Control characters, and those that change how a text looks without being seen."""
_NO_PATH = {"", ".", "-", "none", "n/a", "na", "null"}


class PathEscapes(ValueError):
    """A path that is none of the project's; says why."""


def split_mark(written: str) -> tuple[str, str]:
    """A path as written and the word that marks it: `[NEW] a.py`, `a.py (new)`, `` `a.py` ``."""
    text = _LINK.sub(r"\1", written.strip())
    word = ""
    if mark := _MARK.match(text):
        word, text = mark[1] or mark[2] or mark[3], text[mark.end() :]
    elif remark := _REMARK.search(text):
        word, text = remark[1], text[: remark.start()]
    return text.strip(" `'\"*"), word.lower()


def project_path(written: str, root: str | None) -> str | None:
    """The path below the project, with forward slashes, or None when it names no file.

    An absolute path below `root`, the project's own folder, is made relative. Raises:
    PathEscapes for what is outside, inside `.git`, or no path at all.
    """
    if HIDDEN.search(written):
        raise PathEscapes("it holds control characters")
    if written.strip().lower() in _NO_PATH:
        return None
    path = written.replace("\\", "/") if "/" not in written else written
    if root is not None and (path + "/").startswith(root.rstrip("/") + "/"):
        path = path[len(root.rstrip("/")) :].lstrip("/") or "."
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:", path):
        raise PathEscapes("it is outside the project")
    normal = posixpath.normpath(path)
    parts = normal.split("/")
    if parts[0] == "..":
        raise PathEscapes("it leads out of the project")
    if any(part.rstrip(". ").casefold() == ".git" for part in parts):
        raise PathEscapes("it is inside .git")
    if len(normal) > 1024 or any(len(part.encode()) > 255 for part in parts):
        raise PathEscapes("it is too long")
    return None if normal == "." else normal
