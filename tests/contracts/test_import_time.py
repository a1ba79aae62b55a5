"""What a start does not pay for: modules that are not loaded before they are needed."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from journey import ProjectFolder, run_program
from m31a_providers.testing import Call, ModelServer, Reply, Rule

SLOW = {"httpx", "httpx_sse", "git", "keyring", "blessed"}
LATER = {
    "m31a_engine.checking",
    "m31a_engine.checks.environment",
    "m31a_engine.checks.runner",
    "m31a_engine.phases.verify",
    "m31a_engine.shipping.trailers",
    "m31a_tools.editing",
    "m31a_tools.matching",
    "m31a_tools.patch_text",
    "m31a_tools.patching",
    "m31a_tools.public_networks",
    "m31a_tools.search",
    "m31a_tools.shell.reader",
    "m31a_tools.shell.syntax",
    "m31a_tools.writing",
    "tree_sitter",
    "tree_sitter_bash",
}
"""What no run needs before it has asked a model for the first time."""
FIRST_COMMAND = {
    "m31a_engine.checks.environment",
    "m31a_tools.shell.reader",
    "m31a_tools.shell.syntax",
    "tree_sitter",
    "tree_sitter_bash",
}

ASK = """
import sys
sys.argv = {argv!r}
try:
    {statement}
except SystemExit:
    pass
sys.stderr.write(" ".join(sorted(sys.modules)))
"""

WATCH = """
import json, sys
from pathlib import Path
file, *words = sys.argv[1:]
asked = []
def watch(event, _):
    if event == "socket.connect" and not asked:
        asked.extend(sorted(sys.modules))
sys.addaudithook(watch)
from m31a_headless.cli import main
code = main(words)
Path(file).write_text(json.dumps([asked, sorted(sys.modules)]))
sys.exit(code)
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


def test_a_run_loads_what_works_for_it_when_it_is_first_needed(
    tmp_path: Path, project: ProjectFolder, environment: dict[str, str]
) -> None:
    script = (
        Rule(turn=1, reply=Reply(tool_calls=(Call(name="Bash", arguments={"command": "true"}),))),
        Rule(reply=Reply(text="All is done.")),
    )
    seen = tmp_path / "seen.json"
    env = {k: v for k, v in environment.items() if not k.startswith("COVERAGE_")}
    with ModelServer(script) as server:
        words = ("run", "look around", "--mode", "direct", "--base-url", server.base_url)
        more = ("--model", "any", "--permissions", "allow_all", "--trust-project", "--quiet")
        argv = (sys.executable, "-c", WATCH, str(seen), *words, *more)
        run_program(*argv, cwd=project.path, env=env).expect(1)

    asked, ended = map(set, json.loads(seen.read_text()))
    assert all(importlib.util.find_spec(name) for name in LATER)
    assert {"m31a_engine.conversation.turn", "httpx"} <= asked
    assert asked & LATER == set()
    assert ended & LATER == FIRST_COMMAND


def test_the_search_for_cycles_leaves_out_what_was_imported_and_goes_on_for_the_rest(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    env = {k: v for k, v in environment.items() if not k.startswith("COVERAGE_")}
    code = (
        "import gc, sys; from m31a_headless.cli import main; sys.argv[1:] = ['trust', 'list'];"
        "main();"
        "print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    )

    done = run_program(sys.executable, "-c", code, cwd=tmp_path, env=env).expect(0)

    assert done.stdout.splitlines()[-1] == "True True"
