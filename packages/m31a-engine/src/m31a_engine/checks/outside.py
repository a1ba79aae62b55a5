"""Changes through which a checkout would reach files that are not its own."""

import os
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from m31a_engine.checks.patch import AddedLine
from m31a_engine.checks.result import Finding, FindingKind, Severity
from m31a_rollback import FileChange, Repository

_LINK_MODE = "120000"
_PROSE = (".md", ".rst", ".txt", ".adoc")


async def leads_outside(
    repository: Repository, head: str, files: Sequence[FileChange], lines: Sequence[AddedLine]
) -> tuple[Finding, ...]:
    """Changed links that leave the tree, and added lines that name the project's own folder.

    A check that follows either would judge the user's files in place of the commit's.
    """
    changed = {file.path for file in files}
    links = [
        entry.path
        for entry in await repository.ls_tree(head)
        if entry.mode == _LINK_MODE and entry.path in changed
    ]
    targets = await repository.blobs(head, links) if links else {}
    findings = [
        _finding(path, f"a link that leaves the tree: {os.fsdecode(target)}")
        for path, target in targets.items()
        if target is not None and _leaves(path, os.fsdecode(target))
    ]
    root = str(repository.root)
    names_root = re.compile(re.escape(root) + r"(?![\w.-])")
    named = {
        line.path: line.number
        for line in reversed(lines)
        if line.path not in targets
        and names_root.search(line.text)
        and not line.path.lower().endswith(_PROSE)
    }
    findings += [
        _finding(path, f"line {number} names {root}: write the path relative to the file")
        for path, number in sorted(named.items())
    ]
    return tuple(findings)


def _leaves(path: str, target: str) -> bool:
    depth = path.count("/")
    for part in PurePosixPath(target).parts:
        depth += {"..": -1, "/": -depth - 1}.get(part, 1)
        if depth < 0:
            return True
    return False


def _finding(path: str, text: str) -> Finding:
    return Finding(kind=FindingKind.LEADS_OUTSIDE, severity=Severity.BLOCKING, path=path, text=text)
