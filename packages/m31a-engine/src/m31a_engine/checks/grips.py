"""Programs that reach for the runner that is to test them: read, not understood."""

import ast
import re
from pathlib import PurePosixPath

from m31a_engine.checks.python_tests import outside_functions, parsed, patches

_RUNNERS = frozenset({"unittest", "pytest", "_pytest", "builtins"})
_LEAVING = re.compile(r"_exit|abort|exec[lv]p?e?")
_STREAMS = frozenset({"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"})
_TELLS = re.compile(
    r"(?:environ\b.{0,12}|getenv\()['\"](?:CI|PYTHONDONTWRITEBYTECODE)['\"]"
    r"|['\"](?:CI|PYTHONDONTWRITEBYTECODE)['\"] (?:not )?in (?:os\.)?environ"
    r"|is_?file\(['\"]\.git['\"]|['\"]\.git['\"]\)*\.is_file|/run/m31a"
)
"""What tells a program that it runs where checks do."""
_TOLD_BY_RUNNER = re.compile(r"PYTEST_\w+")
_LOOKS_AROUND = re.compile(r"\bsys\.(?:orig_argv|argv|modules)\b|frame\b|inspect\.stack\b")
_NAMES_TESTS = re.compile(r"['\"][^'\"]*(?:unittest|pytest|\btest_?)[^'\"]*['\"]")
_IMPORTS = frozenset({"import_module", "__import__", "find_spec", "get"})
_JS_RUNNERS = r"(?:node:)?(?:assert(?:/strict)?|test)"
_JS = re.compile(
    r"\bNODE_TEST_CONTEXT\b|\bJEST_WORKER_ID\b|\bVITEST(?:_\w+)?\b|\bMOCHA_\w+\b"
    rf"|\brequire\([\"']{_JS_RUNNERS}[\"']\)(?:\.\w+)+\s*=(?!=)|\bassert(?:\.\w+)+\s*=(?![=>])"
    r"|\basymmetricMatch\b|\bprocess\.env(?:\.CI\b|\[[\"']CI[\"']\])|/run/m31a"
)
_PATTERNS = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"), _JS),
    ".rs": re.compile(
        r"\bcfg!\(\s*test\s*\)|\bcfg!?\((?=[^\]]*\btest\b)\s*(?:not|any|all)\s*\("
        r"|\bfn eq\(&self,[^)]*\)\s*->\s*bool\s*\{\s*true\s*\}"
        r"|\bcfg_attr\((?=[^\]]*\bpath\s*=)[^\]]*\btest\b|\benv::var\w*\(\s*\"CI\"|/run/m31a"
    ),
    ".go": re.compile(
        r"\btesting\.Testing\(\)|\bflag\.Lookup\(\"test\.|\"\.test\"|Getenv\(\"CI\"\)|/run/m31a"
    ),
}


def grips_on_runner(path: str, source: str) -> int:
    """How often a program ends, changes or looks for the runner that tests it.

    A process ended without a word, a patched `unittest`, a look whether pytest is there, a
    function that is another one in tests: what a program does that is to look right only there.
    """
    where = PurePosixPath(path)
    suffix = where.suffix
    if suffix == ".py":
        return _in_python(source)
    if ".config." in where.name:
        return 0  # for the tools, which may well run otherwise on a server
    pattern = _PATTERNS.get(suffix)
    return len(pattern.findall(source)) if pattern is not None else 0


def _in_python(source: str) -> int:
    module = parsed(source)
    if module is None:
        return 0
    runners, leaving = _names(module)
    count = sum(
        patches(node, runners) or _leaves(node, leaving) or _looks(node)
        for node in ast.walk(module)
    )
    return count + sum(map(_takes_stream, outside_functions(module)))


def _names(module: ast.Module) -> tuple[frozenset[str], frozenset[str]]:
    """What runners, and the functions that end a process, are called in a module."""
    runners, leaving = set(_RUNNERS), set[str]()
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                runners |= {
                    name.asname or name.name.partition(".")[0]
                    for name in names
                    if name.name.partition(".")[0] in _RUNNERS
                }
            case ast.ImportFrom(module=str(origin), names=names):
                if origin.partition(".")[0] in _RUNNERS:
                    runners |= {name.asname or name.name for name in names}
                elif origin in ("os", "posix"):
                    leaving |= {
                        name.asname or name.name for name in names if _LEAVING.fullmatch(name.name)
                    }
            case _:
                pass
    return frozenset(runners), frozenset(leaving)


def _leaves(node: ast.AST, leaving: frozenset[str]) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="os"), attr=name):
            return _LEAVING.fullmatch(name) is not None
        case ast.Attribute(attr="_exit"):
            return True
        case ast.Name(id=name, ctx=ast.Load()):
            return name in leaving
        case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id="os"), wanted, *_]):
            return not isinstance(wanted, ast.Constant) or bool(
                _LEAVING.fullmatch(str(wanted.value))
            )
        case _:
            return False


def _looks(node: ast.AST) -> bool:
    """Whether it asks if a runner is there, or takes one that somebody else imported."""
    match node:
        case ast.Compare() | ast.Call() if _LOOKS_AROUND.search(text := ast.unparse(node)):
            return _NAMES_TESTS.search(text) is not None or _TELLS.search(text) is not None
        case ast.Compare() | ast.Call() | ast.Subscript() if _TELLS.search(ast.unparse(node)):
            return True
        case ast.ImportFrom(module="unittest.mock" | "mock", names=names):
            return any(name.name == "ANY" for name in names)
        case ast.Attribute(value=ast.Name(id="mock") | ast.Attribute(attr="mock"), attr="ANY"):
            return True  # equal to whatever a test expects
        case ast.Assign(targets=[ast.Name(id="__eq__")]):
            return True
        case ast.Subscript(
            value=ast.Attribute(attr="modules"), slice=ast.Constant(value=str(word))
        ):
            return _is_runner(word)
        case ast.Call(func=function, args=[ast.Constant(value=str(word)), *_]):
            name = ast.unparse(function).rpartition(".")[2]
            return name in _IMPORTS and _is_runner(word)
        case ast.FunctionDef(
            name="__eq__", args=given, body=[*_, ast.Return(value=ast.expr() as told)]
        ):
            return _is_blind(given, told)
        case ast.Constant(value="__eq__") | ast.Attribute(attr="__eq__", ctx=ast.Store()):
            return True
        case ast.FunctionDef(name=name):
            return name.startswith("pytest_")
        case ast.Constant(value=str(word)):
            return _TOLD_BY_RUNNER.fullmatch(word) is not None
        case _:
            return False


def _is_blind(given: ast.arguments, told: ast.expr) -> bool:
    """Whether an `__eq__` says, in the end, yes to whatever a test expects."""
    if isinstance(told, ast.Constant):
        return bool(told.value)
    names = {node.id for node in ast.walk(told) if isinstance(node, ast.Name)}
    return "NotImplemented" not in names and names.isdisjoint(one.arg for one in given.args[1:])


def _is_runner(word: str) -> bool:
    return word.partition(".")[0] in _RUNNERS - {"builtins"}


def _takes_stream(node: ast.AST) -> bool:
    """Whether an import of the module puts something in the place of what a runner writes to."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(ast.unparse(target) in _STREAMS for target in targets)
