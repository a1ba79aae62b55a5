"""The map in ARCHITECTURE.md has every part of the engine, and none that is not there."""

import re
from fnmatch import fnmatchcase

import workspace

ROW = re.compile(r"^\| `([^`]+)` \| [^|]+ \|$", re.MULTILINE)


def parts_of_the_engine() -> set[str]:
    """The modules at the top of the engine, and its packages with a slash behind them."""
    source = workspace.by_name()["m31a-engine"].source
    modules = {file.stem for file in source.glob("*.py") if not file.stem.startswith("__")}
    return modules | {f"{file.parent.name}/" for file in source.glob("*/__init__.py")}


def test_each_part_of_the_engine_has_its_place_on_the_map() -> None:
    text = (workspace.ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.partition("## Inside the engine")[2].partition("\n## ")[0]
    named = [word for row in ROW.findall(table) for word in row.split()]
    parts = parts_of_the_engine()

    places = {part: [word for word in named if fnmatchcase(part, word)] for part in parts}
    assert {part: words for part, words in places.items() if len(words) != 1} == {}
    assert [word for word in named if not any(fnmatchcase(part, word) for part in parts)] == []
