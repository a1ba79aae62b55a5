"""Syntax of changed files, by parsers of this process; nothing of the project is run."""

import ast
import json
import tomllib
import warnings
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from time import monotonic

import anyio.to_thread

from m31a_engine.checks.result import TAIL_CHARS, CheckResult, CheckStatus
from m31a_rollback import Repository

_LARGEST_BYTES = 1_000_000
_EXAMPLES = frozenset({"data", "fixtures", "testdata", "test-data", "snapshots", "examples"})
"""Folders whose files may be broken on purpose."""
_WITH_COMMENTS = ("tsconfig", "jsconfig", "devcontainer", ".eslintrc", ".babelrc")


async def check_syntax(
    repository: Repository, commit: str, files: Sequence[str], *, base: str | None = None
) -> CheckResult | None:
    """Whether the Python, JSON and TOML files among `files` parse, as `commit` has them.

    None when there is none to look at: another language, deleted, over 1 MB, or an example that
    may be broken on purpose. With `base`, what did not parse there is left out too.
    """
    started = monotonic()
    paths = sorted(path for path in set(files) if _parser(path) is not None)
    if not paths:
        return None
    contents = await repository.blobs(commit, paths)
    before = await repository.blobs(base, paths) if base is not None else {}
    looked_at, errors = await anyio.to_thread.run_sync(_errors, contents, before)
    if not looked_at:
        return None
    return CheckResult(
        name="syntax",
        command="",
        exit_code=1 if errors else 0,
        passed=not errors,
        status=CheckStatus.FAILED if errors else CheckStatus.PASSED,
        seconds=round(monotonic() - started, 3),
        output_tail="\n".join(errors)[-TAIL_CHARS:],
        tree=await repository.tree_of(commit),
        behavioural=False,
        note=f"{looked_at} file" + ("s" if looked_at != 1 else ""),
    )


def _errors(
    contents: dict[str, bytes | None], before: dict[str, bytes | None]
) -> tuple[int, list[str]]:
    looked_at = 0
    errors: list[str] = []
    for path, data in contents.items():
        parse = _parser(path)
        if parse is None or data is None or len(data) > _LARGEST_BYTES:
            continue
        looked_at += 1
        error = _error(parse, data)
        old = before.get(path)
        if error and (old is None or not _error(parse, old)):
            errors.append(f"{path}: {error}")
    return looked_at, errors


def _error(parse: Callable[[bytes], object], data: bytes) -> str:
    """What the parser says against it; "" when nothing, or when it is too deep to tell."""
    try:
        parse(data)
    except SyntaxError as exc:
        return f"line {exc.lineno}: {exc.msg}"
    except (ValueError, UnicodeDecodeError) as exc:
        return str(exc)
    except (RecursionError, MemoryError):
        return ""
    return ""


def _parser(path: str) -> Callable[[bytes], object] | None:
    where = PurePosixPath(path)
    if _EXAMPLES.intersection(where.parts[:-1]) or "{{" in path:
        return None
    match where.suffix:
        case ".py":
            return _parse_python
        case ".toml":
            return _parse_toml
        case ".json" if not where.name.startswith(_WITH_COMMENTS) and ".vscode" not in where.parts:
            return json.loads
        case _:
            return None


def _parse_python(data: bytes) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(data)


def _parse_toml(data: bytes) -> object:
    return tomllib.loads(data.decode("utf-8"))
