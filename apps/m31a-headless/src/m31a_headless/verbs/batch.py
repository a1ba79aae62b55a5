"""`batch FILE.jsonl`: one goal after the other, a line of JSON for each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from m31a_engine import EngineError, RunReport
from m31a_engine.document import as_line, as_value
from m31a_headless.exit_codes import (
    BUG,
    DENIED,
    HUNG_UP,
    INTERRUPTED,
    LIMIT,
    NOT_LANDED,
    NOT_VERIFIED,
    PARTIAL,
    PROVIDER,
    TERMINATED,
    USAGE,
    VERIFIED,
    exit_code_of_error,
)
from m31a_headless.options import Parser, RunOptions, UsageError, goal_of, parse, parser_of
from m31a_headless.output import for_reader, refusal, remark
from m31a_headless.runner import carry_out
from m31a_headless.streams import standard_input

WORSE = (
    *(VERIFIED, PARTIAL, NOT_LANDED, NOT_VERIFIED, DENIED, LIMIT, PROVIDER, USAGE, BUG),
    *(INTERRUPTED, HUNG_UP, TERMINATED),
)
"""Exit codes from the best to the worst."""
NOT_IN_A_LINE = frozenset({"help", "output", "quiet", "verbose"})
ABOUT = """Carry out the goals of a file of JSON lines, one after the other. A line is an object:
`goal`, `ghost` if it is to stay on a branch, and any option of `run` by its name, such as
{"goal": "...", "project": "/srv/app", "mode": "direct", "budget_usd": 1, "allow": ["secret"]}.
Options given here hold for every line that does not say otherwise. Each line of the output is
{"line", "exit_code", "report"}. A failure stops nothing; the exit code is the worst one."""


@dataclass(frozen=True, slots=True)
class Order:
    """One line of the file, understood."""

    goal: str
    options: RunOptions


def main(program: str, words: list[str]) -> int:
    """Carry out a file of goals; the worst exit code."""
    parser = parser_of(program, "batch", "FILE [options]", ABOUT)
    options = parse(parser, words)
    if len(options.words) != 1:
        raise UsageError("batch takes one file; - is standard input")
    if options.output != "text":
        raise UsageError("batch prints a line of JSON for each goal; leave --output out")
    given = words[: words.index("--")] if "--" in words else words
    worst = VERIFIED
    for number, line in _lines(options.words[0]):
        code = _carry_out(parser, given, number, line)
        worst = max(worst, code, key=WORSE.index)
        if code in {INTERRUPTED, HUNG_UP, TERMINATED}:
            remark(f"stopped in line {number}; the lines after it were not begun")
            break
    return worst


def _lines(file: str) -> Iterator[tuple[int, str]]:
    """The lines of the file that hold something, with their numbers."""
    try:
        text = standard_input() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"{file}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{file} is not text in UTF-8") from exc
    rows = [(at, row) for at, row in enumerate(text.split("\n"), start=1) if row.strip()]
    if not rows:
        raise UsageError(f"{file} holds no goal")
    yield from rows


def _carry_out(parser: Parser, given: list[str], number: int, line: str) -> int:
    """Carry out one line and print its result; its exit code."""
    reports: list[RunReport] = []
    goal = ""
    try:
        order = _understood(parser, given, line)
        goal = order.goal
        options = order.options
        code = carry_out(
            options,
            lambda engine: engine.start(goal, options.engine),
            lambda report, _: reports.append(report),
        )
        result: dict[str, object] = {"report": as_value(reports[0])} if reports else {}
    except EngineError as exc:
        code = exit_code_of_error(exc)
        result = {"report": as_value(refusal(exc, order.options, goal))}
    except BrokenPipeError:
        raise
    except OSError as exc:
        code = NOT_VERIFIED
        result = {"error": {"code": "world", "message": f"{exc.filename}: {exc.strerror}"}}
    except UsageError as exc:
        code = USAGE
        result = {"error": {"code": "usage", "message": str(exc)}}
    row = {"line": number, "exit_code": code, "goal": goal, **result}
    print(for_reader(as_line(row)), flush=True)
    return code


def _understood(parser: Parser, given: list[str], line: str) -> Order:
    """What a line asks for.

    Raises:
        UsageError: it cannot be understood.
    """
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"not JSON: {exc}") from exc
    if not isinstance(said, dict) or not isinstance(said.get("goal"), str):
        raise UsageError('write an object with a "goal", a text')
    ghost = said.pop("ghost", False)
    if not isinstance(ghost, bool):
        raise UsageError("ghost is true or false")
    goal = said.pop("goal")
    words = [word for name, value in said.items() for word in _option(name, value)]
    options = parse(parser, [*given, *words], ghost=ghost)
    return Order(goal=goal_of([goal]), options=options)


def _option(name: str, value: object) -> Iterator[str]:
    """An option of the line as words of a command line."""
    option = name.replace("_", "-")
    if option in NOT_IN_A_LINE:
        raise UsageError(f"{name} cannot be said in a line")
    match value:
        case True:
            yield f"--{option}"
        case False | None:
            return
        case str() | int() | float():
            yield f"--{option}={value}"
        case list():
            for item in value:
                yield from _option(name, item)
        case _:
            raise UsageError(f"{name} is a text, a number, true or a list of texts")
