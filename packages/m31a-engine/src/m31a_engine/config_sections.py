"""The configuration's sections with their keys, limits and defaults.

A key added here is at once readable from the user file, the environment and the command
line; a project file may set it only when `config_project` says how.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from m31a_engine.machine import Mode

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Milliseconds = Annotated[float, msgspec.Meta(gt=0, le=600_000)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Usd = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Attempts = Annotated[int, msgspec.Meta(ge=0, le=20)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class WireKind(StrEnum):
    """The protocol a provider's address speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class TraceHeaders(StrEnum):
    """To whom the session, phase and task of a request are told."""

    LOOPBACK = "loopback"
    ALWAYS = "always"
    NEVER = "never"


class PermissionMode(StrEnum):
    """What may happen without asking; the strictest first."""

    DENY_ALL = "deny_all"
    RULES = "rules"
    DEFER = "defer"
    ASK = "ask"
    SANDBOXED = "sandboxed"
    ALLOW_ALL = "allow_all"


class OnTimeout(StrEnum):
    """What an unanswered permission becomes."""

    DENY = "deny"
    DEFER = "defer"


class RuleAction(StrEnum):
    """What a permission rule does with the calls it matches."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class RedFirst(StrEnum):
    """What happens when no test of the run is red on the base; the strictest first."""

    BLOCK = "block"
    WARN = "warn"
    OFF = "off"


class ShipForm(StrEnum):
    """How the commits of several tasks become the shipped history."""

    MERGE = "merge"
    SQUASH = "squash"
    LINEAR = "linear"


class PermissionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule; what it leaves out matches everything."""

    action: RuleAction
    tool: str
    path: str | None = None
    command: str | None = None
    host: str | None = None
    folder: str | None = None
    """The folder a command must start in, seen from the project."""
    unconfined: bool = False
    """Whether it speaks of commands that ask to leave the sandbox."""
    reason: str = ""


class ProviderSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[provider]`: which servers answer, and what counts as healthy."""

    default: str = ""
    """Empty: the only `[provider.NAME]` there is, else openrouter."""
    auto_fallback: bool = False
    fallback_priority: tuple[str, ...] = ("openrouter", "zen")
    health_timeout_s: Seconds = 10.0
    live_ms: Milliseconds = 500.0
    slow_ms: Milliseconds = 2000.0


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[provider.NAME]`: one server. Prices are US dollars for a million tokens."""

    kind: WireKind | None = None
    """None: what the name stands for (`anthropic` speaks Messages), else openai."""
    base_url: str | None = None
    api_key: str | None = None
    api_key_env: str | None = None
    price_in: Usd | None = None
    price_out: Usd | None = None
    context: Count | None = None
    """The window in tokens, where the server does not tell."""
    model: str = ""
    """The model to ask it for when it answers instead of another; empty asks for the same."""
    headers: dict[str, str] = {}
    text_tools: bool = False
    """Whether the model writes its tool calls as text."""

    def __repr__(self) -> str:
        """What a log may show: neither the key nor the headers' values."""
        key = "set" if self.api_key else "not set"
        kind = None if self.kind is None else self.kind.value
        return (
            f"ProviderSettings(kind={kind!r}, base_url={self.base_url!r},"
            f" api_key={key}, headers={sorted(self.headers)})"
        )


class ModelSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[model]`: the model used unless a phase names its own."""

    default: str = ""
    auto_arbitrage: bool = False
    arbitrage_threshold: Share = 0.2
    """How much cheaper another model must be, as a share, to be chosen."""


class AgentsSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[agents]`: a model for a phase; empty takes `default`, then `model.default`."""

    default: str = ""
    initialize: str = ""
    discuss: str = ""
    research: str = ""
    plan: str = ""
    execute: str = ""
    verify: str = ""
    ship: str = ""


class FeaturesSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[features]`: how the phases work."""

    workflow_mode: Mode = Mode.AUTO
    budget_limit_usd: Usd | None = None
    """None is no limit; 0 allows only what costs nothing."""
    intent_timeout_s: Seconds = 5.0
    plan_chunk_threshold: Count = 10
    max_parallel_tasks: Annotated[int, msgspec.Meta(ge=1, le=32)] = 4
    max_heal_attempts: Attempts = 2
    max_plan_retries: Attempts = 3
    max_turns: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    """Requests a task may make."""
    trace_headers: TraceHeaders = TraceHeaders.LOOPBACK
    resume_on_startup: bool = False


class PermissionsSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[permissions]`: what may happen, and what silence means."""

    mode: PermissionMode | None = None
    """None: `ask` in the terminal, `sandboxed` without one."""
    timeout_s: Seconds = 300.0
    on_timeout: OnTimeout = OnTimeout.DEFER
    rules: tuple[PermissionRule, ...] = ()


class ToolsSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[tools]`: what the model is offered, and how much it gets to read."""

    offer: tuple[str, ...] = ()
    """Tools besides the six that are always offered."""
    bash_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=1800)] = 120.0
    glob_results: Count = 1000
    output_chars: Annotated[int, msgspec.Meta(ge=1000, le=1_000_000)] = 10_000


class VerifySection(msgspec.Struct, frozen=True, kw_only=True):
    """`[verify]`: the checks. A command that is empty is detected, `off` is left out."""

    build: str = ""
    test: str = ""
    lint: str = ""
    setup: str = ""
    coverage: str = ""
    """A command that prints how much the tests cover."""
    coverage_min: Percent = 0
    """How many percent have to be covered; with 0 nothing is measured."""
    keep: tuple[str, ...] = ()
    """Further folders a check needs read-only in their places."""
    known_failures: tuple[str, ...] = ()
    red_first: RedFirst = RedFirst.WARN
    direct_limit_s: Seconds = 60.0
    timeout_s: Seconds = 900.0


class GitSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[git]`: what becomes of the commits."""

    ship: ShipForm = ShipForm.MERGE
    hooks: bool = True
    init: bool = False
    """Whether a folder with files and no repository gets one without asking."""
    kept_days: Count = 30
    """How long what stood before a destructive command, and discarded work, stays under a ref."""


class ContextSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[context]`: shares of a model's window that start consolidation and a warning."""

    trigger: Share = 0.60
    warn: Share = 0.80


class LedgerSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[ledger]`: what is remembered of runs."""

    enabled: bool = True
    keep: Count = 1000
    share: bool = False
    """Whether words of other projects may be recalled here."""
    recall: bool = True
    """Whether earlier runs are told of at all, and learned from."""


class UiSection(msgspec.Struct, frozen=True, kw_only=True):
    """`[ui]`: the terminal app."""

    theme: str = "auto"
    mouse: bool = False
    inline: bool = False
    """The conversation stays in the terminal's own history (`m31a --inline`)."""
