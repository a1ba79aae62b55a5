"""What the tests in a Python file do, read from its syntax tree."""

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_SKIPS = re.compile(
    r"skip|skipif|skipIf|skipUnless|xfail|expectedFailure|skip_unless\w*|skip_if\w*"
)
_SKIP_CALLS = frozenset({"skip", "skipTest", "xfail", "importorskip"})
_ASSERT_CALLS = re.compile(
    r"_?(?:assert\w*|check\w*|verify\w*|expect\w*|ensure\w*|fail|raises|warns)"
)
_BROAD = frozenset({"Exception", "BaseException"})
_EXITS = frozenset({"exit", "_exit", "abort", "quit"})
_FILTERS = frozenset({"load_tests", "collect_ignore", "collect_ignore_glob", "__test__"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTest:
    """One test function, as far as its strictness can be counted."""

    name: str
    skips: int
    asserts: int
    """That can fail."""
    exact: int
    """Asserts that compare with one value."""
    trivial: int
    """Asserts that cannot fail."""
    broad: int
    """Expected exceptions of any kind, and exceptions swallowed."""
    cases: int
    """Parameter sets it is run with; 1 when they cannot be counted."""
    body: str
    """The same for two tests that do the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTests:
    """What a test file holds."""

    tests: dict[str, PythonTest]
    skips: int
    """For the whole file or a class."""
    filters: int
    """Names by which a file decides what is collected."""
    exits: int
    """Calls that end the runner."""
    patches: int
    """Assignments, outside functions, to what another module holds."""


def read_python_tests(source: str) -> PythonTests | None:
    """What a test file holds; None when it does not parse."""
    module = parsed(source)
    if module is None:
        return None
    tests = {test.name: test for test in _tests(module.body, "")}
    top = [node for node in module.body if not isinstance(node, Function | ast.ClassDef)]
    imported = _imported(module)
    return PythonTests(
        tests=tests,
        skips=sum(_skips_below(node) for node in top) + _marks(module.body),
        filters=sum(_filters(node) for node in module.body),
        exits=sum(_ends_runner(node) for node in ast.walk(module)),
        patches=sum(patches(node, imported) for node in outside_functions(module)),
    )


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of a program; None when it has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def count_asserts(source: str) -> int:
    """How many asserts that can fail stand anywhere in a program; 0 when it does not parse."""
    module = parsed(source)
    if module is None:
        return 0
    return sum(_judge(node) in ("exact", "loose") or _raises(node) for node in ast.walk(module))


def _raises(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Raise) and node.exc is not None and _last(node.exc) == "AssertionError"
    )


def _tests(body: list[ast.stmt], prefix: str) -> Iterator[PythonTest]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, Function) and node.name.startswith("test"):
            yield _test(node, prefix)
        elif isinstance(node, ast.If | ast.Try):
            yield from _tests(node.body, prefix)


def _test(node: Function, prefix: str) -> PythonTest:
    below = [inner for statement in _reached(node.body) for inner in ast.walk(statement)]
    judged = [_judge(inner) for inner in below]
    return PythonTest(
        name=f"{prefix}{node.name}",
        skips=sum(bool(_SKIPS.fullmatch(_last(mark))) for mark in node.decorator_list)
        + sum(_is_skip(inner) for inner in below),
        asserts=sum(kind in ("exact", "loose") for kind in judged),
        exact=judged.count("exact"),
        trivial=judged.count("trivial"),
        broad=judged.count("broad"),
        cases=_cases(node),
        body=ast.dump(ast.Module(body=node.body, type_ignores=[])),
    )


def _reached(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements up to the first plain return: what follows it never runs."""
    for at, statement in enumerate(body):
        if isinstance(statement, ast.Return):
            return body[:at]
    return body


def _judge(node: ast.AST) -> str:
    """`exact`, `loose`, `trivial`, `broad`, or "" for what asserts nothing."""
    match node:
        case ast.Assert(test=test):
            if _cannot_fail(test):
                return "trivial"
            return "exact" if _is_exact(test) else "loose"
        case ast.ExceptHandler(type=kind, body=[ast.Pass() | ast.Expr(value=ast.Constant())]):
            return "broad" if kind is None or _last(kind) in _BROAD | {"AssertionError"} else ""
        case ast.Call(func=function, args=args):
            return _judge_call(_last(function), args)
        case _:
            return ""


def _judge_call(name: str, args: list[ast.expr]) -> str:
    if name == "suppress" and any(_last(arg) in _BROAD | {"AssertionError"} for arg in args):
        return "broad"
    if not _ASSERT_CALLS.fullmatch(name):
        return ""
    if (
        name in ("raises", "assertRaises", "assertRaisesRegex")
        and args
        and _last(args[0]) in _BROAD
    ):
        return "broad"
    if name in ("assertTrue", "assertFalse", "assertIsNotNone", "assert_") and args:
        return "trivial" if isinstance(args[0], ast.Constant) else "loose"
    if name in ("assertEqual", "assertIs", "assertDictEqual", "assertListEqual") and len(args) > 1:
        return "trivial" if ast.dump(args[0]) == ast.dump(args[1]) else "exact"
    return "loose"


def _cannot_fail(test: ast.expr) -> bool:
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Tuple(elts=[_, *_]):
            return True
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_cannot_fail(value) for value in values)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_cannot_fail(value) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=value)):
            return not value
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            return ast.dump(left) == ast.dump(right)
        case _:
            return False


def _is_exact(test: ast.expr) -> bool:
    match test:
        case ast.Compare(ops=[ast.Eq() | ast.Is()], comparators=[right]):
            return not (isinstance(right, ast.Call) and _last(right.func) in ("approx", "ANY"))
        case ast.BoolOp(op=ast.And(), values=values):
            return any(_is_exact(value) for value in values)
        case _:
            return False


def _is_skip(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise) and node.exc is not None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return _last(raised) == "SkipTest"
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _SKIP_CALLS
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
            return name in _SKIP_CALLS and owner in ("pytest", "self", "cls", "unittest")
        case _:
            return False


def _skips_below(node: ast.stmt) -> int:
    """Skips that hold for the whole file: `pytestmark`, `pytest.skip(...)`, a raised SkipTest."""
    marked = isinstance(node, ast.Assign | ast.AnnAssign) and "pytestmark" in _targets(node)
    words = (
        _last(inner) for inner in ast.walk(node) if isinstance(inner, ast.Attribute | ast.Name)
    )
    if marked and any(_SKIPS.fullmatch(word) for word in words):
        return 1
    return sum(_is_skip(inner) for inner in ast.walk(node))


def _marks(body: list[ast.stmt]) -> int:
    """Skips on classes and in set-up functions."""
    count = 0
    for node in body:
        if isinstance(node, ast.ClassDef):
            count += sum(bool(_SKIPS.fullmatch(_last(mark))) for mark in node.decorator_list)
            count += sum(
                _skips_below(inner) for inner in node.body if isinstance(inner, ast.Assign)
            )
            count += _marks(node.body)
        elif isinstance(node, Function) and node.name.lower().startswith(("setup", "fixture")):
            count += sum(_is_skip(inner) for inner in ast.walk(node))
    return count


def _filters(node: ast.stmt) -> int:
    if isinstance(node, Function):
        return node.name in _FILTERS or node.name.startswith("pytest_")
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return bool(_FILTERS.intersection(_targets(node)))
    if isinstance(node, ast.ClassDef):
        return sum(_filters(inner) for inner in node.body if isinstance(inner, ast.Assign))
    return 0


def _ends_runner(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _EXITS
        and _last(node.func.value) in ("sys", "os", "pytest")
    )


def patches(node: ast.AST, imported: frozenset[str]) -> bool:
    """Whether it changes, for every test, what a module holds."""
    match node:
        case ast.Assign(targets=targets):
            return any(_root(target) in imported for target in targets if _is_reach(target))
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return _is_reach(target) and _root(target) in imported
        case ast.Call(func=ast.Name(id="setattr"), args=[target, *_]):
            return _root(target) in imported
        case _:
            return False


def _is_reach(target: ast.expr) -> bool:
    """`module.name = …`, or an entry of `sys.modules`."""
    if isinstance(target, ast.Subscript):
        return ast.unparse(target.value) == "sys.modules"
    return isinstance(target, ast.Attribute)


def _imported(module: ast.Module) -> frozenset[str]:
    return frozenset(
        (name.asname or name.name).partition(".")[0]
        for node in ast.walk(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    )


def outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """All below a node that runs when the module is imported."""
    for inner in ast.iter_child_nodes(node):
        if not isinstance(inner, Function | ast.Lambda):
            yield inner
            yield from outside_functions(inner)


def _cases(node: Function) -> int:
    cases = 1
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and _last(mark.func) in ("parametrize", "expand"):
            sets = next(
                (arg for arg in reversed(mark.args) if isinstance(arg, ast.List | ast.Tuple)), None
            )
            cases *= len(sets.elts) if sets is not None else 1
    return cases


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {_last(target) for target in targets}


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last(node: ast.expr) -> str:
    """The last name of a dotted expression, its call left out."""
    match node:
        case ast.Call(func=function):
            return _last(function)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""
