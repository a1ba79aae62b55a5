"""ApplyPatch: several files added, changed, moved and deleted together, all or none."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.errors import CallFailed
from m31a_tools.tool import Access, Risk, ToolResult
from m31a_tools.workspace import Workspace

_GRAMMAR = """\
Change files by a patch; all of it is applied or nothing:
*** Begin Patch
*** Add File: PATH
+each line
*** Delete File: PATH
*** Update File: PATH
*** Move to: NEW_PATH (optional)
@@ a line above the place, such as its function's (optional)
 unchanged line
-old line
+new line
*** End of File (optional: the lines are the last)
*** End Patch
Give 3 unchanged lines around each change."""


class ApplyPatchArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to change."""

    patch: Annotated[str, msgspec.Meta(description="from *** Begin Patch to *** End Patch")]


@dataclass(frozen=True, slots=True)
class ApplyPatch:
    """Makes the whole patch or nothing of it, also when it is killed; see `change_set`."""

    output_chars: int = 10_000

    name: ClassVar[str] = "ApplyPatch"
    description: ClassVar[str] = _GRAMMAR
    risk: ClassVar[Risk] = Risk.MEDIUM
    read_only: ClassVar[bool] = False
    args_type: ClassVar[type[ApplyPatchArgs]] = ApplyPatchArgs

    def access(self, args: ApplyPatchArgs) -> Access:
        """Every file it names; what it deletes is named as such. Raises CallFailed."""
        # What reads patches, and what carries them out, is loaded with the first one.
        from m31a_tools.patch_text import DeleteFile, parse_patch, paths_of

        sections = parse_patch(args.patch)
        paths = tuple(dict.fromkeys(paths_of(sections)))
        return Access(
            writes=paths,
            destroys=tuple(f"delete {s.path}" for s in sections if isinstance(s, DeleteFile)),
            summary=f"patch {', '.join(paths[:4])}{' ...' if len(paths) > 4 else ''}",
            detail=args.patch,
        )

    def claims(self, args: ApplyPatchArgs) -> frozenset[str]:
        """Every file it names; all of the workspace when it cannot be read."""
        from m31a_tools.patch_text import parse_patch, paths_of

        try:
            return frozenset(f"write:{path}" for path in paths_of(parse_patch(args.patch)))
        except CallFailed:
            return frozenset({"workspace"})

    async def run(self, args: ApplyPatchArgs, workspace: Workspace) -> ToolResult:
        """Make the changes and show them."""
        from m31a_tools.patching import apply_patch

        return await anyio.to_thread.run_sync(apply_patch, args.patch, workspace)
