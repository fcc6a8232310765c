"""Imports of one country as the exports of another: which rows stay, under which names, and what is said not to be given."""

from __future__ import annotations

import pandas as pd
import pytest

from monitor.months import month
from monitor.series import Coverage, Status
from monitor.sources.base import FIGURE_COLUMNS, Table
from monitor.sources.completeness import CompleteWhen
from monitor.sources.mirror import mirrored

MAY = month(2025, 5)
NAN = float("nan")


def a_table(*rows: tuple[str, str, float], flow: str = "import", absent: str = "zero", **coverage) -> Table:
    """What offices say: (reporter, partner, kilograms); NaN is suppressed."""
    frame = pd.DataFrame(
        [
            (reporter, partner, "HS6:850511", flow, "weight", "kg", "reported", MAY, value,
             int(Status.SUPPRESSED if value != value else Status.VALUE), 0)
            for reporter, partner, value in rows
        ],
        columns=list(FIGURE_COLUMNS),
    ).astype({"status": "uint8", "flags": "uint8"})  # fmt: skip
    return Table(frame=frame, coverage=Coverage(periods=(MAY,), **coverage), absent=absent)


def rows_of(table: Table) -> list[tuple[str, ...]]:
    frame = table.frame[["reporter", "partner", "flow", "basis", "value"]]
    return sorted(frame.itertuples(index=False, name=None))


def test_imports_from_a_country_are_its_exports_to_the_importer():
    table = mirrored(a_table(("US", "CN", 400.0), ("DE", "CN", 300.0), ("US", "JP", 50.0), ("US", "WORLD", 450.0)), ["CN"])
    assert rows_of(table) == [("CN", "DE", "export", "mirror", 300.0), ("CN", "US", "export", "mirror", 400.0)]


def test_exports_to_a_country_are_its_imports():
    table = mirrored(a_table(("US", "CN", 400.0), flow="export"), ["CN"])
    assert rows_of(table) == [("CN", "US", "import", "mirror", 400.0)]


def test_a_country_is_no_mirror_of_itself():
    assert mirrored(a_table(("CN", "CN", 4.0), ("CN", "US", 4.0)), ["CN"]).frame.empty


def test_what_the_release_is_complete_for_is_turned_round():
    table = mirrored(a_table(("US", "CN", 4.0), partners=("CN", "WORLD"), flows=("import",), products=("HS6:850511",)), ["CN"])
    assert table.coverage == Coverage(periods=(MAY,), flows=("export",), products=("HS6:850511",))


@pytest.mark.parametrize(("total", "status"), [(NAN, Status.SUPPRESSED), (900.0, Status.WITHHELD)])
def test_what_is_missing_beside_a_total_that_hides_it_is_no_zero(total: float, status: Status):
    table = mirrored(a_table(("US", "WORLD", total), ("DE", "CN", 3.0), ("DE", "WORLD", 3.0)), ["CN"])
    assert table.frame.set_index("partner")["status"].to_dict() == {"US": status, "DE": Status.VALUE}


def test_a_missing_country_beside_others_is_left_to_the_coverage():
    assert mirrored(a_table(("US", "JP", 9.0), ("US", "WORLD", 9.0)), ["CN"]).frame.empty


def test_a_total_is_asked_of_what_was_published_and_rows_of_what_is_kept():
    when, whole = CompleteWhen(rows_at_least="60%", total="required"), a_table(("US", "CN", 4.0), ("US", "WORLD", 9.0))
    assert when.check(mirrored(whole, ["CN"]), [1.0], whole) == ""
    without = a_table(("US", "CN", 4.0))
    assert when.check(mirrored(without, ["CN"]), [1.0], without) == "no World total of import weight in 2025-05"
    lacking = a_table(("US", "JP", 4.0), ("US", "WORLD", 9.0))
    assert "0 rows a month, under 60%" in when.check(mirrored(lacking, ["CN"]), [1.0], lacking)
