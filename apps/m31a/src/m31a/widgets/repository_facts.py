"""What git says before something is undone, and what was done afterwards."""

from dataclasses import dataclass

from m31a.draw.line import EMPTY, Line, Span
from m31a.draw.style import OK, WARN
from m31a.program.services import Services
from m31a.widgets.facts import fact_lines, list_lines
from m31a_engine.desk.opened import opened, refusing
from m31a_engine.desk.undoing import WentBack
from m31a_engine.paths import shown_path

MOST_COMMITS = 200


@dataclass(frozen=True, slots=True)
class Between:
    """What stands between an earlier commit and HEAD."""

    head: str
    leaving: tuple[str, ...]
    """Id and subject of each commit that would leave the branch, the newest first."""
    files: tuple[str, ...]
    """Files that differ, with how much."""


async def what_leaves(services: Services, target: str) -> Between:
    """What a reset of HEAD to `target` takes off the branch.

    Raises:
        Refused: there is no repository, or no such commit.
    """
    repository = await opened(services.project)
    with refusing():
        head = await repository.resolve("HEAD")
        commits = await repository.log(f"{target}..HEAD", MOST_COMMITS)
        changes = (await repository.diff(target, head, patch_limit_bytes=0)).files
    return Between(
        head,
        tuple(f"{commit.id[:10]} {commit.subject}" for commit in commits),
        tuple(
            f"{shown_path(change.path)} +{change.added or 0} -{change.removed or 0}"
            for change in changes
        ),
    )


async def files_of(services: Services, commit: str) -> tuple[str, ...]:
    """The files a commit has changed, as git names them.

    Raises:
        Refused: there is no repository, or no such commit.
    """
    repository = await opened(services.project)
    with refusing():
        found = (await repository.log(await repository.resolve(commit), 1))[0]
        before = found.parents[0] if found.parents else repository.empty_tree
        changes = (await repository.diff(before, found.id, patch_limit_bytes=0)).files
    return tuple(change.path for change in changes)


def went_lines(went: WentBack, cells: int) -> tuple[Line, ...]:
    """What a reset, a file rollback or an undo has done."""
    return (
        EMPTY,
        Line.of(Span("done", OK)),
        *fact_lines(
            (
                ("was", went.previous[:12]),
                ("is", went.head[:12]),
                ("backup", went.backup_branch or ""),
                ("snapshot", went.snapshot),
                ("next", went.remedy),
            ),
            cells,
        ),
        *list_lines("did not fit, kept in the snapshot", went.clashes, cells, style=WARN),
    )
