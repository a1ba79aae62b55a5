"""A session made again from its journal: what is rebuilt, what is taken from the record."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from journey import ProjectFolder, isolated_environment
from m31a_engine import Options, RunReport, build, load_config
from m31a_engine.desk.desk import Desk
from m31a_engine.desk.replay import Replayed
from m31a_keychain import MemoryStore
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import BROKEN, GOAL, MENDED, TEST

pytestmark = pytest.mark.anyio

NEARLY = "def add(a, b):\n    return a  +  b\n"
Body = dict[str, Any]
Steps = list[Rule | Reply | str]


@pytest.fixture
def anyio_backend() -> str:
    return "trio"  # the programs run on asyncio


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    environment = isolated_environment(tmp_path / "home")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ProjectFolder.create(
        tmp_path / "project", environment, {"sums.py": BROKEN, "test_sums.py": TEST}
    )


def bash(command: str) -> Call:
    return Call(name="Bash", arguments={"command": command})


def write(path: str, content: str) -> Call:
    return Call(name="FileWrite", arguments={"path": path, "content": content})


def edit(path: str, old: str, new: str) -> Call:
    return Call(name="Edit", arguments={"path": path, "old_string": old, "new_string": new})


MIXED: Steps = [
    Reply(tool_calls=(bash("printf 'one\\n' > NOTE.md; ls"), write("sums.py", NEARLY))),
    Reply(tool_calls=(bash("sed -i 's/  +  / + /' sums.py"),)),
    Reply(tool_calls=(edit("NOTE.md", "one", "two"), bash("printf 'end\\n' > END.md"))),
    "add() returns the sum now.",
]
"""Files that calls and commands have changed in turn."""


async def ghost(project: ProjectFolder, steps: Steps) -> RunReport:
    with ModelServer(steps, check=False) as server:
        settings = {
            "provider.default": "local",
            "provider.local.base_url": server.base_url,
            "model.default": "any",
            "permissions.mode": "allow_all",
        }
        config = load_config(project.path, project.environment, settings, trusted=True)
        engine = build(config, project.path, environ=project.environment, store=MemoryStore())
        async with engine.start(GOAL, Options(ghost=True)) as run:
            return await run.report()


async def replay(project: ProjectFolder, report: RunReport) -> Replayed:
    config = load_config(project.path, project.environment, {}, trusted=True)
    desk = Desk(config=config, project=project.path, environ=project.environment)
    return await desk.replaying.replay(report.session)


def forge(report: RunReport, change: Callable[[str, Body], Body | None]) -> None:
    """Write a session's journal anew, its records as `change` has them, None left out."""
    file = Path(report.session_path) / "journal.jsonl"
    lines: list[str] = []
    for line in file.read_text().splitlines():
        record = json.loads(line)
        body = change(record["kind"], record["body"])
        if body is None:
            continue
        text, seq = json.dumps(body), len(lines) + 1
        checksum = zlib.crc32(text.encode(), zlib.crc32(f"{seq} {record['kind']} ".encode()))
        lines.append(
            f'{{"seq":{seq},"kind":"{record["kind"]}","sum":"{checksum:08x}","body":{text}}}\n'
        )
    file.write_text("".join(lines))


async def test_commands_between_file_calls_are_taken_from_the_record(
    project: ProjectFolder,
) -> None:
    report = await ghost(project, MIXED)
    before = project.state()

    replayed = await replay(project, report)

    assert project.git("show", f"{report.commit}:sums.py") + "\n" == MENDED
    assert project.git("show", f"{report.commit}:NOTE.md") == "two"
    assert replayed.same
    (piece,) = replayed.pieces
    assert (piece.calls, len(piece.commands), piece.trouble) == (2, 3, ())
    assert piece.restored == ("NOTE.md", "sums.py", "END.md")
    assert project.state() == before


async def test_a_call_forged_between_commands_is_found_out(project: ProjectFolder) -> None:
    last = Reply(tool_calls=(edit("END.md", "end", "honest"),))
    report = await ghost(project, [*MIXED[:3], last, "Done."])

    def forged(kind: str, body: Body) -> Body:
        if kind != "reply":
            return body
        return cast(Body, json.loads(json.dumps(body).replace("honest", "forged")))

    forge(report, forged)
    replayed = await replay(project, report)

    assert (replayed.same, replayed.pieces[0].differing) == (False, ("END.md",))


async def test_a_journal_without_noted_trees_accounts_for_file_calls_alone(
    project: ProjectFolder,
) -> None:
    report = await ghost(project, MIXED)

    def older(kind: str, body: Body) -> Body | None:
        if kind == "intent" and "worked" in body["value"]:
            body["value"] = {**body["value"], "worked": "", "merged": ""}
        return None if kind == "tree" else body

    forge(report, older)
    replayed = await replay(project, report)

    assert (replayed.same, replayed.explained) == (False, True)
    (piece,) = replayed.pieces
    assert set(piece.differing) == {"NOTE.md", "END.md", "sums.py"}
    assert piece.trouble[0].startswith("Edit: ")


async def test_noted_trees_that_git_has_cleaned_away_are_said_to_be_gone(
    project: ProjectFolder,
) -> None:
    report = await ghost(project, MIXED)
    project.git("prune", "--expire=now")

    replayed = await replay(project, report)

    (piece,) = replayed.pieces
    assert any("is gone from the repository" in text for text in piece.trouble)
    assert replayed.same, "the tree at the end is the commit's own"


async def test_what_hooks_refused_and_changed_is_accounted_for(project: ProjectFolder) -> None:
    project.write(
        ".git/hooks/pre-commit",
        "#!/bin/sh\ngrep -q wrong sums.py && exit 1\nsed -i 's/  +  / + /' sums.py\n",
        executable=True,
    )
    steps: Steps = [
        Rule(phase="execute", turn=1, reply=Reply(tool_calls=(write("sums.py", "wrong = 1\n"),))),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="heal", turn=1, reply=Reply(tool_calls=(write("sums.py", NEARLY),))),
        Rule(phase="heal", reply=Reply(text="Mended.")),
    ]
    report = await ghost(project, steps)

    replayed = await replay(project, report)

    assert project.git("show", f"{report.commit}:sums.py") + "\n" == MENDED
    assert replayed.same
    (piece,) = replayed.pieces
    assert piece.key == "execute-1/task-1/heal-1"
    assert piece.restored == ("sums.py",)
