"""Keep uv.lock free of download addresses.

python3 tools/lock.py update [uv lock options]   resolve anew, keep the pins that still fit
python3 tools/lock.py check                      fail if uv.lock names an address

The committed lock is in path form: names, versions and hashes as uv wrote them, every file named by
its file name alone below a folder `wheelhouse`. `uv export --frozen` turns it back into a list that
any index or mirror can serve, and `uv lock --check` compares it with the manifests.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dev

ROOT = dev.ROOT
LOCK = ROOT / "uv.lock"
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Unconverted(Exception):
    """An address is still in the lock after conversion; nothing was written."""


def without_addresses(text: str) -> str:
    """The lock in path form; raises Unconverted when an address remains."""
    text = re.sub(r'registry = "[^"]*"', 'registry = "wheelhouse"', text)
    # A mirror may add a query or a digest after the file's name.
    text = re.sub(r'url = "[^"]*/([^/"?#]+)[^"/]*"', r'path = "\1"', text)
    # One index gives `url`, a mirror on disk gives a longer `path`.
    text = re.sub(r'(?<=\{ )path = "[^"]*/([^/"]+)"', r'path = "\1"', text)
    text = re.sub(r', upload-time = "[^"]*"', "", text)
    if found := addresses(text):
        raise Unconverted(f"line {found[0]} still holds an address after conversion")
    return text


def addresses(text: str) -> list[int]:
    """The numbers of the lines that name an address."""
    return [n for n, line in enumerate(text.splitlines(), 1) if ADDRESS.search(line)]


def resolve(uv: str, options: list[str]) -> str:
    """What `uv lock` writes, made in a copy of the manifests so that the tree never holds it."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for manifest in [*ROOT.glob("pyproject.toml"), *ROOT.glob("*/*/pyproject.toml")]:
            needed = [manifest, *manifest.parent.glob("src/*/__about__.py")]
            needed += [manifest.parent / plain for plain in ("README.md", "LICENSE")]
            needed += manifest.parent.glob("*.py")  # what builds a wheel may need it
            for file in filter(Path.is_file, needed):
                target = copy / file.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
        if LOCK.exists():
            shutil.copy(LOCK, copy)
        env = {name: value for name, value in os.environ.items() if name != "UV_FROZEN"}
        subprocess.run([uv, "lock", "--project", str(copy), *options], check=True, env=env)
        return (copy / "uv.lock").read_text(encoding="utf-8")


def update(options: list[str]) -> int:
    """Write a new uv.lock."""
    before = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
    after = without_addresses(resolve(dev.find_uv(dev.settings()), options))
    LOCK.write_text(after, encoding="utf-8")
    print("uv.lock is as it was" if after == before else "uv.lock is new")
    return 0


def check() -> int:
    """1, naming the lines, if the lock holds an address."""
    found = addresses(LOCK.read_text(encoding="utf-8"))
    for number in found[:5]:
        print(f"uv.lock:{number}: holds an address; run tools/lock.py update", file=sys.stderr)
    return 1 if found else 0


def main(words: list[str]) -> int:
    """Update or check."""
    match words:
        case ["update", *options]:
            return update(options)
        case ["check"]:
            return check()
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except (dev.CannotRun, Unconverted) as reason:
        raise SystemExit(f"m31a: {reason}") from None
    except subprocess.CalledProcessError as failed:
        raise SystemExit(f"m31a: uv lock failed with exit code {failed.returncode}") from None
