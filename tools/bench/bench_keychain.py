"""Prints what m31a-keychain costs: beside a bare dictionary, beside keyring, and where all fails.

    python tools/bench/bench_keychain.py

No key of the user's is asked for: the environments and buses are made here. It ends with exit
code 1 when a goal is missed.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from socket import AF_UNIX, socket

from m31a_keychain import BackendHung, Found, KeyringStore, MemoryStore, Missing, Secret, resolve

TIMES, ROUNDS = 5_000, 5
NO_BACKEND_S, HANG_S = 0.1, 2.0
FIRST_ANSWER = """
import time
began = time.perf_counter()
from m31a_keychain import default_store
found = default_store()
seconds = time.perf_counter() - began
assert not found.status().is_available
print(seconds)
"""


def best_us(action: Callable[[], object]) -> float:
    """Microseconds of one call, in the best of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(TIMES):
            action()
        best = min(best, time.perf_counter() - began)
    return best / TIMES * 1e6


def print_resolving() -> None:
    """One look-up from each place beside `environ.get`."""
    environ = {"OPENROUTER_API_KEY": "sk-or-example", **{f"OTHER{n}": "x" for n in range(60)}}
    store = MemoryStore({"openrouter": Secret("sk-or-example")})
    places = {
        "from the environment": (environ, None, Found),
        "from a keychain in memory": ({}, store, Found),
        "from nowhere": ({}, None, Missing),
    }
    bare_us = best_us(lambda: environ.get("OPENROUTER_API_KEY"))
    print(f"resolve; a bare environ.get takes {bare_us:.2f} us")
    for name, (variables, keychain, kind) in places.items():

        def ask(
            variables: dict[str, str] = variables, keychain: MemoryStore | None = keychain
        ) -> Found | Missing:
            return resolve("openrouter", environ=variables, store=keychain)

        assert isinstance(ask(), kind)
        ours_us = best_us(ask)
        print(f"  {name:28} {ours_us:7.2f} us   {ours_us / bare_us:6.0f} x")


def cpu_s(code: str, environ: dict[str, str]) -> float:
    """CPU seconds of an interpreter that runs `code`, the least of several."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = getrusage(RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], env=environ, check=True)
        after = getrusage(RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best, spent)
    return best


def print_imports(environ: dict[str, str]) -> None:
    """What the imports cost."""
    bare_s = cpu_s("pass", environ)
    print(f"import, CPU; python -c pass takes {bare_s * 1e3:.0f} ms")
    for module in ("m31a_keychain", "keyring"):
        whole_s = cpu_s(f"import {module}", environ)
        print(f"  {module:28} {whole_s * 1e3:7.0f} ms   {whole_s / bare_s:6.2f} x")


def no_backend_s(environ: dict[str, str]) -> float:
    """Seconds until a new process knows that there is no keychain, import included."""
    found = [
        subprocess.run(
            [sys.executable, "-c", FIRST_ANSWER],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(ROUNDS)
    ]
    return min(map(float, found))


def hanging_s(folder: Path) -> tuple[float, float]:
    """Seconds of the first and of the second call where a bus takes calls and never answers."""
    address = folder / "bus"
    times = []
    with socket(AF_UNIX) as bus:
        bus.bind(str(address))
        bus.listen()
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={address}"
        for _ in range(2):
            began = time.perf_counter()
            try:
                KeyringStore().get("openrouter")
            except BackendHung:
                times.append(time.perf_counter() - began)
    return times[0], times[1]


def main() -> int:
    """Print everything; 0 when every goal is met."""
    print_resolving()
    with tempfile.TemporaryDirectory(prefix="m31a-") as name:
        environ = {"PATH": name, "HOME": name}
        print_imports(environ)
        nothing_s = no_backend_s(environ)
        print(f"no keychain known in {nothing_s * 1e3:.0f} ms (goal {NO_BACKEND_S * 1e3:.0f})")
        first_s, second_s = hanging_s(Path(name))
        print(f"hanging keychain: first call {first_s:.2f} s (goal {HANG_S:.0f}), ", end="")
        print(f"second {second_s * 1e6:.0f} us")
    met = nothing_s <= NO_BACKEND_S and first_s < HANG_S + 0.5 and second_s < NO_BACKEND_S
    print("all goals met" if met else "a goal was missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
