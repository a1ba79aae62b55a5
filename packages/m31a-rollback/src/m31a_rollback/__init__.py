"""Git as a safe place to work: worktrees, plumbing commits, landing, resets and bisect.

Nothing of the user's that is not committed is lost, whatever is called and whenever it is killed.
"""

from m31a_rollback.bisection import BisectResult, BisectStep, Judgement, bisect
from m31a_rollback.chain import Chain, revert_commits
from m31a_rollback.commits import Commit, Identity, format_message
from m31a_rollback.errors import (
    BadName,
    BareRepository,
    CannotSign,
    Conflict,
    EmbeddedRepository,
    GitFailed,
    GitMissing,
    GitTimedOut,
    GitTooOld,
    HookFailed,
    Locked,
    NoIdentity,
    NotADescendant,
    NotARepository,
    NothingToUndo,
    NotOfThisRun,
    OnUpstream,
    OperationInProgress,
    RefMoved,
    RollbackError,
    UnbornBranch,
    UnknownCommit,
    UnsafeFolder,
    UnsafeOwner,
)
from m31a_rollback.hooks import (
    COMMIT_HOOKS,
    MESSAGE_HOOKS,
    HookCall,
    HookResult,
    Prepared,
    run_commit_hooks,
)
from m31a_rollback.landing_plan import CannotLand, Landed, Landing, LandingPath, Obstacle
from m31a_rollback.repository import Repository
from m31a_rollback.reset import hard_reset, revert_files, safe_reset, soft_reset, undo
from m31a_rollback.restoring import ResetResult
from m31a_rollback.snapshot import Snapshot
from m31a_rollback.status import EntryKind, Status, StatusEntry
from m31a_rollback.trees import (
    Conflicted,
    Diff,
    FileChange,
    FileStatus,
    Merged,
    TreeEntry,
)
from m31a_rollback.worktrees import WorkTree

__all__ = [
    "COMMIT_HOOKS",
    "MESSAGE_HOOKS",
    "BadName",
    "BareRepository",
    "BisectResult",
    "BisectStep",
    "CannotLand",
    "CannotSign",
    "Chain",
    "Commit",
    "Conflict",
    "Conflicted",
    "Diff",
    "EmbeddedRepository",
    "EntryKind",
    "FileChange",
    "FileStatus",
    "GitFailed",
    "GitMissing",
    "GitTimedOut",
    "GitTooOld",
    "HookCall",
    "HookFailed",
    "HookResult",
    "Identity",
    "Judgement",
    "Landed",
    "Landing",
    "LandingPath",
    "Locked",
    "Merged",
    "NoIdentity",
    "NotADescendant",
    "NotARepository",
    "NotOfThisRun",
    "NothingToUndo",
    "Obstacle",
    "OnUpstream",
    "OperationInProgress",
    "Prepared",
    "RefMoved",
    "Repository",
    "ResetResult",
    "RollbackError",
    "Snapshot",
    "Status",
    "StatusEntry",
    "TreeEntry",
    "UnbornBranch",
    "UnknownCommit",
    "UnsafeFolder",
    "UnsafeOwner",
    "WorkTree",
    "bisect",
    "format_message",
    "hard_reset",
    "revert_commits",
    "revert_files",
    "run_commit_hooks",
    "safe_reset",
    "soft_reset",
    "undo",
]
