"""The words of permission: modes, rules, and what a decision can be. Plain values alone."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from m31a_tools.tool import PermissionRequest


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

    It speaks of a call when all it names fit. Rules that allow speak of a call only when they
    cover all of it between them; one that asks or denies, when it covers any part.
    """

    action: Action
    tool: str
    """A tool's name; `*` and `?` as in file names."""
    path: str | None = None
    """A pattern as in a .gitignore at the root; of a command, what its redirections write."""
    command: str | None = None
    """A whole command, blanks outside quotes aside; or words; or words and ` *`.

    See `m31a_tools.command_rules` for what each covers.
    """
    host: str | None = None
    """A host's name; `*.example.org` covers what is below it."""
    folder: str | None = None
    """The folder a command must start in, seen from the root."""
    reason: str = ""
    project: str = ""
    """The real path of the project it holds in; empty: in all."""
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """When it ends; None: never."""
    unconfined: bool = False
    """It speaks of calls that leave the sandbox: one that allows, of these too, one that asks or
    denies, of these alone. Without it, no rule allows to leave the sandbox."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How to decide."""

    mode: Mode
    rules: tuple[Rule, ...] = ()
    trusted: bool = False
    """The folder is."""
    confined: bool = False
    """Commands run in a sandbox, but for those that ask to leave it."""
    tainted: bool = False
    """Text from the network is in the conversation: a rule no longer allows to reach out."""
    known_hosts: tuple[str, ...] = ()
    """Hosts that a person agreed to since then; for these rules hold again."""
    project: str = ""
    """The real path of the project, for rules that hold in one."""


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


def in_force(rule: Rule, *, project: str, now: datetime | None) -> bool:
    """Whether a rule holds in this project at this time.

    Without a time, a rule that ends does not allow any more, and still asks or denies.
    """
    if rule.project and rule.project != project:
        return False
    if rule.expires_at is None:
        return True
    return now < rule.expires_at if now is not None else rule.action is not Action.ALLOW
