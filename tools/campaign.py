"""Run one of the long, bounded test campaigns; the ordinary suite takes the first cases of each.

python tools/campaign.py                 list the campaigns
python tools/campaign.py NAME [CASES]    run one, with its usual number of cases or another
"""

import os
import subprocess
import sys
from dataclasses import dataclass

import workspace


@dataclass(frozen=True, slots=True)
class Campaign:
    """Tests that draw as many cases as the variable M31A_CAMPAIGN says."""

    shows: str
    cases: int
    tests: tuple[str, ...]
    """Paths or node ids for pytest."""


CAMPAIGNS: dict[str, Campaign] = {
    "landing": Campaign(
        shows="a landing that is killed at any moment is finished or undone, and nothing is lost",
        cases=500,
        tests=("packages/m31a-rollback/tests/test_rollback_kills.py",),
    ),
    "writes": Campaign(
        shows="a file change killed, or failed, at any system call is whole or not there",
        cases=100,
        tests=("packages/m31a-tools/tests/test_tools_kills.py",),
    ),
    "shell": Campaign(
        shows="bash runs nothing that the judge of commands did not see",
        cases=3000,
        tests=("packages/m31a-tools/tests/test_shell_against_bash.py",),
    ),
    "servers": Campaign(
        shows="servers that others wrote are read, left, and their faults named",
        cases=12,
        tests=("packages/m31a-providers/tests/test_real_servers.py",),
    ),
    "streams": Campaign(
        shows="an answer means the same wherever it is cut",
        cases=1000,
        tests=(
            "packages/m31a-providers/tests/test_reply_corpus.py",
            "packages/m31a-providers/tests/test_messages_corpus.py",
        ),
    ),
    "learning": Campaign(
        shows="a run that recalls earlier ones needs fewer attempts than one that does not",
        cases=20,
        tests=("tests/journeys/test_learning.py",),
    ),
    "false-verified": Campaign(
        shows="whatever a lying model does, broken work is never called verified, and honest is",
        cases=200,
        tests=("tests/journeys/test_false_verified.py",),
    ),
    "user-state": Campaign(
        shows="random dirty repositories are the same after runs and ghosts, however they end",
        cases=300,
        tests=("tests/journeys/test_user_state.py",),
    ),
    "soak": Campaign(
        shows="a day of runs in one window costs at its end what it did, however bad the terminal",
        cases=40,
        tests=(
            "tests/terminal/test_terminal_soak.py",
            "tests/terminal/test_terminal_conditions.py",
        ),
    ),
    "kills": Campaign(
        shows="a run killed at any write, byte or step ends, resumed, as an uninterrupted one",
        cases=200,
        tests=("tests/journeys/test_kills.py",),
    ),
}
"""A new one needs a script of its name in the hatch environment `campaign` as well."""


def main(words: list[str]) -> int:
    """Run pytest on the tests of the campaign that is named."""
    if not words:
        for name, each in CAMPAIGNS.items():
            print(f"{name:12} {each.cases:6} cases   {each.shows}")
        return 0
    name, *more = words
    campaign = CAMPAIGNS.get(name)
    if campaign is None:
        print(f"m31a: no campaign {name!r}; known: {', '.join(CAMPAIGNS)}", file=sys.stderr)
        return 2
    if len(more) > 1 or not all(word.isascii() and word.isdigit() for word in more):
        print("m31a: after the campaign's name comes a number of cases alone", file=sys.stderr)
        return 2
    cases = more[0] if more else str(campaign.cases)
    print(f"campaign {name}: {cases} cases; {campaign.shows}", flush=True)
    argv = [sys.executable, "-m", "pytest", "-q", *campaign.tests]
    env = {**os.environ, "M31A_CAMPAIGN": cases}
    return subprocess.run(argv, cwd=workspace.ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
