"""The repository's scripts: what they refuse, and what they make of what they read."""

import os
import sys
import zipfile
from pathlib import Path

import pytest

import campaign
import floors
import lock
import onefile_start
import tally
import wheels
import workspace
from journey import Ended, run_program

TOOLS = workspace.ROOT / "tools"


def dev(*words: str, path: Path, environment: dict[str, str]) -> Ended:
    env = {**environment, "PATH": str(path)}
    return run_program(sys.executable, TOOLS / "dev.py", *words, cwd=path, env=env)


def program(folder: Path, name: str, says: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)


def test_a_machine_without_git_is_told_so_in_one_line(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = dev("run", "true", path=tmp_path, environment=environment).expect(1)

    assert done.stderr == "m31a: git is not installed (Debian: apt-get install git)\n"


def test_a_git_that_is_too_old_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    program(tmp_path, "git", "git version 2.37.9")

    done = dev("run", "true", path=tmp_path, environment=environment).expect(1)

    assert done.stderr == "m31a: git 2.37 is too old: 2.38 or later is needed\n"


@pytest.mark.parametrize("words", [[], ["tset"], ["run"]])
def test_words_that_ask_for_nothing_show_the_usage(
    words: list[str], tmp_path: Path, environment: dict[str, str]
) -> None:
    done = dev(*words, path=tmp_path, environment=environment).expect(2)

    assert "python3 tools/dev.py demo" in done.stdout


@pytest.mark.parametrize(
    "written",
    [
        'registry = "scheme://host/simple"',
        '{ url = "scheme://host/files/ab/name-1.0.tar.gz", hash = "sha256:00", size = 7 }',
        '{ url = "scheme://mirror/name-1.0.tar.gz#sha256=00", hash = "sha256:00", size = 7 }',
        '{ url = "scheme://mirror/get/name-1.0.tar.gz?key=1", hash = "sha256:00", size = 7 }',
        '{ path = "/mnt/mirror/name-1.0.tar.gz", hash = "sha256:00", size = 7 }',
    ],
)
def test_a_lock_keeps_file_names_and_hashes_and_no_place(written: str) -> None:
    converted = lock.without_addresses(written)

    file = '{ path = "name-1.0.tar.gz", hash = "sha256:00", size = 7 }'
    assert converted == ('registry = "wheelhouse"' if "registry" in written else file)


def test_conversion_of_the_lock_changes_nothing_that_is_converted() -> None:
    text = (workspace.ROOT / "uv.lock").read_text(encoding="utf-8")

    assert lock.without_addresses(text) == text


def test_an_address_that_is_not_understood_is_not_let_through() -> None:
    with pytest.raises(lock.Unconverted):
        lock.without_addresses('source = { git = "scheme://host/repository" }')


def test_a_floor_counts_lines_and_branches() -> None:
    summary = floors.Summary(
        covered_lines=8, num_statements=10, covered_branches=1, num_branches=10
    )

    assert floors.share([summary]) == 45.0
    assert floors.share([]) == 100.0


def test_the_tally_counts_outcomes_and_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tests.xml"
    file.write_text(
        "<testsuites><testsuite>"
        "<testcase/><testcase/><testcase><failure/></testcase><testcase><error/></testcase>"
        '<testcase><skipped message="no tmux"/></testcase>'
        "</testsuite></testsuites>"
    )

    assert tally.main(["skips", str(file)]) == 0
    assert tally.main(["total", str(file)]) == 0

    said = capsys.readouterr().out.splitlines()
    assert said == ["skipped tests: 1", "    1  no tmux", "tests: 2 passed, 2 failed, 1 skipped"]


def test_an_unknown_campaign_is_refused_and_the_known_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert campaign.main(["nonesuch"]) == 2

    said = capsys.readouterr().err
    assert all(name in said for name in campaign.CAMPAIGNS)


def test_every_campaign_has_a_hatch_script_and_tests_that_are_there() -> None:
    text = (workspace.ROOT / "pyproject.toml").read_text(encoding="utf-8")

    for name, each in campaign.CAMPAIGNS.items():
        assert f'{name} = "python tools/campaign.py {name} {{args}}"' in text
        assert all((workspace.ROOT / test.partition("::")[0]).exists() for test in each.tests)


def test_what_one_distribution_brings_follows_from_the_table() -> None:
    others = workspace.by_name()

    alone = wheels.expected("m31a-taskrunner", others)

    assert alone == {"m31a-taskrunner", "anyio", "idna", "typing-extensions"}
    assert wheels.expected("m31a-autodream", others) == {"m31a-autodream"}


def test_one_file_unpacks_once_and_into_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("digest", "text")

        first = onefile_start.unpacked(archive, {"a/b.py": "digest"}, "name")
        (first / "mark").touch()
        second = onefile_start.unpacked(archive, {"a/b.py": "digest"}, "name")

    assert first == second == tmp_path / "m31a-onefile" / "name"
    assert (first / "a" / "b.py").read_text() == "text"
    assert (second / "mark").exists()
    assert first.stat().st_mode & 0o777 == 0o700
    assert os.listdir(first.parent) == ["name"]  # noqa: PTH208 - hidden leavings count as well


def test_one_file_does_not_trust_a_folder_that_others_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    planted = tmp_path / "cache" / "m31a-onefile"
    planted.mkdir(parents=True)
    planted.chmod(0o777)
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("digest", "text")

        folder = onefile_start.unpacked(archive, {"b.py": "digest"}, "name")

    assert folder.is_relative_to(tmp_path / "temp")
