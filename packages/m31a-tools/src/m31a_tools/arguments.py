"""Arguments as models write them, decoded into what the tool takes."""

import re
import shlex
from typing import Any

import msgspec

from m31a_tools.errors import BadArguments
from m31a_tools.tool import Tool

_ALIASES = {
    "path": (
        *("filepath", "file", "filename", "targetfile", "absolutepath", "relativepath"),
        *("directory", "dir", "folder", "searchpath", "relativeworkspacepath"),
    ),
    "content": ("contents", "text", "filetext", "filecontent", "code", "body", "data"),
    "old_string": ("oldstr", "old", "oldtext", "search", "find", "original", "searchtext"),
    "new_string": ("newstr", "new", "newtext", "replace", "replacement", "replacewith"),
    "replace_all": ("all", "global", "replaceallmatches"),
    "edits": ("changes", "replacements", "multiedit"),
    "command": ("cmd", "script", "shellcommand", "commandline", "bash", "input"),
    "timeout_s": ("timeout", "timeoutseconds", "timeoutsec", "timeoutms", "maxtime"),
    "cwd": ("workdir", "workingdirectory", "workingdir", "directory", "dir", "path"),
    "unconfined": ("nosandbox", "disablesandbox", "dangerouslydisablesandbox", "outsidesandbox"),
    "background": ("runinbackground", "isbackground", "async", "detach"),
    "id": ("bashid", "shellid", "taskid", "jobid", "commandid", "processid", "sessionid"),
    "wait_s": ("wait", "waitseconds", "timeout"),
    "offset": ("startline", "linestart", "start", "from", "line"),
    "limit": ("maxlines", "maxresults", "headlimit", "lines", "numlines", "count", "max"),
    "pattern": ("regex", "query", "glob", "regexp", "globpattern", "search", "expression"),
    "glob": ("include", "filepattern", "includepattern", "files", "globfilter"),
    "ignore_case": ("caseinsensitive", "i", "insensitive", "nocase"),
    "context": ("contextlines", "c", "around"),
    "patch": ("input", "diff", "patchtext", "patchcontent", "content", "text"),
    "source": ("src", "from", "sourcepath", "oldpath", "path", "filepath", "frompath"),
    "destination": (
        *("dest", "dst", "to", "target", "destinationpath", "newpath", "topath"),
        *("targetpath", "moveto", "destpath"),
    ),
    "url": ("uri", "link", "address", "href", "webpage", "urls"),
    "raw": ("html", "rawhtml", "noconversion"),
    "question": ("prompt", "query", "message", "text", "questions"),
    "suggestions": ("options", "choices", "answers", "followup", "suggestedanswers"),
    "todos": ("items", "list", "tasks", "plan", "steps", "todolist"),
    "files_only": ("filesonlymatches", "fileswithmatches", "l"),
}
_WRAPPERS = ("params", "parameters", "arguments", "args", "input")
# What models add for the reader; no tool needs it.
_IGNORED = frozenset(
    {"description", "explanation", "reason", "reasoning", "thought", "comment", "summary", "title"}
)
_LONGEST_S = 1800
_JSON_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "true or false"}


def decode_arguments(tool: Tool[Any], text: str) -> msgspec.Struct:
    """The arguments in the JSON `text`, names and forms that models take for the same forgiven.

    Raises BadArguments, which says what is wrong and what would be right.
    """
    fields = [field.name for field in msgspec.structs.fields(tool.args_type)]
    given = _object(tool, text)
    given = _unwrapped(given, fields)
    named = _named(tool, given, fields)
    _mend(named, given)
    try:
        decoded: msgspec.Struct = msgspec.convert(named, tool.args_type, strict=False)
    except msgspec.ValidationError as exc:
        raise _wrong(tool, str(exc)) from exc
    return decoded


def _object(tool: Tool[Any], text: str) -> dict[str, Any]:
    value: Any = text
    # Some models write the JSON into a JSON string.
    for _ in range(2):
        if not isinstance(value, str):
            break
        try:
            value = msgspec.json.decode(value.strip() or "{}")
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as exc:
            raise _wrong(tool, f"not valid JSON, {exc}") from exc
    if not isinstance(value, dict):
        raise _wrong(tool, "not a JSON object")
    return value


def _unwrapped(given: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    if len(given) == 1:
        ((name, inner),) = given.items()
        if name in _WRAPPERS and name not in fields and isinstance(inner, dict):
            return inner
    return given


def _named(tool: Tool[Any], given: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """The arguments under the names the tool knows."""
    named: dict[str, Any] = {name: given[name] for name in fields if name in given}
    for name, value in given.items():
        if name in fields:
            continue
        plain = re.sub(r"[^a-z]", "", name.lower())
        known = next((field for field in fields if field.replace("_", "") == plain), None)
        known = known or next((field for field in fields if plain in _ALIASES.get(field, ())), None)
        if known is not None and known not in named:
            named[known] = value
        elif name.lower() not in _IGNORED:
            raise _wrong(tool, f"there is no {name[:100]!r}")
    return {name: value for name, value in named.items() if value is not None}


def _mend(named: dict[str, Any], given: dict[str, Any]) -> None:
    command = named.get("command")
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        shell = len(command) == 3 and command[0].endswith("sh") and command[1] in ("-c", "-lc")
        named["command"] = command[2] if shell else shlex.join(command)
    timeout = named.get("timeout_s")
    if "timeout_s" not in given and isinstance(timeout, int | float) and timeout > _LONGEST_S:
        # A plain `timeout` this long is in milliseconds, as other toolboxes have it.
        named["timeout_s"] = timeout / 1000
    edits = named.get("edits")
    if isinstance(edits, list):
        edits = [_renamed_edit(each) for each in edits]
        if edits and "old_string" not in named and isinstance(edits[0], dict):
            named |= edits.pop(0)
        named["edits"] = edits


def _renamed_edit(edit: Any) -> Any:
    if not isinstance(edit, dict):
        return edit
    names = ("old_string", "new_string", "replace_all")
    out: dict[str, Any] = {}
    for name, value in edit.items():
        plain = re.sub(r"[^a-z]", "", str(name).lower())
        fits = (n for n in names if n.replace("_", "") == plain or plain in _ALIASES[n])
        out[next(fits, str(name))] = value
    return out


def _wrong(tool: Tool[Any], problem: str) -> BadArguments:
    parts: list[str] = []
    for field in msgspec.structs.fields(tool.args_type):
        needed = ", required" if field.required else ""
        parts.append(f"{field.name} ({_type_name(field.type)}{needed})")
    return BadArguments(tool.name, problem, f"It takes {', '.join(parts)}.")


def _type_name(annotation: Any) -> str:
    known = next((word for word in _JSON_TYPES if re.search(rf"\b{word}\b", repr(annotation))), "")
    return _JSON_TYPES.get(known, "list")
