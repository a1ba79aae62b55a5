"""`approve SESSION`: a person's yes to the plan or the calls a session waits for."""

from m31a_headless.options import UsageError, parse, parser_of
from m31a_headless.runner import carry_out


def main(program: str, words: list[str]) -> int:
    """Say yes and go on with the session."""
    parser = parser_of(
        program,
        "approve",
        "SESSION [options]",
        "Accept what a session waits for - its plan, as if read, and exactly the calls that were"
        " put off - and go on with it. `sessions show SESSION` shows what that is.",
    )
    options = parse(parser, words)
    if len(options.words) != 1:
        raise UsageError("approve takes one session id")
    return carry_out(options, lambda engine: engine.approve(options.words[0], options.engine))
