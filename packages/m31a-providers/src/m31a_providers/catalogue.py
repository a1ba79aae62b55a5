"""The list of models, kept on disk so that it is there at once and without a network."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import msgspec

from m31a_providers.errors import ProviderError
from m31a_providers.models import ModelInfo
from m31a_providers.provider import Provider

FRESH_S = 300.0


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The models of a provider, as they were some time ago."""

    provider: str
    models: tuple[ModelInfo, ...]
    fetched_at_s: float
    """Seconds since 1970."""
    age_s: float = 0.0
    """When it was asked for."""
    trouble: str = ""
    """Why an old copy had to do; empty when it did not."""


async def load_catalogue(
    provider: Provider,
    path: Path,
    *,
    fresh_s: float = FRESH_S,
    now: Callable[[], float] = time.time,
) -> Catalogue:
    """The models of the provider: from the file at `path` while that is fresh, else asked for.

    When asking fails, an old copy is given with its age and the trouble.

    Raises:
        ProviderError: asking failed and there is no copy.
    """
    kept = await anyio.to_thread.run_sync(_read, path)
    if kept is not None and kept.provider == provider.name:
        age_s = max(0.0, now() - kept.fetched_at_s)
        kept = msgspec.structs.replace(kept, age_s=age_s)
    else:
        kept = None
    if kept is not None and kept.age_s < fresh_s:
        return kept
    try:
        models = await provider.models()
    except ProviderError as exc:
        if kept is None:
            raise
        return msgspec.structs.replace(kept, trouble=str(exc))
    found = Catalogue(provider=provider.name, models=models, fetched_at_s=now())
    await anyio.to_thread.run_sync(_write, path, found)
    return found


def _read(path: Path) -> Catalogue | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Catalogue)
    except (OSError, ValueError):
        # No copy, or one that nobody can read: it is only a copy.
        return None


def _write(path: Path, catalogue: Catalogue) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    draft.write_bytes(msgspec.json.encode(catalogue))
    draft.replace(path)
