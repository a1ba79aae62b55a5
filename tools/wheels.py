"""Build every distribution and install each alone, away from the checkout.

python tools/wheels.py          build sdists and wheels into dist/, then all checks below
python tools/wheels.py build    build only

Each wheel is built from its sdist. Checked: what an installation of one wheel brings along, ours
and others', is what the tables here say; it imports; the prompts in the engine's sdist, the wheel
made from it and a wheel made from the checkout are those of the checkout; both applications run
the demo outside of it; the whole of `m31a` keeps within its limits of number and size.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.utils import canonicalize_name

import workspace

ROOT = workspace.ROOT
DIST = ROOT / "dist"
MOST_DISTRIBUTIONS = 50
MOST_MEGABYTES = 45.0

DIRECT: dict[str, frozenset[str]] = {
    "m31a-taskrunner": frozenset({"anyio"}),
    "m31a-autodream": frozenset(),
    "m31a-ledger": frozenset({"msgspec", "filelock"}),
    "m31a-keychain": frozenset({"keyring"}),
    "m31a-rollback": frozenset({"gitpython", "anyio"}),
    "m31a-providers": frozenset({"anyio", "httpx", "httpx-sse", "msgspec"}),
    "m31a-tools": frozenset({"anyio", "msgspec", "wcmatch", "tree-sitter", "tree-sitter-bash"}),
    "m31a-engine": frozenset({"anyio", "msgspec"}),
    "m31a-headless": frozenset(),
    "m31a": frozenset({"anyio", "blessed", "wcwidth", "markdown-it-py", "pygments"}),
}
"""The third parties a distribution may name itself; a new one needs a decision record."""

BRINGS: dict[str, frozenset[str]] = {
    "anyio": frozenset({"idna", "typing-extensions"}),
    "gitpython": frozenset({"gitdb"}),
    "gitdb": frozenset({"smmap"}),
    "httpx": frozenset({"anyio", "certifi", "httpcore", "idna"}),
    "httpcore": frozenset({"certifi", "h11"}),
    "wcmatch": frozenset({"bracex"}),
    "blessed": frozenset({"wcwidth", "jinxed"}),
    "markdown-it-py": frozenset({"mdurl"}),
    "keyring": frozenset(
        {"jaraco-classes", "jaraco-functools", "jaraco-context", "jeepney", "secretstorage"}
        | ({"importlib-metadata"} if sys.version_info < (3, 12) else set())
    ),
    "jaraco-classes": frozenset({"more-itertools"}),
    "jaraco-functools": frozenset({"more-itertools"}),
    "jaraco-context": frozenset({"backports-tarfile"} if sys.version_info < (3, 12) else ()),
    "importlib-metadata": frozenset({"zipp", "lazy-importer"}),
    "secretstorage": frozenset({"cryptography", "jeepney"}),
    "cryptography": frozenset({"cffi"}),
    "cffi": frozenset({"pycparser"}),
}
"""What a third party brings in its turn, on Linux."""


def expected(name: str, others: dict[str, workspace.Member]) -> frozenset[str]:
    """All that an installation of one distribution holds."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            ours = others[each].needs & others.keys() if each in others else frozenset()
            waiting += ours | DIRECT.get(each, frozenset()) | BRINGS.get(each, frozenset())
    return frozenset(found)


def run(*argv: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Standard output of a program; when it fails, what it said is shown and the script ends."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}{done.stderr}exit {done.returncode}")
    return done.stdout


def require(holds: bool, sentence: str) -> None:
    """End the script with a sentence unless something holds."""
    if not holds:
        raise SystemExit(f"m31a: {sentence}")


def build() -> None:
    """Write an sdist, and a wheel made from it, of every distribution into an empty dist/."""
    shutil.rmtree(DIST, ignore_errors=True)
    run("uv", "build", "--all-packages", "--no-build-isolation", "--quiet", "--out-dir", DIST)
    for member in workspace.members():
        stem = f"{member.module}-{member.version}"
        for file in (DIST / f"{stem}.tar.gz", DIST / f"{stem}-py3-none-any.whl"):
            require(file.is_file(), f"{file.name} was not built")


def constraints(folder: Path) -> Path:
    """A file that holds each third party at its locked version and ours at the wheel in dist/.

    A wheel is named by its path: so no registry has a say, and no cache takes it for an older one
    of the same version.
    """
    file = folder / "constraints.txt"
    export = ["uv", "export", "--frozen", "--all-packages", "--no-emit-workspace", "--no-hashes"]
    locked = run(*export, "--no-header", "--no-annotate", "--quiet")
    ours = [
        f"{member.name} @ {(DIST / f'{member.module}-{member.version}-py3-none-any.whl').as_uri()}"
        for member in workspace.members()
    ]
    file.write_text("\n".join([locked, *ours, ""]), encoding="utf-8")
    return file


def check_prompts(scratch: Path) -> None:
    """Compare the prompts in the engine's three archives with those of the checkout."""
    want = {file.name: file.read_bytes() for file in (ROOT / "prompts").glob("*.md")}
    engine = workspace.by_name()["m31a-engine"]
    stem = f"{engine.module}-{engine.version}"
    run("uv", "build", "--wheel", "--no-build-isolation", "-q", "-o", scratch, engine.folder)
    wheel = f"{stem}-py3-none-any.whl"
    for place, file in (("wheel from the sdist", DIST / wheel), ("wheel", scratch / wheel)):
        with zipfile.ZipFile(file) as archive:
            names = [n for n in archive.namelist() if n.startswith(f"{engine.module}/prompts/")]
            got = {Path(name).name: archive.read(name) for name in names}
        require(got == want, f"the engine's {place} holds other prompts than the checkout")
    with tarfile.open(DIST / f"{stem}.tar.gz") as archive:
        got = {}
        for member in archive.getmembers():
            if member.name.startswith(f"{stem}/prompts/"):
                data = archive.extractfile(member)
                got[Path(member.name).name] = data.read() if data else b""
    require(got == want, "the engine's sdist holds other prompts than the checkout")
    print(f"prompts              {len(want)} in sdist, wheel and wheel from sdist")


def check_alone(name: str, folder: Path, held: Path) -> str:
    """Install one distribution, compare what came along, import it; gives a line to print."""
    venv = folder / name
    run("uv", "venv", "--quiet", "--no-project", "--python", sys.executable, venv)
    python = venv / "bin" / "python"
    install = ["uv", "pip", "install", "--quiet", "--no-config", "--python", str(python)]
    run(*install, "--constraint", held, name, cwd=folder)
    listing = run("uv", "pip", "list", "--python", python, "--format", "freeze", cwd=folder)
    got = {canonicalize_name(line.split("==")[0]) for line in listing.splitlines()}
    others = workspace.by_name()
    want = expected(name, others)
    require(
        got == want,
        f"{name} alone brings {sorted(got - want) or 'nothing'} that the table lacks"
        f" and lacks {sorted(want - got) or 'nothing'} that it names",
    )
    run("uv", "pip", "check", "--quiet", "--python", python, cwd=folder)
    run(python, "-I", "-c", f"import {others[name].module}", cwd=folder)
    ours = len(got & others.keys())
    return f"{name:20} {ours:2} of ours, {len(got) - ours:2} of others"


def check_limits(environment: Path) -> None:
    """Hold the whole of `m31a` to its number of distributions and its size."""
    site = next(environment.glob("lib/python3*/site-packages"))
    files = [f for f in site.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    size = sum(file.stat().st_size for file in files) / 1e6
    count = len(list(site.glob("*.dist-info")))
    print(f"m31a installed       {count} distributions, {size:.1f} MB")
    require(count <= MOST_DISTRIBUTIONS, f"m31a is more than {MOST_DISTRIBUTIONS} distributions")
    require(size <= MOST_MEGABYTES, f"m31a is larger than {MOST_MEGABYTES:.0f} MB")


def check_demo(program: Path, folder: Path) -> None:
    """Run an application's demo with an empty home, outside the checkout."""
    home = folder / f"home of {program.name}"
    home.mkdir()
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    run(program, "demo", cwd=home, env=env)
    print(f"{program.name:20} demo runs outside the checkout")


def check() -> None:
    """All checks on what stands in dist/."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_prompts(folder)
        held = constraints(folder)
        with ThreadPoolExecutor(2) as both:
            names = [member.name for member in workspace.members()]
            for line in both.map(lambda each: check_alone(each, folder, held), names):
                print(line)
        check_limits(folder / "m31a")
        for app in ("m31a", "m31a-headless"):
            check_demo(folder / app / "bin" / app, folder)


def main(words: list[str]) -> int:
    """Build, and check unless only the build was asked for."""
    if words not in ([], ["build"]):
        print(__doc__)
        return 2
    build()
    if not words:
        check()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
