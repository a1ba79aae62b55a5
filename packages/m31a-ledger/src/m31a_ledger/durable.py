"""The two ways this package changes a file: one row added, or the whole replaced."""

import os
from contextlib import suppress
from pathlib import Path


def append_durably(path: Path, data: bytes) -> os.stat_result:
    """Add `data` to the end of an existing file; it is on disk when this returns.

    A write that fails takes back what it added, as far as the disk lets it.

    Returns:
        The file's state after the write.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("ab", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                os.ftruncate(file.fileno(), before)
            raise
        return os.fstat(file.fileno())


def replace_durably(path: Path, data: bytes) -> os.stat_result:
    """Put `data` in place of the whole file: at every moment the old or the new is there.

    The caller holds a lock, so the name of the temporary file can be fixed and one that a killed
    process left behind is overwritten. A new file is for its owner alone (0600), an old one keeps
    its mode.

    Returns:
        The file's state after the write.

    Raises:
        OSError: the file cannot be written.
    """
    temporary = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        temporary.unlink()
    try:
        mode = path.stat().st_mode & 0o7777
    except FileNotFoundError:
        mode = 0o600
    try:
        with temporary.open("xb") as file:
            temporary.chmod(mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)
    return path.stat()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # pragma: no cover - a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
