"""Count what a test run's JUnit file tells.

python tools/tally.py skips FILE    how many tests were skipped, by reason
python tools/tally.py total FILE    one line: tests: N passed, N failed, N skipped
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree


def outcomes(file: Path) -> Iterator[tuple[str, str]]:
    """Outcome (passed, failed, skipped) and reason of each test; nothing when there is no file."""
    if not file.is_file():
        return
    for case in ElementTree.parse(file).getroot().iter("testcase"):
        skip = case.find("skipped")
        if skip is not None:
            yield "skipped", skip.get("message", "")
        elif case.find("failure") is not None or case.find("error") is not None:
            yield "failed", ""
        else:
            yield "passed", ""


def skips(file: Path) -> None:
    """Print each reason with its number, the most frequent first."""
    counted = Counter(reason for outcome, reason in outcomes(file) if outcome == "skipped")
    print(f"skipped tests: {counted.total()}")
    for reason, number in counted.most_common():
        print(f"{number:5}  {re.sub(r'^Skipped: ', '', reason)}")


def total(file: Path) -> None:
    """Print the closing line."""
    counted = Counter(outcome for outcome, _ in outcomes(file))
    words = [f"{counted[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped")]
    print("tests: " + ", ".join(words))


def main(words: list[str]) -> int:
    """Skips or total."""
    match words:
        case ["skips", file]:
            skips(Path(file))
        case ["total", file]:
            total(Path(file))
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
