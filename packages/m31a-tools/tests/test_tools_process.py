"""Commands end when they should and leave nothing behind."""

import contextlib
import os
import signal
import sys
import tracemalloc
from pathlib import Path

import anyio
import pytest

from m31a_tools import CommandNotStarted, ProcessResult, child_environment, run_process
from m31a_tools.process import stream_process
from m31a_tools.process_tree import came_after

pytestmark = pytest.mark.anyio

ONE_LOOP = pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
"""For what depends on the system, not on the event loop."""


async def sh(command: str, cwd: Path, **options: object) -> ProcessResult:
    settings: dict[str, object] = {"timeout_s": 10.0, "grace_s": 0.1} | options
    with anyio.fail_after(15):
        return await run_process(["bash", "-c", command], cwd=cwd, **settings)  # type: ignore[arg-type]


async def test_output_and_errors_come_in_order_with_the_exit_code(tmp_path: Path) -> None:
    result = await sh("echo one; echo two >&2; echo three; exit 3", tmp_path)
    assert (result.exit_code, result.output) == (3, "one\ntwo\nthree\n")
    assert (result.timed_out, result.truncated, result.stopped) == (False, False, 0)
    assert result.total_bytes == 14


async def test_a_signal_counts_as_shells_count_it(tmp_path: Path) -> None:
    assert (await sh("kill -TERM $$", tmp_path)).exit_code == 128 + signal.SIGTERM


async def test_standard_input_is_empty_or_what_was_given(tmp_path: Path) -> None:
    assert (await sh("cat; read x; echo $?", tmp_path)).output == "1\n"
    assert (await sh("cat", tmp_path, stdin=b"x" * 300_000)).total_bytes == 300_000
    assert (await sh("true", tmp_path, stdin=b"unread" * 100_000)).exit_code == 0


async def test_there_is_no_terminal_to_read(tmp_path: Path) -> None:
    result = await sh("tty; read x < /dev/tty", tmp_path)
    assert "not a tty" in result.output
    assert "/dev/tty" in result.output


async def test_a_program_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(CommandNotStarted, match="'no-such-program' could not be started"):
        await run_process(["no-such-program"], cwd=tmp_path, timeout_s=5)
    with pytest.raises(CommandNotStarted, match="No such file"):
        await run_process(["true"], cwd=tmp_path / "nowhere", timeout_s=5)
    with pytest.raises(CommandNotStarted, match="null byte"):
        await run_process(["true", "a\0b"], cwd=tmp_path, timeout_s=5)


# Each shape of a process that would like to stay; {token} is a length of sleep.
SHAPES = {
    "background child": "sleep {token} &",
    "background child that holds the pipe": "sleep {token} & echo started",
    "disowned": "sleep {token} & disown",
    "nohup": "nohup sleep {token} >/dev/null 2>&1 &",
    "own session": "setsid sleep {token} &",
    "own session, no pipe": "setsid sleep {token} >/dev/null 2>&1 </dev/null &",
    "own session, no environment": "setsid env -i sleep {token} &",
    "double fork": "(setsid sh -c 'sleep {token} & exec sleep {token}' &) ",
    "ignores signals": "(trap '' INT TERM HUP; sleep {token}) &",
    "stopped child": "sleep {token} & kill -STOP $!",
    "child that writes": "(while :; do echo {token} || exit; sleep 0.01; done) & sleep 0.05",
    "grandchild": "sh -c 'sh -c \"sleep {token} & wait\" &'",
    "ten children": "for i in 1 2 3 4 5 6 7 8 9 10; do sleep {token} & done",
    "coprocess": "coproc sleep {token}",
    "process substitution": "cat < <(echo x) > >(sleep {token})",
    "pipeline in the background": "sleep {token} | sleep {token} &",
    "daemon": "(setsid sh -c '(sleep {token} &)' </dev/null >/dev/null 2>&1 &)",
    "daemon that ignores signals": "(setsid sh -c 'trap \"\" INT TERM HUP; sleep {token}; exit' &)",
}


@ONE_LOOP
@pytest.mark.parametrize("shape", SHAPES)
async def test_nothing_is_left_when_the_command_itself_ends(
    shape: str, tmp_path: Path, token: str
) -> None:
    result = await sh(SHAPES[shape].format(token=token), tmp_path)
    assert result.exit_code == 0
    assert not result.timed_out
    assert result.stopped > 0


LONG = {
    "foreground": "sleep {token}",
    "ignores the interrupt": "trap '' INT; sleep {token}; sleep {token}",
    "stopped": "kill -STOP $$; sleep {token}",
    "own session in the foreground": "setsid -w sleep {token}",
    "escapes when interrupted": "trap 'setsid sleep {token} & exit' INT; sleep {token} & wait",
    "loop": "while :; do :; done; echo {token}",
    "reads": "cat <> <(sleep {token})",
    "traps everything": "trap '' INT TERM HUP QUIT; while :; do sleep {token}; done",
    "floods": "yes {token}",
    "reads the terminal": "cat </dev/tty; cat <&0; sleep {token}",
    "daemon and more": "(setsid sh -c '(sleep {token} &)' >/dev/null 2>&1 &); sleep {token}",
}


@ONE_LOOP
@pytest.mark.parametrize("shape", LONG)
async def test_nothing_is_left_when_the_time_is_over(
    shape: str, tmp_path: Path, token: str
) -> None:
    result = await sh(LONG[shape].format(token=token), tmp_path, timeout_s=0.15)
    assert result.timed_out


@pytest.mark.parametrize("shape", ["foreground", "ignores the interrupt", "stopped"])
async def test_nothing_is_left_when_the_caller_is_cancelled(
    shape: str, tmp_path: Path, token: str
) -> None:
    with anyio.move_on_after(0.2) as scope:
        await sh(LONG[shape].format(token=token), tmp_path, timeout_s=60)
    assert scope.cancelled_caught


@ONE_LOOP
async def test_what_is_printed_on_the_interrupt_is_kept(tmp_path: Path) -> None:
    command = "trap 'echo cleaned up; exit 7' INT; echo begun; sleep 60 & wait"
    result = await sh(command, tmp_path, timeout_s=0.3)
    assert (result.output, result.exit_code) == ("begun\ncleaned up\n", 7)


@ONE_LOOP
async def test_a_fork_storm_ends_with_its_time(tmp_path: Path, token: str) -> None:
    # Bounded: two hundred at a time.
    command = f"for i in $(seq 200); do (setsid sleep {token} &) ; done; sleep {token}"
    result = await sh(command, tmp_path, timeout_s=0.5)
    assert result.timed_out
    assert result.stopped > 0


FORKS = """
import os, resource, sys, time
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
limit = 200 + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
refused = 0
for _ in range(10_000):
    try:
        child = os.fork()
    except BlockingIOError:
        refused += 1
        continue
    if child == 0:
        os.setsid()
        time.sleep(3600)
print("refused", refused, flush=True)
"""
"""Forks as a normal user who may have some 200 processes more than there are."""


def threads_of(user: int) -> int:
    """How many there are: a limit on processes counts them all."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            threads = len(list((folder / "task").iterdir()))
            count += threads if folder.stat().st_uid == user else 0
    return count


@ONE_LOOP
async def test_ten_thousand_forks_leave_no_process(tmp_path: Path, token: str) -> None:
    others = 0 if os.geteuid() == 0 else threads_of(os.geteuid())
    argv = [sys.executable, "-c", FORKS, token, str(others)]
    with anyio.fail_after(30):
        result = await run_process(argv, cwd="/", timeout_s=25)
    assert result.exit_code == 0
    assert result.output.startswith("refused 9")
    assert result.stopped > 50


async def test_long_output_keeps_both_ends_and_goes_to_disk_as_a_whole(tmp_path: Path) -> None:
    spill = tmp_path / "all.txt"
    result = await sh("seq 100000", tmp_path, output_chars=1000, spill=spill)
    assert result.truncated
    assert result.output.startswith("1\n2\n3\n")
    assert result.output.endswith("\n99999\n100000\n")
    assert f"cut; all of it: {spill}" in result.output
    assert len(result.output) < 1000 + len(str(spill)) + 100
    assert spill.read_text() == "".join(f"{i}\n" for i in range(1, 100001))
    assert spill.stat().st_mode & 0o777 == 0o600


@ONE_LOOP
async def test_a_flood_needs_no_memory(tmp_path: Path) -> None:
    program = [
        sys.executable,
        "-c",
        "import os\nb = b'x' * (1 << 20)\nfor _ in range(1024): os.write(1, b)",
    ]
    tracemalloc.start()
    try:
        result = await run_process(program, cwd=tmp_path, timeout_s=30)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.total_bytes == 1 << 30
    assert len(result.output) < 51_000
    assert peak_bytes < 8 << 20


async def test_a_spill_that_cannot_be_written_costs_only_the_copy(tmp_path: Path) -> None:
    for spill in (tmp_path / "no" / "folder", Path("/dev/full")):
        result = await sh("seq 10000; exit 4", tmp_path, output_chars=100, spill=spill)
        assert (result.exit_code, result.truncated) == (4, True)


async def test_any_bytes_survive_as_text(tmp_path: Path) -> None:
    result = await sh(r"printf 'a\377\000b\303\n\303\244'", tmp_path)
    assert result.output == "a\ufffd\0b\ufffd\nä"


async def test_output_is_reported_as_it_comes(tmp_path: Path) -> None:
    go_on = tmp_path / "go"
    pieces: list[str] = []

    async def hear(text: str) -> None:
        pieces.append(text)
        if "first" in text:
            go_on.touch()

    # The command waits until its first line was heard.
    command = r"printf 'first \303'; while [ ! -e go ]; do sleep 0.01; done; printf '\244 second'"
    result = await sh(command, tmp_path, on_output=hear)
    assert result.output == "".join(pieces) == "first ä second"
    assert len(pieces) > 1


async def test_what_a_listener_raises_comes_out_as_it_is(tmp_path: Path, token: str) -> None:
    async def fail(text: str) -> None:
        raise ValueError(text)

    with pytest.raises(ValueError, match="hello"):
        await sh(f"echo hello; sleep {token}", tmp_path, on_output=fail)


async def test_a_taker_that_has_enough_ends_the_command(tmp_path: Path) -> None:
    taken: list[bytes] = []

    async def take(data: bytes) -> bool:
        taken.append(data)
        return len(taken) < 2

    with anyio.fail_after(10):
        ended = await stream_process(["yes"], cwd=tmp_path, timeout_s=60, take=take)
    assert ended.exit_code == 128 + signal.SIGKILL
    assert len(taken) == 2


@ONE_LOOP
async def test_without_process_descriptors_it_works_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert (await sh("echo hello; exit 5", tmp_path)).exit_code == 5
    assert (await sh("sleep 60", tmp_path, timeout_s=0.2)).timed_out


@ONE_LOOP
async def test_a_command_in_a_command_is_found_by_the_outer_one(
    tmp_path: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import anyio, m31a_tools\n"
        f"argv = ['bash', '-c', 'setsid sleep {token} >/dev/null 2>&1 </dev/null & sleep 60']\n"
        "anyio.run(lambda: m31a_tools.run_process(argv, cwd='/', timeout_s=60))\n"
    )
    with anyio.fail_after(20):
        result = await run_process(
            [sys.executable, "-c", program], cwd=tmp_path, timeout_s=0.8, grace_s=0
        )
    assert result.timed_out


async def test_many_commands_leave_no_descriptor(tmp_path: Path) -> None:
    await sh("true", tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        await sh("echo x | cat", tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_secrets_and_what_steers_git_and_bash_are_not_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "hush-1")
    monkeypatch.setenv("M31A_HOME", "hush-2")
    monkeypatch.setenv("GIT_DIR", "hush-3")
    result = await sh("env", tmp_path)
    assert "hush" not in result.output
    assert "GIT_TERMINAL_PROMPT=0" in result.output


SECRETS = {
    "OPENAI_API_KEY": "x",
    "openrouter_api_key": "x",
    "GITHUB_TOKEN": "x",
    "NPM_TOKEN": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SESSION_TOKEN": "x",
    "DB_PASSWORD": "x",
    "PGPASSWORD": "x",
    "MYSQL_PWD": "x",
    "SMTP_PASS": "x",
    "GH_PAT": "x",
    "GPG_PASSPHRASE": "x",
    "GOOGLE_APPLICATION_CREDENTIALS": "x",
    "SSH_AUTH_SOCK": "x",
    "SESSION_COOKIE": "x",
    "DBUS_SESSION_BUS_ADDRESS": "x",
    "DATABASE_URL": "postgres://user:pw@host/db",
    "PIP_INDEX_URL": "https://me:tok@example.org/simple",
    "REDIS_URL": "redis://:pw@host",
    "M31A_MODEL": "x",
    "GIT_DIR": "x",
    "GIT_WORK_TREE": "x",
    "GIT_INDEX_FILE": "x",
    "GIT_CONFIG_COUNT": "1",
    "GIT_SSH_COMMAND": "x",
    "BASH_ENV": "x",
    "ENV": "x",
    "BASH_FUNC_ls%%": "() { :; }",
    "PROMPT_COMMAND": "x",
    "SHELLOPTS": "x",
    "COVERAGE_PROCESS_CONFIG": "x",
}


def test_environment_of_commands() -> None:
    kept = {
        "PATH": "/bin",
        "HOME": "/h",
        "LANG": "C",
        "VIRTUAL_ENV": "/v",
        "PWD": "/p",
        "HTTP_PROXY": "http://proxy:3128",
        "JAVA_HOME": "/j",
        "CI": "true",
    }
    made = child_environment(SECRETS | kept)
    assert kept.items() <= made.items()
    assert not [name for name in SECRETS if name in made]
    assert (made["TERM"], made["PAGER"], made["GIT_ASKPASS"]) == ("dumb", "cat", "")


@pytest.mark.parametrize(
    ("leader", "newest", "after"),
    [
        (100, 103, {101, 103}),
        (103, 103, set()),
        (30_000, 101, {1, 99, 101, 30_001, 32_000}),  # the numbers went round meanwhile
    ],
)
def test_only_numbers_given_out_after_a_commands_own_are_looked_at(
    leader: int, newest: int, after: set[int]
) -> None:
    numbers = (1, 99, 101, 103, 104, 29_999, 30_001, 32_000)

    assert {pid for pid in numbers if came_after(pid, leader, newest)} == after
