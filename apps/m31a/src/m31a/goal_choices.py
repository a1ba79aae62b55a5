"""What holds for a goal without a choice, and how choices are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as slot
from functools import partial
from types import MappingProxyType

from m31a.desks import desk_of, settled
from m31a.program.messages import Message
from m31a.program.services import Services
from m31a_engine import PermissionMode, Refused
from m31a_engine.desk.opened import opened, refusing

PHASES = ("discuss", "research", "plan", "execute", "verify", "ship")
"""What can have a model of its own."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds without a choice."""

    models: Mapping[str, str] = slot(default_factory=lambda: MappingProxyType({}))
    budget: str = ""
    permissions: str = PermissionMode.ASK.value
    dirty: tuple[str, ...] = ()
    """Paths with uncommitted changes."""
    trouble: str = ""
    """Why no run can begin here as things are."""


@dataclass(frozen=True, slots=True)
class Found(Message):
    """What holds without a choice."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class Ready(Message):
    """The choices stand in the configuration: the run can begin."""


def look(services: Services) -> Message:
    """The configuration and the state of the work tree; git is asked in a thread of its own."""
    config = services.config()
    mode = config.permissions.mode
    limit = config.features.budget_limit_usd
    trouble = ""
    dirty: tuple[str, ...] = ()
    try:
        dirty = settled(partial(_dirty_paths, services))
    except Refused as exc:
        trouble = exc.message
    standing = Standing(
        models=MappingProxyType({phase: config.model_for(phase) for phase in PHASES}),
        budget="" if limit is None else f"{limit:g}",
        permissions=PermissionMode.ASK.value if mode is None else mode.value,
        dirty=dirty,
        trouble=trouble,
    )
    return Found(standing)


async def _dirty_paths(services: Services) -> tuple[str, ...]:
    repository = await opened(services.project)
    with refusing():
        status = await repository.status()
    return tuple(str(entry.path) for entry in status.entries)


def keep(services: Services, *, changes: tuple[tuple[str, str], ...]) -> Message:
    """Write the choices into the person's own file; each is checked before it is written."""
    settings = desk_of(services).settings
    for key, text in changes:
        if text:
            settings.set(key, text)
        else:
            settings.unset(key)
    return Ready()
