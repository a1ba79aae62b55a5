import json
import os
import threading
from pathlib import Path

import pytest

from m31a_engine.config import load_config
from m31a_engine.errors import ConfigError, Refused
from m31a_engine.trust import Trust


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "project"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "home" / "trust.json")


def test_nothing_is_trusted_and_nothing_made_before_somebody_says_so(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    assert not trust.is_trusted(project)
    assert not trust.revoke(project)
    assert trust.list() == ()
    assert not (tmp_path / "home").exists()


def test_a_granted_folder_is_trusted_by_any_of_its_names_until_revoked(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    trust.grant(project)
    link = tmp_path / "link"
    link.symlink_to(project)
    assert trust.is_trusted(project)
    assert trust.is_trusted(link)
    assert trust.is_trusted(project / ".." / "project")
    assert [folder.path for folder in trust.list()] == [str(project.resolve())]
    assert trust.list()[0].at.endswith("+00:00")

    assert trust.revoke(link)
    assert not trust.is_trusted(project)


def test_a_trusted_folder_lends_nothing_to_folders_below_or_above(
    trust: Trust, project: Path
) -> None:
    (project / "below").mkdir()
    trust.grant(project)
    assert not trust.is_trusted(project / "below")
    assert not trust.is_trusted(project.parent)


@pytest.mark.parametrize("name", ["m31a.toml", "AGENTS.md", "m31a.prompts/base.md"])
@pytest.mark.parametrize("change", ["added", "changed", "removed", "pipe", "grown"])
def test_a_changed_project_file_asks_again(
    trust: Trust, project: Path, name: str, change: str
) -> None:
    file = project / name
    file.parent.mkdir(exist_ok=True)
    if change in {"changed", "removed"}:
        file.write_text("one")
    if change == "grown":
        file.write_bytes(b"x" * 2_000_000)
    trust.grant(project)
    assert trust.is_trusted(project)
    if change == "removed":
        file.unlink()
    elif change == "pipe":
        os.mkfifo(file)
    elif change == "grown":
        with file.open("ab") as stream:
            stream.write(b"y")
    else:
        file.write_text("two")
    assert not trust.is_trusted(project)
    trust.grant(project)
    assert trust.is_trusted(project)


def test_another_folder_in_the_same_place_is_not_trusted(trust: Trust, project: Path) -> None:
    trust.grant(project)
    project.rename(project.with_name("old"))
    project.mkdir()
    assert not trust.is_trusted(project)
    assert not trust.is_trusted(project.with_name("old"))


def test_what_is_no_folder_and_the_home_folder_are_never_trusted(
    trust: Trust, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(project))
    (project / "file").write_text("")
    for place in (Path("/"), project, project / "file", project / "missing"):
        with pytest.raises(Refused):
            trust.grant(place)
        assert not trust.is_trusted(place)


def test_the_file_is_private_and_a_name_that_is_no_text_is_kept(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    strange = Path(os.fsdecode(os.fsencode(project) + b"\xff"))
    strange.mkdir()
    trust.grant(strange)
    assert trust.is_trusted(strange)
    file = tmp_path / "home" / "trust.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["version"] == 1


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 2}', '{"version": 1, "folders": {"/": {"at": 1}}}', "\xff\xfe"],
)
def test_a_broken_file_is_named_and_never_written_over(
    trust: Trust, project: Path, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "home" / "trust.json"
    file.parent.mkdir()
    file.write_bytes(content.encode("latin-1"))
    file.chmod(0o600)
    for use in (trust.is_trusted, trust.grant, trust.revoke):
        with pytest.raises(ConfigError) as caught:
            use(project)
        assert caught.value.file == str(file)
    assert file.read_bytes() == content.encode("latin-1")


def test_a_file_others_can_write_and_one_that_is_no_file_are_not_relied_on(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    trust.grant(project)
    file = tmp_path / "home" / "trust.json"
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="can be written by others"):
        trust.is_trusted(project)
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match="not a regular file"):
        trust.is_trusted(project)
    file.rmdir()
    file.symlink_to(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        trust.is_trusted(project)


def test_grants_at_the_same_time_are_all_kept(trust: Trust, tmp_path: Path) -> None:
    folders = [tmp_path / f"p{number}" for number in range(8)]
    for folder in folders:
        folder.mkdir()
    threads = [threading.Thread(target=trust.grant, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(trust.list()) == len(folders)


def test_the_configuration_looks_a_folder_up(tmp_path: Path, project: Path, trust: Trust) -> None:
    (project / "m31a.toml").write_text('[model]\ndefault = "project"')
    environ = {"M31A_HOME": str(tmp_path / "home")}
    assert load_config(project, environ, {}).model.default == ""
    trust.grant(project)
    config = load_config(project, environ, {})
    assert (config.model.default, config.trusted) == ("project", True)
    (project / "m31a.toml").write_text('[model]\ndefault = "other"')
    assert not load_config(project, environ, {}).trusted
