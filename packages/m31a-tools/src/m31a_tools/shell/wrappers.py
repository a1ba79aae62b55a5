"""Programs that run the program named after them, and how to get at that one."""

import re
from dataclasses import dataclass

from m31a_tools.shell.commands import OPEN_WORD, Kind, Unclear, Word, fixed_words
from m31a_tools.shell.programs import (
    INTERPRETER,
    PROGRAM_TEXT,
    SED_SAFE,
    SHELLS,
    SIDE_DOORS,
    WRAPPERS,
    Wrapper,
)

Words = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Inner:
    """What a command runs besides itself: words, or a text for a shell."""

    words: Words = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A command with what is inside it."""

    inner: tuple[Inner, ...] = ()
    through: bool = False
    """It does nothing of its own: who may run what is inside may run it."""
    opaque: str = ""
    """It runs a text that is not looked into; the words say what that is."""
    prefixed: bool = False
    """It changes the variables of what is inside."""


def unwrap(program: str, words: Words, data: str | None = None) -> Unwrapped:
    """What a command runs besides itself. Raises Unclear.

    `program` is its first word without folder; `data` what it reads when that is known.
    """
    rest = words[1:]
    if program in SHELLS:
        return _shell(rest, data)
    if program in ("eval", "trap"):
        return _text(program, rest)
    if program in ("source", "."):
        return Unwrapped(opaque=_said(words))
    if program == "find":
        listing = any(re.match(r"-f(?:print|ls)", word.known) for word in rest)
        return Unwrapped(inner=tuple(_found(rest)), opaque=_said(words) if listing else "")
    if program in ("su", "runuser", "script"):
        return _switching(rest)
    if program == "parallel":
        raise Unclear("parallel makes commands of its input")
    if program in ("alias", "enable", "hash", "bind", "complete", "fc") and len(words) > 1:
        raise Unclear(f"{program} can change what other words mean")
    if program == "let":
        return Unwrapped(opaque=_said(words))
    wrapper = WRAPPERS.get(program)
    if wrapper is not None:
        return _wrapped(program, wrapper, rest)
    return Unwrapped(opaque=_opaque(program, rest))


def _wrapped(program: str, wrapper: Wrapper, words: Words) -> Unwrapped:
    if program == "command" and words and words[0].text in ("-v", "-V"):
        return Unwrapped()
    at, options = _past_options(program, wrapper, words)
    inner = words[at:]
    prefixed = False
    if program in ("env", "sudo", "doas", "time", "coproc"):
        while inner and ("=" in inner[0].known or inner[0].text == "!"):
            inner, prefixed = inner[1:], True
    for _ in range(wrapper.skips):
        if inner and not inner[0].fixed:
            raise Unclear(f"{program} is followed by a word that is not written out")
        inner = inner[1:]
    if program == "xargs":
        inner = _fed(inner, options)
    if program == "flock" and inner and inner[0].text in ("-c", "--command"):
        return _text(program, inner[1:])
    if program == "watch" and inner:
        return _text(program, inner)
    through = wrapper.through and not options & {"-C", "--chdir", "-i", "--ignore-environment"}
    if not inner:
        return Unwrapped(opaque=program if options & {"-s", "-i", "--shell", "--login"} else "")
    return Unwrapped(
        inner=(Inner(words=inner),), through=through and not prefixed, prefixed=prefixed
    )


def _fed(inner: Words, options: frozenset[str]) -> Words:
    """The command of xargs with the words it is given."""
    if not inner:
        return ()
    if options & {"-I", "-i", "--replace"}:
        return tuple(word if word.text.isalnum() else _opened(word) for word in inner)
    return (*inner, OPEN_WORD)


def _opened(word: Word) -> Word:
    head = re.split(r"[^\w./=:-]", word.known, maxsplit=1)[0]
    return word if head == word.text else Word(word.text, Kind.OPEN, head)


def _past_options(program: str, wrapper: Wrapper, words: Words) -> tuple[int, frozenset[str]]:
    """Where the words after the options begin, and the options. Raises Unclear."""
    at = 0
    seen: set[str] = set()
    while at < len(words) and words[at].known[:1] == "-":
        text = words[at].known
        at += 1
        if text == "--":
            break
        name, given = _option(text, wrapper)
        if not name:
            raise Unclear(f"{program} has an option that is not known here: {text[:40]}")
        seen.update(name)
        if not given:
            at += 1
    return at, frozenset(seen)


def _option(text: str, wrapper: Wrapper) -> tuple[tuple[str, ...], bool]:
    """The options of one word, and whether no value follows it; no options when unknown."""
    if text in wrapper.flags:
        return (text,), True
    if text in wrapper.valued:
        return (text,), False
    if text.startswith("--"):
        name, equals, _ = text.partition("=")
        known = name in wrapper.valued or (name in wrapper.flags and bool(equals))
        return ((name,) if known else ()), True
    found: list[str] = []
    for place, letter in enumerate(text[1:], 1):
        name = f"-{letter}"
        if name in wrapper.valued:
            return (*found, name), place + 1 < len(text)
        if name not in wrapper.flags:
            return (), True
        found.append(name)
    return tuple(found), True


def _shell(words: Words, data: str | None) -> Unwrapped:
    """A shell: a text it is given, a script, or what it reads."""
    at = 0
    takes_text = False
    while at < len(words) and words[at].known[:1] in ("-", "+") and words[at].text != "--":
        text = words[at].text
        if not words[at].fixed:
            raise Unclear("a shell with an option that is not written out")
        if text in ("--version", "--help"):
            return Unwrapped()
        at += 2 if text in ("-o", "+o", "-O", "+O", "--rcfile", "--init-file") else 1
        if text.startswith("--"):
            continue
        takes_text = takes_text or (text[0] == "-" and "c" in text[1:])
        if "s" in text[1:] or text == "-":
            raise Unclear("a shell that reads commands from its input")
    if at < len(words) and words[at].text == "--":
        at += 1
    if at >= len(words):
        if data is not None and not takes_text:
            return Unwrapped(inner=(Inner(text=data),), through=True)
        raise Unclear("a shell that reads commands from its input")
    if not words[at].fixed:
        raise Unclear("a shell with a command that is not written out")
    if takes_text:
        return Unwrapped(inner=(Inner(text=words[at].text),), through=True)
    return Unwrapped(opaque=_said(words))


def _text(program: str, words: Words) -> Unwrapped:
    """Words that are put together to a text for a shell."""
    if program == "trap":
        words = words[:1] if words and not words[0].text.startswith("-") else ()
    while words and words[0].text == "--":
        words = words[1:]
    if not all(word.fixed for word in words):
        raise Unclear(f"{program} with a text that is not written out")
    text = " ".join(word.text for word in words)
    return Unwrapped(inner=(Inner(text=text),) if text else (), through=True)


def _switching(words: Words) -> Unwrapped:
    """`su -c TEXT` and its like."""
    for at, word in enumerate(words):
        name, equals, value = word.text.partition("=")
        if name in ("-c", "--command", "--session-command") or re.match(r"-[a-z]*c$", name):
            text = Word(value) if equals else (*words[at + 1 :], OPEN_WORD)[0]
            if not text.fixed:
                raise Unclear("a command that is not written out")
            return Unwrapped(inner=(Inner(text=text.text),))
    raise Unclear("a shell that reads commands from its input")


def _found(words: Words) -> list[Inner]:
    """The commands that find runs."""
    found: list[Inner] = []
    at = 0
    while at < len(words):
        if words[at].text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = at + 1
            while end < len(words) and words[end].text not in (";", "+"):
                end += 1
            inner = tuple(
                Word(word.text, Kind.OPEN, "./") if "{}" in word.text else word
                for word in words[at + 1 : end]
            )
            found.append(Inner(words=inner))
            at = end
        at += 1
    return found


def _opaque(program: str, words: Words) -> str:
    """What of a command runs a text that is not looked into."""
    if INTERPRETER.fullmatch(program):
        if program in ("make", "gmake"):
            return ""
        scripts = [word for word in words if word.known[:1] != "-"]
        texts = any(PROGRAM_TEXT.match(word.known) for word in words)
        if texts or not scripts or "awk" in program or "-" in (w.text for w in words):
            return _said((*fixed_words(program), *words))
        return ""
    if program == "sed":
        options = [word.known for word in words if word.known[:1] == "-"]
        script = next((word.known for word in words if word.known[:1] != "-"), "")
        safe = all(map(SED_SAFE.fullmatch, (*options, script)))
        return "" if safe else "sed"
    door = SIDE_DOORS.get(program)
    if door is not None and any(door.match(word.known) for word in words):
        return _said((*fixed_words(program), *words))
    return ""


def _said(words: Words) -> str:
    return " ".join(word.text for word in words)[:60]
