"""Lists of files stay one line a file, and each line says what to call the file by."""

import json
from pathlib import Path

import anyio
import pytest

from m31a_tools import (
    Call,
    FileList,
    FileRead,
    Glob,
    Grep,
    Mode,
    Policy,
    Toolbox,
    ToolResult,
    Workspace,
    dispatch,
)
from m31a_tools.sanitise import listed
from m31a_tools.testing import RecordingAsker

pytestmark = pytest.mark.anyio
TOOLBOX = Toolbox((FileRead(), FileList(), Glob(), Grep()))
# A name, and how it stands in a list.
NAMES = {
    "plain name é.py": "plain name é.py",
    "back\\slash.py": "back\\slash.py",
    "new\nline.py": '"new\\nline.py"',
    'new\n"line\\.py': '"new\\n\\"line\\\\.py"',
    '"quoted".py': '"\\"quoted\\".py"',
    "escape\x1b[2K.py": '"escape\\u001b[2K.py"',
    "tab\tstop.py": '"tab\\tstop.py"',
    "in\u200bvisible.py": '"in\\u200bvisible.py"',
    "tag\U000e0041.py": '"tag\\udb40\\udc41.py"',
}


async def call(workspace: Workspace, tool: str, **arguments: object) -> ToolResult:
    with anyio.fail_after(30):
        return await dispatch(
            Call(id="1", name=tool, arguments=json.dumps(arguments)),
            toolbox=TOOLBOX,
            policy=Policy(mode=Mode.RULES),
            asker=RecordingAsker(),
            workspace=workspace,
        )


@pytest.fixture
def odd(workspace: Workspace, root: Path) -> Workspace:
    for name in NAMES:
        (root / name).write_text(f"needle {name!a}\n")
    return workspace


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_listed_as_one_line_that_reads_back_as_the_name(name: str) -> None:
    line = listed(name)
    assert line == NAMES[name]
    assert (json.loads(line) if line.startswith('"') else line) == name


def test_a_name_without_an_encoding_is_listed_with_a_sign_for_it() -> None:
    assert listed("a\udcff.py") == "a\ufffd.py"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Glob", {"pattern": "*.py"}),
        ("Grep", {"pattern": "needle", "files_only": True}),
        ("FileList", {"path": "."}),
    ],
)
async def test_a_list_has_one_line_for_each_file(
    odd: Workspace, tool: str, arguments: dict[str, object]
) -> None:
    lines = (await call(odd, tool, **arguments)).for_model.split("\n")
    assert {line.rpartition(" (")[0] or line for line in lines} == set(NAMES.values())


async def test_a_file_is_read_by_the_name_that_a_list_gave(odd: Workspace) -> None:
    for line in (await call(odd, "Glob", pattern="*.py")).for_model.split("\n"):
        name = json.loads(line) if line.startswith('"') else line
        assert f"needle {name!a}" in (await call(odd, "FileRead", path=name)).for_model


async def test_hits_stand_below_one_line_with_the_files_name(odd: Workspace) -> None:
    lines = (await call(odd, "Grep", pattern="needle")).for_model.split("\n")
    assert set(lines[::2]) == set(NAMES.values())
    assert {line.partition(" ")[0] for line in lines[1::2]} == {"1:needle"}


async def test_where_a_link_leads_stays_on_its_line(workspace: Workspace, root: Path) -> None:
    (root / "link").symlink_to("else\nwhere")
    assert (await call(workspace, "FileList", path=".")).for_model == 'link -> "else\\nwhere"'
