"""Where the traceback of a bug of ours is kept; the person sees one line."""

import os
import traceback
from pathlib import Path


def kept_traceback(error: BaseException) -> str:
    """` with FILE` once the traceback is in that file; nothing when it cannot be kept."""
    text = "".join(traceback.format_exception(error))
    try:
        folder = Path(os.environ.get("M31A_HOME") or Path.home() / ".m31a") / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / "crash.log"
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except (OSError, RuntimeError):
        return ""
    return f" with {file}"
