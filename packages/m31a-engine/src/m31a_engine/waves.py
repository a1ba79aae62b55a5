"""The next wave of a large goal: planned on what the waves before it have left."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from m31a_engine.checks.result import CheckStatus
from m31a_engine.conversation.opening import goal_text
from m31a_engine.drafting import Accepted, Drafting
from m31a_engine.planning.outline import joined, wave_text
from m31a_engine.session.effects import once
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session


@dataclass(frozen=True, slots=True)
class Waves:
    """Expands an outline, one wave at a time."""

    drafting: Callable[[], Drafting]
    journal: Journal

    async def next(self, session: Session) -> Session:
        """The session with the next wave's tasks in its plan.

        Raises: as `Drafting.draft`.
        """
        number = session.waves_planned
        parts = (goal_text(session), wave_text(session.outline, number), _so_far(session))
        name = f"plan-{session.cycles}/wave-{number + 1}"

        async def accept() -> Accepted:
            outcome = await self.drafting().draft(session, name, parts)
            assert isinstance(outcome, Accepted), "a later wave is refined, never sent back"
            return outcome

        accepted = await once(self.journal, f"{name}/accepted", Accepted, accept)
        plan = session.plan
        assert plan is not None, "the first wave has a plan"
        return msgspec.structs.replace(
            session,
            plan=joined(plan, accepted.plan),
            plan_version=accepted.version,
            plan_read_by_person=session.plan_read_by_person and accepted.by_person,
            waves_planned=number + 1,
        )


def _so_far(session: Session) -> str:
    """What the waves before have done, and what the checks said of it."""
    lines = ["# Done so far", ""]
    for task in session.tasks:
        planned = session.plan.task(task.id) if session.plan else None
        title = planned.description if planned else f"task {task.id}"
        lines.append(f"- {title}: {task.outcome}; files: {', '.join(task.files) or 'none'}")
        if task.summary.strip():
            lines.append(f"  {task.summary.strip().splitlines()[0]}")
    verification = session.verification
    lines.extend(
        f"- check {check.name}: {check.status.value}"
        for check in (verification.checks if verification else ())
        if check.status is not CheckStatus.NOT_RUN
    )
    return "\n".join(lines)
