"""Tools by name."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from m31a_tools.bash import Bash
from m31a_tools.edit_file import Edit
from m31a_tools.errors import DuplicateTool
from m31a_tools.glob_files import Glob
from m31a_tools.grep_files import Grep
from m31a_tools.read_file import FileRead
from m31a_tools.schema import Schema, lean_schema
from m31a_tools.tool import Tool
from m31a_tools.workspace import Workspace
from m31a_tools.write_file import FileWrite

_ALIASES = {
    "Bash": "bash shell sh run exec execute terminal cmd command runcommand runterminalcmd "
    "runterminalcommand executecommand execcommand shellcommand localshell runshellcommand "
    "runinterminal bashtool executebash",
    "FileRead": "read cat readfile viewfile view openfile open getfile readfiletool fileview",
    "FileWrite": "write writefile createfile savefile save writetofile create newfile",
    "Edit": "editfile strreplace searchreplace replace replaceinfile fileedit multiedit "
    "strreplaceeditor strreplacebasededittool editfiletool searchandreplace applyedit",
    "Glob": "find findfiles globfiles filesearch findfile globsearch searchfilesbyname",
    "Grep": "search searchfiles rg ripgrep searchtext grepsearch searchcode codesearch "
    "searchfilecontent greptool findinfiles",
}


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is told about a tool."""

    name: str
    description: str
    parameters: Schema
    """JSON Schema of the arguments."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Tools in a fixed order, found by their names and by what models call them."""

    tools: tuple[Tool[Any], ...]

    def __post_init__(self) -> None:
        """Refuse two tools of one name."""
        seen: set[str] = set()
        for tool in self.tools:
            if tool.name in seen:
                raise DuplicateTool(tool.name)
            seen.add(tool.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names, in order."""
        return tuple(tool.name for tool in self.tools)

    def get(self, name: str) -> Tool[Any] | None:
        """The tool a model means by `name`, None when there is no such tool."""
        exact = next((tool for tool in self.tools if tool.name == name), None)
        if exact is not None:
            return exact
        # `functions.read_file` and `read-file` are ways to write the same.
        plain = re.sub(r"[^a-z]", "", name.rsplit(".", 1)[-1].lower())
        for tool in self.tools:
            if plain in (tool.name.lower(), *_ALIASES.get(tool.name, "").split()):
                return tool
        return None

    def specs(self) -> tuple[ToolSpec, ...]:
        """What goes to the model, in the toolbox's order, the same each time."""
        return tuple(
            ToolSpec(
                name=tool.name,
                description=tool.description,
                parameters=lean_schema(tool.args_type),
            )
            for tool in self.tools
        )

    def only(self, names: Iterable[str]) -> "Toolbox":
        """The tools of these names, in this toolbox's order."""
        wanted = frozenset(names)
        return Toolbox(tuple(tool for tool in self.tools if tool.name in wanted))


def default_toolbox(
    workspace: Workspace,
    *,
    bash_timeout_s: float = 120.0,
    bash_output_chars: int = 50_000,
    output_chars: int = 10_000,
    glob_results: int = 1000,
    may_commit: bool = False,
) -> Toolbox:
    """Bash, FileRead, FileWrite, Edit, Glob, Grep, using what the workspace's PATH offers."""
    ripgrep = shutil.which("rg", path=workspace.variables().get("PATH")) or ""
    return Toolbox(
        (
            Bash(output_chars=bash_output_chars, timeout_s=bash_timeout_s, may_commit=may_commit),
            FileRead(output_chars=output_chars),
            FileWrite(output_chars=output_chars),
            Edit(output_chars=output_chars),
            Glob(output_chars=output_chars, max_results=glob_results),
            Grep(output_chars=output_chars, ripgrep=ripgrep),
        )
    )
