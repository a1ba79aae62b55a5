"""Why a call would be allowed, asked about or denied, part by part."""

from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

import msgspec

from m31a_tools.command_rules import Match, forbids, pattern_of
from m31a_tools.permission import Case, case_of
from m31a_tools.policy import Action, Allow, AskFirst, Defer, Deny, Policy
from m31a_tools.rule_matching import covers_command, named
from m31a_tools.sanitise import escaped
from m31a_tools.shell.commands import Command
from m31a_tools.shell.judge import Reading
from m31a_tools.tool import Tool


class Judgement(StrEnum):
    """What becomes of a call, or what a part of it meets."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"
    DEFER = "defer"
    NO_RULE = "no rule"
    """Of a part: no rule speaks of it, the mode decides."""
    INERT = "inert"
    """Of a part: it needs no leave by itself."""


class ExplainedPart(msgspec.Struct, frozen=True, kw_only=True):
    """One command of a line, wrappers and substitutions taken apart."""

    command: str
    judgement: Judgement
    reason: str
    destroys: str = ""
    network: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a call and why; hidden characters are written out."""

    judgement: Judgement
    reason: str
    parts: tuple[ExplainedPart, ...] = ()
    writes: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def explain(
    policy: Policy, tool: Tool[Any], args: msgspec.Struct, *, now: datetime | None = None
) -> Explanation:
    """The verdict of `decide` with what each part of a command meets; pure."""
    case = case_of(policy, tool, args, now=now)
    judgement, reason = _verdict(case)
    return Explanation(
        judgement=judgement,
        reason=escaped(reason),
        parts=tuple(_part(case, command) for command in case.reading.commands),
        writes=tuple(
            escaped(f"{place.path or 'a file that is not written out'} ({place.region})")
            for place in case.places.values()
        ),
        unclear=tuple(map(escaped, case.reading.unclear)),
    )


def _verdict(case: Case) -> tuple[Judgement, str]:
    verdict = case.verdict()
    match verdict:
        case Allow(reason=reason):
            return Judgement.ALLOW, reason
        case Deny(reason=reason):
            return Judgement.DENY, reason
        case AskFirst(request=request):
            return Judgement.ASK, request.reason
        case Defer(request=request):
            return Judgement.DEFER, request.reason
        case _:
            assert_never(verdict)


def _part(case: Case, command: Command) -> ExplainedPart:
    judgement, reason = _met(case, command)
    return ExplainedPart(
        command=escaped(command.shown),
        judgement=judgement,
        reason=escaped(reason),
        destroys=command.destroys,
        network=command.network,
    )


def _met(case: Case, command: Command) -> tuple[Judgement, str]:
    alone = Reading(commands=(command,))
    for action, judgement in ((Action.DENY, Judgement.DENY), (Action.ASK, Judgement.ASK)):
        for rule in case.rules:
            if rule.action is action and rule.command is not None:
                match = forbids(pattern_of(rule.command), alone, command.shown)
                if match is Match.YES:
                    return judgement, rule.reason or named(rule)
                if match is Match.MAYBE:
                    return Judgement.ASK, f"it could be what a rule speaks of: {named(rule)}"
    if command.inert:
        return Judgement.INERT, "it does nothing besides what else is listed"
    for rule in case.rules:
        if rule.action is Action.ALLOW and covers_command(rule, command, case.access.folder):
            return Judgement.ALLOW, rule.reason or named(rule)
    steered = "variables are set for it or by it" if command.steered else ""
    return Judgement.NO_RULE, command.exact_only or steered or "no rule covers it"
