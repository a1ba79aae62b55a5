"""What is kept below M31A_HOME: past goals, standing answers, the user's own configuration."""

import os
import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine import Config, ConfigError, load_config
from m31a_engine.desk.history import MOST_GOALS, History
from m31a_engine.desk.kept import Kept
from m31a_engine.desk.permissions import Permissions, PermissionsFile
from m31a_engine.desk.settings import Settings
from m31a_tools import Action, Rule

pytestmark = pytest.mark.anyio


def test_goals_are_remembered_once_the_newest_first(tmp_path: Path) -> None:
    history = History(tmp_path / "home" / "history.json")
    here, there = tmp_path / "here", tmp_path / "there"

    for goal, project in [("one", here), ("two", here), ("one", here), ("three", there)]:
        history.add(goal, project)

    assert [(past.goal, past.times) for past in history.goals(here)] == [("one", 2), ("two", 1)]
    assert [past.goal for past in history.goals()] == ["three", "one", "two"]
    assert [past.goal for past in history.goals(limit=1)] == ["three"]
    assert stat.S_IMODE(history.file.stat().st_mode) == 0o600
    history.clear()
    assert history.goals() == ()


def test_a_history_is_bounded_and_holds_no_secret_and_no_document(tmp_path: Path) -> None:
    history = History(tmp_path / "history.json")
    for number in range(MOST_GOALS + 5):
        history.add(f"goal {number}", tmp_path)

    history.add(" ", tmp_path)
    history.add("x" * 5000, tmp_path)
    key = "ghp_" + "k3Jd8sLq0ZpXv7Tb2NwYc5RfMh1GaUe4Xy9Q"
    history.add(f"use {key} to push", tmp_path)

    goals = [past.goal for past in history.goals()]
    assert len(goals) == MOST_GOALS
    assert goals[0].startswith("use ")
    assert key not in history.file.read_text()
    assert goals[1] == f"goal {MOST_GOALS + 4}"


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"version": 1, "goals": [{"goal": 1}]}', "[" * 9999]
)
def test_a_file_that_cannot_be_understood_is_named_and_left_alone(
    content: str, tmp_path: Path
) -> None:
    file = tmp_path / "history.json"
    file.write_text(content)

    with pytest.raises(ConfigError, match=r"history\.json: cannot be understood"):
        History(file).add("goal", tmp_path)

    assert file.read_text() == content


def test_a_file_that_others_can_write_or_that_is_none_is_not_relied_on(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open.json"
    open_to_all.write_text("{}")
    open_to_all.chmod(0o666)
    os.mkfifo(tmp_path / "pipe.json")

    with pytest.raises(ConfigError, match="can be written by others"):
        Kept(open_to_all, PermissionsFile()).read()
    with pytest.raises(ConfigError, match="is not a regular file"):
        Kept(tmp_path / "pipe.json", PermissionsFile()).read()


def config(tmp_path: Path, **overrides: object) -> Config:
    environ = {"M31A_HOME": str(tmp_path / "home")}
    return load_config(tmp_path, environ, {"permissions.mode": "ask", **overrides})


async def test_an_answer_holds_for_its_project_until_it_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "home" / "permissions.json"
    here = Permissions(config=config(tmp_path), project=tmp_path, file=file)
    elsewhere = Permissions(config=config(tmp_path), project=tmp_path / "other", file=file)
    rule = Rule(action=Action.ALLOW, tool="Bash", command="make test")

    before = await here.explain("make test")
    (kept,) = here.add([rule])
    again = here.add([rule])
    allowed, other = await here.explain("make test"), await elsewhere.explain("make test")

    assert (before.allowed, allowed.allowed, other.allowed) == (False, True, False)
    assert again == ()
    assert [(one.id, one.source) for one in await here.list()] == [(kept.id, "answered")]
    assert await elsewhere.list() == ()
    assert here.revoke(kept.id)
    assert not here.revoke(kept.id)
    here.add([rule])
    assert here.revoke_all() == 1
    assert not (await here.explain("make test")).allowed
    here.add([msgspec.structs.replace(rule, expires_at=datetime(2020, 1, 1, tzinfo=UTC))])
    assert here.standing() == ()


async def test_a_command_is_explained_as_the_mode_has_it(tmp_path: Path) -> None:
    file = tmp_path / "permissions.json"
    verdicts = {}
    for mode in ("ask", "rules", "defer", "allow_all", "deny_all"):
        mine = config(tmp_path, **{"permissions.mode": mode})
        permissions = Permissions(config=mine, project=tmp_path, file=file)
        verdicts[mode] = (await permissions.explain("rm -rf build")).explanation.judgement

    assert verdicts == {
        "ask": "ask",
        "rules": "deny",
        "defer": "defer",
        "allow_all": "allow",
        "deny_all": "deny",
    }


CONFIG = """# mine
[model]
default = "old" # why

[provider.box]
base_url = "http://127.0.0.1:1/v1"

[verify]
keep = [
  "a",
  "b",
]
"""


def at_home(tmp_path: Path, text: str = CONFIG) -> Settings:
    (tmp_path / "config.toml").write_text(text)
    return Settings(tmp_path)


@pytest.mark.parametrize(
    ("key", "text", "value", "line"),
    [
        ("model.default", "new", "new", 'default = "new"'),
        ("model.auto_arbitrage", "yes", True, "auto_arbitrage = true"),
        ("features.max_turns", "7", 7, "max_turns = 7"),
        ("features.budget_limit_usd", "0.5", 0.5, "budget_limit_usd = 0.5"),
        ("tools.offer", "WebFetch, TodoWrite", ["WebFetch", "TodoWrite"], "offer = "),
        ("provider.box.context", "4096", 4096, "context = 4096"),
        ("provider.other.base_url", "http://h/v1", "http://h/v1", "[provider.other]"),
        ("agents.plan", 'a"b\\c\x7f', None, ""),
    ],
)
def test_one_key_is_set_and_the_rest_stays(
    key: str, text: str, value: object, line: str, tmp_path: Path
) -> None:
    mine = at_home(tmp_path)
    kept = mine.set(key, text)

    after = mine.file.read_text()
    table: object = tomllib.loads(after)
    for part in key.split("."):
        assert isinstance(table, dict)
        table = table[part]
    assert table == kept
    if value is not None:
        assert kept == value
    assert line in after
    assert "# mine" in after
    assert '  "a",\n' in after


def test_a_key_is_set_in_a_home_that_is_not_there_yet(tmp_path: Path) -> None:
    mine = Settings(tmp_path / "new" / "home")

    mine.set("model.default", "m")

    assert mine.file.read_text() == '[model]\ndefault = "m"\n'
    assert stat.S_IMODE(mine.file.stat().st_mode) == 0o600
    assert mine.unset("model.default")
    assert not mine.unset("model.default")
    assert not mine.unset("model.nothing")


@pytest.mark.parametrize(
    ("text", "key", "value", "reason"),
    [
        (CONFIG, "verify.keep", "c", "cannot be changed alone"),
        ("model = { default = 'x' }\n", "model.default", "y", "cannot be changed alone"),
        ("model.default = 'x'\n", "model.default", "y", "cannot be changed alone"),
        (CONFIG, "model.defalt", "y", "did you mean 'default'"),
        (CONFIG, "features.max_turns", "many", "a whole number"),
        (CONFIG, "provider.box.api_key", "sk-1", "never taken from an argument"),
        ("[model]\ndefalt = 'x'\n", "model.default", "y", "did you mean 'default'"),
        ("[model\n", "model.default", "y", "not valid TOML"),
        (CONFIG, "provider.default", "nowhere", "there is no provider 'nowhere'"),
    ],
)
def test_what_cannot_be_set_alone_is_refused_and_nothing_is_written(
    text: str, key: str, value: str, reason: str, tmp_path: Path
) -> None:
    mine = at_home(tmp_path, text)

    with pytest.raises(ConfigError, match=reason):
        mine.set(key, value)

    assert mine.file.read_text() == text


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40).filter(lambda text: text.isprintable() or "\n" in text))
def test_any_text_that_is_set_is_the_text_that_is_read(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine = Settings(tmp_path_factory.mktemp("home"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return

    mine.set("model.default", text)
    mine.set("agents.plan", "p")

    assert tomllib.loads(mine.file.read_text(encoding="utf-8")) == {
        "model": {"default": text},
        "agents": {"plan": "p"},
    }
