import subprocess
import sys

import m31a_providers
from m31a_providers import Provider, Recorder, connect
from m31a_providers.fallback import FallbackProvider
from m31a_providers.recording import RecordedProvider
from m31a_providers.testing import ScriptedProvider

HEAVY = ("httpx", "httpx_sse", "httpcore", "ssl", "asyncio", "trio", "email", "http")


def test_importing_the_package_loads_neither_a_network_nor_an_event_loop() -> None:
    code = (
        "import sys, m31a_providers\n"
        "m31a_providers.Recording, m31a_providers.FallbackProvider\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_warming_up_loads_the_network() -> None:
    code = (
        "import sys, m31a_providers\n"
        "m31a_providers.warm_up(tls=False)\n"
        "print('httpx' in sys.modules, 'httpx_sse' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True True"


def test_all_names_are_there_and_sorted() -> None:
    names = m31a_providers.__all__
    assert sorted(names) == list(names)
    assert all(hasattr(m31a_providers, name) for name in names)


def conforming(
    scripted: ScriptedProvider,
    recorder: Recorder,
    recorded: RecordedProvider,
    fallback: FallbackProvider,
) -> tuple[Provider, ...]:
    """Checked by the type checker alone: each of them is a Provider."""
    return scripted, recorder, recorded, fallback, connect("zen")


def test_many_providers_have_one_face() -> None:
    assert conforming.__annotations__["return"] == tuple[Provider, ...]
