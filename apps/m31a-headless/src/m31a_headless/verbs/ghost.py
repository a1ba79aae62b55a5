"""`ghost GOAL`: the same on a branch alone; the diff is the output."""

from m31a_headless.options import goal_of, parse, parser_of
from m31a_headless.runner import carry_out


def main(program: str, words: list[str]) -> int:
    """Run a goal and leave the commit on the session's branch."""
    parser = parser_of(
        program,
        "ghost",
        "GOAL [options]",
        "Work on a goal; the verified commit stays on a branch of its own, the diff is printed.",
    )
    options = parse(parser, words, ghost=True)
    goal = goal_of(options.words)
    return carry_out(options, lambda engine: engine.start(goal, options.engine))
