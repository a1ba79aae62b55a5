"""What a ledger's entries say together: pure, demo rows left out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final, TypeVar

import msgspec

from m31a_ledger.entry import LedgerEntry

SUCCEEDED: Final = frozenset({"shipped", "shipped_on_branch"})
FAILED: Final = frozenset({"failed", "limit"})
"""Outcomes that speak for or against a model. The others (interrupted, waiting for a person, the
provider gone, shipped without a behavioural check) say nothing about it."""

_tasks = attrgetter("tasks")
_failed = attrgetter("failed")
_healed = attrgetter("healed")
_cost = attrgetter("cost_usd")
_duration = attrgetter("duration_s")


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How often something occurred."""

    name: str
    count: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of one project type, together."""

    name: str
    sessions: int
    failed: int
    tasks_mean: float
    cost_mean_usd: float | None
    """Over the entries with a known cost; `None` when there is none."""
    duration_mean_s: float


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How one model did at goals of one complexity."""

    model: str
    complexity: str
    sessions: int
    judged: int
    """Sessions whose outcome speaks for or against the model."""
    succeeded: int
    tasks: int
    failed: int
    healed: int
    cost_mean_usd: float | None
    duration_mean_s: float

    @property
    def success_rate(self) -> float | None:
        """The share of judged sessions that succeeded, 0 to 1; `None` when none was judged."""
        return self.succeeded / self.judged if self.judged else None


class LedgerStats(msgspec.Struct, frozen=True, kw_only=True):
    """Totals, averages and rankings over a ledger."""

    sessions: int
    tasks_mean: float
    failed: int
    skipped: int
    healed: int
    cost_known: int
    """Sessions whose cost is known; the two costs below are of these alone."""
    cost_total_usd: float | None
    cost_mean_usd: float | None
    duration_mean_s: float
    top_failures: tuple[Tally, ...]
    """The most frequent failure reasons, at most five."""
    top_frameworks: tuple[Tally, ...]
    """The most frequent frameworks, at most five."""
    project_types: tuple[Group, ...]
    """Most sessions first; entries without a type are not grouped."""
    models: tuple[ModelRecord, ...]
    """One record a model and complexity, most sessions first; entries without a model are not."""


_G = TypeVar("_G", Group, ModelRecord)


def summarise(entries: Iterable[LedgerEntry]) -> LedgerStats:
    """Totals, averages and rankings over `entries`."""
    runs = [entry for entry in entries if entry.kind != "demo"]
    by_type: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    by_model: defaultdict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
    frameworks: list[str] = []
    failures: Counter[str] = Counter()
    for run in runs:
        if run.project_type:
            by_type[run.project_type].append(run)
        if run.model:
            by_model[run.model, run.complexity].append(run)
        if run.framework:
            frameworks.append(run.framework)
        if run.failures:
            failures.update(run.failures)
    costs = _known_costs(runs)
    return LedgerStats(
        sessions=len(runs),
        tasks_mean=_mean(list(map(_tasks, runs))),
        failed=sum(map(_failed, runs)),
        skipped=sum(map(attrgetter("skipped"), runs)),
        healed=sum(map(_healed, runs)),
        cost_known=len(costs),
        cost_total_usd=sum(costs) if costs else None,
        cost_mean_usd=_mean(costs) if costs else None,
        duration_mean_s=_mean(list(map(_duration, runs))),
        top_failures=_top(failures),
        top_frameworks=_top(Counter(frameworks)),
        project_types=_most_sessions_first(_group(name, of) for name, of in by_type.items()),
        models=_most_sessions_first(_record(*key, of) for key, of in by_model.items()),
    )


def _group(name: str, runs: Sequence[LedgerEntry]) -> Group:
    costs = _known_costs(runs)
    return Group(
        name=name,
        sessions=len(runs),
        failed=sum(map(_failed, runs)),
        tasks_mean=_mean(list(map(_tasks, runs))),
        cost_mean_usd=_mean(costs) if costs else None,
        duration_mean_s=_mean(list(map(_duration, runs))),
    )


def _record(model: str, complexity: str, runs: Sequence[LedgerEntry]) -> ModelRecord:
    outcomes = Counter(map(attrgetter("outcome"), runs))
    succeeded = sum(outcomes[outcome] for outcome in SUCCEEDED)
    costs = _known_costs(runs)
    return ModelRecord(
        model=model,
        complexity=complexity,
        sessions=len(runs),
        judged=succeeded + sum(outcomes[outcome] for outcome in FAILED),
        succeeded=succeeded,
        tasks=sum(map(_tasks, runs)),
        failed=sum(map(_failed, runs)),
        healed=sum(map(_healed, runs)),
        cost_mean_usd=_mean(costs) if costs else None,
        duration_mean_s=_mean(list(map(_duration, runs))),
    )


def _known_costs(runs: Sequence[LedgerEntry]) -> list[float]:
    return [cost for cost in map(_cost, runs) if cost is not None]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _top(counts: Counter[str], limit: int = 5) -> tuple[Tally, ...]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return tuple(Tally(name=name, count=count) for name, count in ranked)


def _most_sessions_first(groups: Iterable[_G]) -> tuple[_G, ...]:
    return tuple(sorted(groups, key=lambda group: group.sessions, reverse=True))
