"""The words by which a goal is judged: whole words in any case, with their usual endings."""

import re


def _words(text: str) -> re.Pattern[str]:
    """A pattern for any of the comma-separated words; a blank stands for blanks or a hyphen."""
    parts = (" ".join(word.split()) for word in text.split(","))
    words = (word.replace(" ?", r"[\s-]?").replace(" ", r"[\s-]{1,3}") for word in parts)
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


POLITE = re.compile(
    r"(?:(?:please|pls|kindly|hey|hi|hello|ok|okay|so|let'?s|(?:can|could|would|will) you"
    r"|i(?:'d like| want| need)(?: you)? to|we (?:need|want|have) to)\b[\s,:!]*)+",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"(?:what(?:'s|s)?|why|how|who|whose|explain|describe|tell me|show me|summari[sz]e)"
    r"(?![\w(.:/-])",
    re.IGNORECASE,
)
"""First words that make a question with or without a question mark."""
ASKS_WITH_MARK = _words(
    "is, are, am, does, do, did, was, were, should, has, have, where, when, which, can, could,"
    " would, will, any"
)
ORDER = _words(
    "add, allow, append, apply, build, bump, change, clean, convert, create, cut, delete, develop,"
    " disable, document, drop, enable, ensure, expose, extend, extract, fix, handle, implement,"
    " improve, increase, inline, insert, integrate, introduce, let, make, merge, migrate, move,"
    " optimi[sz]e, pin, port, prevent, print, raise, reduce, refactor, remove, rename, repair,"
    " replace, resolve, return, rewrite, set, simplify, sort, split, stop, support, swap, switch,"
    " translate, turn, update, upgrade, use, validate, wire, write"
)
BUG = _words(
    "bug(?:s|gy|fix)?, broken, crash(?:es|ed|ing)?, defects?, does(?:n'?t| not) work"
    ", fail(?:s|ed|ing)?, fix(?:es|ed|ing)?, hangs?, incorrect(?:ly)?, leaks?, off by one"
    ", regressions?, repair, traceback, typos?, wrong(?:ly)?"
)
DOCS = _words(
    "readme, docs?, documentation, document, docstrings?, changelog, tutorial, user guide"
)
CHORE = _words(
    "bump, pin, upgrade, dependenc(?:y|ies), lock ?file, gitignore, editorconfig, linter, formatter"
    ", ci, pre commit"
)
REFACTOR = _words(
    "refactor(?:ing)?, clean ?up, simplify, restructure, reorgani[sz]e, extract, de ?duplicate,"
    " rename, inline, split, move"
)
BUILD = _words("build, create, implement, design, develop, write, set up, make, add")
BROAD = _words(
    "architect(?:ure)?, from scratch, greenfield, new (?:project|app|application|service|website),"
    " full stack, end to end, micro ?services?, pipelines?, migrat(?:e|es|ion|ing),"
    " integrat(?:e|ion), redesign, rewrite, overhaul, multi step, authentication,"
    " authori[sz]ation, databases?, rest api, graphql, web ?sites?, web app(?:lication)?,"
    " front ?end, back ?end, plug ?in system, framework, everywhere, whole (?:project|code ?base),"
    " all (?:modules|packages|files), (?:todo|chat|web|desktop|mobile) app"
)
RISKY = _words(
    "race(?: condition)?s?, dead ?locks?, memory leaks?, security, auth, jwt, oauth2?,"
    " encrypt(?:ion|ed)?, concurren(?:t|cy), thread safe(?:ty)?, payments?, transactions?, rollback"
    ", vulnerabilit(?:y|ies), injection, xss, csrf, retr(?:y|ies), async(?:io)?, cach(?:e|es|ing),"
    " consistency, distributed, schemas?, web ?sockets?, middleware, back ?pressure, idempotent,"
    " permissions?, sandbox(?:ing)?"
)
SMALL = _words(
    "typos?, rename, bump, pin, comments?, docstrings?, (?:log|error) message, constant,"
    " default value, unused import, version number, spelling, whitespace"
)
NEXT_PART = re.compile(
    r"(?:[.,;:!?\n]|\b(?:and|then)\b)\s{0,3}(?:(?:please|then|and)\s{1,3})?", re.IGNORECASE
)
"""What may stand before a second request in one text."""
STEP = re.compile(
    r"^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+\S|\b(?:then|additionally)\b",
    re.IGNORECASE | re.MULTILINE,
)
SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)|\n")
WORD = re.compile(r"[^\W_][\w'./-]*")
FILE = re.compile(r"\b[\w-]+\.[a-z]{1,4}\b")
