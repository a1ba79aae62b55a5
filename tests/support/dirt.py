"""Repositories as people leave them lying about: some of everything, chosen by a number."""

from collections.abc import Callable
from random import Random

from journey import ProjectFolder
from scripted import BROKEN, TEST

COMMITTED = {
    "sums.py": BROKEN,
    "test_sums.py": TEST,
    "a.txt": "a\n",
    "b.txt": "b\n",
    "deep/er/c.txt": "c\n",
    "run.sh": "#!/bin/sh\n",
    ".gitignore": "*.log\ncache/\n",
}
TARGET = "sums.py"
"""The one file that a run changes."""


def _staged(project: ProjectFolder, random: Random) -> None:
    project.write("a.txt", f"staged {random.random()}\n")
    project.git("add", "a.txt")


def _partly_staged(project: ProjectFolder, random: Random) -> None:
    _staged(project, random)
    project.write("a.txt", f"on top {random.random()}\n")


def _unstaged(project: ProjectFolder, random: Random) -> None:
    project.write("b.txt", f"unstaged {random.random()}\r\n")


def _untracked(project: ProjectFolder, random: Random) -> None:
    project.write(random.choice(["new.txt", "deep/new.txt", "with space.txt", "näme.txt"]), "new\n")


def _odd_name(project: ProjectFolder, _: Random) -> None:
    project.write("line\nend \udcff.txt", "odd\n")


def _ignored(project: ProjectFolder, _: Random) -> None:
    project.write("debug.log", "ignored\n")
    project.write("cache/entry", "ignored\n")


def _stashed(project: ProjectFolder, random: Random) -> None:
    project.write("deep/er/c.txt", f"stashed {random.random()}\n")
    project.git("stash", "push", "--quiet", "--", "deep/er/c.txt")


def _detached(project: ProjectFolder, _: Random) -> None:
    project.git("checkout", "--quiet", "--detach")


def _announced(project: ProjectFolder, _: Random) -> None:
    project.write("announced.txt", "soon\n")
    project.git("add", "--intent-to-add", "announced.txt")


def _modes(project: ProjectFolder, random: Random) -> None:
    (project.path / "run.sh").chmod(0o755)
    if random.random() < 0.5:
        project.git("add", "run.sh")


def _links(project: ProjectFolder, random: Random) -> None:
    link = project.path / random.choice(["link", "deep/link"])
    link.symlink_to(random.choice(["a.txt", "nowhere", "/etc", "deep"]))
    if random.random() < 0.5:
        project.git("add", str(link.relative_to(project.path)))


def _removed(project: ProjectFolder, random: Random) -> None:
    if random.random() < 0.5:
        project.git("rm", "--quiet", "--force", "b.txt")
    else:
        (project.path / "b.txt").unlink(missing_ok=True)


def _renamed(project: ProjectFolder, _: Random) -> None:
    project.git("mv", "-f", "run.sh", "start.sh")


def _branches(project: ProjectFolder, _: Random) -> None:
    project.git("branch", "other")
    project.git("tag", "--annotate", "--message", "v1", "v1")
    project.git("update-ref", "refs/notes/mine", "HEAD")


def _unwatched(project: ProjectFolder, random: Random) -> None:
    word = random.choice(["--assume-unchanged", "--skip-worktree"])
    project.git("update-index", word, "test_sums.py")


def _in_the_way(project: ProjectFolder, random: Random) -> None:
    project.write(TARGET, BROKEN + f"\n# mine {random.random()}\n")
    if random.random() < 0.5:
        project.git("add", TARGET)


_DIRT: tuple[Callable[[ProjectFolder, Random], None], ...] = (
    _staged,
    _partly_staged,
    _unstaged,
    _untracked,
    _odd_name,
    _ignored,
    _stashed,
    _detached,
    _announced,
    _modes,
    _links,
    _removed,
    _renamed,
    _branches,
    _unwatched,
    _in_the_way,
)


def soil(project: ProjectFolder, random: Random) -> tuple[str, ...]:
    """Leave some of everything in a project; what it was, by name."""
    chosen = random.sample(_DIRT, random.randint(2, 6))
    # What stashes or renames looks at files that the others make or take away.
    chosen.sort(key=lambda one: one not in (_stashed, _renamed, _modes))
    if _renamed in chosen and _modes in chosen:
        chosen.remove(_renamed)
    for one in chosen:
        one(project, random)
    return tuple(one.__name__.strip("_") for one in chosen)
