"""The shapes of what a program reads and writes, as JSON Schema."""

from enum import StrEnum

import msgspec

from m31a_engine.config_layers import SECTIONS
from m31a_engine.config_sections import ProviderSettings
from m31a_engine.events import Envelope
from m31a_engine.report import RunReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLES = {
    "report": "What `--output json` prints, and `report.json` holds",
    "events": "A line of `--output stream-json`",
    "config": "`config.toml` and `m31a.toml`, as JSON",
}


class Shape(StrEnum):
    """What there is a schema of."""

    REPORT = "report"
    EVENTS = "events"
    CONFIG = "config"


def schema_of(shape: Shape) -> dict[str, object]:
    """The schema of one shape; fields are only ever added."""
    match shape:
        case Shape.REPORT:
            body = msgspec.json.schema(RunReport)
        case Shape.EVENTS:
            body = msgspec.json.schema(Envelope)
        case Shape.CONFIG:
            body = _configuration()
    return {"$schema": DIALECT, "title": TITLES[shape.value], **body}


def _configuration() -> dict[str, object]:
    """Sections by name; below `provider` stand its own keys and one table a server."""
    names = list(SECTIONS)
    shapes, parts = msgspec.json.schema_components(
        [*SECTIONS.values(), ProviderSettings], ref_template="#/$defs/{name}"
    )
    sections: dict[str, object] = dict(zip(names, shapes, strict=False))
    own = parts[SECTIONS["provider"].__name__]
    parts[SECTIONS["provider"].__name__] = {**own, "additionalProperties": shapes[-1]}
    for section in names[1:]:
        part = parts[SECTIONS[section].__name__]
        parts[SECTIONS[section].__name__] = {**part, "additionalProperties": False}
    return {
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "$defs": parts,
    }
