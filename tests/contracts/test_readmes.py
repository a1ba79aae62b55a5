"""The examples in each README run: top to bottom, in an empty folder, with no network."""

import re
import sys
from pathlib import Path

import pytest

import workspace
from journey import run_program
from m31a_engine import load_config

READMES = [workspace.ROOT / "README.md"]
READMES += [member.folder / "README.md" for member in workspace.members()]
SETTINGS = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

ONLY_LOOPBACK = """
import sys

def only_loopback(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        assert args[1][0] in ("127.0.0.1", "::1"), f"an example connects to {args[1]}"
    if event == "socket.getaddrinfo":
        assert args[0] in (None, "localhost", "127.0.0.1", "::1"), f"an example looks up {args[0]}"

sys.addaudithook(only_loopback)
"""


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(workspace.ROOT)))
def test_examples_run(readme: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    blocks = BLOCK.findall(readme.read_text(encoding="utf-8"))
    folder = tmp_path / "empty"
    folder.mkdir()
    program = tmp_path / "example.py"
    program.write_text("\n".join([ONLY_LOOPBACK, *blocks]), encoding="utf-8")

    done = run_program(sys.executable, "-W", "error", program, cwd=folder, env=environment)

    done.expect(0)


@pytest.mark.parametrize(
    "member",
    [member for member in workspace.members() if member.folder.parent.name == "packages"],
    ids=lambda member: member.name,
)
def test_a_library_shows_an_example(member: workspace.Member) -> None:
    assert BLOCK.search((member.folder / "README.md").read_text(encoding="utf-8"))


def test_the_settings_in_the_readme_are_understood(tmp_path: Path) -> None:
    shown = SETTINGS.findall((workspace.ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(shown) == 2

    models = []
    for block in shown:
        (tmp_path / "config.toml").write_text(block, encoding="utf-8")
        models.append(load_config(None, {"M31A_HOME": str(tmp_path)}, {}).model.default)

    assert models == ["qwen3-coder", "qwen/qwen3-coder"]
