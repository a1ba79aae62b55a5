"""`resume [ID]`: go on with a session where it stopped."""

from m31a_headless.options import UsageError, count, parse, parser_of
from m31a_headless.runner import go_on


def main(program: str, words: list[str]) -> int:
    """Go on with a session."""
    parser = parser_of(
        program,
        "resume",
        "[SESSION] [--heal N] [options]",
        "Go on with a session that was killed, stopped or has failed; without an id the newest."
        " Model, provider and limits that its command line named hold until others are given.",
    )
    parser.add_argument(
        "--heal", metavar="N", type=count, action="append", default=[], help="mend this task again"
    )
    options = parse(parser, words)
    if len(options.words) > 1:
        raise UsageError("resume takes one session id")
    session_id = options.words[0] if options.words else None
    return go_on(options, session_id, lambda engine: engine.resume(session_id, options.engine))
