"""The person's own programs: their editor, their command lines, their shell's job control."""

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from m31a_engine import Refused

LONGEST_OUTPUT = 200_000
"""Characters of a command's output that are kept: the last ones."""
MOST_BYTES = 4 * LONGEST_OUTPUT
"""What so many characters may take."""


@dataclass(frozen=True, slots=True)
class People:
    """Starts what the person asked for in their own environment, outside the sandbox."""

    project: Path
    environ: Mapping[str, str]

    async def edit(self, text: str) -> str:
        """The text after the person has edited it in `$VISUAL` or `$EDITOR`.

        Raises:
            Refused: no editor is named, or it failed.
        """
        words = shlex.split(self.environ.get("VISUAL") or self.environ.get("EDITOR") or "")
        if not words:
            raise Refused("no editor is named", remedy="set EDITOR, for example to vi")
        with tempfile.TemporaryDirectory(prefix="m31a-") as folder:
            file = Path(folder) / "goal.md"
            file.write_text(text, encoding="utf-8")
            done = await anyio.run_process(
                [*words, str(file)], stdin=None, stdout=None, stderr=None, check=False
            )
            if done.returncode:
                raise Refused(f"{words[0]} ended with {done.returncode}; the text is as it was")
            return file.read_text(encoding="utf-8", errors="replace")

    async def shell(self, command: str) -> tuple[str, int]:
        """What a command line printed (both streams) at its end, and its exit code."""
        kept = bytearray()
        async with await anyio.open_process(
            ["/bin/sh", "-c", command],
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            async for printed in process.stdout:
                kept += printed
                if len(kept) > 2 * MOST_BYTES:
                    del kept[:-MOST_BYTES]
            code = await process.wait()
        return kept.decode("utf-8", "replace")[-LONGEST_OUTPUT:], code

    def stop(self) -> None:
        """Stop this job until the shell brings it back."""
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        try:
            os.killpg(0, signal.SIGTSTP)
        finally:
            signal.signal(signal.SIGTSTP, before)
