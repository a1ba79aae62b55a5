"""What a session waits for, and a person's yes to it."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from m31a_engine.asks import PlanAnswer, PlanChoice
from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionRule, RuleAction
from m31a_engine.conversation.history import DeferralBody, ResultBody
from m31a_engine.errors import NothingToResume
from m31a_engine.machine import Phase
from m31a_engine.planning.plan import Plan
from m31a_engine.session.journal import Journal, Keyed, Record
from m31a_engine.session.state import Options, Step
from m31a_engine.shelf import step_in
from m31a_tools import PermissionRequest, Rule, rules_for

_DRAFT = re.compile(r"(.+)/draft-(\d+)")


@dataclass(frozen=True, slots=True)
class Pending:
    """What a session waits for."""

    plan: Plan | None = None
    answer_key: str = ""
    """The journal's name for the answer to the plan; empty when the plan was accepted already."""
    step: Step | None = None
    """The end of the phase in which the plan was accepted, with its key."""
    step_key: str = ""
    requests: tuple[PermissionRequest, ...] = ()
    """Calls that were put off."""

    @property
    def anything(self) -> bool:
        """Whether there is something to say yes to."""
        return self.plan is not None or bool(self.requests)


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    plan: Plan


def pending_in(records: Sequence[Record]) -> Pending:
    """What the session of these records waits for."""
    draft: tuple[str, Plan] | None = None
    step: tuple[str, Step] | None = None
    put_off: dict[tuple[str, str], PermissionRequest] = {}
    for record in records:
        match record.kind:
            case "deferral":
                body = msgspec.json.decode(record.body, type=DeferralBody)
                put_off[body.conversation, body.call_id] = body.request
            case "result":
                result = msgspec.json.decode(record.body, type=ResultBody)
                put_off.pop((result.conversation, result.message.call_id), None)
            case "done":
                done = msgspec.json.decode(record.body, type=Keyed)
                if (ended := step_in(record)) is not None:
                    draft, step = None, (done.key, ended)
                elif match := _DRAFT.fullmatch(done.key):
                    plan = msgspec.json.decode(done.value, type=_Draft).plan
                    draft = (f"{match[1]}/answer-{match[2]}", plan)
            case _:
                continue
    requests = tuple(put_off.values())
    if draft is not None:
        return Pending(plan=draft[1], answer_key=draft[0], requests=requests)
    if step is not None and step[1].session.phase is Phase.PLAN and step[1].next is Phase.EXECUTE:
        return Pending(plan=step[1].session.plan, step=step[1], step_key=step[0], requests=requests)
    return Pending(requests=requests)


def require_pending(session_id: str, pending: Pending) -> None:
    """Raise NothingToResume for a session that waits for nobody."""
    if not pending.anything:
        raise NothingToResume(
            f"session {session_id} waits for nobody's approval",
            remedy=f"go on with it: m31a resume {session_id}",
        )


async def accept_plan(journal: Journal, pending: Pending) -> None:
    """Write down that a person has read the plan and accepted it."""
    if pending.answer_key:
        answer = PlanAnswer(ask_id="approved", choice=PlanChoice.ACCEPT, by_person=True)
        await journal.finish(pending.answer_key, answer)
    elif pending.step is not None:
        read = msgspec.structs.replace(pending.step.session, plan_read_by_person=True)
        await journal.finish(pending.step_key, msgspec.structs.replace(pending.step, session=read))


async def renew_options(journal: Journal, options: Options) -> None:
    """Write down that the session goes on with these options from its last finished phase on."""
    key, step = "", None
    for number in itertools.count(1):
        known = journal.done(f"phase-{number}", Step)
        if known is None:
            break
        key, step = f"phase-{number}", known
    if step is not None and step.session.options != options:
        session = msgspec.structs.replace(step.session, options=options)
        await journal.finish(key, msgspec.structs.replace(step, session=session))


def leave_for(requests: Sequence[PermissionRequest]) -> tuple[Rule, ...]:
    """Rules that allow exactly these requests."""
    return tuple(rule for request in requests for rule in rules_for(request))


def with_leave(config: Config, rules: Sequence[Rule], reason: str) -> Config:
    """The configuration with these rules as well."""
    granted = tuple(
        PermissionRule(
            action=RuleAction(rule.action.value),
            tool=rule.tool,
            path=rule.path,
            command=rule.command,
            host=rule.host,
            folder=rule.folder,
            unconfined=rule.unconfined,
            reason=rule.reason or reason,
        )
        for rule in rules
    )
    rows = (*config.permissions.rules, *granted)
    permissions = msgspec.structs.replace(config.permissions, rules=rows)
    return msgspec.structs.replace(config, permissions=permissions)
