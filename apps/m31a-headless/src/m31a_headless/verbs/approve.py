"""`approve SESSION`: a person's yes to the plan or the calls a session waits for."""

from m31a_headless.options import UsageError, parse, parser_of
from m31a_headless.runner import go_on


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
    session_id = options.words[0]
    return go_on(options, session_id, lambda engine: engine.approve(session_id, options.engine))
