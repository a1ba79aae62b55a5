"""What a start does not pay for: modules that are not loaded before they are needed."""

import sys
from pathlib import Path

import pytest

from journey import run_program

SLOW = {"httpx", "httpx_sse", "git", "keyring", "blessed"}

ASK = """
import sys
sys.argv = {argv!r}
try:
    {statement}
except SystemExit:
    pass
sys.stderr.write(" ".join(sorted(sys.modules)))
"""


def loaded(statement: str, argv: list[str], cwd: Path, environment: dict[str, str]) -> set[str]:
    """The modules that are loaded after a statement, in a Python that is not measured."""
    env = {k: v for k, v in environment.items() if not k.startswith("COVERAGE_")}
    code = ASK.format(argv=argv, statement=statement)
    done = run_program(sys.executable, "-c", code, cwd=cwd, env=env).expect(0)
    return set(done.stderr.split())


@pytest.mark.parametrize("app", ["m31a", "m31a_headless"])
def test_version_loads_next_to_nothing(
    app: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    statement = f"from {app}.cli import main; main()"

    got = loaded(statement, [app, "--version"], tmp_path, environment)

    assert f"{app}.cli" in got
    assert got & (SLOW | {"asyncio", "argparse", "msgspec", "anyio", "m31a_engine"}) == set()


@pytest.mark.parametrize("app", ["m31a", "m31a_headless"])
def test_help_loads_nothing_that_is_slow(
    app: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    statement = f"from {app}.cli import main; main()"

    got = loaded(statement, [app, "--help"], tmp_path, environment)

    assert f"{app}.cli" in got
    assert got & (SLOW | {"asyncio"}) == set()


@pytest.mark.parametrize(
    "module",
    ["m31a_engine", "m31a_providers", "m31a_tools", "m31a_rollback", "m31a_keychain"],
)
def test_importing_a_library_loads_nothing_that_is_slow(
    module: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    got = loaded(f"import {module}", [module], tmp_path, environment)

    assert module in got
    assert got & SLOW == set()
