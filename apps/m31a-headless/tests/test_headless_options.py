"""What a command line of a run means, and what is said when it means nothing."""

import io
from pathlib import Path

import pytest

from m31a_engine import Mode, Options, Phase
from m31a_headless.options import RunOptions, UsageError, goal_of, parse, parser_of


def parsed(*words: str, ghost: bool = False) -> RunOptions:
    return parse(parser_of("m31a", "run", "GOAL", "About."), list(words), ghost=ghost)


def test_without_options_the_defaults_hold() -> None:
    got = parsed("fix it")

    assert got == RunOptions(
        words=("fix it",),
        project=Path.cwd(),
        overrides={},
        trust_project=False,
        engine=Options(),
        answers=None,
        output="text",
        timeout_s=None,
        quiet=False,
        verbose=False,
    )


def test_every_option_arrives() -> None:
    got = parsed(
        *("fix", "--mode", "fast", "--project", "/p", "--model", "m", "--provider", "acme"),
        *("--base-url", "http://127.0.0.1:1/v1", "--phase-model", "plan=big", "--until", "plan"),
        *("--answers", "a.toml", "--no-questions", "--permissions", "deny_all"),
        *("--dirty", "refuse", "--init", "--allow", "secret", "--allow", "test-changes"),
        *("--budget-usd", "1.5", "--max-turns", "7", "--timeout", "60", "--on-failure", "land"),
        *("--output", "json", "--trust-project", "--quiet", "--verbose"),
    )

    assert got == RunOptions(
        words=("fix",),
        project=Path("/p"),
        overrides={
            "provider.default": "acme",
            "provider.acme.base_url": "http://127.0.0.1:1/v1",
            "model.default": "m",
            "agents.plan": "big",
            "permissions.mode": "deny_all",
            "features.budget_limit_usd": 1.5,
            "features.max_turns": 7,
        },
        trust_project=True,
        engine=Options(
            mode=Mode.FAST,
            until=Phase.PLAN,
            on_failure="land",
            dirty="refuse",
            init=True,
            allow=("secret", "test-changes"),
            ask_questions=False,
        ),
        answers=Path("a.toml"),
        output="json",
        timeout_s=60,
        quiet=True,
        verbose=True,
    )


def test_an_address_alone_is_a_provider_of_its_own() -> None:
    assert parsed("x", "--base-url", "http://h/v1").overrides == {
        "provider.default": "local",
        "provider.local.base_url": "http://h/v1",
    }


def test_words_may_stand_between_options() -> None:
    assert parsed("fix", "--quiet", "the", "bug").words == ("fix", "the", "bug")


def test_what_follows_two_dashes_is_no_option() -> None:
    got = parsed("--quiet", "--", "--output", "--", "json")

    assert got.words == ("--output", "--", "json")
    assert (got.quiet, got.output) == (True, "text")


def test_a_ghost_prints_its_diff_unless_told_otherwise() -> None:
    assert parsed("x", ghost=True).output == "diff"
    assert parsed("x", ghost=True).engine.ghost
    assert parsed("x", "--output=text", ghost=True).output == "text"
    assert parsed("--", "--output", ghost=True).output == "diff"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--ouptut", "text"], "unknown option --ouptut; did you mean '--output'?"),
        (["--mod=fast"], "unknown option --mod"),
        (["--zzzzzzzz"], "unknown option --zzzzzzzz"),
        (["--mode", "fats"], "--mode: invalid choice: 'fats'"),
        (["--model"], "--model: expected one argument"),
        (["--budget-usd", "much"], "--budget-usd: 'much' is not a number from 0"),
        (["--budget-usd", "nan"], "--budget-usd: 'nan' is not a number from 0"),
        (["--timeout=-1"], "--timeout: '-1' is not a number from 0"),
        (["--max-turns", "0"], "--max-turns: '0' is not a whole number from 1"),
        (["--max-turns", "2.5"], "--max-turns: '2.5' is not a whole number from 1"),
        (["--max-turns", "9" * 5000], "is not a whole number from 1"),
        (["--phase-model", "nope=x"], "--phase-model nope=x: write PHASE=ID; phases: discuss, "),
        (["--phase-model", "plan"], "--phase-model plan: write PHASE=ID"),
        (["--allow", "secrets"], "--allow: 'secrets' is no finding; did you mean 'secret'?"),
        (["--allow", "all"], "'all' is no finding; there are: test-changes, check-definition, "),
        (["a\udcffb"], "is not text in UTF-8"),
        (["--project", "\udcff"], "is not text in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(*words)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "_" not in str(caught.value).replace("PHASE=ID", "")


@pytest.mark.parametrize("words", [[], [""], ["  ", "\n"]])
def test_an_empty_goal_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError, match="goal is empty"):
        goal_of(words)


def read_from(data: bytes, monkeypatch: pytest.MonkeyPatch, *, errors: str = "strict") -> str:
    stdin = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors=errors)
    monkeypatch.setattr("sys.stdin", stdin)
    return goal_of(["-"])


def test_a_dash_reads_the_goal_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_from("  fix é\nand more\n".encode(), monkeypatch) == "fix é\nand more"
    with pytest.raises(UsageError, match="goal is empty"):
        read_from(b"", monkeypatch)


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_a_goal_that_is_no_text_is_refused(errors: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="not text in UTF-8"):
        read_from(b"a\xffb", monkeypatch, errors=errors)


def test_a_closed_standard_input_is_an_empty_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(UsageError, match="goal is empty"):
        goal_of(["-"])
