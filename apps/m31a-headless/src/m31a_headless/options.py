"""The options of run, ghost and resume, and what they mean for configuration and engine."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from m31a_engine import (
    FindingKind,
    Mode,
    Options,
    PermissionMode,
    Phase,
    project_root,
    sanitise,
    suggestion,
)
from m31a_engine.checks.result import TEST_CHANGES
from m31a_headless.streams import standard_input

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
            word = message.split(":", 1)[1].split()[0].partition("=")[0]
            kind = "option" if word.startswith("-") else "argument"
            raise UsageError(f"unknown {kind} {word}{suggestion(word, known)}")
        raise UsageError(message.removeprefix("argument "))


def require_text(words: Sequence[str]) -> None:
    """Raise `UsageError` for a word that is not UTF-8: no file, request or commit can hold it."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as exc:
            raise UsageError(f"{sanitise(word)!r} is not text in UTF-8") from exc


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


def parser_of(program: str, verb: str, usage: str, about: str, *, recorded: bool = False) -> Parser:
    """A parser with the options every run has; a recorded one has nothing to choose."""
    parser = Parser(
        prog=f"{program} {verb}",
        usage=f"{program} {verb} {usage}",
        description=about,
        allow_abbrev=False,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    choosing = Parser(add_help=False) if recorded else parser
    _add_who(choosing)
    _add_how(choosing)
    _add_leave(choosing)
    _add_watching(parser)
    if recorded:
        parser.set_defaults(**vars(choosing.parse_args([])))
    return parser


def _add_who(parser: Parser) -> None:
    add = parser.add_argument
    add("--project", metavar="DIR", type=Path, help="default: this folder")
    add("--model", metavar="ID", help="the model, as its server names it")
    add(
        "--phase-model",
        metavar="PHASE=ID",
        action="append",
        default=[],
        help=f"another model for a phase: {', '.join(PHASES)}",
    )
    add("--provider", metavar="NAME", help="openrouter, zen, anthropic or a [provider.NAME]")
    add("--base-url", metavar="URL", help="an OpenAI-compatible server, to its /v1")


def _add_how(parser: Parser) -> None:
    add = parser.add_argument
    add(
        "--mode",
        choices=[mode.value for mode in Mode],
        default="auto",
        help="full plans first, fast leaves the plan out, direct is for a small change;"
        " default: as configured, else as the goal is",
    )
    phases = [phase.value for phase in Phase if phase != "idle"]
    add("--until", metavar="PHASE", choices=phases, help=f"stop after it: {', '.join(phases)}")
    add("--answers", metavar="FILE", type=Path, help="answers to questions and plans, TOML or JSON")
    add("--no-questions", action="store_true", help="take the suggested answers")
    add(
        "--dirty",
        choices=["leave", "commit", "refuse"],
        default="leave",
        help="uncommitted changes: leave them out of the run (default), commit them first, or"
        " do not begin",
    )
    add("--init", action="store_true", help="make a repository where there is none")
    add(
        "--on-failure",
        choices=["keep", "land", "discard"],
        default="keep",
        help="work that fails its checks: keep it on the run's branch (default), land it all"
        " the same, or discard it",
    )


def _add_leave(parser: Parser) -> None:
    add = parser.add_argument
    modes = [mode.value for mode in PermissionMode]
    add(
        "--permissions",
        metavar="MODE",
        choices=modes,
        help=f"{', '.join(modes)} (no sandbox); default: sandboxed, in the app ask",
    )
    add("--trust-project", action="store_true", help="obey and run what the project brings")
    add_allow(parser)
    add("--budget-usd", metavar="X", type=amount, help="dollars the run may cost")
    add("--max-turns", metavar="N", type=count, help="requests a task may make")


def _add_watching(parser: Parser) -> None:
    add = parser.add_argument
    add("--timeout", metavar="S", type=amount, help="seconds the run may take")
    add("--output", choices=OUTPUTS, help="default: text; ghost: diff")
    add("--quiet", action="store_true", help="no progress")
    add("--verbose", action="store_true", help="tool calls too")


def add_allow(parser: Parser) -> None:
    """The option that lifts what speaks against a change."""
    parser.add_argument(
        "--allow",
        metavar="NAME",
        action="append",
        default=[],
        type=finding,
        help="lift a finding by its name",
    )


def project_of(folder: Path | None) -> Path:
    """The project a verb is about: the repository around a folder, or around this one.

    Raises:
        UsageError: there is no such folder.
    """
    place = folder or Path.cwd()
    if not place.is_dir():
        raise UsageError(f"--project {place} is not a folder")
    return project_root(place)


def parse(
    parser: Parser, words: list[str], *, ghost: bool = False, plan: bool = False
) -> RunOptions:
    """The options of a command line; `plan` stops after the plan that only mode full has.

    Raises:
        UsageError: it cannot be understood.
    """
    require_text(words)
    # What follows `--` is no option whatever it looks like; words may stand between options.
    end = words.index("--") if "--" in words else len(words)
    given = parser.parse_intermixed_args(words[:end])
    if plan and (given.mode not in {Mode.AUTO, Mode.FULL} or given.until):
        raise UsageError("only --mode full has a plan, and it stops after it")
    return RunOptions(
        words=(*given.words, *words[end + 1 :]),
        project=given.project or Path.cwd(),
        overrides=_overrides(given),
        trust_project=given.trust_project,
        engine=Options(
            mode=Mode.FULL if plan else Mode(given.mode),
            ghost=ghost,
            until=Phase.PLAN if plan else Phase(given.until) if given.until else None,
            on_failure=given.on_failure,
            dirty=given.dirty,
            init=given.init,
            allow=tuple(given.allow),
            ask_questions=not given.no_questions,
            heal=tuple(vars(given).get("heal", ())),  # an option of `resume` alone
        ),
        answers=given.answers,
        output=given.output or ("diff" if ghost else "text"),
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
            raise UsageError(f"--phase-model {pair}: write PHASE=ID; phases: {', '.join(PHASES)}")
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
    if list(words) != ["-"]:
        goal = " ".join(words)
    else:
        try:
            goal = standard_input()
        except ValueError as exc:
            raise UsageError("the goal on standard input is not text in UTF-8") from exc
        require_text([goal])
    if not goal.strip():
        raise UsageError("the goal is empty: say in quotes what is to be done")
    return goal.strip()


def count(text: str) -> int:
    """A whole number from 1, as an option's type."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def finding(text: str) -> str:
    """The name of something that can speak against a change, as an option's type."""
    known = (TEST_CHANGES, *(kind.value for kind in FindingKind))
    if text not in known:
        hint = suggestion(text, known) or f"; there are: {', '.join(known)}"
        raise argparse.ArgumentTypeError(f"{text!r} is no finding{hint}")
    return text


def amount(text: str) -> float:
    """A number from 0, as an option's type."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value
