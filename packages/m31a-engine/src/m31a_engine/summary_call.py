"""Ask the model what was built and how to try it, once the commit stands."""

from dataclasses import dataclass

import anyio

from m31a_engine.conversation.opening import begun, goal_text
from m31a_engine.conversation.turn import Talker
from m31a_engine.errors import BudgetSpent, LimitReached, ProviderFailed
from m31a_engine.machine import Mode
from m31a_engine.paths import shown_path
from m31a_engine.session.state import Session
from m31a_rollback import Diff, Repository

PATCH_BYTES = 12_000
"""How much of the change the model is shown."""
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class SummaryCall:
    """One request after Ship; whatever becomes of it, what is shipped stays shipped."""

    talker: Talker
    repository: Repository

    async def ask(self, session: Session) -> str:
        """What was built and how to try it; empty when the model does not say.

        In direct mode the task's own closing words are that already, and nothing is asked.
        """
        if session.mode is Mode.DIRECT:
            return ""
        diff = await self.repository.diff(session.base, session.head, patch_limit_bytes=PATCH_BYTES)
        parts = (goal_text(session), _work_text(session), _diff_text(diff))
        talk = begun(self.talker, f"ship-{session.round}/summary", "ship", session, parts)
        with anyio.move_on_after(LIMIT_S):
            try:
                return await self.talker.carry_on(talk, None)
            except (ProviderFailed, BudgetSpent, LimitReached):
                return ""
        return ""


def _work_text(session: Session) -> str:
    """What the tasks said when they were done, and what the checks said of it."""
    lines = [f"- {task.summary.strip()}" for task in session.tasks if task.summary.strip()]
    verification = session.verification
    for check in verification.checks if verification is not None else ():
        figure = f" ({check.counts})" if check.counts else ""
        lines.append(f"- check {check.name}, `{check.command}`: {check.status.value}{figure}")
    return "# Done\n\n" + "\n".join(lines)


def _diff_text(diff: Diff) -> str:
    cut = "\n[the rest is left out]" if diff.patch_cut else ""
    return f"# The change\n\n{shown_path(diff.patch)}{cut}"
