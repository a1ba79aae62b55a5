import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from m31a_engine.config import Config, home_folder, load_config, shown
from m31a_engine.config_layers import SECTIONS, Source
from m31a_engine.config_project import _TABLE
from m31a_engine.config_sections import PermissionMode, PermissionRule, ProviderSettings, RuleAction
from m31a_engine.errors import ConfigError
from m31a_engine.machine import Mode


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def _load(
    home: Path,
    project: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    **environ: str,
) -> Config:
    return load_config(
        project, {"M31A_HOME": str(home), **environ}, overrides or {}, trusted=project is not None
    )


def _user(home: Path, text: str, mode: int = 0o644) -> None:
    (home / "config.toml").write_text(text)
    (home / "config.toml").chmod(mode)


def test_without_anything_the_defaults_hold_and_nothing_is_made(tmp_path: Path) -> None:
    home = tmp_path / "none" / "yet"
    config = _load(home)

    assert (config.features.max_parallel_tasks, config.features.max_heal_attempts) == (4, 2)
    assert (config.features.max_plan_retries, config.features.intent_timeout_s) == (3, 5.0)
    assert (config.provider.live_ms, config.provider.slow_ms) == (500.0, 2000.0)
    assert (config.context.trigger, config.context.warn) == (0.60, 0.80)
    assert (config.tools.glob_results, config.tools.output_chars) == (1000, 10_000)
    assert (config.tools.bash_timeout_s, config.verify.timeout_s) == (120.0, 900.0)
    assert (config.permissions.mode, config.permissions.timeout_s) == (None, 300.0)
    assert config.features.budget_limit_usd is None
    assert config.chosen_provider == "openrouter"
    assert not config.trusted
    assert set(config.sources.values()) == {Source.DEFAULT}
    assert list(tmp_path.iterdir()) == []


def test_every_section_and_key_of_the_design_is_there() -> None:
    assert {name: set(section.__struct_fields__) for name, section in SECTIONS.items()} == {
        "provider": {
            *("default", "auto_fallback", "fallback_priority"),
            *("health_timeout_s", "live_ms", "slow_ms"),
        },
        "model": {"default", "auto_arbitrage", "arbitrage_threshold"},
        "agents": {
            *("default", "initialize", "discuss", "research"),
            *("plan", "execute", "verify", "ship"),
        },
        "features": {
            *("workflow_mode", "budget_limit_usd", "intent_timeout_s", "plan_chunk_threshold"),
            *("max_parallel_tasks", "max_heal_attempts", "max_plan_retries", "trace_headers"),
            *("max_turns", "resume_on_startup"),
        },
        "permissions": {"mode", "timeout_s", "on_timeout", "rules"},
        "tools": {"offer", "bash_timeout_s", "glob_results", "output_chars"},
        "verify": {
            *("build", "test", "lint", "setup", "keep", "coverage", "coverage_min"),
            *("known_failures", "red_first", "direct_limit_s", "timeout_s"),
        },
        "git": {"ship", "hooks", "init", "kept_days"},
        "context": {"trigger", "warn"},
        "ledger": {"enabled", "keep", "share", "recall"},
        "ui": {"theme", "mouse", "inline"},
    }
    assert set(ProviderSettings.__struct_fields__) == {
        *("kind", "base_url", "api_key", "api_key_env", "price_in", "model"),
        *("price_out", "context", "headers", "text_tools"),
    }


def test_later_layers_win_and_each_value_names_its_source(home: Path, project: Path) -> None:
    _user(
        home, '[model]\ndefault = "user"\n[agents]\nplan = "user"\nship = "user"\nverify = "user"'
    )
    (project / "m31a.toml").write_text(
        '[model]\ndefault = "project"\n[agents]\nship = "project"\nverify = "project"'
    )
    config = _load(
        home,
        project,
        {"agents.verify": "cli"},
        M31A_AGENTS_SHIP="env",
        M31A_AGENTS_VERIFY="env",
    )
    assert [
        (config.agents.discuss, config.sources["agents.discuss"]),
        (config.agents.plan, config.sources["agents.plan"]),
        (config.model.default, config.sources["model.default"]),
        (config.agents.ship, config.sources["agents.ship"]),
        (config.agents.verify, config.sources["agents.verify"]),
    ] == [
        ("", "default"),
        ("user", "user file"),
        ("project", "project file"),
        ("env", "environment"),
        ("cli", "command line"),
    ]


def test_the_model_of_a_phase_falls_back_to_agents_then_to_the_model(home: Path) -> None:
    config = _load(home, None, {"model.default": "m", "agents.plan": "p"})
    assert [config.model_for(phase) for phase in ("plan", "execute", "nonsense")] == ["p", "m", "m"]
    config = _load(home, None, {"model.default": "m", "agents.default": "a"})
    assert config.model_for("execute") == "a"


def test_the_only_configured_server_is_chosen(home: Path) -> None:
    one = {"provider.local.base_url": "http://127.0.0.1:8080/v1"}
    assert _load(home, None, one).chosen_provider == "local"
    two = {**one, "provider.other.base_url": "https://example.invalid/v1"}
    assert _load(home, None, two).chosen_provider == "openrouter"
    assert _load(home, None, {**two, "provider.default": "other"}).chosen_provider == "other"


def test_values_in_the_environment_are_read_as_their_key_wants_them(home: Path) -> None:
    _user(home, '[provider.my-box]\nbase_url = "http://127.0.0.1:1/v1"')
    config = _load(
        home,
        None,
        M31A_FEATURES_BUDGET_LIMIT_USD="2.5",
        M31A_FEATURES_WORKFLOW_MODE="fast",
        M31A_GIT_HOOKS="off",
        M31A_LEDGER_SHARE="Yes",
        M31A_VERIFY_KEEP="data, .cache ,",
        M31A_PERMISSIONS_MODE="defer",
        M31A_PROVIDER_MY_BOX_CONTEXT="8192",
        M31A_PROVIDER_NEW_BASE_URL="https://example.invalid/v1",
        M31A_PROVIDER_NEW_API_KEY_ENV="MY_KEY",
        M31A_MODEL_DEFAULT="",
        M31A_OPENROUTER_API_KEY="sk-secret",
        M31A_CAMPAIGN="20",
    )
    assert config.features.budget_limit_usd == 2.5
    assert config.features.workflow_mode is Mode.FAST
    assert not config.git.hooks
    assert config.ledger.share
    assert config.verify.keep == ("data", ".cache")
    assert config.permissions.mode is PermissionMode.DEFER
    assert config.providers["my-box"].context == 8192
    assert config.providers["new"].base_url == "https://example.invalid/v1"
    assert config.providers["new"].api_key_env == "MY_KEY"
    assert config.sources["model.default"] is Source.DEFAULT
    assert "sk-secret" not in str(config)


def test_overrides_take_values_of_python_and_texts_alike(home: Path) -> None:
    rule = PermissionRule(action=RuleAction.DENY, tool="Bash")
    config = _load(
        home,
        None,
        {
            "permissions.rules": (rule,),
            "features.max_parallel_tasks": "2",
            "features.workflow_mode": Mode.DIRECT,
            "tools.offer": "WebFetch,ApplyPatch",
            "provider.fallback_priority": ["zen"],
        },
    )
    assert config.permissions.rules == (rule,)
    assert config.features.max_parallel_tasks == 2
    assert config.features.workflow_mode is Mode.DIRECT
    assert config.tools.offer == ("WebFetch", "ApplyPatch")
    assert config.provider.fallback_priority == ("zen",)


FILE_ERRORS = [
    ("[modle]\ndefault = 'x'", 1, "modle", "did you mean 'model'?"),
    ("\n[model]\ndefualt = 'x'", 3, "model.defualt", "did you mean 'default'?"),
    ("[model]\nzzzzz = 1", 2, "model.zzzzz", "unknown key"),
    ("model = 3", 1, "model", "is a section"),
    ("model.default = 3", 1, "model.default", "expected text, got a whole number"),
    ("[features]\nmax_parallel_tasks = '4'", 2, "features.max_parallel_tasks", "expected a whole"),
    ("[features]\nmax_parallel_tasks = 0", 2, "features.max_parallel_tasks", ">= 1"),
    ("[features]\nintent_timeout_s = nan", 2, "features.intent_timeout_s", "> 0"),
    ("[verify]\ntimeout_s = inf", 2, "verify.timeout_s", "<= 86400"),
    ("[git]\nhooks = 1", 2, "git.hooks", "expected true or false"),
    ("[permissions]\nmode = 'alow_all'", 2, "permissions.mode", "did you mean 'allow_all'?"),
    ("[features]\nworkflow_mode = 'quick'", 2, "features.workflow_mode", "none of auto, full"),
    (
        "[[permissions.rules]]\naction = 'allow'\ntol = 'Bash'",
        1,
        "permissions.rules",
        "unknown field 'tol' at [0]",
    ),
    ("[provider]\ndefault = {}", 2, "provider.default", "expected text, got a table"),
    ("[provider.local]\nbase_ulr = 'x'", 2, "provider.local.base_ulr", "did you mean 'base_url'?"),
    ("[provider.'a b']\nbase_url = 'x'", 2, "provider.a b.base_url", "letters, digits"),
    ("[provider.x]\nbase_url = 'localhost:1'", 2, "provider.x.base_url", "begins with http://"),
    ("[provider.x]\nbase_url = 'file:///etc'", 2, "provider.x.base_url", "begins with http://"),
    ("[provider]\ndefault = 'zne'", 2, "provider.default", "did you mean 'zen'?"),
    ("[context]\ntrigger = 0.9", 2, "context.trigger", "is above context.warn"),
    ("[model\n", 1, "", "not valid TOML"),
    ("a = [\n1,\n", 3, "", "not valid TOML"),
    ("a = " + "[" * 5000, 1, "", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "line", "key", "reason"), FILE_ERRORS)
def test_a_wrong_file_is_refused_by_file_line_key_and_reason(
    home: Path, text: str, line: int, key: str, reason: str
) -> None:
    _user(home, text)
    with pytest.raises(ConfigError) as caught:
        _load(home)
    error = caught.value
    assert error.file == str(home / "config.toml")
    assert key == error.key
    assert reason in error.reason
    assert error.line in {line, None if "nested" in error.reason else line}


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"M31A_MODEL_DEFUALT": "x"}, "did you mean 'default'?"),
        ({"M31A_MODLE_DEFAULT": "x"}, "did you mean 'M31A_MODEL_DEFAULT'?"),
        ({"M31A_FEATURES_MAX_PARALLEL_TASKS": "many"}, "expected a whole number"),
        ({"M31A_GIT_HOOKS": "maybe"}, "expected true or false"),
        ({"M31A_PERMISSIONS_RULES": "x"}, "expected a list"),
        ({"M31A_PROVIDER_LOCAL_API_KEY": "x"}, "a key stands in M31A_LOCAL_API_KEY"),
        ({"M31A_PROVIDER_LOCAL": "x"}, "unknown key"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(
    home: Path, environ: dict[str, str], reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(home, None, None, **environ)
    assert caught.value.file == next(iter(environ))
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("model", "x", "is a section"),
        ("model.default.x", "x", "nothing that deep"),
        ("models.default", "x", "did you mean 'model'?"),
        ("verify.red_first", "blok", "did you mean 'block'?"),
        ("provider.x.api_key", "sk", "never taken from an argument"),
    ],
)
def test_a_wrong_override_is_refused_by_key(home: Path, key: str, value: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(home, None, {key: value})
    assert (caught.value.file, caught.value.key) == ("command line", key)
    assert reason in caught.value.reason


def test_a_file_with_a_key_must_be_private(home: Path) -> None:
    text = '[provider.openrouter]\napi_key = "sk-very-secret"'
    _user(home, text, 0o640)
    with pytest.raises(ConfigError, match="mode 0640") as caught:
        _load(home)
    assert caught.value.remedy == f"chmod 600 {home / 'config.toml'}"
    _user(home, text, 0o600)
    config = _load(home)
    assert config.providers["openrouter"].api_key == "sk-very-secret"
    assert "sk-very-secret" not in repr(config)
    assert shown(config)["provider.openrouter.api_key"] == "••••"


def test_what_is_shown_holds_every_key_and_no_header_value(home: Path) -> None:
    _user(home, '[provider.x]\nheaders = { Authorization = "Bearer t" }', 0o600)
    rows = shown(_load(home))
    assert rows["provider.x.headers"] == {"Authorization": "••••"}
    assert rows["model.default"] == ""
    assert {key for key in rows if key.count(".") == 1} == {
        f"{name}.{field}"
        for name, section in SECTIONS.items()
        for field in section.__struct_fields__
    }


@pytest.mark.parametrize("kind", ["folder", "pipe", "huge", "latin-1", "unreadable"])
def test_a_user_file_that_is_no_small_text_is_refused_at_once(home: Path, kind: str) -> None:
    file = home / "config.toml"
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "unreadable":
        file.symlink_to(file)
    else:
        file.write_bytes(b"#" * 2_000_000 if kind == "huge" else b"\n# \xe9")
    with pytest.raises(ConfigError) as caught:
        _load(home)
    assert caught.value.file == str(file)


def test_an_untrusted_project_file_is_not_even_parsed(home: Path, project: Path) -> None:
    (project / "m31a.toml").write_text("[[[ not toml")
    config = load_config(project, {"M31A_HOME": str(home)}, {})
    assert not config.trusted
    assert config.ignored == ("m31a.toml is ignored: the folder is not trusted (m31a trust)",)
    assert load_config(project.parent, {"M31A_HOME": str(home)}, {}).ignored == ()


def test_a_trusted_project_file_that_is_a_link_is_refused(home: Path, project: Path) -> None:
    (project.parent / "elsewhere.toml").write_text("")
    (project / "m31a.toml").symlink_to(project.parent / "elsewhere.toml")
    with pytest.raises(ConfigError, match="symbolic link"):
        _load(home, project)


LOOSENING = [
    ('[provider]\ndefault = "zen"', "provider.default"),
    ('[provider.zen]\nbase_url = "https://evil.invalid"', "provider.zen.base_url"),
    ('[provider.zen]\nheaders = { A = "b" }', "provider.zen.headers"),
    ('[provider.zen]\napi_key = "sk"', "provider.zen.api_key"),
    ('[provider.zen]\napi_key_env = "AWS_SECRET"', "provider.zen.api_key_env"),
    ("[model]\nauto_arbitrage = true", "model.auto_arbitrage"),
    ("[features]\nbudget_limit_usd = 6", "features.budget_limit_usd"),
    ("[features]\nmax_parallel_tasks = 9", "features.max_parallel_tasks"),
    ("[features]\nmax_heal_attempts = 3", "features.max_heal_attempts"),
    ('[features]\ntrace_headers = "always"', "features.trace_headers"),
    ("[features]\nresume_on_startup = true", "features.resume_on_startup"),
    ('[permissions]\nmode = "allow_all"', "permissions.mode"),
    ('[permissions]\nmode = "sandboxed"', "permissions.mode"),
    ("[permissions]\ntimeout_s = 301", "permissions.timeout_s"),
    ('[[permissions.rules]]\naction = "allow"\ntool = "Bash"', "permissions.rules"),
    ('[tools]\noffer = ["WebFetch"]', "tools.offer"),
    ("[tools]\nbash_timeout_s = 121", "tools.bash_timeout_s"),
    ('[verify]\nred_first = "off"', "verify.red_first"),
    ('[verify]\nkeep = ["/etc"]', "verify.keep"),
    ('[verify]\nkeep = ["vendor/../../.ssh"]', "verify.keep"),
    ("[verify]\ncoverage_min = 50", "verify.coverage_min"),
    ("[git]\nhooks = true", "git.hooks"),
    ("[git]\ninit = true", "git.init"),
    ("[ledger]\nshare = true", "ledger.share"),
    ("[ledger]\nkeep = 1", "ledger.keep"),
    ("[ui]\nmouse = true", "ui.mouse"),
]


@pytest.mark.parametrize(("text", "key"), LOOSENING)
def test_a_trusted_project_file_loosens_nothing(
    home: Path, project: Path, text: str, key: str
) -> None:
    _user(home, "[features]\nbudget_limit_usd = 5\n[verify]\ncoverage_min = 60")
    before = _load(home)
    (project / "m31a.toml").write_text(text)
    after = _load(home, project)

    assert after.ignored[0].startswith("m31a.toml:")
    assert f" {key} is ignored: a project file may " in after.ignored[0]
    assert msgspec.structs.replace(after, ignored=(), trusted=False) == before


def test_a_trusted_project_file_tightens(home: Path, project: Path) -> None:
    _user(home, '[features]\nbudget_limit_usd = 5\n[permissions]\nmode = "ask"')
    (project / "m31a.toml").write_text(
        """
        [features]
        budget_limit_usd = 1
        max_parallel_tasks = 1
        trace_headers = "never"
        [permissions]
        mode = "defer"
        on_timeout = "deny"
        [verify]
        test = "make check"
        keep = ["lib/vendor"]
        coverage_min = 80
        red_first = "block"
        [ledger]
        enabled = false
        [git]
        ship = "squash"
        """
    )
    config = _load(home, project)
    assert config.ignored == ()
    assert config.trusted
    assert config.features.budget_limit_usd == 1.0
    assert config.permissions.mode is PermissionMode.DEFER
    assert config.verify.test == "make check"
    assert not config.ledger.enabled
    assert config.sources["git.ship"] is Source.PROJECT_FILE


def test_a_projects_rules_are_added_to_the_users_and_ask_only_where_something_asks(
    home: Path, project: Path
) -> None:
    _user(home, '[[permissions.rules]]\naction = "allow"\ntool = "Bash"')
    (project / "m31a.toml").write_text(
        '[[permissions.rules]]\naction = "deny"\ntool = "Bash"\ncommand = "git push"\n'
        '[[permissions.rules]]\naction = "ask"\ntool = "Edit"\n'
        '[[permissions.rules]]\naction = "allow"\ntool = "Edit"\n'
    )
    config = _load(home, project)
    assert [rule.action for rule in config.permissions.rules] == ["allow", "deny", "ask"]
    assert len(config.ignored) == 1
    assert "may not allow Edit" in config.ignored[0]

    strict = _load(home, project, {"permissions.mode": "deny_all"})
    assert [rule.action for rule in strict.permissions.rules] == ["allow", "deny"]
    assert "may not ask Edit" in strict.ignored[0]


def test_an_unknown_key_in_a_trusted_project_file_is_an_error(home: Path, project: Path) -> None:
    (project / "m31a.toml").write_text("[verify]\ntset = 'make'")
    with pytest.raises(ConfigError, match=r"^m31a\.toml:2: verify\.tset: unknown key"):
        _load(home, project)


def test_keys_a_project_may_set_exist_and_words_of_modes_are_ordered_whole() -> None:
    for section, field in _TABLE:
        assert field in SECTIONS[section].__struct_fields__
    assert get_args(SECTIONS["permissions"].__annotations__["mode"])[0] is PermissionMode


def test_the_home_folder_is_absolute_and_needs_some_home() -> None:
    assert home_folder({"HOME": "/h"}) == Path("/h/.m31a")
    assert home_folder({"HOME": "/h", "M31A_HOME": "~/state"}) == Path("/h/state")
    assert home_folder({"M31A_HOME": "here"}) == Path.cwd() / "here"
    assert home_folder({}).is_absolute()


def test_reading_no_file_imports_no_toml_parser(tmp_path: Path) -> None:
    program = (
        "import sys; from m31a_engine.config import load_config; sys.modules.pop('tomllib', None);"
        f"load_config(None, {{'M31A_HOME': {str(tmp_path)!r}}}, {{}});"
        "sys.exit('tomllib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert done.returncode == 0
