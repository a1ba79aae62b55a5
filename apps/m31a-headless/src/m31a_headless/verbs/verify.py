"""`verify COMMIT`: repeat the proof that a commit carries."""

from m31a_engine import CheckResult, completed
from m31a_engine.desk.repeat_proof import RepeatedProof
from m31a_headless.looking import Looking, looking_at
from m31a_headless.output import remark, say


def main(program: str, words: list[str]) -> int:
    """Run the commands of a commit's trailers on a clean checkout of it and compare."""
    parser = looking_at(
        program,
        "verify",
        "Run the commands that a commit's trailers name, on a clean checkout of it, and compare"
        " exit codes, counts and tree. They are shown first and run only confined or in a trusted"
        " folder.",
    )
    parser.add_argument("commit", nargs="?", default="HEAD", help="default: HEAD")
    parser.add_argument("--trust-project", action="store_true", help="run them this once")
    parser.add_argument("--show", action="store_true", help="only show what would be run")
    look = Looking.of(parser, words)
    desk = look.desk(trusted=True if look.given.trust_project else None)
    claim = completed(lambda: desk.repeating.claim(look.given.commit))
    if look.given.show and look.json:
        look.print(claim)
        return 0
    for check in claim.checks:
        line = f"{check.name}: {check.command}"
        say(line) if look.given.show else remark(f"to be run: {line}")
    if look.given.show:
        return 0
    proof = completed(lambda: desk.repeating.repeat(look.given.commit, _told))
    if look.json:
        look.print(proof)
    else:
        _tell(proof)
    return 0 if proof.holds else 1


async def _told(check: CheckResult) -> None:
    remark(f"check {check.name}: {check.status.value}")


def _tell(proof: RepeatedProof) -> None:
    verdict = proof.verdict.value if proof.verdict else "no verdict"
    say(f"{'holds' if proof.holds else 'does not hold'}: {proof.commit[:12]} ({verdict})")
    say(f"tree      {proof.tree}")
    for check in proof.checks:
        mark = "same" if check.same else "differs"
        say(f"check     {check.name}: {mark}, exit {check.exit_code} ({check.figure})")
    say(*(f"against   {sentence}" for sentence in proof.against))
