"""Random commands, run by a real bash with harmless programs: nothing runs that was not seen."""

import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from m31a_tools import run_process
from m31a_tools.shell.judge import read_command

CASES = int(os.environ.get("M31A_CAMPAIGN", "0")) or 200
NAMES = ("git", "rm", "ls", "pp", "qq")
STAND_IN = '#!/bin/sh\necho "${0##*/}" >> "$LOG"\n'
PIECES = (
    *("git", "rm", "ls", "pp", "qq", "x", "y z", "-rf", " ", " ", " ", "\t", "\n", "$x", "${x}"),
    *('"', "'", "`", "$(", ")", "$((", "))", ";", "&&", "||", "|", "|&", ">", "> f", "<", ">>"),
    *("<<E\n", "<<'E'\n", "<<-E\n", "\nE\n", "\\", "\\\n", "$\\\n", "{ ", "; }", "(", "#", " # "),
    *("=", "a=", "a=1 ", "if ", "; then ", "; fi", "case x in ", "x) ", ";; esac", "[[ ", " ]]"),
    *("$'", "\\x67", "\\147", "*", "?", "!", "! ", "eval ", "sh -c ", "bash -c '", "exec "),
    *("time ", "env ", "command ", "for i in 1; do ", "; done", "~", "{a,b}", "2>&1", ">&2 "),
    *("&> f", "<(", "<<<", "$[", "]", "a[", "]=", "${x:-", "}", "@P}", "-c ", "coproc ", '$"'),
    *("export ", "+=", "x=$(", "\r", "trap ", "'ls'", " EXIT", "timeout 1 ", "xargs "),
)
SNIPPETS = (
    *("git status", "ls > f", "rm -rf x", "pp $(qq)", '"$(rm)"', "'a b'", "`qq`", "eval ls"),
    *("cat <<E\n$(rm)\nE\n", "if ls; then rm; fi", "sh -c 'rm'", "ls | qq", "x=1 pp", "\\\n"),
    *("${x:-$(rm)}", "case a in a) rm;; esac", "f() { rm; }; f", "<(rm)", "[[ -n $(rm) ]]"),
    *("$((1+$(rm)))", "'"),
)


@dataclass
class Found:
    """What a campaign came to."""

    ran: int = 0
    unseen: list[str] = field(default_factory=list)


def made(chance: random.Random) -> str:
    """A command that is often nonsense and now and then not."""
    text = "".join(
        chance.choice(PIECES if chance.random() < 0.65 else SNIPPETS)
        for _ in range(chance.randint(1, 9))
    )
    if chance.random() < 0.3:
        snippet = chance.choice(SNIPPETS)
        at = chance.randrange(len(snippet) + 1)
        text = snippet[:at] + text + snippet[at:]
    return text


def can_go_on_for_ever(command: str) -> bool:
    """Whether a function might call itself, or a loop not end."""
    return "()" in command or "while" in command or "until" in command or "&" in command


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_bash_runs_nothing_that_was_not_seen_in_a_command_that_is_clear(
    tmp_path: Path,
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    programs, log = tmp_path / "programs", tmp_path / "log"
    programs.mkdir()
    stand_in = programs / "stand-in"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    for name in NAMES:
        (programs / name).symlink_to(stand_in)
    for name in ("bash", "sh", "env", "timeout", "xargs"):
        (programs / name).symlink_to(shutil.which(name) or bash)
    environment = {"PATH": str(programs), "LOG": str(log), "HOME": str(tmp_path), "LC_ALL": "C"}
    chance = random.Random(0)
    found = Found()
    for number in range(CASES * 20):
        if found.ran >= CASES:
            break
        command = made(chance)
        reading = read_command(command)
        if reading.unclear or can_go_on_for_ever(command):
            continue
        folder = tmp_path / f"work-{number}"
        folder.mkdir()
        log.write_text("")
        with anyio.fail_after(30):
            await run_process(
                [bash, "--noprofile", "--norc", "-c", command],
                cwd=folder,
                env=environment,
                timeout_s=5,
                grace_s=0.1,
            )
        ran = set(log.read_text().split())
        found.ran += bool(ran)
        if not ran <= {Path(each.words[0].text).name for each in reading.commands}:
            found.unseen.append(command)
    assert found.unseen == []
    assert found.ran >= CASES // 2
