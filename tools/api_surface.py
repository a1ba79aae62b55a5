"""Write down the public face of each distribution: names and signatures, one line each.

python tools/api_surface.py update    write tests/contracts/api/MODULE.txt anew
python tools/api_surface.py           print what has changed; exit 1 if anything has

Read from the syntax trees, so that the text is the same on every Python. A name counts as public
when the package's `__all__`, or that of its `testing` module, lists it. What a public class has of
a class that is not public is its own.
"""

import ast
import difflib
import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import workspace
from workspace import Member

FACES = workspace.ROOT / "tests" / "contracts" / "api"


def public_modules(member: Member) -> list[str]:
    """The modules people may import from."""
    testing = [member.source / "testing.py", member.source / "testing" / "__init__.py"]
    return [member.module] + [f"{member.module}.testing"] * any(map(Path.is_file, testing))


def names_of(module: str) -> list[str]:
    """What a module offers, sorted."""
    return sorted(getattr(importlib.import_module(module), "__all__", ()))


def definitions(member: Member) -> dict[tuple[str, str], ast.stmt]:
    """The statement that makes each top-level name, under (module, name)."""
    found: dict[tuple[str, str], ast.stmt] = {}
    for file in sorted(member.source.rglob("*.py")):
        parts = file.relative_to(member.source.parent).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            match node:
                case (
                    ast.FunctionDef(name=name)
                    | ast.AsyncFunctionDef(name=name)
                    | ast.ClassDef(name=name)
                    | ast.Assign(targets=[ast.Name(id=name)])
                    | ast.AnnAssign(target=ast.Name(id=name))
                ):
                    found[module, name] = node
    return found


def definition(name: str, owner: str, own: dict[tuple[str, str], ast.stmt]) -> ast.stmt | None:
    """Where a name is made: in the module its value names, else in the one that has it."""
    if (owner, name) in own:
        return own[owner, name]
    return next((node for (_, other), node in own.items() if other == name), None)


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> str:
    """One function as a caller sees it."""
    before = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{before}{name}({ast.unparse(node.args)}){result}"


def members_of(node: ast.ClassDef) -> Iterator[str]:
    """The fields and methods of a class that are not private."""
    for each in node.body:
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name == "__init__" or not name.startswith("_"):
                    marks = [ast.unparse(mark) for mark in each.decorator_list]
                    text = signature(each, name)
                    yield " ".join([*(f"@{mark}" for mark in marks), text])
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                yield ast.unparse(each)
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                yield ast.unparse(each)


def inherited(node: ast.ClassDef, hidden: Mapping[str, ast.ClassDef]) -> Iterator[str]:
    """The members that a class has of classes nobody may import, the furthest first."""
    for base in node.bases:
        above = hidden.get(ast.unparse(base))
        if above is not None:
            yield from inherited(above, hidden)
            yield from members_of(above)


def described(name: str, node: ast.stmt, hidden: Mapping[str, ast.ClassDef]) -> Iterator[str]:
    """The lines on one public name."""
    match node:
        case ast.ClassDef():
            above = [
                text
                for base in [*node.bases, *node.keywords]
                if (text := ast.unparse(base)) not in hidden
            ]
            yield f"class {name}({', '.join(above)})" if above else f"class {name}"
            members = dict.fromkeys([*inherited(node, hidden), *members_of(node)])
            yield from (f"    {line}" for line in members)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield signature(node, name)
        case ast.AnnAssign():
            yield f"{name}: {ast.unparse(node.annotation)}"
        case _:
            yield ast.unparse(node)


def face(member: Member) -> str:
    """The text that tests/contracts/api keeps for a distribution."""
    own = definitions(member)
    modules = public_modules(member)
    public = {name for module in modules for name in names_of(module)}
    hidden = {
        name: node
        for (_, name), node in own.items()
        if isinstance(node, ast.ClassDef) and name not in public
    }
    lines: list[str] = []
    for module in modules:
        lines.append(f"# {module}")
        for name in names_of(module):
            value = getattr(importlib.import_module(module), name)
            owner = str(getattr(value, "__module__", ""))
            node = definition(name, owner, own)
            if node:
                lines += described(name, node, hidden)
            else:
                lines.append(f"{name}  (of {owner.split('.')[0]})" if owner else name)
    return "\n".join(lines) + "\n"


def changes(member: Member) -> list[str]:
    """How a distribution's face differs from the one that is kept."""
    file = FACES / f"{member.module}.txt"
    kept = file.read_text(encoding="utf-8") if file.is_file() else ""
    return list(
        difflib.unified_diff(
            kept.splitlines(), face(member).splitlines(), "kept", "now", lineterm="", n=0
        )
    )


def main(words: list[str]) -> int:
    """Write the faces, or show what has changed."""
    if words == ["update"]:
        FACES.mkdir(parents=True, exist_ok=True)
        for member in workspace.members():
            (FACES / f"{member.module}.txt").write_text(face(member), encoding="utf-8")
        return 0
    if words:
        print(__doc__)
        return 2
    found = [line for member in workspace.members() for line in changes(member)]
    print("\n".join(found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
