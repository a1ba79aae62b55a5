"""Build the whole of M31A as one file that a plain Python runs: dist/m31a.pyz.

python tools/onefile.py                    for every Python of PYTHONS, on this kind of machine
python tools/onefile.py 3.12 3.13          for these alone

Nothing but git has to be there beside a Python that the file was built for. Compiled parts differ
between versions, so each version has its own list of files; equal files are kept once. The first
start unpacks into the user's cache, later ones find it there.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import onefile_start
import wheels
import workspace

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OUT = wheels.DIST / "m31a.pyz"
LEFT_OUT = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock"}
"""What an installer notes down for itself; the files are not installed in that sense."""


def installed(python: str, folder: Path, held: Path) -> dict[str, Path]:
    """The files of M31A and all it needs for one Python, by their paths below site-packages."""
    target = folder / python
    install = ["uv", "pip", "install", "--quiet", "--no-config", "--only-binary", ":all:"]
    install += ["--python", sys.executable, "--python-version", python, "--target", str(target)]
    wheels.run(*install, "--constraint", held, "m31a", cwd=folder)
    shutil.rmtree(target / "bin", ignore_errors=True)
    return {
        file.relative_to(target).as_posix(): file
        for file in sorted(target.rglob("*"))
        if file.is_file() and file.name not in LEFT_OUT and "__pycache__" not in file.parts
    }


def write(pythons: tuple[str, ...], out: Path) -> None:
    """Build the archive; the same wheels give the same bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        held = wheels.constraints(folder)
        lists: dict[str, dict[str, str]] = {}
        contents: dict[str, bytes] = {}
        for python in pythons:
            lists[python] = {}
            for path, file in installed(python, folder, held).items():
                data = file.read_bytes()
                digest = hashlib.sha256(data).hexdigest()
                contents[digest] = data
                lists[python][path] = digest
    system = f"{sys.platform} {os.uname().machine}"
    digest_of_all = hashlib.sha256(json.dumps(lists, sort_keys=True).encode()).hexdigest()
    index = json.dumps({"system": system, "digest": digest_of_all, "pythons": lists})
    start = Path(onefile_start.__file__).read_bytes()
    part = out.with_suffix(".part")
    with part.open("wb") as stream:
        stream.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            entries = {"__main__.py": start, onefile_start.INDEX: index.encode()}
            for path, data in {**entries, **dict(sorted(contents.items()))}.items():
                archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
    part.chmod(0o755)
    part.rename(out)


def main(words: list[str]) -> int:
    """Build the file, and the wheels it is made of if they are not there."""
    pythons = tuple(words) or PYTHONS
    if not all(word.startswith("3.") and word[2:].isdigit() for word in pythons):
        print(__doc__)
        return 2
    if not list(wheels.DIST.glob("m31a-*.whl")):
        wheels.build()
    write(pythons, OUT)
    size = OUT.stat().st_size / 1e6
    print(f"{OUT.relative_to(workspace.ROOT)}: {size:.1f} MB, for Python {', '.join(pythons)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
