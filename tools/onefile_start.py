"""The start of the one-file M31A: unpack once into the user's cache, run the program from there.

This file becomes `__main__.py` of the archive that tools/onefile.py builds. It is plain Python that
an older one can parse as well, so that it gets as far as saying what is needed.
"""

import json
import os
import shutil
import stat
import sys
import tempfile
import zipfile
from pathlib import Path

INDEX = "index.json"


def refuse(sentence: str) -> None:
    """End with one sentence and the exit code of a usage error."""
    sys.stderr.write(f"m31a: {sentence}\n")
    sys.exit(2)


def is_ours_alone(folder: Path) -> bool:
    """Whether a folder is a real one of this user that nobody else can write to."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and own and not found.st_mode & 0o022


def places() -> "list[Path]":
    """Folders that may keep the unpacked program, the best first."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118 - no home is no error here
    user = os.getuid() if hasattr(os, "getuid") else 0
    return [Path(home) / "m31a-onefile", Path(tempfile.gettempdir()) / f"m31a-onefile-{user}"]


def unpacked(archive: zipfile.ZipFile, files: "dict[str, str]", name: str) -> Path:
    """The folder that holds these files, made whole or not at all; refuses when none can be had."""
    for place in places():
        if not place.is_absolute():
            continue
        folder = place / name
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_ours_alone(place):
                continue
            if is_ours_alone(folder):
                return folder
            part = Path(tempfile.mkdtemp(prefix=".part-", dir=str(place)))
        except OSError:
            continue
        try:
            for path, digest in files.items():
                target = part / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(digest))
            part.rename(folder)
        except OSError:
            if not is_ours_alone(folder):  # else another start was quicker
                continue
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return folder
    raise SystemExit(
        "m31a: no folder to unpack into; set XDG_CACHE_HOME or TMPDIR to one of your own"
    )


def main() -> None:
    """Put the unpacked program first on the path and run it."""
    with zipfile.ZipFile(os.path.dirname(os.path.abspath(__file__))) as archive:  # noqa: PTH100, PTH120 - a path inside the archive
        index = json.loads(archive.read(INDEX).decode("utf-8"))
        python = "{}.{}".format(*sys.version_info[:2])
        files = index["pythons"].get(python)
        if files is None:
            known = ", ".join(index["pythons"])
            refuse(f"this file is for Python {known}; {sys.executable} is {python}")
        system = f"{sys.platform} {os.uname().machine}" if hasattr(os, "uname") else sys.platform
        if system != index["system"]:
            refuse(f"this file is for {index['system']}; this machine is {system}")
        folder = unpacked(archive, files, f"{index['digest'][:16]}-{python}")
    sys.path.insert(0, str(folder))
    # Not into PYTHONPATH: the checks of the user's project must not see what lies in there.
    from m31a.cli import main as program

    sys.exit(program())


if __name__ == "__main__":
    main()
