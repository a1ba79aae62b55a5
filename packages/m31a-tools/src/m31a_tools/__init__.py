"""A typed toolbox for a model that acts: files, edits, search, shell; permissions and limits."""

from m31a_tools.atomic import TEMPORARY_PREFIX, write_atomic
from m31a_tools.bash import Bash, shell_argv
from m31a_tools.capture import cap_text
from m31a_tools.dispatch import BeforeDestructive, dispatch
from m31a_tools.edit_file import Edit
from m31a_tools.environment import child_environment
from m31a_tools.errors import (
    BadArguments,
    CallFailed,
    CommandNotStarted,
    DuplicateTool,
    FileChanged,
    PathRefused,
    ToolsError,
)
from m31a_tools.glob_files import Glob
from m31a_tools.grep_files import Grep
from m31a_tools.permission import (
    Action,
    Allow,
    Asker,
    AskFirst,
    Choice,
    Defer,
    Deny,
    Grant,
    Mode,
    Policy,
    Rule,
    Verdict,
    decide,
    rules_for,
)
from m31a_tools.process import OnOutput, ProcessResult, run_process
from m31a_tools.read_file import FileRead
from m31a_tools.sanitise import escaped, hides_something, sanitise
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
from m31a_tools.toolbox import Toolbox, ToolSpec, default_toolbox
from m31a_tools.workspace import Inside, Outside, Workspace, resolve_inside
from m31a_tools.write_file import FileWrite

__all__ = [
    "TEMPORARY_PREFIX",
    "Access",
    "Action",
    "Allow",
    "AskFirst",
    "Asker",
    "BadArguments",
    "Bash",
    "BeforeDestructive",
    "Call",
    "CallFailed",
    "Choice",
    "CommandNotStarted",
    "CommandOutput",
    "Decision",
    "Defer",
    "Deny",
    "Display",
    "DuplicateTool",
    "Edit",
    "FileChanged",
    "FileDiff",
    "FileRead",
    "FileWrite",
    "Glob",
    "Grant",
    "Grep",
    "Inside",
    "Listing",
    "Mode",
    "OnOutput",
    "Outcome",
    "Outside",
    "PathRefused",
    "PermissionRequest",
    "Plain",
    "Policy",
    "ProcessResult",
    "Risk",
    "Rule",
    "Tool",
    "ToolResult",
    "ToolSpec",
    "Toolbox",
    "ToolsError",
    "Verdict",
    "Workspace",
    "cap_text",
    "child_environment",
    "decide",
    "default_toolbox",
    "dispatch",
    "escaped",
    "hides_something",
    "resolve_inside",
    "rules_for",
    "run_process",
    "sanitise",
    "shell_argv",
    "write_atomic",
]
