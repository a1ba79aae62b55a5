"""The options of run, ghost and resume, and what they mean for configuration and engine."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from m31a_engine import Mode, Options, PermissionMode, Phase, suggestion

PHASES = ("discuss", "research", "plan", "execute", "verify", "ship", "initialize")
OUTPUTS = ("text", "json", "stream-json", "diff")
LOCAL = "local"
"""The provider's name when only an address is given."""


class UsageError(Exception):
    """The command line cannot be understood; the message is one line."""


class Parser(argparse.ArgumentParser):
    """argparse that raises, in one line, with the nearest option there is."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line."""
        known = [name for action in self._actions for name in action.option_strings]
        if message.startswith("unrecognized arguments:"):
            word = message.split(":", 1)[1].split()[0]
            raise UsageError(f"unknown option {word}{suggestion(word, known)}")
        raise UsageError(message)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """A parsed command line of run, ghost or resume."""

    words: tuple[str, ...]
    project: Path
    overrides: Mapping[str, object]
    trust_project: bool
    engine: Options
    answers: Path | None
    output: str
    timeout_s: float | None
    quiet: bool
    verbose: bool


def parser_of(program: str, verb: str, usage: str, about: str) -> Parser:
    """A parser with the options every run has."""
    parser = Parser(
        prog=f"{program} {verb}",
        usage=f"{program} {verb} {usage}",
        description=about,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("words", nargs="*", help=argparse.SUPPRESS)
    add("--mode", choices=[mode.value for mode in Mode], default="auto")
    add("--project", metavar="DIR", type=Path, help="default: this folder")
    add("--model", metavar="ID")
    add("--phase-model", metavar="PHASE=ID", action="append", default=[])
    add("--provider", metavar="NAME", help="openrouter, zen or a [provider.NAME]")
    add("--base-url", metavar="URL", help="an OpenAI-compatible server, to its /v1")
    add("--until", metavar="PHASE", choices=[phase.value for phase in Phase if phase != "idle"])
    add("--answers", metavar="FILE", type=Path, help="answers to questions and plans, TOML or JSON")
    add("--no-questions", action="store_true", help="take the suggested answers")
    add("--permissions", metavar="MODE", choices=[mode.value for mode in PermissionMode])
    add("--dirty", choices=["leave", "commit", "refuse"], default="leave")
    add("--init", action="store_true", help="make a repository where there is none")
    add("--allow", metavar="NAME", action="append", default=[], help="lift a finding by its name")
    add("--budget-usd", metavar="X", type=_amount)
    add("--max-turns", metavar="N", type=_count, help="requests a task may make")
    add("--timeout", metavar="S", type=_amount, help="seconds the run may take")
    add("--on-failure", choices=["keep", "land", "discard"], default="keep")
    add("--output", choices=OUTPUTS, default="text")
    add("--trust-project", action="store_true", help="obey and run what the project brings")
    add("--quiet", action="store_true")
    add("--verbose", action="store_true")
    return parser


def parse(parser: Parser, words: Sequence[str], *, ghost: bool = False) -> RunOptions:
    """The options of a command line.

    Raises:
        UsageError: it cannot be understood.
    """
    given = parser.parse_args(words)
    output = given.output
    if ghost and "--output" not in words and not any(w.startswith("--output=") for w in words):
        output = "diff"
    return RunOptions(
        words=tuple(given.words),
        project=given.project or Path.cwd(),
        overrides=_overrides(given),
        trust_project=given.trust_project,
        engine=Options(
            mode=Mode(given.mode),
            ghost=ghost,
            until=Phase(given.until) if given.until else None,
            on_failure=given.on_failure,
            dirty=given.dirty,
            init=given.init,
            allow=tuple(given.allow),
            ask_questions=not given.no_questions,
        ),
        answers=given.answers,
        output=output,
        timeout_s=given.timeout,
        quiet=given.quiet,
        verbose=given.verbose,
    )


def _overrides(given: argparse.Namespace) -> dict[str, object]:
    provider = given.provider or (LOCAL if given.base_url else None)
    overrides: dict[str, object] = {}
    if provider:
        overrides["provider.default"] = provider
    if given.base_url:
        overrides[f"provider.{provider}.base_url"] = given.base_url
    if given.model:
        overrides["model.default"] = given.model
    for pair in given.phase_model:
        phase, _, model = pair.partition("=")
        if phase not in PHASES or not model:
            raise UsageError(f"--phase-model {pair}: write PHASE=ID with a phase of {PHASES}")
        overrides[f"agents.{phase}"] = model
    if given.permissions:
        overrides["permissions.mode"] = given.permissions
    if given.budget_usd is not None:
        overrides["features.budget_limit_usd"] = given.budget_usd
    if given.max_turns is not None:
        overrides["features.max_turns"] = given.max_turns
    return overrides


def goal_of(words: Sequence[str]) -> str:
    """The goal of a command line; `-` reads standard input.

    Raises:
        UsageError: there is none, or it is empty.
    """
    goal = sys.stdin.read() if list(words) == ["-"] else " ".join(words)
    if not goal.strip():
        raise UsageError("the goal is empty: say in quotes what is to be done")
    return goal.strip()


def _amount(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e9:
        raise ValueError
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value
