"""Finding a place below a folder without ever leaving it.

Each name is opened relative to the folder before it and never followed by the kernel; symbolic
links are read and walked here. What is checked is therefore what is opened: swapping a folder
for a link between the two changes nothing. The real path falls out of the same walk, which is
why it is used everywhere, also where the kernel could confine an open by itself.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from m31a_tools.errors import PathRefused

MAX_LINKS = 40
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path really leads: a name in an open folder.

    `folder_fd` is open only inside the `with` that gave the place.
    """

    folder_fd: int
    folder: tuple[str, ...]
    """Real names from the root to the open folder."""
    missing: tuple[str, ...]
    """Folders on the way that do not exist."""
    name: str
    """The last name, never a link unless asked for; `.` when it is the open folder itself."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Real names from the root to the place."""
        last = () if self.name == "." else (self.name,)
        return (*self.folder, *self.missing, *last)


def names(path: str) -> list[str]:
    """The steps of a path, without empty ones and dots."""
    return [name for name in path.split("/") if name not in ("", ".")]


def below(path: str, root: str) -> list[str] | None:
    """The steps from `root` to `path`, both absolute, or None when it is not below, by name."""
    steps, base = names(path), names(root)
    return steps[len(base) :] if steps[: len(base)] == base else None


@contextmanager
def find_beneath(
    root_fd: int,
    steps: Sequence[str],
    *,
    shown: str,
    roots: Sequence[str] = (),
    follow: bool = True,
) -> Iterator[Place]:
    """The real place of `steps` below the open folder `root_fd`.

    `shown` is the path as it was asked for, `roots` are absolute names of the root: a link to
    an absolute path below one of them stays inside. Without `follow` a link that the path ends
    in is the place.

    Raises PathRefused when the way leads outside or through too many links, NotADirectoryError
    when a file stands in the middle of it.
    """
    walk = _Walk(root_fd, list(reversed(steps)), shown, roots)
    walk.follows_last = follow
    try:
        yield walk.run()
    finally:
        walk.close()


class _Walk:
    """The folders opened so far, and the steps still to take (the next one last)."""

    def __init__(self, root_fd: int, todo: list[str], shown: str, roots: Sequence[str]) -> None:
        self.root_fd = root_fd
        self.todo = todo
        self.shown = shown
        self.roots = roots
        self.follows_last = True
        self.links = 0
        self.opened: list[tuple[str, int]] = []

    def run(self) -> Place:
        while self.todo:
            step = self.todo.pop()
            if step == "..":
                self.up()
            elif not self.todo:
                if not self.follows_last or not self.follow(step):
                    return self.place((), step)
            else:
                try:
                    self.opened.append((step, os.open(step, _FOLDER, dir_fd=self.here)))
                except FileNotFoundError:
                    return self.beyond(step)
                except OSError as exc:
                    if exc.errno not in (errno.ENOTDIR, errno.ELOOP) or not self.follow(step):
                        raise
        return self.place((), ".")

    @property
    def here(self) -> int:
        return self.opened[-1][1] if self.opened else self.root_fd

    def place(self, missing: tuple[str, ...], name: str) -> Place:
        folder = tuple(name for name, _ in self.opened)
        return Place(folder_fd=self.here, folder=folder, missing=missing, name=name)

    def up(self) -> None:
        if not self.opened:
            raise PathRefused(self.shown, "it leads outside the workspace")
        os.close(self.opened.pop()[1])

    def follow(self, step: str) -> bool:
        """Put what the link `step` names before the other steps; False when it is no link."""
        try:
            target = os.readlink(step, dir_fd=self.here)
        except OSError:
            return False
        self.links += 1
        if self.links > MAX_LINKS:
            raise PathRefused(self.shown, "it goes through too many symbolic links")
        steps = names(target)
        if target.startswith("/"):
            inside = [found for root in self.roots if (found := below(target, root)) is not None]
            if not inside:
                raise PathRefused(self.shown, f"a symbolic link leads outside, to {target!r}")
            steps = min(inside, key=len)
            self.close()
        self.todo.extend(reversed(steps))
        return True

    def beyond(self, missing: str) -> Place:
        """The place of a path whose folder `missing` does not exist."""
        rest = [missing, *reversed(self.todo)]
        if ".." in rest:
            raise PathRefused(self.shown, f"there is no folder {missing!r} to go up from")
        return self.place(tuple(rest[:-1]), rest[-1])

    def close(self) -> None:
        while self.opened:
            os.close(self.opened.pop()[1])
