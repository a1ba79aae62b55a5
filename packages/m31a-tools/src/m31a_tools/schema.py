"""The JSON Schema of a tool's arguments, without a word too many."""

from typing import Any

import msgspec

Schema = dict[str, Any]
"""JSON, as it goes to a provider."""


def lean_schema(args_type: type[msgspec.Struct]) -> Schema:
    """The schema of the struct: references resolved, titles, defaults and class docs left out."""
    (root,), definitions = msgspec.json.schema_components((args_type,), ref_template="{name}")
    return _object(definitions[root["$ref"]], definitions)


def _object(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    properties = {name: _lean(value, definitions) for name, value in schema["properties"].items()}
    lean: Schema = {"type": "object", "properties": properties}
    return lean | ({"required": schema["required"]} if schema["required"] else {})


def _lean(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    if "$ref" in schema:
        return _object(definitions[schema["$ref"]], definitions)
    if "anyOf" in schema:
        # An optional value is one that may be left out, not one that may be null.
        given = [each for each in schema["anyOf"] if each != {"type": "null"}]
        inner = {} if len(given) > 1 else _lean(given[0], definitions)
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        return inner | rest | ({"anyOf": given} if len(given) > 1 else {})
    lean = {key: value for key, value in schema.items() if key not in ("title", "default")}
    if "items" in lean:
        lean["items"] = _lean(lean["items"], definitions)
    return lean
