"""Git as a process: the environment, the streams, the deadline."""

import os
import stat
from pathlib import Path

import anyio
import pytest

from m31a_rollback import GitFailed, GitMissing, GitTimedOut, NotARepository
from m31a_rollback.errors import RollbackError
from m31a_rollback.git import environment, run_git

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def script(folder: Path, text: str) -> Path:
    """A stand-in for git on the PATH."""
    program = folder / "bin" / "git"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program.parent


async def test_output_and_exit_code_come_back(tmp_path: Path) -> None:
    await run_git(["init", "-q"], cwd=tmp_path)

    output = await run_git(["rev-parse", "--verify", "-q", "HEAD"], cwd=tmp_path, check=False)

    assert (output.stdout, output.exit_code) == (b"", 1)


async def test_failure_names_the_command_and_what_git_said(tmp_path: Path) -> None:
    with pytest.raises(GitFailed) as caught:
        await run_git(["no-such-verb"], cwd=tmp_path)

    assert caught.value.command == ("no-such-verb",)
    assert "no-such-verb" in caught.value.stderr
    assert caught.value.exit_code == 1
    assert isinstance(caught.value, RollbackError)


async def test_control_characters_of_git_do_not_reach_the_message(tmp_path: Path) -> None:
    with pytest.raises(GitFailed) as caught:
        await run_git(["no\x1b[2Jverb"], cwd=tmp_path)

    assert "\x1b" not in str(caught.value)


async def test_megabytes_in_and_out_do_not_block_each_other(tmp_path: Path) -> None:
    await run_git(["init", "-q"], cwd=tmp_path)
    text = os.urandom(3_000_000)
    blob = (await run_git(["hash-object", "-w", "--stdin"], cwd=tmp_path, input=text)).line()

    with anyio.fail_after(20):
        output = await run_git(
            ["cat-file", "--batch"], cwd=tmp_path, input=f"{blob}\n".encode() * 5
        )

    assert 5 * len(text) < len(output.stdout)


async def test_git_that_does_not_read_its_input_is_no_error(tmp_path: Path) -> None:
    output = await run_git(["version"], cwd=tmp_path, input=b"x" * 1_000_000)

    assert output.stdout.startswith(b"git version")


async def test_output_beyond_the_limit_is_cut_and_git_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{script(tmp_path, 'exec yes')}:{os.environ['PATH']}")

    with anyio.fail_after(20):
        output = await run_git(["log"], cwd=tmp_path, max_stdout_bytes=1000)

    assert output.cut
    assert output.stdout == b"y\n" * 500


async def test_deadline_ends_git_and_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    text = f"sleep 600 & echo $! > {pids}.new; mv {pids}.new {pids}; wait"
    monkeypatch.setenv("PATH", f"{script(tmp_path, text)}:{os.environ['PATH']}")

    with pytest.raises(GitTimedOut) as caught:
        await run_git(["log"], cwd=tmp_path, deadline_s=1.5)

    assert caught.value.deadline_s == 1.5
    await gone(int(pids.read_text()))


async def test_cancelling_ends_git_and_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "started"
    os.mkfifo(pipe)
    text = f"sleep 600 & echo $! > {pipe}; wait"
    monkeypatch.setenv("PATH", f"{script(tmp_path, text)}:{os.environ['PATH']}")

    async with anyio.create_task_group() as group:

        async def run() -> None:
            await run_git(["log"], cwd=tmp_path)

        group.start_soon(run)
        with anyio.fail_after(20):
            pid = int(await anyio.Path(pipe).read_text())
        group.cancel_scope.cancel()

    await gone(pid)


async def gone(pid: int) -> None:
    """Return when the process has ended; reaping it is the business of init."""
    with anyio.fail_after(20):
        while True:
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except FileNotFoundError:
                return
            if state == "Z":
                return
            await anyio.lowlevel.checkpoint()


async def test_missing_program_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(GitMissing):
        await run_git(["version"], cwd=tmp_path)


async def test_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(NotARepository):
        await run_git(["version"], cwd=tmp_path / "nowhere")


def test_variables_that_steer_git_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND"):
        monkeypatch.setenv(name, "evil")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "77")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ann")

    variables = environment({"GIT_WORK_TREE": "/x"}, (("a.b", "c"),))

    assert "evil" not in variables.values()
    assert variables["GIT_CONFIG_COUNT"] != "77"
    assert tuple(variables[name] for name in ("GIT_AUTHOR_NAME", "GIT_WORK_TREE", "LC_ALL")) == (
        "Ann",
        "/x",
        "C",
    )
    assert "a.b" in variables.values()


async def test_hooks_and_monitors_of_the_repository_do_not_run(tmp_path: Path) -> None:
    await run_git(["init", "-q"], cwd=tmp_path)
    mark = tmp_path / "mark"
    await run_git(["config", "core.fsmonitor", f"touch {mark}"], cwd=tmp_path)
    hook = tmp_path / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    (tmp_path / "a").write_text("a")

    await run_git(["add", "a"], cwd=tmp_path)
    await run_git(["status"], cwd=tmp_path)

    assert not mark.exists()
