"""What the app opens with, before anything was said."""

from pathlib import Path

from m31a_engine import Config


def first_screen(config: Config, project: Path) -> str | None:
    """The screen to begin with: the first steps, the question of trust, or none at all.

    The first steps are for who has named no model yet; a folder's trust is asked for where a run
    could begin.
    """
    if not config.model_for("execute"):
        return "welcome"
    return "trust" if asks_for_trust(config, project) else None


def asks_for_trust(config: Config, project: Path) -> bool:
    """Whether a folder is a project in which nothing may run before somebody trusts it."""
    places = (project, *project.parents)
    return not config.trusted and any((place / ".git").exists() for place in places)
