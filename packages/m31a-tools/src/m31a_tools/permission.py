"""Whether a call may run: rules and a mode in, a verdict out, nothing else read or changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, assert_never

import msgspec

from m31a_tools.command_rules import Match, normalised, pattern_of
from m31a_tools.policy import (
    Action,
    Allow,
    AskFirst,
    Defer,
    Deny,
    Mode,
    Policy,
    Rule,
    Verdict,
    in_force,
)
from m31a_tools.regions import Place, Region, place_of
from m31a_tools.rule_matching import (
    covers_call,
    covers_command,
    covers_place,
    named,
    said,
    touches,
)
from m31a_tools.sanitise import encodable, escaped, hides_something
from m31a_tools.shell.commands import Target
from m31a_tools.shell.judge import Reading, read_command
from m31a_tools.tool import Access, PermissionRequest, Risk, Tool

_NO_PLACES: Mapping[Target, Place] = {}


class _Column(StrEnum):
    """What a call does, as far as the modes care."""

    READ = "reading inside the workspace"
    WRITE = "writing inside the workspace"
    CONFINED = "a command in the sandbox"
    SHELL = "a command outside the sandbox"
    DESTRUCTIVE = "something that can destroy work or reach out"


def decide(
    policy: Policy,
    tool: Tool[Any],
    args: msgspec.Struct,
    *,
    real_paths: Sequence[str] = (),
    places: Mapping[Target, Place] = _NO_PLACES,
    now: datetime | None = None,
) -> Verdict:
    """What becomes of the call; pure.

    `real_paths` are where the call's paths lead, links resolved: rules that ask or deny speak of
    these as well as of the paths as written, rules that allow only of these, when given.
    `places` says the same of what a command writes; what it leaves out is judged by name. `now`
    is for rules that end: without it they allow nothing.
    """
    return case_of(policy, tool, args, real_paths=real_paths, places=places, now=now).verdict()


def case_of(
    policy: Policy,
    tool: Tool[Any],
    args: msgspec.Struct,
    *,
    real_paths: Sequence[str] = (),
    places: Mapping[Target, Place] = _NO_PLACES,
    now: datetime | None = None,
) -> "Case":
    """The call with all that `decide` looks at."""
    access = tool.access(args)
    reading = read_command(access.command, access.folder) if access.command else Reading()
    leaves = policy.confined and access.leaves_sandbox
    rules = tuple(
        rule
        for rule in policy.rules
        if fnmatchcase(tool.name, rule.tool)
        and _speaks(rule, leaves=leaves)
        and (rule.folder is None or rule.folder == access.folder)
        and in_force(rule, project=policy.project, now=now)
    )
    lying = {target: places.get(target, place_of(target)) for target in reading.targets}
    return Case(policy, tool, access, reading, rules, tuple(real_paths), lying)


def _speaks(rule: Rule, *, leaves: bool) -> bool:
    """Whether a rule speaks of calls that leave the sandbox, or of those that do not."""
    if rule.action is Action.ALLOW:
        return rule.unconfined or not leaves
    return leaves or not rule.unconfined


@dataclass(frozen=True, slots=True)
class Case:
    """One call under one policy."""

    policy: Policy
    tool: Tool[Any]
    access: Access
    reading: Reading
    rules: tuple[Rule, ...]
    """Those in force that speak of this tool."""
    real_paths: tuple[str, ...]
    places: Mapping[Target, Place]

    def verdict(self) -> Verdict:
        """Deny before ask before allow before the mode."""
        if self.access.refusal:
            return Deny(reason=self.access.refusal)
        if protected := self.lying(Region.PROTECTED):
            return Deny(reason=f"{protected[0]} is not written by tools")
        forbidden, rule = self.touched(Action.DENY)
        if forbidden is Match.YES and rule is not None:
            return Deny(reason=rule.reason or f"a rule denies it: {named(rule)}")
        column = self.column
        if self.policy.mode == Mode.DENY_ALL and column is not _Column.READ:
            return Deny(reason="the permission mode is deny_all")
        asked, asking = self.touched(Action.ASK)
        if asked is not Match.NO and asking is not None:
            return self.question(asking.reason or f"a rule asks: {named(asking)}")
        if forbidden is Match.MAYBE and rule is not None:
            return self.question(f"it could run a command that a rule denies: {named(rule)}")
        if reason := self.allowed():
            if self.reaches_out_again:
                return self.question("text from the network came in since, and it reaches out")
            return Allow(reason=reason)
        return self.by_mode(column)

    @property
    def destroys(self) -> tuple[str, ...]:
        """What it can destroy, by name."""
        return tuple(dict.fromkeys((*self.access.destroys, *self.reading.destroys)))

    @property
    def outside(self) -> tuple[str, ...]:
        """What a command writes outside the workspace."""
        found = self.lying(Region.OUTSIDE)
        return found if self.confined else (*found, *self.lying(Region.TEMPORARY))

    @property
    def confined(self) -> bool:
        """Whether a command would run in a sandbox."""
        return self.policy.confined and not self.leaves_sandbox

    @property
    def leaves_sandbox(self) -> bool:
        """Whether a command would run outside the sandbox that there is."""
        return self.policy.confined and self.access.leaves_sandbox

    @property
    def reaches_out_again(self) -> bool:
        """Whether it reaches out, and text from the network makes rules about that void."""
        known = {host.casefold() for host in self.policy.known_hosts}
        new = [host for host in self.access.hosts if host.casefold() not in known]
        return self.policy.tainted and bool(new or self.reading.network or self.leaves_sandbox)

    @property
    def column(self) -> _Column:
        """What the table of modes calls it."""
        if self.stakes or self.tool.risk is Risk.DESTRUCTIVE:
            return _Column.DESTRUCTIVE
        if self.access.command or self.tool.risk is Risk.DANGEROUS:
            return _Column.CONFINED if self.confined else _Column.SHELL
        if self.access.writes or self.tool.risk is not Risk.SAFE:
            return _Column.WRITE
        return _Column.READ

    @property
    def stakes(self) -> tuple[str, ...]:
        """Why it is more than work inside the workspace, a sentence each."""
        found = (
            ("it can destroy work", self.destroys),
            ("it uses the network", (*self.access.hosts, *self.reading.network)),
            ("it writes outside the workspace", self.outside),
            ("it cannot be judged", self.reading.unclear),
        )
        return tuple(f"{what} ({', '.join(names)})" for what, names in found if names)

    @property
    def futile(self) -> str:
        """What a yes would not change: it lets a command run, and nothing out of its sandbox."""
        if not self.confined or not self.access.command:
            return ""
        kept = (("write there", self.outside), ("reach the network", self.reading.network))
        found = " or ".join(what for what, names in kept if names)
        return f"; a yes lets it run in the sandbox, where it cannot {found}" if found else ""

    def lying(self, region: Region) -> tuple[str, ...]:
        """The targets of a command that lie there."""
        found = (place for place in self.places.values() if place.region is region)
        return tuple(dict.fromkeys(place.path for place in found))

    def touched(self, action: Action) -> tuple[Match, Rule | None]:
        """Whether a rule that asks or denies speaks of any part, and the first that does."""
        rules = [rule for rule in self.rules if rule.action is action]
        found = [(self.touches(rule), rule) for rule in rules]
        for match in (Match.YES, Match.MAYBE):
            for each, rule in found:
                if each is match:
                    return match, rule
        return Match.NO, None

    def touches(self, rule: Rule) -> Match:
        """Whether a rule speaks of any part of the call."""
        inside = (place.path for place in self.places.values() if place.path)
        return touches(rule, self.access, self.reading, (*self.real_paths, *inside))

    def allowed(self) -> str:
        """Why rules allow all of the call; empty when they do not."""
        rules = [rule for rule in self.rules if rule.action is Action.ALLOW]
        if not self.access.command:
            rule = next((r for r in rules if covers_call(r, self.access, self.real_paths)), None)
            return said(rule) if rule is not None else ""
        if hides_something(self.access.command):
            return ""
        whole = normalised(self.access.command)
        for rule in rules:
            if rule.command is not None and rule.path is None and rule.host is None:
                pattern = pattern_of(rule.command)
                if pattern.whole == whole and not pattern.begins and self.names_place(rule):
                    return said(rule)
        return self.allowed_in_parts([rule for rule in rules if rule.host is None])

    def names_place(self, rule: Rule) -> bool:
        """Whether a rule says where its command starts, as far as that matters: to git, which
        takes settings, and programs to run, from what looks like a repository there."""
        return (
            rule.folder is not None
            or self.access.folder == "."
            or not any(each.runs_git for each in self.reading.commands)
        )

    def allowed_in_parts(self, rules: Sequence[Rule]) -> str:
        """Why each command of a line, and each file it redirects to, is covered by some rule."""
        if self.reading.unclear or self.reading.sockets or self.outside:
            return ""
        used: dict[str, None] = {}
        for command in self.reading.commands:
            if command.inert:
                continue
            rule = next(
                (each for each in rules if covers_command(each, command, self.access.folder)), None
            )
            if rule is None:
                return ""
            used[said(rule)] = None
        for target in self.reading.targets_of_redirections:
            place = self.places[target]
            rule = next((each for each in rules if covers_place(each, place)), None)
            if rule is None:
                return ""
            used[said(rule)] = None
        return "; ".join(used)

    def question(self, reason: str) -> Verdict:
        """Ask, now or later, as the mode has it."""
        request = self.request(reason)
        if self.policy.mode in (Mode.SANDBOXED, Mode.DEFER):
            return Defer(request=request)
        return AskFirst(request=request)

    def request(self, reason: str) -> PermissionRequest:
        """What a person is shown."""
        access = self.access
        return PermissionRequest(
            tool=self.tool.name,
            summary=escaped(access.summary),
            detail=escaped(access.detail or access.command),
            risk=Risk.DESTRUCTIVE if self.destroys else self.tool.risk,
            paths=tuple(map(encodable, self.real_paths or (*access.reads, *access.writes))),
            command=access.command,
            folder=access.folder,
            hosts=tuple(dict.fromkeys((*access.hosts, *self.reading.hosts))),
            destroys=self.destroys,
            network=self.reading.network,
            outside=tuple(map(escaped, self.outside)),
            unclear=tuple(map(escaped, self.reading.unclear)),
            leaves_sandbox=self.leaves_sandbox,
            reason=escaped(reason + self.futile),
        )

    def by_mode(self, column: _Column) -> Verdict:
        """What the mode says where no rule speaks."""
        mode = self.policy.mode
        allowed = Allow(reason=f"{column} is allowed in mode {mode}")
        what = "; ".join(self.stakes) or str(column)
        if column is _Column.READ:
            return allowed
        match mode:
            case Mode.ALLOW_ALL:
                return allowed
            case Mode.ASK:
                if column is _Column.CONFINED and self.policy.trusted:
                    return allowed
                return self.question(f"mode {mode}: {what}")
            case Mode.SANDBOXED:
                if column in (_Column.WRITE, _Column.CONFINED):
                    return allowed
                return self.question(f"mode {mode}: {what}")
            case Mode.DEFER:
                return self.question(f"mode {mode}: {what}")
            case Mode.RULES | Mode.DENY_ALL:
                return Deny(reason=f"no rule allows it: {what}")
            case _:
                assert_never(mode)
