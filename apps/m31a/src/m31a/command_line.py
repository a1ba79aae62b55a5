"""What the words behind `m31a` ask of the app."""

from m31a.wish import Wish
from m31a_engine import suggestion
from m31a_headless.cli import VERBS
from m31a_headless.options import UsageError, goal_of, parse, parser_of, project_of

__all__ = ["UsageError", "wish_of"]


def wish_of(words: list[str]) -> Wish:
    """The wish of a command line.

    Raises:
        UsageError: it cannot be understood.
    """
    parser = parser_of("m31a", "", "[GOAL | --resume [SESSION]] [options]", "The terminal app.")
    resume = "--resume" in words[: words.index("--") if "--" in words else None]
    options = parse(parser, [word for word in words if word != "--resume"] if resume else words)
    given = options.words
    if resume and len(given) > 1:
        raise UsageError("--resume takes one session id")
    if len(given) == 1 and not resume and "--" not in words and given[0].isidentifier():
        hint = suggestion(given[0], VERBS)
        if hint:
            raise UsageError(f"{given[0]} is no command{hint}; as a goal: m31a -- {given[0]}")
    return Wish(
        project=project_of(options.project),
        overrides=options.overrides,
        options=options.engine,
        goal="" if resume or not given else goal_of(given),
        resume=resume,
        session_id=given[0] if resume and given else None,
        trust_project=options.trust_project,
    )
