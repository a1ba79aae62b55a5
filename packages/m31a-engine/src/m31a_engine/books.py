"""The ledger and the keychain as the command line shows them."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.config_sections import ProviderSettings
from m31a_engine.errors import Refused
from m31a_engine.session.home import Home
from m31a_keychain import (
    KeychainError,
    Missing,
    NoBackend,
    Secret,
    SecretStore,
    default_store,
    resolve,
    variables_of,
)
from m31a_ledger import (
    LedgerEntry,
    LedgerError,
    LedgerStats,
    LedgerStore,
    RowProblem,
    keywords_of,
    recall,
    summarise,
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of all runs, as values and as lines of text.

    Everything here raises Refused when the file cannot be read.
    """

    store: LedgerStore

    def lines(self, limit: int) -> Iterator[str]:
        """The newest runs, newest first; then what cannot be read."""
        yield from map(_row, self.newest(limit))
        for problem in self.problems():
            yield f"line {problem.line}: {problem.reason}"

    def newest(self, limit: int | None = None) -> tuple[LedgerEntry, ...]:
        """The newest runs, newest first; None is all of them."""
        return tuple(reversed(self._entries()))[:limit]

    def problems(self) -> tuple[RowProblem, ...]:
        """The lines of the file that are no rows, and why."""
        with _readable(self.store.path):
            return self.store.problems()

    def _entries(self) -> tuple[LedgerEntry, ...]:
        with _readable(self.store.path):
            return self.store.entries()

    def query(self, wanted: "Wanted", limit: int | None) -> tuple[LedgerEntry, ...]:
        """The runs that fit, the most like the words first, else the newest first."""
        entries = tuple(filter(wanted.fits, self._entries()))
        if not wanted.words:
            return tuple(reversed(entries))[:limit]
        said = frozenset(keywords_of(wanted.words))
        alike = (entry for entry in entries if said & {*entry.keywords, *entry.failures})
        return recall(alike, wanted.words, limit=limit or len(entries))

    def stats(self) -> LedgerStats:
        """What all runs add up to, as values."""
        return summarise(self._entries())

    def statistics(self) -> Iterator[str]:
        """What all runs add up to, a line each."""
        stats = self.stats()
        cost = "unknown" if stats.cost_total_usd is None else f"${stats.cost_total_usd:.4f}"
        yield f"sessions         {stats.sessions}"
        yield f"tasks a session  {stats.tasks_mean:.1f}"
        yield f"failed tasks     {stats.failed}"
        yield f"healed tasks     {stats.healed}"
        yield f"cost             {cost} ({stats.cost_known} sessions with a known cost)"
        yield f"mean duration    {stats.duration_mean_s:.1f} s"
        for title, tallies in (
            ("top failures", stats.top_failures),
            ("top frameworks", stats.top_frameworks),
        ):
            if tallies:
                yield f"{title:16} " + ", ".join(
                    f"{tally.name} ({tally.count})" for tally in tallies
                )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what a ledger raises into a refusal with a remedy."""
    try:
        yield
    except LedgerError as exc:
        raise Refused(str(exc), remedy=f"make {path} a file that you can read") from exc


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are asked for; what is empty fits all."""

    words: str = ""
    project: str = ""
    outcome: str = ""
    model: str = ""
    since: str = ""
    """The first day, as `2026-11-21`."""

    def fits(self, entry: LedgerEntry) -> bool:
        """Whether a run is one of these, words apart."""
        return (
            self.project in {"", entry.project}
            and self.outcome in {"", entry.outcome}
            and self.model in {"", entry.model}
            and self.since <= entry.at
        )


def as_rows(entries: Iterable[LedgerEntry]) -> Iterator[str]:
    """A line a run, for a person."""
    return map(_row, entries)


def as_csv(entries: Iterable[LedgerEntry]) -> str:
    """A table of runs that a spreadsheet opens; no cell is taken for a formula."""
    names = LedgerEntry.__struct_fields__
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(names)
    for entry in entries:
        values = msgspec.to_builtins(entry)
        writer.writerow([_cell(values[name]) for name in names])
    return table.getvalue()


def _cell(value: object) -> object:
    match value:
        case list() | tuple():
            return _cell("; ".join(map(str, value)))
        case str() if value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
            return f"'{value}"
        case _:
            return value


def _row(entry: LedgerEntry) -> str:
    cost = "unknown" if entry.cost_usd is None else f"${entry.cost_usd:.4f}"
    return (
        f"{entry.at[:16]}  {entry.outcome:18} {entry.project:20} {cost:>9}"
        f"  {' '.join(entry.keywords)}"
    )


def ledger_at(home: Path) -> Ledger:
    """The ledger below M31A_HOME."""
    return Ledger(store=LedgerStore(Home(root=home).ledger))


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys of the system's keychain; values go in and are never shown."""

    store: SecretStore
    environ: Mapping[str, str]

    def status(self, provider: str, settings: ProviderSettings | None = None) -> tuple[str, bool]:
        """A line that says where the key comes from, and whether there is one.

        Raises:
            Refused: the name cannot be a provider's.
        """
        with _refusing(provider):
            found = resolve(
                provider,
                environ=self.environ,
                store=self.store,
                configured=settings.api_key if settings else None,
                variable=settings.api_key_env if settings else None,
            )
        if isinstance(found, Missing):
            return f"{provider}: no key; looked in: {'; '.join(found.tried)}", False
        return f"{provider}: from {found.source}", True

    def set(self, provider: str, key: str) -> str:
        """Store a key and say where it is now.

        Raises:
            Refused: there is no keychain, it refused, or this cannot be a key.
        """
        with _refusing(provider):
            self.store.set(provider, Secret(key))
        return f"{provider}: stored in {self.store.name}"

    def delete(self, provider: str) -> bool:
        """Remove a key; False when there was none.

        Raises:
            Refused: there is no keychain, or it refused.
        """
        with _refusing(provider):
            return self.store.delete(provider)


@contextmanager
def _refusing(provider: str) -> Iterator[None]:
    """Turn what a keychain raises into a refusal with a remedy."""
    try:
        variable, _ = variables_of(provider)
        yield
    except NoBackend as exc:
        raise Refused(str(exc), remedy=f"put the key into the variable {variable}") from exc
    except KeychainError as exc:
        raise Refused(str(exc)) from exc


def secrets_of_system(environ: Mapping[str, str]) -> Secrets:
    """The keys of this system."""
    return Secrets(store=default_store(), environ=environ)
