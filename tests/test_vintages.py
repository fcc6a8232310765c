"""The vintages of a desk's figures, as an analyst asks for them."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor import pulling
from monitor.app import App
from monitor.errors import MonitorError
from monitor.imports import read_files
from monitor.series import KEY_FIELDS, SeriesKey, Status
from monitor.vintages import Vintages, known_when

US = "gacc/magnets/CN/US/CN8:85051110/export/weight/kg/reported"
HEADING = "period,partner,product,value_t,kind\n"


def took_in(app: App, folder: Path, lines: str, published: str) -> str:
    path = folder / "figures.csv"
    path.write_text(HEADING + lines, encoding="utf-8")
    entry, notice, table = read_files(app, "gacc/magnets", [path], published)
    release = pulling.commit(app, entry, notice, table)
    assert release is not None
    return release.id


def of_may(tonnes: str, period: str = "2025-05") -> str:
    return f"{period},United States,CN8:85051110,{tonnes},stated\n"


@pytest.fixture(scope="module")
def desk(held_magnets: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The bundled magnets; May 2025 was given again in December (412 t) and in January (415 t)."""
    folder = Path(shutil.copytree(held_magnets, tmp_path_factory.mktemp("vintages") / "desk"))
    app = App.open(folder / "config", {})
    took_in(app, folder, of_may("412"), "2025-12-20")
    took_in(app, folder, of_may("415"), "2026-01-20")
    yield Vintages(app)
    app.close()


def may(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["period"] == pd.Period("2025-05")]


def test_a_table_is_tidy_with_the_release_that_said_each_figure(desk: Vintages) -> None:
    frame = desk.latest("gacc/magnets", partner="US")
    assert list(frame.columns) == [*KEY_FIELDS, "period", "value", "status", "release", "published_at"]
    assert str(frame["period"].dtype) == "period[M]"
    assert frame["published_at"].dt.tz is UTC or str(frame["published_at"].dt.tz) == "UTC"
    (row,) = may(frame).to_dict("records")
    assert (row["partner"], row["unit"], row["value"], row["status"]) == ("US", "kg", 415_000.0, "value")
    assert row["release"].startswith("gacc-2025-05-")
    assert row["published_at"] == datetime(2026, 1, 20, 12, tzinfo=UTC)


def test_the_first_release_is_what_was_said_first(desk: Vintages) -> None:
    (row,) = may(desk.first_release(US)).to_dict("records")
    assert (row["value"], row["published_at"].date()) == (46_000.0, date(2025, 6, 20))
    assert len(desk.first_release(US)) == len(desk.latest(US)) == 13


@pytest.mark.parametrize(
    ("when", "value"),
    [
        ("2025-06-20", 46_000),
        (date(2025, 12, 19), 46_000),
        (date(2025, 12, 20), 412_000),
        (datetime(2026, 1, 20, 11, 59, tzinfo=UTC), 412_000),
        ("2026-01-20", 415_000),
    ],
)
def test_as_of_a_day_is_what_was_published_by_its_end(desk: Vintages, when: Any, value: float) -> None:
    assert may(desk.as_of(when, US))["value"].tolist() == [value]


def test_as_of_a_release_is_what_was_known_with_it(desk: Vintages) -> None:
    december = may(desk.all_releases(US))["release"].tolist()[1]
    assert may(desk.as_of(december, US))["value"].tolist() == [412_000.0]
    assert may(desk.as_of(desk.app.releases.get(december), US))["value"].tolist() == [412_000.0]


def test_every_release_has_the_time_for_which_it_stood(desk: Vintages) -> None:
    found = may(desk.all_releases("gacc/magnets", partner="US"))
    assert found["vintage"].tolist() == [1, 2, 3]
    assert found["value"].tolist() == [46_000, 412_000, 415_000]
    assert found["realtime_start"].tolist() == found["published_at"].tolist()
    assert found["realtime_end"].tolist()[:2] == found["realtime_start"].tolist()[1:]
    assert pd.isna(found["realtime_end"].tolist()[2])
    assert may(desk.all_releases(US, as_of="2025-12-31"))["vintage"].tolist() == [1, 2]


def test_a_triangle_has_first_second_and_latest_with_their_dates(desk: Vintages) -> None:
    (row,) = may(desk.triangle(US)).to_dict("records")
    assert (row["first"], row["second"], row["latest"], row["vintages"]) == (46_000, 412_000, 415_000, 3)
    assert row["change"] == pytest.approx(415 / 46 - 1)
    assert (row["first_published"].date(), row["published_at"].date()) == (date(2025, 6, 20), date(2026, 1, 20))
    others = desk.triangle(US, as_of="2025-11-30")
    assert others["second"].isna().all()
    assert set(others["vintages"]) == {1}
    assert set(others["change"]) == {0.0}


def test_series_are_chosen_by_their_fields(desk: Vintages) -> None:
    frame = desk.latest("gacc/magnets", partner=["US", "DE"], product="CN8:85051110")
    assert set(frame["partner"]) == {"US", "DE"}
    assert len(desk.latest(SeriesKey.parse(US))) == 13
    assert len(desk.latest("gacc/magnets", partner="US", product="X:magnets-and-semifinished")) == 0


def test_a_series_without_a_number_is_no_row_of_the_first_releases(desk: Vintages, held_magnets: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(held_magnets, tmp_path / "desk"))
    app = App.open(folder / "config", {})
    (entry,) = app.entries
    path = folder / "figures.csv"
    path.write_text(HEADING + of_may("9", "2025-11"), encoding="utf-8")
    _, notice, table = read_files(app, "gacc/magnets", [path], "2025-12-20")
    table.frame["value"], table.frame["status"] = float("nan"), int(Status.SUPPRESSED)
    assert pulling.commit(app, entry, notice, table) is not None
    november = pd.Period("2025-11")
    latest, first = Vintages(app).latest(US), Vintages(app).first_release(US)
    assert latest[latest["period"] == november]["status"].tolist() == ["suppressed"]
    assert november not in set(first["period"])
    app.close()


@pytest.mark.parametrize(
    ("asked", "only", "told"),
    [
        ("gacc/magnet", {}, 'no dataset "gacc/magnet" is held; did you mean "gacc/magnets"?'),
        (US.replace("/US/", "/USA/"), {}, 'no series with partner "USA" is held; did you mean "US"?'),
        ("gacc/magnets", {"partner": "USA"}, 'no series with partner "USA" is held; did you mean "US"?'),
        ("gacc/magnets", {"partners": "US"}, 'a series has no "partners"; did you mean "partner"?'),
        (US.replace("CN8:85051110", "X:magnets-and-semifinished"), {}, "no series gacc/magnets/CN/US/X:magnets"),
    ],
)
def test_what_is_not_held_is_told_with_what_is_near(desk: Vintages, asked: str, only: dict[str, str], told: str) -> None:
    with pytest.raises(MonitorError) as error:
        desk.latest(asked, **only)
    assert str(error.value).startswith(told)


def test_a_moment_is_a_day_or_a_release_and_said_so(desk: Vintages) -> None:
    assert known_when(desk.moment("2025-08-31")) == "on 2025-08-31"
    release = desk.app.releases.find()[-1]
    assert known_when(desk.moment(release.id)) == f"after {release.id}"
    with pytest.raises(MonitorError, match='"yesterday" is neither a day, like 2025-08-31, nor a release'):
        desk.moment("yesterday")


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=st.dates(date(2017, 1, 1), date(2026, 3, 1)))
def test_as_of_any_day_the_table_has_the_figures_of_the_panel(desk: Vintages, day: date) -> None:
    panel = desk.app.figures.panel("gacc", "magnets", as_of=desk.moment(day))
    expected = panel.to_frame().sort_values([*KEY_FIELDS, "period"], ignore_index=True)
    frame = desk.as_of(day, "gacc/magnets")
    found = frame.astype(dict.fromkeys((*KEY_FIELDS, "period", "status"), str))
    found = found.sort_values([*KEY_FIELDS, "period"], ignore_index=True)[list(expected.columns)]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_reading_changes_nothing_of_a_desk(desk: Vintages) -> None:
    def state() -> dict[str, str]:
        files = (path for path in desk.app.settings.data_dir.rglob("*") if path.is_file() and "-shm" not in path.name)
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    desk.latest("gacc/magnets")
    before = state()
    for ask in (desk.first_release, desk.all_releases, desk.latest, desk.triangle):
        ask("gacc/magnets")
    assert state() == before
