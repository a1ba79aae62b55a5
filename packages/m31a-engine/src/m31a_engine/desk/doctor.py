"""What is here, what is missing, and what to do about it."""

import platform
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import msgspec

from m31a_engine.books import secrets_of_system
from m31a_engine.config import Config
from m31a_engine.connecting import prices_of
from m31a_engine.desk.opened import opened, refusing
from m31a_engine.desk.sandbox_state import SandboxState, sandbox_state
from m31a_engine.errors import Refused
from m31a_rollback import NotARepository

PROGRAMS = {
    "git": "needed for everything",
    "bash": "commands run in sh without it",
    "rg": "searching is slower without it",
    "bwrap": "for the sandbox",
}
NEEDED = frozenset({"git"})


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    text: str
    missing: str = ""
    """What a run lacks, with how to get it; empty when it lacks nothing here."""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was looked at."""

    facts: tuple[Fact, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What a run lacks."""
        return tuple(fact.missing for fact in self.facts if fact.missing)


@dataclass(frozen=True, slots=True)
class Doctor:
    """Looks around; sends nothing, and keeps nothing but what the sandbox's trial has shown."""

    config: Config
    project: Path
    environ: Mapping[str, str]

    async def examine(self, program: str = "m31a") -> Diagnosis:
        """What is here; `program` stands in the remedies."""
        return Diagnosis(
            facts=(
                Fact(name="Python", text=f"{platform.python_version()} on {platform.system()}"),
                Fact(name="home", text=self.config.home),
                *_programs(),
                _sandbox(await anyio.to_thread.run_sync(sandbox_state, self.config)),
                *await self._project(program),
                *self._provider(program),
            )
        )

    async def _project(self, program: str) -> tuple[Fact, ...]:
        trusted = self.config.trusted
        trust = "trusted" if trusted else f"not trusted; to trust it: {program} trust"
        fact = Fact(name="project", text=f"{self.project}: {trust}")
        if not shutil.which("git"):
            return (fact,)
        try:
            with refusing():
                repository = await opened(self.project)
                await repository.preflight()
        except Refused as exc:
            nowhere = isinstance(exc.__cause__, NotARepository) and not exc.__cause__.broken
            missing = "" if nowhere else "a repository in order (state)"
            return (fact, Fact(name="state", text=exc.message, missing=missing))
        filters = await repository.blanked_filters()
        hooks = await repository.commit_hooks()
        notes = [
            *((f"filters not run: {', '.join(filters)}",) if filters and not trusted else ()),
            *((f"commit hooks: {', '.join(hooks)}",) if hooks else ()),
        ]
        return (fact, *(Fact(name="state", text=note) for note in notes))

    def _provider(self, program: str) -> Iterator[Fact]:
        name = self.config.chosen_provider
        settings = self.config.providers.get(name)
        address = settings.base_url if settings else None
        yield Fact(name="provider", text=f"{name}{f' at {address}' if address else ''}")
        model = self.config.model_for("execute")
        yield Fact(
            name="model",
            text=model or "none; name one with --model ID or in config.toml",
            missing="" if model else "a model",
        )
        line, found = secrets_of_system(self.environ).status(name, settings)
        needed = not found and not address
        yield Fact(
            name="key",
            text=line,
            missing=f"a key (set one with: {program} keys set {name})" if needed else "",
        )
        limit = self.config.features.budget_limit_usd
        if settings is not None and limit is not None and not prices_of(settings).known:
            text = (
                f"${limit:g}; no price is configured, so a run asks {name} for it and is refused"
                f" where it has none: set price_in and price_out in [provider.{name}]"
            )
            yield Fact(name="budget", text=text)


def _sandbox(state: SandboxState) -> Fact:
    if not state.wanted:
        return Fact(name="sandbox", text="not used: permissions.mode is allow_all")
    parts = [state.kind]
    if state.gaps:
        parts[0] += f" in part: a command can {', '.join(state.gaps)}"
    elif state.reasons:
        parts[0] += ": commands and checks wait for leave"
    return Fact(name="sandbox", text="; ".join((*parts, *state.reasons, *state.remedies)))


def _programs() -> Iterator[Fact]:
    for name, why in PROGRAMS.items():
        place = shutil.which(name)
        yield Fact(
            name=name,
            text=place or f"missing: {why}",
            missing="" if place or name not in NEEDED else name,
        )
