"""Which calls, commands and files one rule speaks of."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from m31a_tools.command_rules import Match, allows, forbids, operand_paths, pattern_of
from m31a_tools.ignore import path_matches
from m31a_tools.policy import Action, Policy, Rule, in_force
from m31a_tools.regions import Place, Region
from m31a_tools.shell.commands import Command
from m31a_tools.shell.judge import Reading
from m31a_tools.tool import Access


def touches(rule: Rule, access: Access, reading: Reading, real_paths: Sequence[str]) -> Match:
    """Whether a rule that asks or denies speaks of any part of a call.

    `real_paths` are what it reads and writes, links resolved.
    """
    if rule.path is not None:
        paths = (*access.reads, *access.writes, *real_paths)
        named_too = operand_paths(reading) if rule.command is None else ()
        if not any(path_matches(rule.path, path) for path in paths) and not any(
            path_matches(rule.path, path, is_folder=True) for path in named_too
        ):
            return Match.NO
    hosts = (*access.hosts, *reading.hosts)
    if rule.host is not None and not any(_host_matches(rule.host, host) for host in hosts):
        return Match.NO
    if rule.command is None:
        return Match.YES
    if not access.command:
        return Match.NO
    return forbids(pattern_of(rule.command), reading, access.command)


def covers_call(rule: Rule, access: Access, real_paths: Sequence[str]) -> bool:
    """Whether a rule that allows speaks of everything that a call without a command does."""
    paths = real_paths or (*access.reads, *access.writes)
    if rule.command is not None or access.destroys:
        # A rule that does not name what would be destroyed does not allow it.
        return False
    if rule.path is not None and not (
        paths and all(path_matches(rule.path, path) for path in paths)
    ):
        return False
    return rule.host is None or (
        bool(access.hosts) and all(_host_matches(rule.host, host) for host in access.hosts)
    )


def covers_command(rule: Rule, command: Command, folder: str) -> bool:
    """Whether a rule that allows covers one command of a line that starts in `folder`."""
    if rule.path is not None:
        return False
    if command.runs_git and (command.moved or (folder != "." and rule.folder is None)):
        # A folder of the project can pass for a repository, and its settings name programs.
        return False
    if rule.command is None:
        return not (command.destroys or command.network)
    return allows(pattern_of(rule.command), command)


def covers_place(rule: Rule, place: Place) -> bool:
    """Whether a rule that allows covers a file that a line redirects to."""
    if rule.command is not None or place.region is not Region.INSIDE:
        return False
    return rule.path is None or path_matches(rule.path, place.path)


def _host_matches(pattern: str, host: str) -> bool:
    pattern, host = pattern.casefold().rstrip("."), host.casefold().rstrip(".")
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in (host, "*")


def said(rule: Rule) -> str:
    """Why a rule allows, in its words or ours."""
    return rule.reason or f"a rule allows it: {named(rule)}"


def named(rule: Rule) -> str:
    """A rule in one line."""
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
        and in_force(rule, project=policy.project, now=None)
        and (
            rule.action == Action.DENY
            or (
                rule.action == Action.ASK
                and not any(path_matches(rule.path, path) for path in paths)
            )
        )
    )
