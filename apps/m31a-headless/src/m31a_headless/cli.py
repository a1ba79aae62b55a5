"""The command line: which verb is meant, and what an error looks like from outside.

Nothing heavy is imported before a verb is known: `--version` needs `sys` alone, `--help`
prints a text.
"""

import atexit
import gc
import sys
from importlib import import_module

from m31a_headless.__about__ import __version__

DONE = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130

VERBS = {
    "run": "work on a goal and land the verified commit",
    "ghost": "work on a goal and leave the commit on a branch; prints the diff",
    "plan": "plan a goal, print the plan and stop",
    "approve": "accept what a session waits for, and go on with it",
    "resume": "go on with a session that was stopped, killed or has failed",
    "apply": "land a session's verified commit",
    "batch": "one goal after the other, from a file of JSON lines",
    "demo": "a small real project and a recorded model; no key, no network",
    "verify": "repeat the proof that a commit carries",
    "replay": "rebuild a session's tree from its journal and compare",
    "rollback": "list, soft, hard, safe, file, undo",
    "bisect": "the first commit on which a command fails",
    "sessions": "list, show, export, fork, archive, unarchive, delete",
    "ledger": "list, stats, query, export",
    "models": "what the provider offers, with windows and prices",
    "keys": "status, set, delete",
    "config": "show with sources, check, path, set, unset",
    "permissions": "list, explain a command, revoke",
    "trust": "trust this project's folder, or list, or revoke",
    "doctor": "what is here: git, Python, trust, provider, key",
    "schema": "JSON Schemas of report, events and configuration",
}
"""The verbs with what each does, in the order that `--help` shows them."""
BUILD_FACTS = "m31a_headless._build"
"""Written into the wheel when it is built from a checkout; absent otherwise."""


def main(
    arguments: list[str] | None = None,
    program: str = "m31a-headless",
    version: str = __version__,
) -> int:
    """Run one command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = _run(words, program, version, alone=arguments is None)
        print(end="", flush=True)
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as exc:
        from m31a_headless.streams import discard_output

        discard_output()
        if not isinstance(exc, BrokenPipeError):  # else nobody is there to be told
            print(f"{program}: the output cannot be written: {exc.strerror}", file=sys.stderr)
        return FAILED
    return code


def _run(words: list[str], program: str, version: str, *, alone: bool) -> int:
    first = words[0] if words else ""
    if first in {"--version", "-V"}:
        print(version_line(program, version))
        return DONE
    if first in {"--help", "-h", "help"}:
        print(help_text(program))
        return DONE
    if not first:
        print(help_text(program), file=sys.stderr)
        return USAGE
    if first == "--":  # a goal, whatever its first word is
        first, words = "run", ["run", *words]
    if first not in VERBS:
        from m31a_engine.nearest import suggestion

        kind = "option" if first.startswith("-") else "command"
        hint = suggestion(first, (*VERBS, "--version", "--help"))
        print(
            f'{program}: unknown {kind} {first!r}{hint}; to work on a goal: {program} run "GOAL"',
            file=sys.stderr,
        )
        return USAGE
    if alone:
        _load()
    from m31a_headless.dispatch import run_verb

    return run_verb(program, first, words[1:])


def _load() -> None:
    """Import what all verbs need, and have no search for unreachable cycles look through it.

    Modules stay, and are nearly all there is: the searches at the start, in between and at the
    exit would find nothing in them. Only for a process that is ours alone.
    """
    gc.disable()
    try:
        import_module("m31a_headless.dispatch")
    finally:
        gc.freeze()
        gc.enable()
    atexit.register(gc.freeze)


def version_line(program: str, version: str) -> str:
    """Name, version, commit and date of the build when known, Python and platform on one line."""
    python = ".".join(map(str, sys.version_info[:3]))
    facts = (*build_facts(), f"Python {python}", sys.platform)
    return f"{program} {version} ({', '.join(facts)})"


def build_facts(module: str = BUILD_FACTS) -> tuple[str, ...]:
    """The commit a wheel was built from and its date; nothing in a checkout."""
    try:
        facts = import_module(module)
    except ImportError:
        return ()
    return (str(facts.COMMIT), str(facts.DATE))


def help_text(program: str) -> str:
    """What can be done, one line a verb."""
    width = max(map(len, VERBS))
    rows = "\n".join(f"  {verb:{width}}  {what}" for verb, what in VERBS.items())
    return f"""usage: {program} VERB [ARGUMENTS]    {program} VERB --help tells more

{rows}

  {program} demo
  {program} run "make add() return the sum" --base-url http://127.0.0.1:8080/v1 --model any
  {program} --version

Exit codes: 0 done and verified, 1 not verified, 2 usage or refused, 3 waiting for leave,
4 budget or limit, 5 provider, 6 partly verified, 7 could not land, 70 a bug of ours,
130 interrupted, 143 terminated. Verbs that only tell something: 0 yes, 1 no, 2, 70."""
