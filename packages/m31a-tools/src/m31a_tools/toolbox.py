"""Tools by name."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from m31a_tools.apply_patch import ApplyPatch
from m31a_tools.ask_user import AskUser, OnQuestion
from m31a_tools.bash import Bash
from m31a_tools.bash_output import BashOutput
from m31a_tools.bash_stop import BashStop
from m31a_tools.delete_file import FileDelete
from m31a_tools.edit_file import Edit
from m31a_tools.errors import DuplicateTool, ExtraNotInstalled
from m31a_tools.glob_files import Glob
from m31a_tools.grep_files import Grep
from m31a_tools.list_files import FileList
from m31a_tools.move_file import FileMove
from m31a_tools.program_search import find_program
from m31a_tools.read_file import FileRead
from m31a_tools.schema import Schema, lean_schema
from m31a_tools.todo_write import OnTodos, TodoWrite
from m31a_tools.tool import Tool
from m31a_tools.workspace import Workspace
from m31a_tools.write_file import FileWrite

_ALIASES = {
    "Bash": "bash shell sh run exec execute terminal cmd command runcommand runterminalcmd "
    "runterminalcommand executecommand execcommand shellcommand localshell runshellcommand "
    "runinterminal bashtool executebash",
    "BashOutput": "taskoutput getoutput readoutput commandoutput commandstatus shelloutput "
    "getcommandoutput checkcommandstatus",
    "BashStop": "killbash killshell bashkill kill killcommand stopcommand taskstop stop",
    "FileDelete": "delete deletefile removefile remove rm rmfile unlink",
    "FileList": "ls list listfiles listdir listdirectory dir readdir lsdir",
    "FileMove": "move movefile mv rename renamefile",
    "ApplyPatch": "patch applydiff patchfile",
    "AskUser": "ask askuserquestion askquestion askfollowupquestion askhuman requestuserinput",
    "TodoWrite": "todo todos updatetodos writetodos settodos updateplan todolist",
    "WebFetch": "fetch fetchurl webfetchtool httpget geturl readurl openurl browse fetchwebpage",
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
    may_leave_sandbox: bool = False,
    background: bool = False,
) -> Toolbox:
    """Bash, FileRead, FileWrite, Edit, Glob, Grep, using what the workspace's PATH offers.

    `background` adds BashOutput and BashStop, for workspaces that hold background commands.
    `may_leave_sandbox` lets calls of Bash ask to run outside the sandbox.
    """
    ripgrep = find_program(
        "rg", workspace.variables().get("PATH", os.defpath), outside=workspace.roots
    )
    return Toolbox(
        (
            Bash(
                output_chars=bash_output_chars,
                timeout_s=bash_timeout_s,
                may_commit=may_commit,
                may_leave_sandbox=may_leave_sandbox,
            ),
            FileRead(output_chars=output_chars),
            FileWrite(output_chars=output_chars),
            Edit(output_chars=output_chars),
            Glob(output_chars=output_chars, max_results=glob_results),
            Grep(output_chars=output_chars, ripgrep=ripgrep or ""),
            *((BashOutput(bash_output_chars), BashStop(bash_output_chars)) if background else ()),
        )
    )


def further_tools(
    *,
    on_question: OnQuestion | None = None,
    on_todos: OnTodos | None = None,
    web: bool = False,
    output_chars: int = 10_000,
) -> tuple[Tool[Any], ...]:
    """The tools that are not offered unless asked for, to be put behind those of a toolbox.

    ApplyPatch, FileList, FileMove, FileDelete, AskUser; TodoWrite when `on_todos` keeps its list;
    WebFetch when asked for, which loads httpx. Raises ExtraNotInstalled.
    """
    return (
        ApplyPatch(output_chars=output_chars),
        FileList(output_chars=output_chars),
        FileMove(output_chars=output_chars),
        FileDelete(output_chars=output_chars),
        AskUser(on_question, output_chars=output_chars),
        *((TodoWrite(on_todos, output_chars=output_chars),) if on_todos is not None else ()),
        *((_web_fetch(output_chars),) if web else ()),
    )


def _web_fetch(output_chars: int) -> Tool[Any]:
    try:
        from m31a_tools.web_fetch import WebFetch  # the extra `web`, and httpx is slow to load
    except ModuleNotFoundError as exc:
        raise ExtraNotInstalled("WebFetch", "web") from exc
    return WebFetch(output_chars=output_chars)
