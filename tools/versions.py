"""Check what a release stands on, for all distributions.

python tools/versions.py            changelogs, versions and sibling ranges agree
python tools/versions.py TAG        the same, and the tag (m31a-ledger-0.3.0) names a version here
"""

import re
import sys
from collections.abc import Iterator

import workspace
from workspace import Member

SECTION = re.compile(r"^## \[?(?P<version>\d+\.\d+\.\d+[^\s\]]*)\]?", re.MULTILINE)


def newest_section(changelog: str) -> str | None:
    """The version whose section stands first."""
    found = SECTION.search(changelog)
    return found["version"] if found else None


def faults(member: Member, others: dict[str, Member]) -> Iterator[str]:
    """Sentences on what does not agree in one distribution."""
    section = newest_section((member.folder / "CHANGELOG.md").read_text(encoding="utf-8"))
    if section != member.version:
        yield f"{member.name}: the newest changelog section is {section}, not {member.version}"
    for need in member.requirements:
        sibling = others.get(need.name)
        if sibling is None:
            continue
        if not need.specifier.contains(sibling.version, prereleases=True):
            yield f"{member.name}: {need} does not admit {sibling.name} {sibling.version}"
        if not any(part.operator in {"<", "<=", "==", "~="} for part in need.specifier):
            yield f"{member.name}: {need} has no upper bound"


def main(words: list[str]) -> int:
    """Print every fault; 1 if there is one."""
    others = workspace.by_name()
    found = [fault for member in others.values() for fault in faults(member, others)]
    tags = {f"{member.name}-{member.version}" for member in others.values()}
    found += [f"{tag}: no distribution here has that version" for tag in words if tag not in tags]
    for fault in found:
        print(fault, file=sys.stderr)
    if not found:
        print(", ".join(sorted(tags)))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
