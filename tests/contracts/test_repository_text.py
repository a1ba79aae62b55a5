"""What no file of the repository may hold, and what the README must."""

import re
from collections.abc import Iterator
from pathlib import Path

import workspace

NOT_OURS = {".git", ".venv", ".tools", ".hatch", ".hypothesis", "dist", "wheelhouse", "__pycache__"}

HOSTS = [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com")]
# In pieces, for this file is read as well.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w./-])/(?:" + "|".join(["root", "work"]) + r")/\w",
    "a registry's host name": "|".join(rf"{name}\.{end}" for name, end in HOSTS),
}


def files() -> Iterator[Path]:
    """Every file of ours that holds text."""
    waiting = [workspace.ROOT]
    while waiting:
        for path in waiting.pop().iterdir():
            if path.name in NOT_OURS or path.name.endswith("_cache") or path.is_symlink():
                continue
            if path.name.startswith(".coverage"):  # come and go while other tests run
                continue
            if path.is_dir():
                waiting.append(path)
            elif b"\0" not in path.read_bytes()[:8192]:
                yield path


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = [
        f"{path.relative_to(workspace.ROOT)}:{number}: {what}"
        for path in files()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        for what, pattern in FORBIDDEN.items()
        if re.search(pattern, line)
    ]

    assert found == []


def test_uv_lock_names_no_address_and_keeps_the_hashes() -> None:
    text = (workspace.ROOT / "uv.lock").read_text(encoding="utf-8")

    assert "://" not in text
    assert text.count('hash = "sha256:') > 500


def test_readme_has_its_two_commands_in_blocks_of_their_own() -> None:
    readme = (workspace.ROOT / "README.md").read_text(encoding="utf-8")

    blocks = dict(
        re.findall(r"^<!-- (\w+) -->\n+```\w*\n(.*?)\n```$", readme, re.MULTILINE | re.DOTALL)
    )

    assert blocks == {"run": "python3 tools/dev.py demo", "test": "python3 tools/dev.py test"}
