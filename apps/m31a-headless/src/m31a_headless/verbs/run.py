"""`run GOAL`: work on a goal and land the verified commit."""

from m31a_headless.options import goal_of, parse, parser_of
from m31a_headless.runner import carry_out


def main(program: str, words: list[str]) -> int:
    """Run a goal to its end."""
    parser = parser_of(
        program, "run", "GOAL [options]", "Work on a goal; a verified commit lands on your branch."
    )
    options = parse(parser, words)
    goal = goal_of(options.words)
    return carry_out(options, lambda engine: engine.start(goal, options.engine))
