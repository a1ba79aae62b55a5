"""What a session was begun with on the command line, so that going on with it needs no options.

Who answers and what may be spent is kept. Leave and trust are not: they are given anew each time.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from m31a_engine.config import Config, home_folder, shown
from m31a_engine.config_layers import Source
from m31a_engine.session.home import Home
from m31a_engine.session.journal import read_records
from m31a_engine.shelf import Shelf, newest

_KEPT = re.compile(
    r"provider\.default|provider\.[^.]+\.base_url|model\.default|agents\..+"
    r"|features\.(?:budget_limit_usd|max_turns)"
)
_ANSWERS = ("provider.", "model.", "agents.")


def kept_options(config: Config) -> dict[str, str | int | float]:
    """Dotted key → value of what the command line said and a resumed run goes by."""
    kept: dict[str, str | int | float] = {}
    for key, value in shown(config).items():
        told = config.sources.get(key) is Source.COMMAND_LINE and _KEPT.fullmatch(key)
        if told and isinstance(value, str | int | float) and not _holds_password(key, value):
            kept[key] = value
    return kept


def recalled(
    project: Path, environ: Mapping[str, str], session_id: str | None, given: Mapping[str, object]
) -> dict[str, object]:
    """`given` on top of what a session was begun or last resumed with.

    Another provider takes no model over, another model none that a phase had. `session_id` None
    is the newest session that can go on.

    Raises:
        NothingToResume: there is no such session, or it has ended.
        JournalBroken: its journal cannot be read.
        ConfigError: no home folder is known.
    """
    home = Home(root=home_folder(environ)).project(project)
    session = Shelf(home=home, project=project).to_resume(session_id)
    records, _ = read_records(home.session(session.id).root)
    before = (newest(records) or session).options.given
    if given.get("provider.default", before.get("provider.default")) != before.get(
        "provider.default"
    ):
        before = {key: value for key, value in before.items() if not key.startswith(_ANSWERS)}
    elif "model.default" in given:
        before = {key: value for key, value in before.items() if not key.startswith("agents.")}
    return {**before, **given}


def _holds_password(key: str, value: object) -> bool:
    return key.endswith(".base_url") and "@" in urlsplit(str(value)).netloc
