"""The command line: which verb is meant, and what an error looks like from outside.

Nothing heavy is imported before a verb is known: `--version` needs `sys` alone, `--help`
prints a text.
"""

import sys

from m31a_headless.__about__ import __version__

DONE = 0
USAGE = 2
BUG = 70
INTERRUPTED = 130

BUILT = {
    "run": "work on a goal and land the verified commit",
    "ghost": "work on a goal and leave the commit on a branch; prints the diff",
    "resume": "go on with a session that was stopped, killed or has failed",
    "demo": "a small real project and a recorded model; no key, no network",
    "sessions": "list, show",
    "ledger": "list, stats",
    "trust": "trust this project's folder, or list, or revoke",
    "keys": "status, set, delete",
    "config": "show with sources, check, path",
    "doctor": "what is here: git, Python, keychain, provider",
}
NOT_YET = (
    "plan",
    "approve",
    "apply",
    "verify",
    "replay",
    "batch",
    "models",
    "rollback",
    "bisect",
    "permissions",
    "schema",
)


def main(arguments: list[str] | None = None, program: str = "m31a-headless") -> int:
    """Run one command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    first = words[0] if words else ""
    if first in {"--version", "-V"}:
        print(version_line(program))
        return DONE
    if first in {"", "--help", "-h", "help"}:
        print(help_text(program))
        return DONE if first else USAGE
    if first in NOT_YET:
        print(
            f"{program}: {first} is not built yet; {program} --help lists what is", file=sys.stderr
        )
        return USAGE
    if first not in BUILT:
        from m31a_engine.nearest import suggestion

        hint = suggestion(first, (*BUILT, *NOT_YET))
        print(
            f'{program}: unknown command {first!r}{hint}; to work on a goal: {program} run "GOAL"',
            file=sys.stderr,
        )
        return USAGE
    from m31a_headless.dispatch import run_verb

    return run_verb(program, first, words[1:])


def version_line(program: str) -> str:
    """Name, version, Python and platform on one line."""
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{program} {__version__} (Python {python}, {sys.platform})"


def help_text(program: str) -> str:
    """What can be done, one line a verb."""
    width = max(map(len, BUILT))
    rows = "\n".join(f"  {verb:{width}}  {what}" for verb, what in BUILT.items())
    return f"""usage: {program} VERB [ARGUMENTS]    {program} VERB --help tells more

{rows}

Not built yet: {", ".join(NOT_YET)}.

  {program} run "make add() return the sum" --base-url http://127.0.0.1:8080/v1 --model any
  {program} --version

Exit codes: 0 done and verified, 1 not verified, 2 usage or refused, 3 waiting for leave,
4 budget or limit, 5 provider, 6 partly verified, 7 could not land, 70 a bug of ours."""
