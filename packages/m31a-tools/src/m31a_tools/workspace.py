"""The folder tools work in, and the only way they reach files."""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from m31a_tools.atomic import replace_file
from m31a_tools.background import Background
from m31a_tools.beneath import Place, below, find_beneath, names
from m31a_tools.environment import child_environment
from m31a_tools.errors import FileChanged, PathRefused
from m31a_tools.ignore import path_matches
from m31a_tools.process import OnOutput
from m31a_tools.sandbox.confined import Confined
from m31a_tools.sandbox.stand_ins import StandIns

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PASSED_OVER = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""What the file system of older Macs does not see in names."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A file's content and the state it was read in."""

    path: str
    """As the model should see it."""
    data: bytes
    status: os.stat_result


@dataclass(frozen=True, slots=True)
class _Target:
    root: Path
    steps: tuple[str, ...]
    writable: bool


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder that file tools cannot leave, by whatever path, link or race.

    `root` is where the work happens; the model sees `shown_as` instead when it is set, and
    absolute paths below either are taken to be below `root`. Folders in `readable` can be read
    too. Names in `protected` are never written, wherever they stand.
    """

    root: Path
    shown_as: Path | None = None
    readable: tuple[Path, ...] = ()
    protected: tuple[str, ...] = (".git", ".m31a")
    environment: Mapping[str, str] | None = None
    """What commands see; None is the process's own without its secrets."""
    temp: Path | None = None
    """The folder commands use for temporary files; None is the system's."""
    outputs: Path | None = None
    """The folder where outputs too long to send are kept; readable."""
    hidden: tuple[str, ...] = ()
    """Patterns, as in a .gitignore, of paths that tools neither read nor list."""
    on_output: OnOutput | None = None
    """Gets the output of commands as it comes, safe to show."""
    background: Background | None = None
    """Holds the commands that go on while others are called; None: none may."""
    confined: Confined | None = None
    """How commands are confined; None: not at all."""
    call_id: str = ""
    seen: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Hash of each file when it was last read or written here, by real path."""
    stand_ins: StandIns = field(default_factory=StandIns, compare=False, repr=False)
    """What the sandbox leaves in the folder while commands run in it; gone after the last."""
    _root_id: tuple[int, int] = field(default=(0, 0), compare=False, repr=False)
    _initials: tuple[str, ...] = field(default=(), init=False, compare=False, repr=False)
    """How protected names can begin: most names can be told apart by their first letter."""

    def __post_init__(self) -> None:
        """Resolve the root and remember which folder it is."""
        initials = {letter for name in self.protected for letter in (name[0], name[0].upper())}
        object.__setattr__(self, "_initials", tuple(initials))
        if self._root_id == (0, 0):  # else it is a copy, of a root that was resolved
            root = self.root.resolve(strict=True)
            if not root.is_dir():
                raise NotADirectoryError(f"{root} is not a folder")
            status = root.stat()
            object.__setattr__(self, "root", root)
            object.__setattr__(self, "_root_id", (status.st_dev, status.st_ino))

    def for_call(
        self, call_id: str, *, hidden: tuple[str, ...] = (), on_output: OnOutput | None = None
    ) -> "Workspace":
        """The same workspace for one call; what was seen is shared."""
        return replace(self, call_id=call_id, hidden=(*self.hidden, *hidden), on_output=on_output)

    def locate(self, path: str, *, write: bool = False) -> str:
        """The real path relative to the root, links resolved; `.` for the root itself.

        Below a readable folder it is absolute. Raises PathRefused.
        """
        target = self._target(path)
        with self._find(path, target, write=write) as place:
            return self._real(target, place)

    def open(self, path: str, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
        """A descriptor of the regular file or folder at `path`, which the caller closes.

        Never waits for a FIFO, never opens a device or socket. Raises PathRefused, OSError.
        """
        target = self._target(path)
        with self._find(path, target, write=bool(flags & _WRITING)) as place:
            return self._open(path, place, flags, mode)

    def stat(self, path: str) -> os.stat_result:
        """The state of what `path` leads to. Raises PathRefused, FileNotFoundError."""
        target = self._target(path)
        with self._find(path, target) as place:
            if place.missing:
                raise FileNotFoundError(2, "No such file or folder", path)
            return os.stat(place.name, dir_fd=place.folder_fd, follow_symlinks=False)

    def read(self, path: str, *, limit_bytes: int) -> FileBytes:
        """The whole file; remembers its hash. Raises PathRefused, OSError."""
        target = self._target(path)
        with self._find(path, target) as place:
            real = self._real(target, place)
            fd = self._open(path, place, os.O_RDONLY, 0)
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            os.close(fd)
            raise IsADirectoryError(21, "Is a folder", path)
        with os.fdopen(fd, "rb", buffering=0) as file:
            if status.st_size > limit_bytes:
                raise PathRefused(
                    path, f"it has {status.st_size:,} bytes, more than the {limit_bytes:,} allowed"
                )
            # One byte more than allowed: a file that grows meanwhile is noticed, not followed.
            parts: list[bytes] = []
            left = limit_bytes + 1
            while left > 0 and (data := file.read(min(left, 1 << 20))):
                parts.append(data)
                left -= len(data)
        if left == 0:
            raise PathRefused(path, f"it grows beyond {limit_bytes:,} bytes while it is read")
        whole = b"".join(parts)
        return FileBytes(path=real, data=whole, status=status)

    def remember(self, file: FileBytes) -> None:
        """Note that the model has now seen this content."""
        self.seen[file.path] = digest(file.data)

    def is_stale(self, file: FileBytes) -> bool:
        """Whether the file was seen before and is another now."""
        known = self.seen.get(file.path)
        return known is not None and known != digest(file.data)

    def write(self, path: str, data: bytes, *, expect: FileBytes | None) -> str:
        """`path` holds `data`, atomically; missing folders are made. Returns the real path.

        `expect` is the file as it was read, None when it should not be there. Raises FileChanged
        when it is otherwise, PathRefused, OSError.
        """
        target = self._target(path)
        with self._find(path, target, write=True) as place:
            real = self._real(target, place)
            with open_folder(place) as folder_fd:
                if expect is None and _exists(place.name, folder_fd):
                    raise FileChanged(real)
                try:
                    status = None if expect is None else expect.status
                    replace_file(folder_fd, place.name, data, expect=status)
                except FileChanged as exc:
                    raise FileChanged(real) from exc
        self.seen[real] = digest(data)
        return real

    @contextlib.contextmanager
    def place(self, path: str, *, follow: bool = True) -> Iterator[Place]:
        """Where `path` leads, to change names there; `follow` as in `find_beneath`.

        Raises PathRefused, also for what is never written, and OSError.
        """
        with self._find(path, self._target(path), write=True, follow=follow) as place:
            yield place

    def folder(self, path: str) -> Path:
        """The real folder at `path`, for a command to start in. Raises PathRefused, OSError."""
        with self.walk_root(path) as (_, real):
            return self.root / real

    @contextlib.contextmanager
    def walk_root(self, path: str) -> Iterator[tuple[int, str]]:
        """An open descriptor of the folder at `path` and its real path, for searching below it."""
        real = self.locate(path)
        fd = self.open(path, _FOLDER)
        try:
            yield fd, real
        finally:
            os.close(fd)

    def is_hidden(self, real: str, *, is_folder: bool = False) -> bool:
        """Whether a rule hides this real path from tools."""
        return any(path_matches(pattern, real, is_folder=is_folder) for pattern in self.hidden)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folder under each of its names."""
        return (self.root,) if self.shown_as is None else (self.root, self.shown_as)

    @property
    def protected_initials(self) -> tuple[str, ...]:
        """The letters protected names can begin with."""
        return self._initials

    def is_protected(self, name: str) -> bool:
        """Whether a file or folder of this name is never written."""
        # File systems that ignore case and trailing dots would let .GIT and ".git." through.
        if not name.isascii():
            name = _PASSED_OVER.sub("", name)
        return name[:1] in self._initials and name.casefold().rstrip(". ") in self.protected

    def variables(self) -> dict[str, str]:
        """The environment for a command."""
        given = self.environment
        variables = dict(child_environment(os.environ) if given is None else given)
        if self.temp is not None:
            variables["TMPDIR"] = str(self.temp)
        return variables

    def output_file(self) -> Path | None:
        """A new name in the folder for long outputs, None when there is no such folder."""
        if self.outputs is None:
            return None
        self.outputs.mkdir(mode=0o700, parents=True, exist_ok=True)
        call = re.sub(r"[^\w-]", "_", self.call_id, flags=re.ASCII)[:40] or "output"
        return self.outputs / f"{call}-{os.urandom(4).hex()}.txt"

    def _target(self, path: str) -> _Target:
        if not path:
            raise PathRefused(path, "it is empty")
        if "\0" in path:
            raise PathRefused(path, "it has a NUL character")
        if path == "~" or path.startswith("~/"):
            raise PathRefused(path, "the home folder is outside the workspace")
        if not path.startswith("/"):
            return _Target(self.root, tuple(names(path)), writable=True)
        found: list[tuple[int, _Target]] = []
        for root in self._names_of_root():
            steps = below(path, root)
            if steps is not None:
                found.append((len(names(root)), _Target(self.root, tuple(steps), writable=True)))
        for folder in self._readable():
            steps = below(path, str(folder))
            if steps is not None:
                target = _Target(folder, tuple(steps), writable=False)
                found.append((len(names(str(folder))), target))
        if not found:
            shown = self.shown_as or self.root
            raise PathRefused(path, f"it is outside the workspace {str(shown)!r}")
        return max(found, key=lambda each: each[0])[1]

    def _names_of_root(self) -> tuple[str, ...]:
        if self.shown_as is None:
            return (str(self.root),)
        return str(self.root), str(self.shown_as), os.path.realpath(self.shown_as)

    def _readable(self) -> tuple[Path, ...]:
        return self.readable if self.outputs is None else (*self.readable, self.outputs)

    @contextlib.contextmanager
    def _find(
        self, path: str, target: _Target, *, write: bool = False, follow: bool = True
    ) -> Iterator[Place]:
        inside = target.root == self.root
        if write and not target.writable:
            raise PathRefused(path, "it can be read only")
        root_fd = os.open(target.root, _FOLDER)
        try:
            status = os.fstat(root_fd)
            if inside and (status.st_dev, status.st_ino) != self._root_id:
                raise PathRefused(path, "the work folder was replaced by another")
            roots = self._names_of_root() if inside else (str(target.root),)
            found = find_beneath(root_fd, target.steps, shown=path, roots=roots, follow=follow)
            with found as place:
                if write and (hit := next(filter(self.is_protected, place.parts), None)):
                    raise PathRefused(path, f"{hit} is not written by tools")
                if inside and self.is_hidden("/".join(place.parts)):
                    raise PathRefused(path, "a permission rule denies it")
                yield place
        except OSError as exc:
            # The system names the last step alone; whoever asked knows the whole path.
            raise OSError(exc.errno, exc.strerror, path) from exc
        finally:
            os.close(root_fd)

    def _real(self, target: _Target, place: Place) -> str:
        relative = "/".join(place.parts) or "."
        return relative if target.root == self.root else str(target.root / relative)

    @staticmethod
    def _open(path: str, place: Place, flags: int, mode: int) -> int:
        if place.missing:
            raise FileNotFoundError(2, "No such file or folder", path)
        with contextlib.suppress(FileNotFoundError):
            # Opening a device can already do something; what slips in after this look is
            # refused below.
            there = os.stat(place.name, dir_fd=place.folder_fd, follow_symlinks=False)
            _refuse_special(path, there)
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(place.name, flags & ~os.O_TRUNC, mode, dir_fd=place.folder_fd)
        try:
            _refuse_special(path, os.fstat(fd))
            if flags & os.O_TRUNC:
                os.ftruncate(fd, 0)
        except BaseException:
            os.close(fd)
            raise
        return fd


def digest(data: bytes) -> str:
    """A hash that tells contents apart."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _refuse_special(path: str, status: os.stat_result) -> None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise PathRefused(path, "it is a device, pipe or socket")


def _exists(name: str, folder_fd: int) -> bool:
    try:
        os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def open_folder(place: Place) -> Iterator[int]:
    """The place's folder, open for changing names; those that are missing are made."""
    fd = os.open(".", _FOLDER, dir_fd=place.folder_fd)
    try:
        for name in place.missing:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=fd)
            inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=fd)
            os.close(fd)
            fd = inner
        yield fd
    finally:
        os.close(fd)


@dataclass(frozen=True, slots=True)
class Inside:
    """The path stays inside."""

    path: str
    """Relative to the root, links resolved; `.` for the root itself."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The path leads outside, or cannot be told to stay inside."""

    reason: str


def resolve_inside(root: Path, path: str) -> Inside | Outside:
    """Where `path` leads, for rules and messages.

    Only a verdict about now: to open the file, use `Workspace.open`, which cannot be raced.
    """
    try:
        return Inside(Workspace(root=root, protected=()).locate(path))
    except PathRefused as exc:
        return Outside(exc.reason)
    except OSError as exc:
        return Outside((exc.strerror or str(exc)).lower())
