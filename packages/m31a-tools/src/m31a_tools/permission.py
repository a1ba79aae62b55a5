"""Whether a call may run: rules and a mode in, a verdict out, nothing else read or changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Protocol, assert_never

import msgspec

from m31a_tools.ignore import path_matches
from m31a_tools.sanitise import encodable, escaped, hides_something
from m31a_tools.shell_words import is_opaque, is_plain, may_contain, normalised
from m31a_tools.tool import Access, PermissionRequest, Risk, Tool


class Mode(StrEnum):
    """What happens to a call that no rule speaks of."""

    ASK = "ask"
    SANDBOXED = "sandboxed"
    RULES = "rules"
    DEFER = "defer"
    ALLOW_ALL = "allow_all"
    DENY_ALL = "deny_all"


class Action(StrEnum):
    """What a rule says. Deny comes before ask, ask before allow, whatever their order."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A standing answer.

    It speaks of a call when all it names fit. A rule that allows speaks of a call only when it
    covers all of it; one that asks or denies, when it covers any part.
    """

    action: Action
    tool: str
    """A tool's name; `*` and `?` as in file names."""
    path: str | None = None
    """A pattern as in a .gitignore at the root."""
    command: str | None = None
    """A whole command, blanks outside quotes aside; or words and ` *`: a command that begins so.

    To allow, the second form covers only commands that are words alone: no operator, quote,
    expansion or redirection. To ask or deny, it covers any command that seems to contain them.
    """
    host: str | None = None
    """A host's name; `*.example.org` covers what is below it."""
    reason: str = ""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How to decide. `trusted`: the folder is; `confined`: commands run in a sandbox."""

    mode: Mode
    rules: tuple[Rule, ...] = ()
    trusted: bool = False
    confined: bool = False


class Allow(msgspec.Struct, frozen=True, kw_only=True, tag="allow"):
    """Run it."""

    reason: str


class AskFirst(msgspec.Struct, frozen=True, kw_only=True, tag="ask"):
    """Run it if a person agrees."""

    request: PermissionRequest


class Deny(msgspec.Struct, frozen=True, kw_only=True, tag="deny"):
    """Do not run it."""

    reason: str


class Defer(msgspec.Struct, frozen=True, kw_only=True, tag="defer"):
    """Do not run it now; a person may agree later."""

    request: PermissionRequest


Verdict = Allow | AskFirst | Deny | Defer


class Grant(StrEnum):
    """A person's answer."""

    ONCE = "once"
    ALWAYS = "always"
    DENY = "deny"
    DEFER = "defer"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A person's answer and a word to the model."""

    grant: Grant
    feedback: str = ""


class Asker(Protocol):
    """Puts a request to a person. What it raises goes through `dispatch` unchanged."""

    async def ask(self, request: PermissionRequest) -> Choice:
        """The answer; several requests may be open at once."""
        ...


class _Column(StrEnum):
    """What a call does, as far as the modes care."""

    READ = "reading inside the workspace"
    WRITE = "writing inside the workspace"
    CONFINED = "a command in the sandbox"
    SHELL = "a command outside the sandbox"
    DESTRUCTIVE = "something that can destroy work or reach out"


def decide(
    policy: Policy, tool: Tool[Any], args: msgspec.Struct, *, real_paths: Sequence[str] = ()
) -> Verdict:
    """What becomes of the call; pure.

    `real_paths` are where the call's paths lead, links resolved: rules that ask or deny speak of
    these as well as of the paths as written, rules that allow only of these, when given.
    """
    access = tool.access(args)
    if access.refusal:
        return Deny(reason=access.refusal)
    case = _Case(policy=policy, tool=tool, access=access, real_paths=tuple(real_paths))
    if (rule := case.first(Action.DENY)) is not None:
        return Deny(reason=rule.reason or f"a rule denies it: {_named(rule)}")
    column = _column(policy, tool, access)
    if policy.mode == Mode.DENY_ALL and column is not _Column.READ:
        return Deny(reason="the permission mode is deny_all")
    if (rule := case.first(Action.ASK)) is not None:
        return case.question(rule.reason or f"a rule asks: {_named(rule)}")
    if _might_be_denied(policy, tool, access):
        return case.question("it could run a command that a rule denies")
    if (rule := case.first(Action.ALLOW)) is not None:
        return Allow(reason=rule.reason or f"a rule allows it: {_named(rule)}")
    return case.by_mode(column)


@dataclass(frozen=True, slots=True)
class _Case:
    """One call under one policy."""

    policy: Policy
    tool: Tool[Any]
    access: Access
    real_paths: tuple[str, ...]

    def first(self, action: Action) -> Rule | None:
        """The first rule of this action that speaks of the call."""
        written = (*self.access.reads, *self.access.writes)
        if action == Action.ALLOW:
            fits, paths = _covers_all, self.real_paths or written
        else:
            fits, paths = _touches, (*written, *self.real_paths)
        rules = (rule for rule in self.policy.rules if rule.action is action)
        return next((r for r in rules if fits(r, self.tool.name, self.access, paths)), None)

    def question(self, reason: str) -> Verdict:
        """Ask, now or later, as the mode has it."""
        access = self.access
        request = PermissionRequest(
            tool=self.tool.name,
            summary=escaped(access.summary),
            detail=escaped(access.detail or access.command),
            risk=Risk.DESTRUCTIVE if access.destroys else self.tool.risk,
            paths=tuple(map(encodable, self.real_paths or (*access.reads, *access.writes))),
            command=access.command,
            hosts=access.hosts,
            destroys=access.destroys,
            reason=reason,
        )
        if self.policy.mode in (Mode.SANDBOXED, Mode.DEFER):
            return Defer(request=request)
        return AskFirst(request=request)

    def by_mode(self, column: _Column) -> Verdict:
        """What the mode says where no rule speaks."""
        mode = self.policy.mode
        allowed = Allow(reason=f"{column} is allowed in mode {mode}")
        if column is _Column.READ:
            return allowed
        match mode:
            case Mode.ALLOW_ALL:
                return allowed
            case Mode.ASK:
                if column is _Column.CONFINED and self.policy.trusted:
                    return allowed
                return self.question(f"{column} needs a yes in mode {mode}")
            case Mode.SANDBOXED:
                if column in (_Column.WRITE, _Column.CONFINED):
                    return allowed
                return self.question(f"{column} waits for a person in mode {mode}")
            case Mode.DEFER:
                return self.question(f"{column} waits for a person in mode {mode}")
            case Mode.RULES | Mode.DENY_ALL:
                return Deny(reason=f"no rule allows {column}")
            case _:
                assert_never(mode)


def _column(policy: Policy, tool: Tool[Any], access: Access) -> _Column:
    if access.destroys or access.hosts or tool.risk is Risk.DESTRUCTIVE:
        return _Column.DESTRUCTIVE
    if access.command or tool.risk is Risk.DANGEROUS:
        return _Column.CONFINED if policy.confined else _Column.SHELL
    if access.writes or tool.risk is not Risk.SAFE:
        return _Column.WRITE
    return _Column.READ


def _touches(rule: Rule, tool: str, access: Access, paths: Sequence[str]) -> bool:
    """Whether the rule speaks of any part of the call."""
    if not fnmatchcase(tool, rule.tool):
        return False
    if rule.path is not None and not any(path_matches(rule.path, path) for path in paths):
        return False
    if rule.host is not None and not any(_host_matches(rule.host, host) for host in access.hosts):
        return False
    if rule.command is None:
        return True
    if not access.command:
        return False
    pattern = normalised(rule.command)
    words = tuple(pattern.removesuffix(" *").split(" "))
    if pattern in (normalised(access.command), "*"):
        return True
    return may_contain(access.command, words)


def _covers_all(rule: Rule, tool: str, access: Access, paths: Sequence[str]) -> bool:
    """Whether the rule speaks of everything the call does."""
    if not fnmatchcase(tool, rule.tool):
        return False
    if rule.path is not None and not (
        paths and all(path_matches(rule.path, path) for path in paths)
    ):
        return False
    if rule.host is not None and not (
        access.hosts and all(_host_matches(rule.host, host) for host in access.hosts)
    ):
        return False
    if rule.command is None:
        # A rule that does not name what would be destroyed does not allow it.
        return not access.destroys
    return bool(access.command) and _allows(rule.command, access)


def _allows(pattern: str, access: Access) -> bool:
    command, pattern = normalised(access.command), normalised(pattern)
    if hides_something(access.command):
        return False
    if not pattern.endswith(" *"):
        return command == pattern
    if access.destroys:
        return False
    words = pattern.removesuffix("*")
    return is_plain(command) and f"{command} ".startswith(words)


def _might_be_denied(policy: Policy, tool: Tool[Any], access: Access) -> bool:
    """Whether rules forbid commands and this one could hide such a command from them."""
    return is_opaque(access.command) and any(
        rule.action == Action.DENY
        and rule.command is not None
        and fnmatchcase(tool.name, rule.tool)
        for rule in policy.rules
    )


def _host_matches(pattern: str, host: str) -> bool:
    pattern, host = pattern.casefold().rstrip("."), host.casefold().rstrip(".")
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in (host, "*")


def _named(rule: Rule) -> str:
    parts = (rule.tool, rule.path, rule.command, rule.host)
    return " ".join(part for part in parts if part is not None)


def hidden_paths(policy: Policy, tool: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Patterns of what this tool must neither read nor list in an allowed call about `paths`.

    These are the paths that rules deny, and those that rules ask about unless the call was
    about them: a search must not find what nobody was asked for.
    """
    return tuple(
        rule.path
        for rule in policy.rules
        if rule.path is not None
        and rule.command is None
        and rule.host is None
        and fnmatchcase(tool, rule.tool)
        and (
            rule.action == Action.DENY
            or (
                rule.action == Action.ASK
                and not any(path_matches(rule.path, path) for path in paths)
            )
        )
    )


def rules_for(request: PermissionRequest) -> tuple[Rule, ...]:
    """The narrowest rules that allow exactly this request again, for an answer *always*.

    Empty when no rule can say that: a command that ends in ` *` would read as a beginning.
    """
    if normalised(request.command).endswith(" *"):
        return ()
    if request.command:
        return (Rule(action=Action.ALLOW, tool=request.tool, command=request.command),)
    paths = tuple(
        Rule(action=Action.ALLOW, tool=request.tool, path=f"/{_literal(path)}")
        for path in request.paths
    )
    hosts = tuple(Rule(action=Action.ALLOW, tool=request.tool, host=host) for host in request.hosts)
    return paths or hosts


def _literal(path: str) -> str:
    """A pattern that covers this path alone."""
    return "".join(f"\\{char}" if char in "\\*?[ " else char for char in path.strip("/"))
