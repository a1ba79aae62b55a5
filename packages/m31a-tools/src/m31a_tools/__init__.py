"""A typed toolbox for a model that acts: files, edits, search, shell; permissions and limits."""

from m31a_tools.address import CheckedAddress, check_url
from m31a_tools.apply_patch import ApplyPatch
from m31a_tools.ask_user import AskUser, OnQuestion, Question
from m31a_tools.asking import Asker, Choice, Grant, PatientAsker
from m31a_tools.atomic import TEMPORARY_PREFIX, write_atomic
from m31a_tools.background import Background, RunningCommand
from m31a_tools.bash import Bash, shell_argv
from m31a_tools.bash_output import BashOutput
from m31a_tools.bash_stop import BashStop
from m31a_tools.capture import cap_text
from m31a_tools.delete_file import FileDelete
from m31a_tools.dispatch import BeforeDestructive, dispatch
from m31a_tools.edit_file import Edit
from m31a_tools.environment import child_environment
from m31a_tools.errors import (
    BadArguments,
    BlockedAddress,
    CallFailed,
    CommandNotStarted,
    ConfinementRefused,
    DuplicateTool,
    ExitAsked,
    ExtraNotInstalled,
    FileChanged,
    PathRefused,
    SandboxMissing,
    ToolsError,
)
from m31a_tools.explain import ExplainedPart, Explanation, Judgement, explain
from m31a_tools.glob_files import Glob
from m31a_tools.grep_files import Grep
from m31a_tools.inherited import Inherited
from m31a_tools.list_files import FileList
from m31a_tools.move_file import FileMove
from m31a_tools.permission import decide
from m31a_tools.policy import (
    Action,
    Allow,
    AskFirst,
    Defer,
    Deny,
    Mode,
    Policy,
    Rule,
    Verdict,
    in_force,
)
from m31a_tools.process import OnOutput, ProcessResult, run_process
from m31a_tools.read_file import FileRead
from m31a_tools.recovery import recover, remove_leftovers
from m31a_tools.sandbox.confined import Confined
from m31a_tools.sandbox.confinement import Confinement, Mount
from m31a_tools.sandbox.confines import Confines
from m31a_tools.sandbox.launch import Launch
from m31a_tools.sandbox.sandbox import Sandbox, SandboxKind
from m31a_tools.sanitise import escaped, hides_something, sanitise
from m31a_tools.standing_rules import rules_for
from m31a_tools.todo_write import OnTodos, Todo, TodoStatus, TodoWrite
from m31a_tools.tool import (
    Access,
    Call,
    CommandOutput,
    Decision,
    Display,
    FileDiff,
    Listing,
    Outcome,
    PermissionRequest,
    Plain,
    Risk,
    Tool,
    ToolResult,
)
from m31a_tools.toolbox import Toolbox, ToolSpec, default_toolbox, further_tools
from m31a_tools.workspace import Inside, Outside, Workspace, resolve_inside
from m31a_tools.write_file import FileWrite

__all__ = [
    "TEMPORARY_PREFIX",
    "Access",
    "Action",
    "Allow",
    "ApplyPatch",
    "AskFirst",
    "AskUser",
    "Asker",
    "Background",
    "BadArguments",
    "Bash",
    "BashOutput",
    "BashStop",
    "BeforeDestructive",
    "BlockedAddress",
    "Call",
    "CallFailed",
    "CheckedAddress",
    "Choice",
    "CommandNotStarted",
    "CommandOutput",
    "Confined",
    "Confinement",
    "ConfinementRefused",
    "Confines",
    "Decision",
    "Defer",
    "Deny",
    "Display",
    "DuplicateTool",
    "Edit",
    "ExitAsked",
    "ExplainedPart",
    "Explanation",
    "ExtraNotInstalled",
    "FileChanged",
    "FileDelete",
    "FileDiff",
    "FileList",
    "FileMove",
    "FileRead",
    "FileWrite",
    "Glob",
    "Grant",
    "Grep",
    "Inherited",
    "Inside",
    "Judgement",
    "Launch",
    "Listing",
    "Mode",
    "Mount",
    "OnOutput",
    "OnQuestion",
    "OnTodos",
    "Outcome",
    "Outside",
    "PathRefused",
    "PatientAsker",
    "PermissionRequest",
    "Plain",
    "Policy",
    "ProcessResult",
    "Question",
    "Risk",
    "Rule",
    "RunningCommand",
    "Sandbox",
    "SandboxKind",
    "SandboxMissing",
    "Todo",
    "TodoStatus",
    "TodoWrite",
    "Tool",
    "ToolResult",
    "ToolSpec",
    "Toolbox",
    "ToolsError",
    "Verdict",
    "Workspace",
    "cap_text",
    "check_url",
    "child_environment",
    "decide",
    "default_toolbox",
    "dispatch",
    "escaped",
    "explain",
    "further_tools",
    "hides_something",
    "in_force",
    "recover",
    "remove_leftovers",
    "resolve_inside",
    "rules_for",
    "run_process",
    "sanitise",
    "shell_argv",
    "write_atomic",
]
