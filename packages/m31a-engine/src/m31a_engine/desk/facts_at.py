"""What a project is at one of its commits."""

from m31a_engine.config import Config
from m31a_engine.paths import is_text
from m31a_engine.project.detect import detect, paths_to_read
from m31a_engine.project.facts import ProjectFacts
from m31a_rollback import Repository

MAX_MARKER_BYTES = 1_000_000


async def facts_at(
    repository: Repository, commit: str, config: Config, *, trusted: bool
) -> ProjectFacts:
    """The facts as a run that begins at `commit` would find them."""
    entries = await repository.ls_tree(commit)
    files = tuple(entry.path for entry in entries if is_text(entry.path))
    small = {entry.path for entry in entries if (entry.size or 0) <= MAX_MARKER_BYTES}
    wanted = [path for path in paths_to_read(files) if path in small]
    contents = await repository.blobs(commit, wanted) if wanted else {}
    return detect(repository.root, files, config.verify, read=contents.get, trusted=trusted)
