"""A model for each task: the cheapest that is good enough, and why that one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import anyio.to_thread
import msgspec

from m31a_engine.conversation.models import Models
from m31a_engine.events import ModelChosen
from m31a_engine.planning.plan import PlannedTask
from m31a_engine.report import Outcome
from m31a_engine.session.journal import Journal, keyed
from m31a_engine.session.stream import EventStream
from m31a_engine.switchboard import Switchboard
from m31a_ledger import LedgerEntry
from m31a_providers import Complexity, Need, Record, choose_model, complexity_of

PHASE = "execute"
WON = frozenset({Outcome.SHIPPED, Outcome.SHIPPED_PARTIAL, Outcome.SHIPPED_ON_BRANCH})
LOST = frozenset({Outcome.FAILED})
_SAID = {"trivial": Complexity.simple}


@dataclass(frozen=True, slots=True)
class Arbitrage:
    """Chooses a model for a task before its first request; healing has the phase's own model."""

    board: Switchboard
    models: Models
    journal: Journal
    stream: EventStream
    threshold: float
    """The part of the usual model's cost that another one must save."""
    rows: Callable[[], Iterable[LedgerEntry]]
    """The runs to learn from; reads the disk."""

    async def choose(self, task: PlannedTask, key: str) -> None:
        """Have a task done by the model that fits it best, unless a person chose one.

        The choice is journalled under `key`: a resumed task goes on with the same model.
        """
        if self.models.is_chosen(PHASE):
            return
        made = self.journal.done(key, ModelChosen)
        if made is None:
            made = await self._made(task)
            await self.stream.record((keyed("done", key, made),), made)
        self.models.choose_for_task(str(task.id), made.model)

    async def _made(self, task: PlannedTask) -> ModelChosen:
        need = Need(
            text=f"{task.action} {task.description}",
            files=len(task.files),
            dependencies=len(task.dependencies),
        )
        default = self.models.model_for(PHASE)
        offered = await self.board.offered()
        rows = await anyio.to_thread.run_sync(lambda: tuple(self.rows()))
        choice = choose_model(
            need,
            offered,
            default=default,
            threshold=self.threshold,
            records=records_of(rows, complexity_of(need)),
        )
        return ModelChosen(
            task_id=task.id,
            model=choice.model,
            instead_of=default,
            complexity=choice.complexity.value,
            reason=choice.reason,
            saving_usd=choice.saving_usd,
            cost_usd=choice.cost_usd,
        )


def records_of(rows: Iterable[LedgerEntry], complexity: Complexity) -> Mapping[str, Record]:
    """By model how runs of a complexity went; of several models in one run none is judged."""
    records: dict[str, Record] = {}
    for row in rows:
        if row.is_demo or not row.model or _SAID.get(row.complexity, row.complexity) != complexity:
            continue
        before = records.get(row.model, Record())
        if row.outcome in WON:
            records[row.model] = msgspec.structs.replace(before, wins=before.wins + 1)
        elif row.outcome in LOST:
            records[row.model] = msgspec.structs.replace(before, losses=before.losses + 1)
    return records
