"""Real databases, and releases made from a few cells."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from monitor.alerts.messages import Digest, Notification
from monitor.months import month
from monitor.series import Coverage, Status
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.store.database import Database
from monitor.store.observations import Figures
from monitor.store.releases import Releases

JANUARY = month(2025, 1)
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
Cell = tuple[str, int, float | None]


def _migrated(url: str) -> str:
    database = Database(url)
    database.migrate()
    database.close()
    return url


@pytest.fixture(scope="session")
def postgresql_template(new_postgresql: Callable[..., str]) -> str:
    """Name of a migrated database that tests copy."""
    return _migrated(new_postgresql()).partition("@/")[2].partition("?")[0]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "monitor.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on."""
    return str(request.param)


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables, of each kind."""
    return f"sqlite:///{tmp_path}/empty.db" if kind == "sqlite" else str(request.getfixturevalue("new_postgresql")())


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated database, of each kind."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "monitor.db")
        return f"sqlite:///{tmp_path}/monitor.db"
    return str(request.getfixturevalue("new_postgresql")(request.getfixturevalue("postgresql_template")))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A migrated database of each kind."""
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    """Open a further migrated database of a kind."""
    opened = []

    def make(kind: str) -> Database:
        if kind == "sqlite":
            path = tmp_path / f"further-{len(opened)}.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            opened.append(Database(f"sqlite:///{path}"))
        else:
            template = request.getfixturevalue("postgresql_template")
            opened.append(Database(str(request.getfixturevalue("new_postgresql")(template))))
        return opened[-1]

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def figures(database: Database, tmp_path: Path) -> Figures:
    return Figures(tmp_path / "figures", database)


@pytest.fixture
def releases(database: Database, figures: Figures) -> Releases:
    return Releases(database, figures)


def make_table(
    cells: list[Cell],
    *,
    resolution: float = 0.0,
    raw: bytes = b"raw",
    lacking: Status = Status.SUPPRESSED,
    **coverage: object,
) -> Table:
    """Return a table of (partner, month of 2025, tonnes in kg or None for a cell that is `lacking`)."""
    rows = [
        ("CN", partner, "CN8:85051110", "export", "weight", "kg", "reported", JANUARY + m - 1,
         float("nan") if value is None else value,
         int(lacking if value is None else Status.ZERO if value == 0 else Status.VALUE), 0)
        for partner, m, value in cells
    ]  # fmt: skip
    absent = str(coverage.pop("absent", "not_published"))
    periods = coverage.pop("periods", sorted({m for _, m, _ in cells}))
    months = tuple(JANUARY + m - 1 for m in periods)  # type: ignore[attr-defined]
    return Table(
        frame=pd.DataFrame(rows, columns=list(FIGURE_COLUMNS)),
        coverage=Coverage(periods=months, **coverage),  # type: ignore[arg-type]
        absent=absent,
        resolution={"weight": resolution},
        raw=raw,
        titles={"CN8:85051110": "Magnets of metal"},
    )


@pytest.fixture
def table() -> Callable[..., Table]:
    return make_table


@pytest.fixture
def notice() -> Callable[..., ReleaseNotice]:
    """A notice that was published on a day of 2025, counted from New Year."""

    def make(name: str, day: int, dataset: str = "magnets") -> ReleaseNotice:
        return ReleaseNotice(dataset=dataset, name=name, published_at=NEW_YEAR + timedelta(days=day), estimated=False)

    return make


@pytest.fixture
def commit(releases: Releases, notice: Callable[..., ReleaseNotice]) -> Callable[..., object]:
    """Commit a table of cells as the release of a day."""

    def run(cells: list[Cell], day: int, *, held: str = "", as_history: bool = False, **more: object) -> object:
        return releases.commit(
            make_table(cells, **more),  # type: ignore[arg-type]
            notice(f"day-{day}", day),
            source="gacc",
            fetched_at=NEW_YEAR + timedelta(days=400),
            held=held,
            as_history=as_history,
        )

    return run


@pytest.fixture
def note() -> Callable[..., Notification]:
    """A notification to a receiver, in a thread."""

    def make(id: str, receiver: str = "desk", thread: str = "magnets", minute: int = 0) -> Notification:
        at = NEW_YEAR + timedelta(minutes=minute)
        digest = Digest(subject=f"About {id}", title="Magnets")
        return Notification(id=id, receiver=receiver, route="all", thread=thread, cause=id, created_at=at, digest=digest)

    return make
