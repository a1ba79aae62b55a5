"""What a project file may set: it may tighten anything and loosen nothing.

A key that is not in the table may not be set by a project at all, so that a new key is
closed until somebody decides about it. Where code and keys are sent, what the user sees and
what is kept of other projects is none of a project's business.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import cast

from m31a_engine.config_layers import Key, Setting
from m31a_engine.config_sections import (
    AgentsSection,
    OnTimeout,
    PermissionMode,
    PermissionRule,
    RedFirst,
    RuleAction,
    TraceHeaders,
)

Permits = Callable[[object, object], bool]
"""(value in force, value of the project file) → whether it may be taken."""


@dataclass(frozen=True, slots=True)
class _Permission:
    permits: Permits
    otherwise: str


def _stricter(order: tuple[StrEnum, ...], unset: StrEnum) -> _Permission:
    """Words from the strictest to the loosest; a project may only go to the left."""

    def permits(now: object, wanted: object) -> bool:
        return order.index(cast(StrEnum, wanted)) <= order.index(cast(StrEnum, now or unset))

    return _Permission(permits, "a project file may only choose a stricter one")


def _is_lower(now: object, wanted: object) -> bool:
    return now is None or cast(float, wanted) <= cast(float, now)


def _stays_inside(_now: object, wanted: object) -> bool:
    paths = map(PurePosixPath, cast(tuple[str, ...], wanted))
    return not any(path.is_absolute() or ".." in path.parts for path in paths)


_FREELY = _Permission(lambda _now, _wanted: True, "")
_LOWER = _Permission(_is_lower, "a project file may only lower it")
_HIGHER = _Permission(
    lambda now, wanted: cast(float, wanted) >= cast(float, now),
    "a project file may only raise it",
)
_ONLY_OFF = _Permission(lambda _now, wanted: not wanted, "a project file may only switch it off")
_INSIDE = _Permission(_stays_inside, "a project file may only name what lies in the project")
_NEVER = _Permission(lambda _now, _wanted: False, "a project file may not set it")

_TABLE: Mapping[Key, _Permission] = {
    ("model", "default"): _FREELY,
    ("model", "auto_arbitrage"): _ONLY_OFF,
    **{("agents", phase): _FREELY for phase in AgentsSection.__struct_fields__},
    ("features", "workflow_mode"): _FREELY,
    ("features", "plan_chunk_threshold"): _FREELY,
    ("features", "budget_limit_usd"): _LOWER,
    ("features", "max_parallel_tasks"): _LOWER,
    ("features", "max_heal_attempts"): _LOWER,
    ("features", "max_plan_retries"): _LOWER,
    ("features", "max_turns"): _LOWER,
    ("features", "trace_headers"): _stricter(
        (TraceHeaders.NEVER, TraceHeaders.LOOPBACK, TraceHeaders.ALWAYS), TraceHeaders.LOOPBACK
    ),
    # Unset, the mode is `ask` or `sandboxed`: `ask` is the stricter of the two.
    ("permissions", "mode"): _stricter(tuple(PermissionMode), PermissionMode.ASK),
    ("permissions", "timeout_s"): _LOWER,
    ("permissions", "on_timeout"): _stricter(tuple(OnTimeout), OnTimeout.DEFER),
    ("tools", "bash_timeout_s"): _LOWER,
    ("tools", "glob_results"): _LOWER,
    ("tools", "output_chars"): _LOWER,
    **{
        ("verify", name): _FREELY
        for name in ("build", "test", "lint", "setup", "known_failures", "timeout_s")
    },
    ("verify", "keep"): _INSIDE,
    ("verify", "coverage"): _FREELY,
    ("verify", "coverage_min"): _HIGHER,
    ("verify", "direct_limit_s"): _FREELY,
    ("verify", "red_first"): _stricter(tuple(RedFirst), RedFirst.WARN),
    ("git", "ship"): _FREELY,
    ("context", "trigger"): _LOWER,
    ("context", "warn"): _LOWER,
    ("ledger", "enabled"): _ONLY_OFF,
    ("ledger", "share"): _ONLY_OFF,
    ("ledger", "recall"): _ONLY_OFF,
}


def admitted(
    setting: Setting, in_force: Callable[[Key], object]
) -> tuple[Setting | None, tuple[str, ...]]:
    """What of a project file's setting is taken, and sentences about what is not."""
    if setting.key == ("permissions", "rules"):
        return _rules(setting, in_force)
    permission = _TABLE.get(setting.key, _NEVER)
    if permission.permits(in_force(setting.key), setting.value):
        return setting, ()
    return None, (_sentence(setting, permission.otherwise),)


def _rules(
    setting: Setting, in_force: Callable[[Key], object]
) -> tuple[Setting | None, tuple[str, ...]]:
    """The user's rules with the project's added, without those that would loosen.

    `ask` loosens where nothing asks: under `deny_all` and `rules` what no rule matches is denied.
    """
    denies_the_rest = {PermissionMode.DENY_ALL, PermissionMode.RULES}
    taken = {RuleAction.DENY}
    if in_force(("permissions", "mode")) not in denies_the_rest:
        taken.add(RuleAction.ASK)
    rules = cast(tuple[PermissionRule, ...], setting.value)
    users = cast(tuple[PermissionRule, ...], in_force(setting.key))
    refused = tuple(
        _sentence(setting, f"a project file may not {rule.action.value} {rule.tool}")
        for rule in rules
        if rule.action not in taken
    )
    kept = tuple(rule for rule in rules if rule.action in taken)
    return (replace(setting, value=users + kept) if kept else None), refused


def _sentence(setting: Setting, why: str) -> str:
    place = setting.file + (f":{setting.line}" if setting.line is not None else "")
    return f"{place}: {setting.dotted} is ignored: {why}"
