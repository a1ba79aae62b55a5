"""What the verbs that look at a project have in common: where, and for whom the answer is."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from m31a_engine.desk.desk import Desk, open_desk
from m31a_engine.document import as_document
from m31a_headless.options import Parser, project_of, require_text
from m31a_headless.output import for_reader


def looking_at(program: str, verb: str, about: str, usage: str = "") -> Parser:
    """A parser with `--project` and `--json`."""
    parser = Parser(
        prog=f"{program} {verb}",
        usage=f"{program} {verb} {usage}" if usage else None,
        description=about,
        allow_abbrev=False,
    )
    parser.add_argument("--project", metavar="DIR", type=Path, help="default: this folder")
    parser.add_argument("--json", action="store_true", help="the answer as one JSON document")
    return parser


@dataclass(frozen=True, slots=True)
class Looking:
    """A parsed command line, and what it is about."""

    given: argparse.Namespace
    project: Path

    @classmethod
    def of(cls, parser: Parser, words: list[str]) -> "Looking":
        """The command line as it was understood.

        Raises:
            UsageError: it cannot be understood.
        """
        require_text(words)
        given = parser.parse_args(words)
        return cls(given=given, project=project_of(given.project))

    @property
    def json(self) -> bool:
        """Whether a program reads the answer."""
        return bool(self.given.json)

    def desk(
        self, overrides: dict[str, object] | None = None, *, trusted: bool | None = None
    ) -> Desk:
        """The project's desk.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        return open_desk(self.project, os.environ, overrides, trusted=trusted)

    def print(self, value: object) -> None:
        """The answer as a document."""
        print(for_reader(as_document(value)), end="")
