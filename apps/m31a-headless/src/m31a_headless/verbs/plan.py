"""`plan GOAL`: a plan to look at; nothing is changed before somebody approves it."""

from pathlib import Path

from m31a_engine import Outcome, RunReport, sanitise
from m31a_engine.document import as_document, as_value
from m31a_engine.shelf import plan_in
from m31a_headless.options import UsageError, goal_of, parse, parser_of
from m31a_headless.output import for_reader, print_result, remark
from m31a_headless.runner import carry_out


def main(program: str, words: list[str]) -> int:
    """Plan a goal and print the plan."""
    parser = parser_of(
        program,
        "plan",
        "GOAL [options]",
        "Discuss and plan a goal, print the plan and stop; `approve` goes on from there.",
    )
    options = parse(parser, words, plan=True)
    if options.output == "diff":
        raise UsageError("there is no diff yet; use --output text, json or stream-json")
    goal = goal_of(options.words)

    def present(report: RunReport, output: str) -> None:
        if report.outcome is not Outcome.STOPPED or output == "stream-json":
            print_result(report, output)
            return
        plan = plan_in(Path(report.session_path))
        if output == "json":
            document = {**as_value(report), "plan": plan}
            print(for_reader(as_document(document)), end="", flush=True)
            return
        print(sanitise(plan.markdown if plan else "").rstrip(), flush=True)
        if not options.quiet:
            remark(f"to carry it out: {program} approve {report.session}")

    return carry_out(options, lambda engine: engine.start(goal, options.engine), present)
