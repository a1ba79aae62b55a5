"""`schema [report|events|config]`: the shapes of documents as JSON Schema."""

from m31a_engine.desk.schemas import Shape, schema_of
from m31a_engine.document import as_document
from m31a_headless.options import Parser


def main(program: str, words: list[str]) -> int:
    """Print one schema, or all of them by name."""
    parser = Parser(
        prog=f"{program} schema",
        description="JSON Schemas: `report` of --output json, `events` of a line of --output"
        " stream-json, `config` of config.toml. Without a name all of them, in one object.",
        allow_abbrev=False,
    )
    parser.add_argument("shape", nargs="?", choices=[shape.value for shape in Shape])
    given = parser.parse_args(words)
    if given.shape:
        print(as_document(schema_of(Shape(given.shape))), end="")
    else:
        print(as_document({shape.value: schema_of(shape) for shape in Shape}), end="")
    return 0
