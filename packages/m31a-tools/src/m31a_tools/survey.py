"""Where a command's targets really lie, links resolved, and which of them are there."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from m31a_tools.errors import PathRefused
from m31a_tools.regions import Place, Region, is_temporary, place_of
from m31a_tools.shell.commands import Target
from m31a_tools.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found at the targets of a command just before it runs."""

    places: dict[Target, Place] = field(default_factory=dict)
    overwrites: tuple[str, ...] = ()
    """Those inside that are there, and whose content may be lost; `…` for what is not known."""


def survey(targets: Iterable[Target], workspace: Workspace) -> Survey:
    """The targets looked at in the workspace; a verdict about now."""
    places: dict[Target, Place] = {}
    overwrites: dict[str, None] = {}
    for target in targets:
        places[target] = place = _look(target, workspace)
        if target.loses and place.region is Region.UNKNOWN:
            overwrites["…"] = None
        elif (
            target.loses
            and place.region is Region.INSIDE
            and os.path.lexists(workspace.root / place.path)
        ):
            overwrites[place.path] = None
    return Survey(places=places, overwrites=tuple(overwrites))


def _look(target: Target, workspace: Workspace) -> Place:
    by_name = place_of(target)
    if not target.path or (target.path.startswith("~") and not target.exact):
        return by_name
    try:
        real = workspace.locate(target.path)
    except PathRefused:
        temporary = is_temporary(target.path)
        return Place(Region.TEMPORARY if temporary else Region.OUTSIDE, by_name.path)
    except OSError:
        return by_name
    if real.startswith("/"):
        return Place(Region.OUTSIDE, real)
    if any(map(workspace.is_protected, real.split("/"))):
        return Place(Region.PROTECTED, real)
    return Place(Region.INSIDE if target.exact else Region.UNKNOWN, real)
