"""What a confinement becomes: refusals, places, profiles, launches."""

import json
import os
import socket
import sys
from pathlib import Path

import anyio
import pytest

from m31a_tools import (
    Confined,
    Confinement,
    ConfinementRefused,
    Confines,
    Inherited,
    Launch,
    Mount,
    Sandbox,
    SandboxKind,
    SandboxMissing,
    run_process,
)
from m31a_tools.inherited import opened
from m31a_tools.sandbox.confinement import settle
from m31a_tools.sandbox.landlock import Right
from m31a_tools.sandbox.seatbelt import seatbelt_launch
from m31a_tools.sandbox.secret_places import hiding

BWRAP = Sandbox(kind=SandboxKind.BUBBLEWRAP, program="/usr/bin/bwrap")


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

    launch = landlock.launch(
        ["true"], cwd=tmp_path, env={}, confinement=Confinement(writable=(tmp_path,))
    )
    order = launch.argv[-1]
    assert isinstance(order, Inherited)
    told = json.loads(order.data)

    assert (told["handled"], told["handled_network"], told["scoped"]) == (handled, network, scoped)
    assert all(right & ~handled == 0 for _, right in told["rules"])
    devices = Right.MAKE_CHAR | Right.MAKE_BLOCK
    assert [place for place, right in told["rules"] if right & devices] == []


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


def test_a_path_is_told_as_it_is_seen_inside(tmp_path: Path) -> None:
    confinement = Confinement(mounts=(Mount(tmp_path / "bay", Path("/project"), True),))
    confined = Confined(BWRAP, confinement)

    assert confined.seen_at(tmp_path / "bay" / "sub") == Path("/project/sub")
    assert confined.seen_at(tmp_path / "other") == tmp_path / "other"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_socket_file_in_a_readable_folder_is_reached_as_the_readme_says(
    bubblewrap: Sandbox, tmp_path: Path
) -> None:
    """A limit that is known: neither mounts nor filters can tell such a socket from others."""
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(tmp_path / "service"))
        service.listen()
        code = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        folders = {os.path.realpath(each) for each in (sys.prefix, sys.base_prefix)}
        mounts = tuple(Mount(Path(each), Path(each)) for each in (*folders, str(tmp_path)))
        launch = bubblewrap.launch(
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
