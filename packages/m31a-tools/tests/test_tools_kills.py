"""A kill or a failing system call at any place of a change leaves all of it or nothing."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from m31a_tools import (
    TEMPORARY_PREFIX,
    Call,
    Mode,
    Policy,
    Toolbox,
    Workspace,
    dispatch,
    recover,
    remove_leftovers,
)
from m31a_tools.apply_patch import ApplyPatch
from m31a_tools.edit_file import Edit
from m31a_tools.testing import RecordingAsker
from m31a_tools.write_file import FileWrite

CASES = int(os.environ.get("M31A_CAMPAIGN", "20"))

Files = dict[str, tuple[int, bytes]]
"""Mode and content by path."""

PATCH = """\
*** Begin Patch
*** Update File: script.sh
-echo old
+echo new
*** Add File: fresh/er/new.txt
+new
*** Update File: folder/moved.txt
*** Move to: folder/there.txt
-before
+after
*** Delete File: gone.txt
*** End Patch"""

CALLS: dict[str, tuple[str, dict[str, object]]] = {
    "new file": ("FileWrite", {"path": "a/b/c.txt", "content": "new\n" * 5000}),
    "file replaced": ("FileWrite", {"path": "script.sh", "content": "echo whole\n" * 5000}),
    "edit": ("Edit", {"path": "script.sh", "old_string": "old", "new_string": "new"}),
    "patch": ("ApplyPatch", {"patch": PATCH}),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A system call of one of the changes."""

    change: str
    call: str
    number: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the killer tells of one case."""

    refused: str = ""
    killed: bool = False
    result: tuple[bool, str] | None = None
    """Whether the call failed, and what the model is told."""
    calls: tuple[tuple[str, int], ...] = ()


class Killer:
    """The program that makes the changes under strace."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, root: Path, change: str, inject: str = "") -> Answer:
        name, arguments = CALLS[change]
        job = {"root": str(root), "name": name, "arguments": arguments, "inject": inject}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = msgspec.json.decode(self.process.stdout.readline(), type=Answer)
        if answer.refused:
            pytest.skip(f"processes cannot be traced here: {answer.refused}")
        return answer


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    if shutil.which("strace") is None:
        pytest.skip("there is no strace to kill processes with")
    program = Path(__file__).with_name("tools_killer.py")
    # Neither coverage nor a random hash seed: every child must make the same system calls.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=kept | {"PYTHONHASHSEED": "0"},
    ) as process:
        yield Killer(process)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("before")
    (root / "folder").mkdir()
    (root / "script.sh").write_text("echo old\n# end\n")
    (root / "script.sh").chmod(0o751)
    (root / "folder" / "moved.txt").write_text("before\n")
    (root / "gone.txt").write_text("gone\n")
    (root / "other.txt").write_text("other\n")
    return root


def files(root: Path) -> Files:
    """Modes and contents, without what is temporary by its name."""
    return {
        str(path.relative_to(root)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(TEMPORARY_PREFIX)
    }


def leftovers(root: Path) -> list[str]:
    return [path.name for path in root.rglob(f"{TEMPORARY_PREFIX}*")]


def copy_of(root: Path, to: Path) -> Path:
    shutil.copytree(root, to)
    return to


def spread(places: list[Place]) -> list[Place]:
    """As many as the campaign wants, evenly, the first and the last among them."""
    count = min(CASES, len(places))
    steps = {round(number * (len(places) - 1) / max(count - 1, 1)) for number in range(count)}
    return [places[step] for step in sorted(steps)]


@dataclass(frozen=True, slots=True)
class Changes:
    """Where the changes can be cut off, and what they make."""

    places: list[Place]
    after: dict[str, Files]


@pytest.fixture(scope="module")
def changes(killer: Killer, before: Path, tmp_path_factory: pytest.TempPathFactory) -> Changes:
    """Each change made once, undisturbed."""
    places: list[Place] = []
    after: dict[str, Files] = {}
    for change in CALLS:
        root = copy_of(before, tmp_path_factory.mktemp("whole") / "root")
        answer = killer.run(root, change)
        assert answer.result is not None
        assert not answer.result[0], answer.result[1]
        assert leftovers(root) == []
        after[change] = files(root)
        assert after[change] != files(before)
        places += [Place(change, name, number) for name, number in answer.calls]
    return Changes(places, after)


def test_killed_before_any_system_call_a_change_is_whole_or_not_there(
    killer: Killer, changes: Changes, before: Path, tmp_path: Path
) -> None:
    outcomes = set()
    for number, place in enumerate(spread(changes.places)):
        root = copy_of(before, tmp_path / str(number))
        answer = killer.run(root, place.change, f"{place.call}:signal=KILL:when={place.number}")
        assert answer.killed, place
        workspace = Workspace(root=root)
        recover(workspace)
        found = files(root)
        assert found in (files(before), changes.after[place.change]), place
        outcomes.add(found == files(before))
        remove_leftovers(workspace)
        assert leftovers(root) == []
    assert outcomes == {True, False}


ERRORS = {"fsync": "EIO", "fdatasync": "EIO", "fchmod": "EPERM", "unlinkat": "EIO", "unlink": "EIO"}


def test_a_system_call_that_fails_makes_the_change_whole_or_refused(
    killer: Killer, changes: Changes, before: Path, tmp_path: Path
) -> None:
    """A full disk above all: nothing is written any more from some moment on."""
    refused = 0
    for number, place in enumerate(spread(changes.places)):
        root = copy_of(before, tmp_path / str(number))
        error = ERRORS.get(place.call, "ENOSPC")
        answer = killer.run(root, place.change, f"{place.call}:error={error}:when={place.number}")
        assert answer.result is not None, place
        is_error, told = answer.result
        found = files(root)
        assert found in (files(before), changes.after[place.change]), (place, told)
        if found == files(before):
            assert is_error, place
            refused += 1
        if not place.call.startswith("unlink"):
            assert leftovers(root) == [], place
    assert refused > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for little more than the files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small file system")
    argv = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    mounted = subprocess.run(argv, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("change", ["FileWrite", "Edit", "ApplyPatch"])
async def test_on_a_full_disk_nothing_changes_and_it_is_told(
    small_disk: Path, before: Path, change: str
) -> None:
    root = copy_of(before, small_disk / "root")
    big = "x" * 100_000
    added = "*** Begin Patch\n*** Update File: script.sh\n-echo old\n+echo new\n"
    arguments: dict[str, dict[str, object]] = {
        "FileWrite": {"path": "script.sh", "content": big},
        "Edit": {"path": "script.sh", "old_string": "old", "new_string": big},
        "ApplyPatch": {"patch": f"{added}*** Add File: big.txt\n+{big}\n*** End Patch"},
    }
    result = await dispatch(
        Call(id="1", name=change, arguments=json.dumps(arguments[change])),
        toolbox=Toolbox((FileWrite(), Edit(), ApplyPatch())),
        policy=Policy(mode=Mode.ALLOW_ALL),
        asker=RecordingAsker(),
        workspace=Workspace(root=root),
    )
    assert result.is_error
    assert "No space left on device" in result.for_model
    assert files(root) == files(before)
    assert leftovers(root) == []
