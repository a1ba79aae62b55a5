"""`bisect --good A --bad B -- COMMAND`: the first commit on which a command fails."""

from m31a_engine import BisectResult, completed
from m31a_engine.desk.bisecting import Judged
from m31a_headless.looking import Looking, looking_at
from m31a_headless.options import UsageError, amount, count, require_text
from m31a_headless.output import remark, say


def main(program: str, words: list[str]) -> int:
    """Find the first bad commit; 1 when none can be named."""
    parser = looking_at(
        program,
        "bisect",
        "Run a command on commits between two, in a work tree of its own, until the first is found"
        " on which it fails. Exit code 0 is good, 125 cannot tell, any other is bad. One word is a"
        " shell command, several are a program and its arguments. It runs as you would run it.",
        "--good COMMIT [--bad COMMIT] [--repeats N] [--timeout S] -- COMMAND",
    )
    parser.add_argument("--good", metavar="COMMIT")
    parser.add_argument("--bad", metavar="COMMIT", default="HEAD", help="default: HEAD")
    parser.add_argument("--repeats", metavar="N", type=count, default=1, help="for flaky commands")
    parser.add_argument("--timeout", metavar="S", type=amount, default=900.0, help="default: 900")
    end = words.index("--") if "--" in words else len(words)
    command = words[end + 1 :]
    require_text(command)
    look = Looking.of(parser, words[:end])
    if not look.given.good:
        raise UsageError("--good: name a commit on which the command succeeds")
    if not command:
        raise UsageError("say after -- which command tells good from bad")
    given, bisecting = look.given, look.desk().bisecting
    result = completed(
        lambda: bisecting.search(
            given.good,
            given.bad,
            command,
            timeout_s=given.timeout,
            repeats=given.repeats,
            tell=_told,
        )
    )
    look.print(result) if look.json else _tell(result)
    return 0 if result.first_bad else 1


def _told(judged: Judged) -> None:
    ended = "out of time" if judged.exit_code is None else f"exit {judged.exit_code}"
    remark(f"{judged.commit[:12]}: {ended}, {judged.elapsed_s:.1f} s")


def _tell(result: BisectResult) -> None:
    if result.first_bad:
        say(result.first_bad)
    else:
        say(f"inconclusive: {result.inconclusive}")
