"""What a git command would do."""

import re
from dataclasses import dataclass

from m31a_tools.shell.commands import Unclear, Word, fixed_words
from m31a_tools.shell.options import has_flag, has_long, names, short_flags
from m31a_tools.shell.wrappers import Inner

Words = tuple[Word, ...]

_VALUED = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix"})
_VALUED |= {"--config-env", "--attr-source", "--exec-path"}
_FLAGS = names(
    "-p -P --paginate --no-pager --bare --no-replace-objects --literal-pathspecs "
    "--no-literal-pathspecs --no-optional-locks --glob-pathspecs --noglob-pathspecs "
    "--icase-pathspecs --no-lazy-fetch --no-advice --html-path --man-path --info-path -v "
    "--version -h --help"
)
# Settings whose value is run as a command.
_RUNS = re.compile(
    r"core\.(?:pager|editor|sshcommand|fsmonitor|askpass|gitproxy|hookspath|alternaterefscommand)|"
    r"sequence\.editor|pager\..*|diff\.(?:external|.*\.(?:command|textconv))|gpg(?:\..*)?\.program|"
    r"credential\..*|filter\..*|include\.path|includeif\..*|uploadpack\..*|merge\..*\.driver|"
    r"(?:difftool|mergetool|browser|man|remote)\..*|interactive\.difffilter|trailer\..*|"
    r"protocol\..*|init\.templatedir|core\.worktree|safe\..*|web\.browser|sendemail\..*"
)
# The commands that come with git; another word may be an alias for anything.
_KNOWN = names(
    "add am annotate apply archive bisect blame branch bugreport bundle cat-file check-attr "
    "check-ignore check-mailmap check-ref-format checkout checkout-index cherry cherry-pick "
    "clean clone column commit commit-graph commit-tree config count-objects credential "
    "describe diagnose diff diff-files diff-index diff-tree difftool fast-export fast-import "
    "fetch fetch-pack filter-branch fmt-merge-msg for-each-ref for-each-repo format-patch fsck "
    "gc get-tar-commit-id grep gui hash-object help hook index-pack init instaweb "
    "interpret-trailers log ls-files ls-remote ls-tree mailinfo mailsplit maintenance merge "
    "merge-base merge-file merge-index merge-tree mergetool mktag mktree multi-pack-index mv "
    "name-rev notes pack-objects pack-refs patch-id prune prune-packed pull push range-diff "
    "read-tree rebase reflog refs remote repack replace replay request-pull rerere reset "
    "restore rev-list rev-parse revert rm send-email send-pack shortlog show show-branch "
    "show-index show-ref sparse-checkout stage stash status stripspace submodule switch "
    "symbolic-ref tag unpack-file unpack-objects update-index update-ref update-server-info var "
    "verify-commit verify-pack verify-tag version whatchanged worktree write-tree filter-repo "
    "lfs"
)
_TAKES_PROGRAMS = frozenset({"grep", "rebase", "difftool", "mergetool"})
_RUNS_OPTION = re.compile(r"--(?:up|rec|exe|ext|textc|open|out|[a-z]+-filter)")
_NETWORK = names("push fetch pull clone ls-remote fetch-pack send-pack send-email")


@dataclass(frozen=True, slots=True)
class GitCall:
    """A git command, its general options taken off."""

    action: str = ""
    rest: Words = ()
    settings: tuple[tuple[str, str], ...] = ()
    """What `-c` gives."""
    elsewhere: bool = False
    """It names another repository, folder or set of programs."""

    @property
    def opaque(self) -> str:
        """Why its first words do not say what it does; empty when they do."""
        if any(
            _RUNS.fullmatch(key.lower()) or key.lower().startswith("alias.")
            for key, _ in self.settings
        ):
            return "git with settings of its own"
        if self.action and self.action not in _KNOWN:
            return f"git {self.action}, which may be an alias"
        for word in self.rest:
            if _RUNS_OPTION.match(word.known) or (
                word.known[:2] in ("-O", "-x") and self.action in _TAKES_PROGRAMS
            ):
                return f"git {self.action} {word.text}"[:60]
        return ""


def git_call(words: Words) -> GitCall:
    """The git command of `words` (without `git` itself). Raises Unclear."""
    settings: list[tuple[str, str]] = []
    elsewhere = False
    at = 0
    while at < len(words) and words[at].known[:1] == "-":
        name, equals, value = words[at].text.partition("=")
        if not words[at].fixed:
            raise Unclear("git with an option that is not written out")
        at += 1
        if name in _FLAGS:
            continue
        if name not in _VALUED:
            raise Unclear(f"git with an option that is not known here: {name[:40]}")
        if not equals and name != "--exec-path":
            if at >= len(words) or not words[at].fixed:
                raise Unclear("git with an option that is not written out")
            value, at = words[at].text, at + 1
        if name in ("-c", "--config-env"):
            key, _, what = value.partition("=")
            settings.append((key, what))
        else:
            elsewhere = True
    if at == len(words):
        return GitCall(settings=tuple(settings), elsewhere=elsewhere)
    if not words[at].fixed:
        raise Unclear("git with a command that is not written out")
    return GitCall(words[at].text, words[at + 1 :], tuple(settings), elsewhere)


_GIVES_PROGRAM = re.compile(r"--(?:exec|extcmd|upload-pack|receive-pack|[a-z]+-filter)")
_GIVES_PROGRAM_WITH = re.compile(_GIVES_PROGRAM.pattern + "=")


def git_inner(call: GitCall) -> list[Inner]:
    """The commands that a git command runs: aliases, settings, what it is told to run."""
    inner: list[Inner] = []
    for key, value in call.settings:
        if key.lower() == f"alias.{call.action.lower()}":
            rest = " ".join(word.text for word in call.rest)
            if value.startswith("!"):
                inner.append(Inner(text=f"{value[1:]} {rest}" if _plain(call.rest) else value[1:]))
            else:
                inner.append(Inner(words=(*fixed_words("git", *value.split()), *call.rest)))
        elif _RUNS.fullmatch(key.lower()):
            inner.append(Inner(text=value.removeprefix("!")))
    for at, word in enumerate(call.rest):
        text = word.text
        following = call.rest[at + 1] if at + 1 < len(call.rest) else None
        if call.action == "bisect" and at == 0 and text == "run":
            inner.append(Inner(words=call.rest[1:]))
        elif call.action == "submodule" and text == "foreach":
            inner.append(_joined(tuple(w for w in call.rest[at + 1 :] if w.text != "--recursive")))
        elif _GIVES_PROGRAM.fullmatch(text) or (text == "-x" and call.action in _TAKES_PROGRAMS):
            inner += [_joined((following,))] if following is not None else []
        elif (hit := _GIVES_PROGRAM_WITH.match(text)) is not None:
            inner.append(_joined((Word(text[hit.end() :], word.kind, word.head),)))
    return inner


def _plain(words: Words) -> bool:
    return all(word.fixed and re.fullmatch(r"[\w./:=@%+,-]+", word.text) for word in words)


def _joined(words: Words) -> Inner:
    if not all(word.fixed for word in words):
        raise Unclear("a command for git to run that is not written out")
    return Inner(text=" ".join(word.text for word in words))


def git_reaches_out(call: GitCall) -> bool:
    """Whether it talks to another machine."""
    first = call.rest[0].text if call.rest else ""
    return (
        call.action in _NETWORK
        or (call.action == "remote" and first in ("update", "show", "prune", "add", "set-url"))
        or (call.action == "submodule" and first in ("update", "add", "init", "sync"))
        or (call.action == "archive" and has_long(call.rest, "--remote"))
        or (call.action == "lfs" and first in ("push", "fetch", "pull"))
        or call.action == "request-pull"
    )


def git_destroys(call: GitCall) -> bool:
    """Whether it can take away what nothing else holds: changes, stashes, branches, objects."""
    rest = call.rest
    first = rest[0].text if rest else ""
    forced = has_flag(rest, "f", "--force")
    match call.action:
        case "reset":
            return any(has_long(rest, option) for option in ("--hard", "--merge", "--keep"))
        case "checkout":
            return not short_flags(rest) & {"b"} and not has_long(rest, "--orphan")
        case "restore":
            staged = has_flag(rest, "S", "--staged")
            return not staged or has_flag(rest, "W", "--worktree")
        case "switch":
            return forced or has_long(rest, "--discard-changes") or "C" in short_flags(rest)
        case "clean":
            dry = has_flag(rest, "n", "--dry-run")
            return (forced or bool(call.settings)) and not dry
        case "stash":
            return first in ("drop", "clear", "pop")
        case "push":
            return (
                forced
                or "d" in short_flags(rest)
                or any(map(_PUSHES_OVER.match, (word.known for word in rest)))
            )
        case "branch":
            flags = short_flags(rest)
            return bool(flags & set("DMC")) or forced
        case "tag":
            return forced or has_flag(rest, "d", "--delete")
        case "worktree":
            return first in ("remove", "prune")
        case "rm":
            return not has_long(rest, "--cached") or forced
        case "mv" | "checkout-index":
            return forced
        case "reflog":
            return first in ("expire", "delete")
        case "gc" | "repack":
            return has_long(rest, "--prune") or "d" in short_flags(rest)
        case "submodule":
            return first == "deinit" or forced
        case "read-tree":
            return has_flag(rest, "u", "--reset") or "m" in short_flags(rest)
        case "sparse-checkout":
            return first not in ("list", "")
        case "notes" | "remote" | "bisect":
            return first in ("remove", "rm", "prune", "reset")
        case "update-ref" | "filter-branch" | "filter-repo" | "rebase" | "prune" | "replace":
            return True
        case _:
            return False


_PUSHES_OVER = re.compile(r"\+|:[^:]|--(?:forc|mi|del|pru)")
