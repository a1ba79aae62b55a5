"""What single commands are known to do to files, and whether they reach other machines."""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise

from m31a_tools.shell.commands import Word
from m31a_tools.shell.options import has_flag, has_long, names, operands, short_flags

Words = tuple[Word, ...]

_ALWAYS_DESTROYS = frozenset({"shred", "truncate", "wipefs", "srm", "fdisk", "parted", "sfdisk"})
_ALWAYS_DESTROYS |= {"mkswap", "blkdiscard", "hdparm", "shutdown", "reboot", "halt", "poweroff"}
_ALWAYS_DESTROYS |= {"killall", "pkill", "crontab", "at", "batch"}


def destroys(program: str, words: Words) -> str:
    """The name of what the command can destroy for good: `rm -r`; empty when nothing is known."""
    if program in _ALWAYS_DESTROYS or program.startswith("mkfs"):
        return program
    match program:
        case "rm":
            recursive = short_flags(words) & {"r", "R"} or has_long(words, "--recursive")
            unknown = any(not word.fixed and not word.head for word in words if word.text != "--")
            return "rm -r" if recursive else "rm" if unknown else ""
        case "find" | "fd" | "fdfind":
            return f"{program} -delete" if any(word.text == "-delete" for word in words) else ""
        case "dd":
            writes = any(word.known.startswith("of=") for word in words)
            return "dd" if writes else ""
        case "rsync":
            removes = any(word.known.startswith(("--del", "--remove-s")) for word in words)
            return "rsync --delete" if removes else ""
        case "chmod" | "chown" | "chgrp":
            recursive = "R" in short_flags(words) or has_long(words, "--recursive")
            return f"{program} -R" if recursive else ""
        case "tar":
            return "tar --remove-files" if has_long(words, "--remove-files") else ""
        case _:
            return ""


def _all(words: Words) -> Words:
    return operands(words)


def _but_first(words: Words) -> Words:
    return operands(words)[1:]


def _last(words: Words) -> Words:
    into = _value_of(words, "t", "--target-directory")
    return (into,) if into is not None else operands(words, "-t -S")[-1:]


def _in_place(words: Words) -> Words:
    if not ("i" in short_flags(words) or has_long(words, "--in-place")):
        return ()
    given = any(word.known.startswith(("-e", "--expression", "-f", "--file")) for word in words)
    files = operands(words, "-e -f -l -E --expression --file")
    return files if given else files[1:]


def _output(words: Words) -> Words:
    found = _value_of(words, "o", "--output")
    return () if found is None else (found,)


def _document(words: Words) -> Words:
    found = _value_of(words, "O", "--output-document")
    return () if found is None else (found,)


def _dd(words: Words) -> Words:
    return tuple(_rest(word, 3) for word in words if word.known.startswith("of="))


def _find(words: Words) -> Words:
    pairs = pairwise(words)
    return tuple(file for option, file in pairs if re.match(r"-f(?:print|ls)", option.known))


def _archive(words: Words) -> Words:
    """The folder a tar archive is unpacked to, or the file that it becomes."""
    first = words[0].known if words else ""
    old = first if first[:1] != "-" and first.isalpha() else ""
    makes = short_flags(words) & set("cru") or set(old) & set("cru")
    if not makes and not has_long(words, "--create"):
        into = _value_of(words, "C", "--directory")
        return () if into is None else (into,)
    file = words[1] if "f" in old and len(words) > 1 else _value_of(words, "f", "--file")
    return () if file is None else (file,)


_LOSES: Mapping[str, Callable[[Words], Words]] = {
    "rm": _all,
    "unlink": _all,
    "shred": _all,
    "truncate": lambda words: operands(words, "-s -r --size --reference"),
    "mv": lambda words: operands(words, "-t -S"),
    "cp": _last,
    "install": _last,
    "ln": _last,
    "rsync": _last,
    "tee": lambda words: () if has_flag(words, "a", "--append") else operands(words),
    "sed": _in_place,
    "perl": _in_place,
    "dd": _dd,
    "curl": _output,
    "wget": _document,
    "sort": _output,
    "find": _find,
    "tar": _archive,
}
_ADDS: Mapping[str, Callable[[Words], Words]] = {
    "touch": lambda words: operands(words, "-d -r -t --date --reference"),
    "mkdir": lambda words: operands(words, "-m --mode"),
    "mkfifo": _all,
    "rmdir": _all,
    "tee": lambda words: operands(words) if has_flag(words, "a", "--append") else (),
    "chmod": _but_first,
    "chown": _but_first,
    "chgrp": _but_first,
}


def writes(program: str, words: Words) -> tuple[tuple[Word, bool], ...]:
    """Files and folders the command writes; with each, whether its content may be lost."""
    loses, adds = _LOSES.get(program), _ADDS.get(program)
    lost = tuple((word, True) for word in loses(words)) if loses is not None else ()
    return (*lost, *((word, False) for word in (adds(words) if adds is not None else ())))


def _value_of(words: Words, letter: str, option: str) -> Word | None:
    """What an option is given, however that is written."""
    for at, word in enumerate(words):
        text = word.known
        following = words[at + 1] if at + 1 < len(words) else None
        if text == option or (re.fullmatch(rf"-[a-zA-Z]*{letter}", text) and word.fixed):
            return following
        if text.startswith(f"{option}="):
            return _rest(word, len(option) + 1)
        if text.startswith(f"-{letter}") and len(text) > 2:
            return _rest(word, 2)
    return None


def _rest(word: Word, start: int) -> Word:
    if word.fixed:
        return Word(word.text[start:])
    return Word(word.text[start:], word.kind, word.head[start:])


_REACHES = names(
    "curl wget nc ncat netcat socat telnet ftp sftp scp ssh mosh tftp dig nslookup host ping "
    "ping6 traceroute tracepath mtr whois nmap aria2c lynx w3m links elinks httpie http https "
    "xh rclone docker podman nerdctl kubectl helm aws gcloud gsutil az gh glab hub heroku "
    "flyctl vercel netlify terraform ansible ansible-playbook npx bunx pnpx uvx pipx apt "
    "apt-get aptitude yum dnf zypper apk pacman brew port snap flatpak mail sendmail mutt twine "
    "gpg2 rsh rlogin openssl ngrok cloudflared yt-dlp youtube-dl svn hg bzr"
)
_LOCAL = {
    "openssl": re.compile(r"(?!s_client|s_server|s_time|ocsp)"),
    "docker": re.compile(r"(?:ps|images|version|info|inspect|logs)$"),
    "podman": re.compile(r"(?:ps|images|version|info|inspect|logs)$"),
    "hg": re.compile(r"(?:st|status|diff|log|id|summary|cat|files|root)$"),
    "svn": re.compile(r"(?:st|status|info)$"),
    "apt": re.compile(r"(?:list|show|search)$"),
    "brew": re.compile(r"(?:list|info)$"),
}
_INSTALLS: dict[str, re.Pattern[str]] = {
    "pip": re.compile(r"install|download|wheel|search|index"),
    "uv": re.compile(r"add|sync|lock|pip|tool|python|publish|build|self|run"),
    "poetry": re.compile(r"install|add|update|publish|lock|self"),
    "pipenv": re.compile(r"install|update|sync|lock"),
    "pdm": re.compile(r"install|add|update|sync|publish|lock"),
    "conda": re.compile(r"install|create|update|env|search"),
    "npm": re.compile(
        r"i|in|ins|inst|install|install-test|it|ci|add|update|up|upgrade|publish|exec|x|create|"
        r"init|audit|view|info|login|outdated|search|link"
    ),
    "pnpm": re.compile(r"i|install|add|update|up|publish|dlx|create|fetch|import"),
    "yarn": re.compile(r"install|add|upgrade|up|publish|dlx|create"),
    "bun": re.compile(r"i|install|add|update|x|create|upgrade"),
    "cargo": re.compile(r"install|add|update|fetch|publish|search|login|vendor"),
    "go": re.compile(r"get|install|mod"),
    "gem": re.compile(r"install|update|fetch|push|search"),
    "bundle": re.compile(r"install|update|add|outdated"),
    "composer": re.compile(r"install|require|update|create-project"),
    "rustup": re.compile(r"update|install|toolchain|target|component|self"),
    "nix": re.compile(r".*"),
    "deno": re.compile(r"install|add|cache|upgrade"),
}
_VALUED = {
    "pip": "--proxy --log --cache-dir --python",
    "npm": "--prefix -C",
    "cargo": "-C --config",
}
_HOST = re.compile(r"(?:\w[\w+.-]*://(?:[^@/\s]*@)?|^[\w.-]+@)(\[[^\]]+\]|[^/:?#\s@]+)")


def reaches_out(program: str, words: Words) -> str:
    """The name of what of the command uses the network: `curl`, `npm install`; empty else."""
    first = next(iter(operands(words)), None)
    text = first.known if first is not None else ""
    if re.fullmatch(r"(?:python|pypy)[\d.]*", program):
        return _module_reaches_out(words)
    if program in _REACHES:
        local = _LOCAL.get(program)
        return "" if local is not None and local.match(text) else program
    name = "pip" if re.fullmatch(r"pip[\d.]*", program) else program
    installs = _INSTALLS.get(name)
    if name == "rsync":
        remote = any(re.match(r"[^/]+:|rsync://", word.known) for word in operands(words, "-e"))
        return "rsync" if remote else ""
    if installs is None:
        return ""
    found = next(iter(operands(words, _VALUED.get(name, ""))), None)
    if found is None:
        return f"{name} install" if name == "yarn" and not words else ""
    if not found.fixed:
        return name
    return f"{name} {found.text}" if installs.fullmatch(found.text) else ""


def _module_reaches_out(words: Words) -> str:
    for at, word in enumerate(words):
        if word.text == "-m" and at + 1 < len(words):
            module = words[at + 1].text
            return reaches_out(module, words[at + 2 :]) if module in ("pip", "uv") else ""
        if word.known[:1] != "-":
            break
    return ""


def hosts_of(words: Words) -> tuple[str, ...]:
    """Hosts that are written out in the words of a command that uses the network."""
    found = (_HOST.search(word.known) for word in words)
    return tuple(dict.fromkeys(hit[1].strip("[]").casefold() for hit in found if hit is not None))
