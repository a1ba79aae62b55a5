"""What a confinement becomes: refusals, places, filters, profiles, verdicts."""

import errno
import json
import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

import anyio
import msgspec
import pytest

from m31a_tools import (
    Confined,
    Confinement,
    ConfinementRefused,
    Confines,
    Inherited,
    Launch,
    Mount,
    ProcessResult,
    Sandbox,
    SandboxKind,
    SandboxMissing,
    run_process,
)
from m31a_tools.inherited import opened
from m31a_tools.sandbox.confinement import settle
from m31a_tools.sandbox.landlock import landlock_abi
from m31a_tools.sandbox.seatbelt import seatbelt_launch
from m31a_tools.sandbox.seccomp import Sockets, seccomp_filter
from m31a_tools.sandbox.secret_places import hiding
from m31a_tools.sandbox.selftest import Ground

X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOW, KILL = "allow", "kill"
BWRAP = Sandbox(kind=SandboxKind.BUBBLEWRAP, program="/usr/bin/bwrap")


def filtered(program: bytes, arch: int, number: int, *arguments: int) -> str:
    """What the kernel would answer: `allow`, `kill` or the name of the error."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *(0,) * (6 - len(arguments)))
    at = accumulator = 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("<HBBI", program, 8 * at)
        at += 1
        match code:
            case 0x20:
                accumulator = struct.unpack_from("<I", data, value)[0]
            case 0x15:
                at += if_true if accumulator == value else if_false
            case 0x35:
                at += if_true if accumulator >= value else if_false
            case 0x45:
                at += if_true if accumulator & value else if_false
            case 0x06 if value == 0x7FFF0000:
                return ALLOW
            case 0x06 if value == 0x80000000:
                return KILL
            case 0x06 if value >> 16 == 5:
                return errno.errorcode[value & 0xFFFF]
            case _:
                raise AssertionError(f"instruction {at} means nothing to the kernel")


MACHINES = pytest.mark.parametrize(("machine", "arch"), [("x86_64", X86_64), ("aarch64", AARCH64)])
# name: number on x86_64, on aarch64 (asm/unistd_64.h, asm-generic/unistd.h), arguments, answer
CALLS: dict[str, tuple[int, int, tuple[int, ...], str]] = {
    "read": (0, 63, (), ALLOW),
    "execve": (59, 221, (), ALLOW),
    "ptrace": (101, 117, (), "EPERM"),
    "process_vm_writev": (311, 271, (), "EPERM"),
    "keyctl": (250, 219, (), "EPERM"),
    "bpf": (321, 280, (), "EPERM"),
    "mount": (165, 40, (), "EPERM"),
    "pivot_root": (155, 41, (), "EPERM"),
    "setns": (308, 268, (), "EPERM"),
    "open_by_handle_at": (304, 265, (), "EPERM"),
    "userfaultfd": (323, 282, (), "EPERM"),
    "perf_event_open": (298, 241, (), "EPERM"),
    "io_uring_setup": (425, 425, (), "EPERM"),
    "finit_module": (313, 273, (), "EPERM"),
    "kexec_load": (246, 104, (), "EPERM"),
    "reboot": (169, 142, (), "EPERM"),
    "clone3": (435, 435, (), "ENOSYS"),
    "clone, a thread": (56, 220, (0x3D0F00,), ALLOW),
    "clone, a process": (56, 220, (0x1200011,), ALLOW),
    "clone, a user namespace": (56, 220, (0x10000011,), "EPERM"),
    "clone, high bits": (56, 220, (0xFFFFFFFF00000011,), ALLOW),
    "unshare, files": (272, 97, (0x400,), ALLOW),
    "unshare, a time namespace": (272, 97, (0x80,), "EPERM"),
    "unshare, a mount namespace": (272, 97, (0x20000,), "EPERM"),
    "ioctl, window size": (16, 29, (0, 0x5413), ALLOW),
    "ioctl, TIOCSTI": (16, 29, (0, 0x5412), "EPERM"),
    "ioctl, TIOCSTI in disguise": (16, 29, (0, 0xFF00000000005412), "EPERM"),
    "ioctl, TIOCLINUX": (16, 29, (0, 0x541C), "EPERM"),
    "prlimit64, own": (302, 261, (0, 7, 0x1000), ALLOW),
    "prlimit64, a look": (302, 261, (9, 7, 0), ALLOW),
    "prlimit64, another's": (302, 261, (9, 7, 0x1000), "EPERM"),
    "prlimit64, another's, far up": (302, 261, (9, 7, 0x7F0000000000), "EPERM"),
}


@MACHINES
@pytest.mark.parametrize("name", CALLS)
def test_a_filter_refuses_what_it_should_on_either_machine(
    machine: str, arch: int, name: str
) -> None:
    *numbers, arguments, answer = CALLS[name]
    program = seccomp_filter(Sockets.ALL_USUAL, machine)
    assert program is not None

    number = numbers[machine == "aarch64"]
    assert isinstance(number, int)
    assert filtered(program, arch, number, *arguments) == answer


@MACHINES
@pytest.mark.parametrize(
    ("sockets", "allowed"),
    [
        (Sockets.NONE, set()),
        (Sockets.INTERNET, {"inet", "inet6", "routes"}),
        (Sockets.ALL_USUAL, {"unix", "inet", "inet6", "routes"}),
    ],
)
def test_a_filter_lets_the_named_kinds_of_socket_through(
    machine: str, arch: int, sockets: Sockets, allowed: set[str]
) -> None:
    program = seccomp_filter(sockets, machine)
    assert program is not None
    kinds = {
        "unix": (1, 1, 0),
        "inet": (2, 1, 0),
        "inet6": (10, 2, 0),
        "routes": (16, 3, 0),
        "firewall": (16, 3, 12),
        "packet": (17, 3, 0),
        "crypto": (38, 5, 0),
        "vsock": (40, 1, 0),
    }
    number = 198 if machine == "aarch64" else 41

    through = {
        kind for kind, call in kinds.items() if filtered(program, arch, number, *call) == ALLOW
    }

    assert through == allowed


def test_code_of_another_kind_of_machine_is_ended() -> None:
    program = seccomp_filter(Sockets.ALL_USUAL, "x86_64")
    assert program is not None

    assert filtered(program, I386, 26) == KILL
    assert filtered(program, AARCH64, 101) == KILL
    assert filtered(program, X86_64, 0x40000000) == "EPERM"


def test_a_machine_without_a_table_has_no_filter() -> None:
    assert seccomp_filter(Sockets.NONE, "riscv64") is None


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    for name in (".ssh", ".cargo/bin", ".config/git", ".local/share/keyrings", ".other", "src"):
        (folder / name).mkdir(parents=True)
    for name in (".netrc", ".cargo/credentials", ".config/git/credentials", ".gitconfig"):
        (folder / name).touch()
    return folder


def hidden_below(home: Path, **options: object) -> tuple[set[str], set[str]]:
    found = hiding((home,), (), network=False)
    return tuple(  # type: ignore[return-value]
        {str(each.relative_to(home)) for each in places if each.is_relative_to(home)}
        for places in (found.hidden, found.seen)
    )


def test_dotted_names_are_hidden_unless_they_hold_a_toolchain(home: Path) -> None:
    hidden, seen = hidden_below(home)

    assert hidden == {
        *(".ssh", ".netrc", ".other", ".config", ".local", ".local/share/keyrings"),
        *(".cargo/credentials", ".config/git/credentials"),
    }
    assert seen == {".config/git"}


def test_a_link_hides_what_it_leads_to_only_where_keys_are_sure(home: Path) -> None:
    (home / "src" / "keys").mkdir()
    (home / ".gnupg").symlink_to(home / "src" / "keys")
    (home / ".dots").symlink_to(home / "src")
    (home / ".aws").symlink_to("/")

    hidden, _ = hidden_below(home)

    assert "src/keys" in hidden
    assert "src" not in hidden
    assert Path("/") not in hiding((home,), (), network=False).hidden


def test_what_names_resolve_by_is_seen_only_with_the_network(home: Path) -> None:
    offline = hiding((home,), (), network=False).seen
    online = hiding((home,), (), network=True).seen

    assert offline <= online
    assert all(str(each).startswith("/run/") for each in online - offline)


REFUSED = {
    "relative": (Confinement(writable=(Path("work"),)), "is no absolute path"),
    "NUL": (Confinement(writable=(Path("/a\0b"),)), "is no absolute path"),
    "not there": (Confinement(writable=(Path("{}/nowhere"),)), "is not there"),
    "root": (Confinement(writable=(Path("/"),)), "holds a whole home folder"),
    "home": (Confinement(writable=(Path("{}/home"),)), "holds a whole home folder"),
    "above home": (Confinement(writable=(Path("{}"),)), "holds a whole home folder"),
    "temp": (Confinement(temp=Path("{}/nowhere")), "is not there"),
    "source": (Confinement(mounts=(Mount(Path("{}/nowhere"), Path("/x")),)), "is not there"),
    "over root": (Confinement(mounts=(Mount(Path("{}/task"), Path("/")),)), "is the root folder"),
    "home through a mount": (
        Confinement(mounts=(Mount(Path("{}/home"), Path("{}/task/h"), True),)),
        "holds a whole home folder",
    ),
    "a link as .git": (Confinement(writable=(Path("{}/linked"),)), "symbolic link"),
    "a mount over a link": (
        Confinement(
            writable=(Path("{}/task"),), mounts=(Mount(Path("{}/linked"), Path("{}/task/link")),)
        ),
        "symbolic link",
    ),
    "a mount beneath a link in a mount": (
        Confinement(
            mounts=(
                Mount(Path("{}/task"), Path("{}/elsewhere"), True),
                Mount(Path("{}/linked"), Path("{}/elsewhere/link/deps")),
            )
        ),
        "symbolic link",
    ),
    "a read-only link": (
        Confinement(writable=(Path("{}/task"),), read_only=(Path("{}/task/link"),)),
        "symbolic link",
    ),
}


def placed(path: Path, folder: Path) -> Path:
    return Path(str(path).replace("{}", str(folder)))


@pytest.mark.parametrize("name", REFUSED)
def test_a_path_that_cannot_be_held_is_refused(name: str, tmp_path: Path) -> None:
    for folder in ("task", "linked", "home", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "task" / "link").symlink_to(tmp_path / "home")
    (tmp_path / "linked" / ".git").symlink_to(tmp_path / "home")
    given, reason = REFUSED[name]
    confinement = Confinement(
        writable=tuple(placed(each, tmp_path) for each in given.writable),
        mounts=tuple(
            Mount(placed(each.source, tmp_path), placed(each.at, tmp_path), each.writable)
            for each in given.mounts
        ),
        read_only=tuple(placed(each, tmp_path) for each in given.read_only),
        temp=given.temp and placed(given.temp, tmp_path),
    )

    with pytest.raises(ConfinementRefused, match=reason):
        settle(confinement, (tmp_path / "home",))


def test_what_is_given_from_within_a_git_folder_gets_no_stand_ins(tmp_path: Path) -> None:
    index = tmp_path / ".git" / "m31a"
    index.mkdir(parents=True)

    assert settle(Confinement(writable=(index,)), ()).protected == ()


def settings_of(launch: Launch) -> list[str]:
    """What bwrap is told, in order."""
    place = launch.argv.index("--args") + 1
    told = launch.argv[place]
    assert isinstance(told, Inherited)
    return told.data.decode().split("\0")[:-1]


def test_missing_protected_names_get_stand_ins_that_can_be_taken_away(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    confinement = Confinement(writable=(work,), read_only=(work / "deep" / "a" / "b",))

    launch = BWRAP.launch(["true"], cwd=work, env={}, confinement=confinement)
    stand_ins = {str(each.relative_to(work)) for each in launch.stand_ins}
    for each in launch.stand_ins:
        each.mkdir()
    (work / ".m31a" / "kept").touch()
    launch.tidy()

    assert stand_ins == {".git", ".m31a", "deep/a"}
    assert {str(each.relative_to(work)) for each in work.rglob("*")} == {
        *("deep", ".m31a", ".m31a/kept")
    }


def test_an_empty_file_that_stood_in_is_taken_away_and_a_written_one_stays(tmp_path: Path) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.touch()
    full.write_text("x")

    Launch(
        argv=(), cwd=tmp_path, env={}, watcher=False, stand_ins=(empty, full, tmp_path / "none")
    ).tidy()

    assert [each.name for each in tmp_path.iterdir()] == ["full"]


def test_nothing_of_the_commands_environment_reaches_bwrap_itself(tmp_path: Path) -> None:
    env = {
        "LD_PRELOAD": "./evil.so",
        "SSH_AUTH_SOCK": "/run/agent",
        "XDG_RUNTIME_DIR": "/run/user/0",
        "TMPDIR": "/elsewhere",
        "LANG": "C",
    }
    launch = BWRAP.launch(["true"], cwd=Path("/"), env=env, confinement=Confinement())
    told = settings_of(launch)
    given = {told[at + 1]: told[at + 2] for at, each in enumerate(told) if each == "--setenv"}

    assert (set(launch.env), launch.cwd) == ({"PATH"}, Path("/"))
    assert {name: given.get(name) for name in env} == {
        "LD_PRELOAD": "./evil.so",
        "SSH_AUTH_SOCK": None,
        "XDG_RUNTIME_DIR": None,
        "TMPDIR": "/tmp",
        "LANG": "C",
    }


def test_a_character_that_would_split_an_argument_is_refused(tmp_path: Path) -> None:
    for env in ({"A": "x\0--bind\0/\0/"}, {"A\0--share-net": ""}):
        with pytest.raises(ConfinementRefused, match="NUL"):
            BWRAP.launch(["true"], cwd=Path("/"), env=env, confinement=Confinement())


def test_a_command_cannot_start_where_it_sees_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfinementRefused, match="out of the command's sight"):
        BWRAP.launch(["true"], cwd=tmp_path, env={}, confinement=Confinement())
    BWRAP.launch(["true"], cwd=Path("/tmp"), env={}, confinement=Confinement())


def test_a_mount_needs_something_to_stand_over(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    for at, can in (
        ("/usr/m31a-none", False),
        ("/run/m31a/none", True),
        ("/tmp/none", True),
        (str(tmp_path / "work" / "none"), True),
        (f"{tmp_path}/seen/none", False),
    ):
        confinement = Confinement(
            writable=(tmp_path / "work",),
            mounts=(Mount(Path("/usr"), tmp_path / "seen"), Mount(Path("/etc"), Path(at))),
        )
        if can:
            BWRAP.launch(["true"], cwd=Path("/"), env={}, confinement=confinement)
        else:
            with pytest.raises(ConfinementRefused, match="not there to be mounted over"):
                BWRAP.launch(["true"], cwd=Path("/"), env={}, confinement=confinement)


def test_a_folder_counts_as_the_innermost_place_around_it(tmp_path: Path, home: Path) -> None:
    work = home / ".m31a" / "worktrees" / "bay"
    (work / "secret").mkdir(parents=True)
    confinement = Confinement(
        writable=(work,),
        mounts=(Mount(tmp_path, tmp_path),),
        hidden=(home / ".m31a", work / "secret"),
        homes=(home,),
    )

    told = settings_of(BWRAP.launch(["true"], cwd=work, env={}, confinement=confinement))
    order = [told.index(str(each)) for each in (tmp_path, home / ".m31a", work, work / "secret")]

    assert order == sorted(order)


def test_landlock_refuses_to_hide_within_what_it_may_change(tmp_path: Path) -> None:
    landlock = Sandbox(kind=SandboxKind.LANDLOCK, landlock_abi=7)
    secret = tmp_path / "secret"
    secret.mkdir()
    confinement = Confinement(writable=(tmp_path,), hidden=(secret,), homes=())

    with pytest.raises(ConfinementRefused, match="cannot hide it"):
        landlock.launch(["true"], cwd=tmp_path, env={}, confinement=confinement)


@pytest.mark.parametrize(
    ("abi", "handled", "network", "scoped"),
    [(3, 0x7FFF, 0, 0), (4, 0x7FFF, 3, 0), (5, 0xFFFF, 3, 0), (6, 0xFFFF, 3, 3), (9, 0xFFFF, 3, 3)],
)
def test_landlock_asks_for_no_more_than_its_version_has(
    abi: int, handled: int, network: int, scoped: int, tmp_path: Path
) -> None:
    landlock = Sandbox(kind=SandboxKind.LANDLOCK, landlock_abi=abi)

    launch = landlock.launch(["true"], cwd=tmp_path, env={}, confinement=Confinement())
    order = launch.argv[-1]
    assert isinstance(order, Inherited)
    told = json.loads(order.data)

    assert (told["handled"], told["handled_network"], told["scoped"]) == (handled, network, scoped)
    assert all(right & ~handled == 0 for _, right in told["rules"])


def test_a_profile_for_macos_allows_before_it_protects(tmp_path: Path) -> None:
    work, temp = tmp_path / 'wo"rk', tmp_path / "temp"
    work.mkdir()
    temp.mkdir()
    confinement = Confinement(writable=(work,), temp=temp, homes=())

    launch = seatbelt_launch(["true"], cwd=work, env={}, confinement=confinement)
    profile = launch.argv[2]
    assert isinstance(profile, str)
    quoted = str(work).replace('"', '\\"')
    lines = profile.splitlines()
    places = [
        lines.index("(deny file-write*)"),
        lines.index(f'(allow file-read* file-write* (subpath "{quoted}"))'),
        lines.index(f'(deny file-write* (subpath "{quoted}/.git"))'),
        lines.index("(deny network*)"),
    ]

    assert places == sorted(places)
    assert (launch.argv[0], launch.argv[3:], launch.env["TMPDIR"]) == (
        *("/usr/bin/sandbox-exec", ("--", "true"), str(temp)),
    )
    with pytest.raises(ConfinementRefused, match="no mounts"):
        seatbelt_launch(
            ["true"], cwd=work, env={}, confinement=Confinement(mounts=(Mount(work, temp),))
        )


def test_without_a_sandbox_nothing_starts_and_the_remedies_are_named(tmp_path: Path) -> None:
    none = Sandbox(kind=SandboxKind.NONE, reasons=("bubblewrap: not there",))

    with pytest.raises(SandboxMissing, match="was not run") as raised:
        none.launch(["true"], cwd=tmp_path, env={}, confinement=Confinement())

    assert (none.works, none.mounts, none.partial) == (False, False, False)
    assert raised.value.reasons == ("bubblewrap: not there",)
    assert raised.value.remedies == none.remedies
    assert "bubblewrap" in none.remedies[0]


def test_what_a_sandbox_does_not_confine_is_said() -> None:
    partial = Sandbox(
        kind=SandboxKind.LANDLOCK, confines=frozenset(Confines) - {Confines.PROCESSES}
    )
    whole = Sandbox(kind=SandboxKind.BUBBLEWRAP, confines=frozenset(Confines))

    assert (partial.partial, partial.gaps) == (
        True,
        ("see other processes and their command lines",),
    )
    assert (whole.partial, whole.gaps, whole.remedies) == (False, (), ())
    assert len(partial.remedies) == 1


@pytest.mark.parametrize(
    ("code", "output", "broke"),
    [
        (1, "bwrap: setting up uid map: Permission denied\n", True),
        (125, "m31a-sandbox: the command could not be confined\n", True),
        (1, "1 failed\nbwrap: not at the beginning", False),
        (0, "bwrap: fine\n", False),
    ],
)
def test_a_sandbox_that_broke_is_told_from_a_command_that_failed(
    code: int, output: str, broke: bool
) -> None:
    launch = Launch(argv=("true",), cwd=Path("/"), env={}, watcher=False)

    assert launch.broke(code, output) is broke


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_an_inherited_argument_is_read_whole_from_its_number(size: int) -> None:
    data = os.urandom(size)

    with opened(["program", Inherited(data), "word"]) as (arguments, descriptors):
        assert arguments == ["program", str(descriptors[0]), "word"]
        with os.fdopen(os.dup(descriptors[0]), "rb") as file:
            assert file.read() == data

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptors[0])


# Which sandbox is chosen. A false bwrap is put first on PATH.


def with_bwrap(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.defpath}")
    return program


def test_the_probe_notices_everything_where_nothing_confines_it(tmp_path: Path) -> None:
    for name in ("work", "outside", "home/.ssh", "place/other"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("outside/kept", "home/.ssh/key"):
        (tmp_path / name).touch()
    status = Path("/proc/self/stat").read_bytes()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as service,
    ):
        service.bind(str(tmp_path / "bus"))
        service.listen()
        ground = Ground(
            work=str(tmp_path / "work"),
            kept=str(tmp_path / "outside" / "kept"),
            key=str(tmp_path / "home" / ".ssh" / "key"),
            place=str(tmp_path / "place"),
            service=str(tmp_path / "bus"),
            name="none",
            port=server.getsockname()[1],
            pid=os.getpid(),
            started=status.rpartition(b")")[2].split()[19].decode(),
        )
        text = msgspec.json.encode(ground).decode()
        done = subprocess.run(
            [sys.executable, "-m", "m31a_tools.sandbox.probe", text],
            env=dict(os.environ) | {"TMPDIR": str(tmp_path)},
            capture_output=True,
            check=True,
        )
    report = json.loads(done.stdout)

    # Whether namespaces and tracing are open is for the machine to say.
    machine = {"kernel", "tracing"}
    assert {name: True for name in report if name not in machine} == {
        name: got for name, got in report.items() if name not in machine
    }
    assert {each.value for each in Confines} - set(report) == {"outliving"}


@pytest.mark.parametrize("seatbelt", [False, True])
def test_elsewhere_than_on_linux_nothing_is_taken_for_granted(
    seatbelt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    found = Sandbox.detect(seatbelt=seatbelt)

    if found.kind is not SandboxKind.NONE:
        pytest.skip("this is a Mac")
    assert found.reasons == ("darwin: no tested sandbox",)
    assert "untested" in found.remedies[0]


def test_a_mac_that_asks_for_it_gets_what_nobody_tried(tmp_path: Path) -> None:
    untried = Sandbox(kind=SandboxKind.SEATBELT)

    launch = untried.launch(["true"], cwd=tmp_path, env={}, confinement=Confinement(homes=()))

    assert launch.argv[0] == "/usr/bin/sandbox-exec"
    assert untried.partial
    assert len(untried.gaps) == len(Confines)


NO_CONFINEMENT = 'while [ "$1" != -- ]; do shift; done; shift; TMPDIR={} exec "$@"'


def test_a_bwrap_that_confines_nothing_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bwrap(tmp_path / "bin", NO_CONFINEMENT.format(tmp_path), monkeypatch)

    found = Sandbox.detect()

    assert found.kind is not SandboxKind.BUBBLEWRAP
    assert found.reasons[0].startswith("bubblewrap: in its trial a command could ")


def test_a_bwrap_that_fails_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bwrap(tmp_path / "bin", "echo 'bwrap: No permissions to make it' >&2; exit 1", monkeypatch)

    found = Sandbox.detect()

    assert found.reasons[0] == "bubblewrap: bwrap: No permissions to make it"
    assert found.kind in (SandboxKind.LANDLOCK, SandboxKind.NONE)


def tries(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_a_verdict_is_kept_until_what_it_depends_on_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, cache = tmp_path / "log", tmp_path / "deep" / "cache"
    script = f"echo tried >> {log}; exit 1"
    with_bwrap(tmp_path / "bin", script, monkeypatch)

    first = Sandbox.detect(cache)
    assert (Sandbox.detect(cache), tries(log)) == (first, 1)
    assert stat.S_IMODE((cache / "sandbox.json").stat().st_mode) == 0o600

    with_bwrap(tmp_path / "bin", f"{script} # newer", monkeypatch)
    Sandbox.detect(cache)
    assert tries(log) == 2

    kept = json.loads((cache / "sandbox.json").read_bytes())
    for spoilt in (
        b"",
        b"\xff{",
        json.dumps(kept | {"key": ["another boot"]}).encode(),
        json.dumps(kept | {"until_s": 1.0}).encode(),
        json.dumps(kept | {"until_s": 1e12}).encode(),
        json.dumps(kept | {"verdict": {"kind": "trust me"}}).encode(),
    ):
        (cache / "sandbox.json").write_bytes(spoilt)
        before = tries(log)
        assert Sandbox.detect(cache) == first
        assert tries(log) == before + 1


def test_a_verdict_that_cannot_be_kept_is_given_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bwrap(tmp_path / "bin", "exit 1", monkeypatch)
    (tmp_path / "file").touch()

    assert Sandbox.detect(tmp_path / "file").reasons[0].startswith("bubblewrap: ")


def test_the_best_verdict_holds_for_the_whole_boot(tmp_path: Path) -> None:
    found = Sandbox.detect(tmp_path)
    if found.kind is not SandboxKind.BUBBLEWRAP:
        pytest.skip(f"bubblewrap does not work here: {found.reasons}")

    kept = json.loads((tmp_path / "sandbox.json").read_bytes())

    assert kept["until_s"] is None
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() in kept["key"]
    assert found.confines == frozenset(Confines)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_within_an_event_loop_it_is_found_all_the_same() -> None:
    assert Sandbox.detect() == Sandbox.detect()


DETECT = """
from m31a_tools import Confinement, Sandbox, SandboxMissing
from pathlib import Path
found = Sandbox.detect()
print(found.kind)
try:
    found.launch(["true"], cwd=Path("/"), env={}, confinement=Confinement())
except SandboxMissing:
    print("nothing runs")
"""


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_within_a_sandbox_no_second_one_is_pretended(tmp_path: Path) -> None:
    """Inside Landlock and seccomp the trial cannot even be held."""
    if landlock_abi() < 3:
        pytest.skip("this kernel has no Landlock")
    outer = Sandbox(kind=SandboxKind.LANDLOCK, landlock_abi=landlock_abi())
    folders = {os.path.realpath(each) for each in (sys.prefix, sys.base_prefix)}
    sources = {str(Path(each).parent) for each in (sys.modules["m31a_tools"].__path__)}
    confinement = Confinement(
        mounts=tuple(Mount(Path(each), Path(each)) for each in folders | sources), temp=tmp_path
    )
    confined = Confined(outer, confinement)
    launch = confined.launch([sys.executable, "-c", DETECT], cwd=tmp_path, env={"PATH": os.defpath})

    with anyio.fail_after(30):
        result = await run_process(
            launch.argv, cwd=launch.cwd, env=launch.env, timeout_s=20, watcher=launch.watcher
        )

    assert isinstance(result, ProcessResult)
    assert result.output == "none\nnothing runs\n"


def test_a_path_is_told_as_it_is_seen_inside(tmp_path: Path) -> None:
    confinement = Confinement(mounts=(Mount(tmp_path / "bay", Path("/project"), True),))
    confined = Confined(BWRAP, confinement)

    assert confined.seen_at(tmp_path / "bay" / "sub") == Path("/project/sub")
    assert confined.seen_at(tmp_path / "other") == tmp_path / "other"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_socket_file_in_a_readable_folder_is_reached_as_the_readme_says(
    tmp_path: Path,
) -> None:
    """A limit that is known: neither mounts nor filters can tell such a socket from others."""
    found = Sandbox.detect()
    if found.kind is not SandboxKind.BUBBLEWRAP:
        pytest.skip(f"bubblewrap does not work here: {found.reasons}")
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(tmp_path / "service"))
        service.listen()
        code = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        folders = {os.path.realpath(each) for each in (sys.prefix, sys.base_prefix)}
        mounts = tuple(Mount(Path(each), Path(each)) for each in (*folders, str(tmp_path)))
        launch = found.launch(
            [sys.executable, "-I", "-S", "-c", code, str(tmp_path / "service")],
            cwd=tmp_path,
            env={"PATH": os.defpath},
            confinement=Confinement(mounts=mounts),
        )
        with anyio.fail_after(30):
            result = await run_process(
                launch.argv, cwd=launch.cwd, env=launch.env, timeout_s=20, watcher=launch.watcher
            )

    assert (result.exit_code, result.output) == (0, "")
