from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from players.eurostat import CSV, HEADER, PIECES, VALUE, WEIGHT, Api, fault, prepared
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.months import format_month, month, parse_month
from monitor.series import Basis, Flag, Status
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.eurostat import Eurostat, EurostatParameters
from monitor.sources.http import Client
from monitor.store.database import Database
from monitor.store.observations import Figures
from monitor.store.releases import Releases

SAMPLES = Path(__file__).parent / "samples"
MAGNETS = "85051110"
NOW = datetime(2026, 9, 15, 12, tzinfo=UTC)  # July 2026 came out at nine
JULY = month(2026, 7)
TOO_BIG = (SAMPLES / "comext_extraction_too_big_413.xml").read_text()


class Comext(Api):
    """Figures of German imports of magnets, and of the world's trade."""

    def put(self, partner: str, when: str, value: str, weight: str | None = "1", **other: str) -> None:
        """Put a row."""
        key = (other.get("reporter", "DE"), partner, other.get("product", MAGNETS), other.get("flow", "1"))
        self.rows[(*key, VALUE, when)] = value
        if weight is not None:
            self.rows[(*key, WEIGHT, when)] = weight

    def world(self, first: str, last: str, value: str = "900", **other: str) -> None:
        for period in range(parse_month(first), parse_month(last) + 1):
            self.put("WORLD", format_month(period), value, "9", **other)

    def control(self, first: str, last: str, reporters: tuple[str, ...] = ("DE", "EU27_2020"), flows: str = "12") -> None:
        for reporter in reporters:
            for flow in flows:
                self.world(first, last, product="85", reporter=reporter, flow=flow)


@pytest.fixture
def comext(httpserver: HTTPServer) -> Comext:
    played = Comext(httpserver)
    played.too_big = TOO_BIG
    played.control("2023-06", "2026-07")
    return played


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def eurostat(client: Client, httpserver: HTTPServer, waits: list[float]) -> Callable[..., Eurostat]:
    def make(now: datetime = NOW, **changes: Any) -> Eurostat:
        plain: dict[str, Any] = {
            "dataset": "trade/magnets",
            "products": (MAGNETS,),
            "reporters": ("EU", "DE"),
            "flows": ("import",),
            "base_url": httpserver.url_for("/eurostat"),
        }
        parameters = EurostatParameters(**(plain | changes))
        return Eurostat("eurostat", parameters, client=client, clock=lambda: now, sleep=waits.append)

    return make


def notice(name: str = "2026-07", months: int = 1) -> ReleaseNotice:
    last = parse_month(name)
    periods = tuple(range(last - months + 1, last + 1))
    return ReleaseNotice(dataset="trade/magnets", name=name, published_at=NOW, estimated=False, periods=periods)


def cells(table: Table, measure: str = "value", reporter: str = "DE") -> dict[tuple[str, str], tuple[float | None, Status]]:
    """Return partner and month -> figure and status."""
    frame = table.frame[(table.frame["measure"] == measure) & (table.frame["reporter"] == reporter)]
    return {
        (partner, format_month(period)): (None if value != value else value, Status(status))
        for partner, period, value, status in zip(frame["partner"], frame["period"], frame["value"], frame["status"], strict=True)
    }


# What is out.


def test_the_months_of_the_calendar_are_out_and_the_newest_is_read_with_the_twelve_before(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    found = list(eurostat(datetime(2026, 8, 20, tzinfo=UTC)).releases(month(2026, 3)))
    assert [n.name for n in found] == ["2026-03", "2026-04", "2026-05", "2026-06"]
    assert [len(n.periods) for n in found] == [1, 1, 1, 13]
    assert found[-1].periods == tuple(range(month(2025, 6), month(2026, 6) + 1))
    assert (found[0].published_at, found[0].estimated) == (datetime(2026, 5, 19, 9, tzinfo=UTC), True)
    assert comext.queries == ["sdmx/2.1/data/DS-045409/M.EU27_2020+DE.WORLD.85.1.VALUE_IN_EUROS"]


def test_the_newest_release_came_out_when_the_dataset_says_that_it_was_renewed(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    comext.renewed = "15/09/26 11:20:00"
    (newest,) = eurostat().releases(JULY)
    assert (newest.published_at, newest.estimated) == (datetime(2026, 9, 15, 9, 20, tzinfo=UTC), False)


@pytest.mark.parametrize("renewed", ["14/07/26", "15/10/26 11:00:00"], ids=["before the month ended", "in the future"])
def test_a_renewal_that_cannot_be_the_releases_leaves_the_calendar(
    eurostat: Callable[..., Eurostat], comext: Comext, renewed: str
) -> None:
    comext.renewed = renewed
    (newest,) = eurostat().releases(JULY)
    assert (newest.published_at, newest.estimated) == (datetime(2026, 9, 15, 9, tzinfo=UTC), True)


def test_a_renewal_may_name_the_day_alone(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.renewed = "15/09/26"
    (newest,) = eurostat().releases(JULY)
    assert newest.published_at == datetime(2026, 9, 15, 9, tzinfo=UTC)


def test_a_renewal_that_cannot_be_read_is_a_changed_format(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.renewed = "2026-09-15"
    with pytest.raises(SourceFormatChanged, match='LAST UPDATE is "2026-09-15"; 15/09/26 11:00:00 is expected'):
        list(eurostat().releases(JULY))


def test_in_autumn_the_newest_release_is_read_back_to_january_of_last_year(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    (newest,) = eurostat().releases(JULY)
    assert newest.periods == tuple(range(month(2025, 1), JULY + 1))
    for changes in ({"first": "2026-07"}, {"reread": 0}):
        (alone,) = eurostat(**changes).releases(JULY)
        assert alone.periods == (JULY,)


def test_a_month_is_not_asked_for_before_its_day(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    found = list(eurostat(datetime(2026, 9, 15, 8, 59, tzinfo=UTC)).releases(month(2026, 6)))
    assert [n.name for n in found] == ["2026-06"]


def test_a_late_month_is_not_announced(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    assert list(eurostat(datetime(2026, 10, 20, tzinfo=UTC)).releases(month(2026, 8))) == []


def test_a_half_loaded_month_is_not_announced_until_somebody_must_be_told(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    comext.control("2026-08", "2026-08", ("DE",))
    due = datetime(2026, 10, 16, 9, tzinfo=UTC)
    assert list(eurostat(due.replace(hour=12)).releases(month(2026, 8))) == []
    late = eurostat(due.replace(day=22))
    assert [n.name for n in late.releases(month(2026, 8))] == ["2026-08"]
    with pytest.raises(SourceUnavailable, match="2026-08: August 2026 has no figures of EU yet; the next pull asks again"):
        late.fetch(notice("2026-08"))


def test_a_month_with_one_flow_only_is_not_whole(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.control("2026-08", "2026-08", flows="1")
    at = datetime(2026, 10, 17, tzinfo=UTC)
    assert list(eurostat(at, flows=("import", "export")).releases(month(2026, 8))) == []
    assert [n.name for n in eurostat(at).releases(month(2026, 8))] == ["2026-08"]


def test_years_are_filled_in_month_by_month_and_old_ones_are_not_probed(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    found = list(eurostat(first="2024-01").releases(0))
    assert [n.name for n in found] == [format_month(m) for m in range(month(2024, 1), JULY + 1)]
    assert all(n.periods == (parse_month(n.name),) for n in found[:-1])
    assert len(comext.queries) == 1


def test_a_day_beyond_the_shipped_calendar_is_46_days_after_or_the_desks_own(
    eurostat: Callable[..., Eurostat], tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text("period,published\n2026-11,2027-01-19\n")
    own = {"days_after": 46, "time": "11:00", "zone": "Europe/Brussels", "dates": tmp_path / "own.csv"}
    plain, told = eurostat(), eurostat(published=own)
    assert plain.due(month(2026, 10)) == datetime(2026, 12, 16, 10, tzinfo=UTC)
    assert plain.due(month(2026, 11)) == datetime(2027, 1, 15, 10, tzinfo=UTC)
    assert told.due(month(2026, 11)) == datetime(2027, 1, 19, 10, tzinfo=UTC)


# What a release says.


def test_a_month_of_imports(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("CN", "2026-07", "5473000", "1772.90")
    comext.put("WORLD", "2026-07", "6000000", "2000")
    comext.put("CN", "2026-07", "7000000", "2000.01", reporter="EU27_2020")
    table = eurostat().fetch(notice())
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    first = table.frame.iloc[0]
    assert (first["reporter"], first["partner"], first["product"], first["flow"]) == ("DE", "CN", f"CN8:{MAGNETS}", "import")
    assert (first["measure"], first["unit"], first["basis"], first["period"]) == ("value", "EUR", Basis.REPORTED, JULY)
    assert cells(table) == {
        ("CN", "2026-07"): (5_473_000.0, Status.VALUE),
        ("WORLD", "2026-07"): (6_000_000.0, Status.VALUE),
    }
    assert cells(table, "weight")["CN", "2026-07"] == (177_290.0, Status.VALUE)
    assert cells(table, reporter="EU") == {("CN", "2026-07"): (7_000_000.0, Status.VALUE)}
    assert set(table.frame.loc[table.frame["measure"] == "weight", "unit"]) == {"kg"}
    assert (table.coverage.periods, table.coverage.products) == ((JULY,), (f"CN8:{MAGNETS}",))
    assert (table.coverage.partners, table.coverage.flows, table.coverage.measures) == (None, ("import",), ("value", "weight"))
    assert (table.absent, table.resolution["weight"], table.raw_name) == ("zero", 1.0, "trade-magnets-2026-07.csv")
    assert table.raw.count(b"DATAFLOW") == 2
    assert comext.queries == [
        f"sdmx/2.1/data/DS-045409/M.EU27_2020+DE.WORLD.85+{MAGNETS}.1.VALUE_IN_EUROS",
        f"sdmx/2.1/data/DS-045409/M.EU27_2020+DE..{MAGNETS}.1.VALUE_IN_EUROS+QUANTITY_IN_100KG",
    ]


@pytest.mark.parametrize(("sample", "product", "flow"), [("monthly", "7204", "2"), ("annual", "030462", "1")])
def test_the_recorded_answers_are_read(
    eurostat: Callable[..., Eurostat], comext: Comext, sample: str, product: str, flow: str
) -> None:
    """The monthly answer as it came; the annual one is refused, as months were asked for."""
    body = (SAMPLES / f"comext_sdmx_csv_{sample}.csv").read_text()
    comext.control("2023-09", "2023-09", ("AT", "DE"))
    source = eurostat(products=(product,), reporters=("AT", "DE"), flows=("import" if flow == "1" else "export",))
    control = comext.table([["AT", "DE"], ["WORLD"], ["85"], [flow], [VALUE], ["2023-09"]])
    comext.instead = [Response(control, content_type=CSV), Response(body, content_type=CSV)]
    if sample == "annual":
        with pytest.raises(SourceFormatChanged, match='a row is about the freq "A", which was not asked for'):
            source.fetch(notice("2023-09"))
        return
    table = source.fetch(notice("2023-09"))
    assert table.frame[["reporter", "partner", "product", "flow"]].drop_duplicates().to_numpy().tolist() == [
        ["AT", "AE", "HS4:7204", "export"]
    ]
    assert table.frame.set_index("measure")["value"].to_dict() == {"value": 204548.0, "weight": 177290.0}


def test_a_revised_month_comes_with_the_next_release(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("CN", "2026-06", "100")
    before = cells(eurostat().fetch(notice("2026-06")))
    comext.put("CN", "2026-06", "140")
    comext.put("CN", "2026-07", "90")
    after = eurostat().fetch(notice(months=13))
    assert before["CN", "2026-06"] == (100.0, Status.VALUE)
    assert cells(after)["CN", "2026-06"] == (140.0, Status.VALUE)
    assert after.coverage.periods == tuple(range(month(2025, 7), JULY + 1))


def test_a_month_without_trade_in_the_products_has_no_rows(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    table = eurostat().fetch(notice())
    assert table.frame.empty
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    assert table.absent == "zero"


def test_a_fault_that_only_says_that_there_is_nothing_is_no_fault(
    eurostat: Callable[..., Eurostat], comext: Comext, httpserver: HTTPServer
) -> None:
    control = comext.table([["DE", "EU27_2020"], ["WORLD"], ["85"], ["1"], [VALUE], ["2026-07"]])
    nothing = Response(fault("100", "NO_RESULTS: no results found"), 404, content_type="text/xml")
    comext.instead = [Response(control, content_type=CSV), nothing]
    assert eurostat().fetch(notice()).frame.empty


def test_a_month_that_is_not_out_is_said_so(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    with pytest.raises(SourceUnavailable, match="eurostat trade/magnets 2026-08: August 2026 is not out yet"):
        eurostat().fetch(notice("2026-08"))


def test_an_old_month_that_a_reporter_never_had_is_a_matter_of_the_settings(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    comext.control("2012-01", "2012-01", ("EU27_2020",))
    with pytest.raises(SourceFormatChanged, match="January 2012 has no figures of DE; leave them out of reporters, or set first"):
        eurostat(first="2012-01").fetch(notice("2012-01"))


def test_flags_say_provisional_estimated_and_confidential(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("CN", "2026-07", "10|p", None)
    comext.put("US", "2026-07", "20|e", None)
    comext.put("JP", "2026-07", "|c", None)
    comext.put("KR", "2026-07", ":", None)
    comext.put("VN", "2026-07", "0", None)
    comext.put("TW", "2026-07", "5|bp", None)
    frame = eurostat(measures=("value",)).fetch(notice()).frame.set_index("partner")
    assert frame["flags"].to_dict() == {
        "CN": Flag.PROVISIONAL, "US": Flag.ESTIMATED, "JP": 0, "KR": 0, "VN": 0, "TW": Flag.PROVISIONAL,
    }  # fmt: skip
    assert frame["status"].to_dict() == {
        "CN": Status.VALUE, "US": Status.VALUE, "JP": Status.SUPPRESSED, "KR": Status.NOT_PUBLISHED, "VN": Status.ZERO,
        "TW": Status.VALUE,
    }  # fmt: skip


def test_a_column_of_confidentiality_is_read_where_there_is_one(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    rows = f"{HEADER},CONF_STATUS\nESTAT:DS-045409(1.0),15/09/26 11:00:00,M,DE,CN,{MAGNETS},1,{VALUE},2026-07,,,C\n"
    control = comext.table([["DE", "EU27_2020"], ["WORLD"], ["85"], ["1"], [VALUE], ["2026-07"]])
    comext.instead = [Response(control, content_type=CSV), Response(rows, content_type=CSV)]
    assert cells(eurostat().fetch(notice()))["CN", "2026-07"] == (None, Status.SUPPRESSED)


def test_an_unknown_flag_is_refused(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("CN", "2026-07", "10|q")
    with pytest.raises(SourceFormatChanged, match='eurostat trade/magnets 2026-07: unknown flag "q"'):
        eurostat().fetch(notice())


def test_groups_and_the_uk_a_second_time_are_left_out_and_the_rest_keeps_its_own_code(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    amounts = {
        "CN": "1", "XS": "2", "XK": "3", "GR": "4", "XC": "5", "XL": "6", "QR": "7", "QV": "8", "WORLD": "900",
        "EXT_EU27_2020": "500", "INT_EU27_2020": "400", "INT_EA21": "300", "EU27_2020_EXTRA": "1", "EA": "1",
        "GB": "50", "XU": "50", "XI": "4",
    }  # fmt: skip
    for partner, amount in amounts.items():
        comext.put(partner, "2026-07", amount)
    found = {partner: value for (partner, _), (value, _) in cells(eurostat().fetch(notice())).items()}
    assert found == {
        "CN": 1.0, "RS": 2.0, "XK": 3.0, "GR": 4.0, "EA": 11.0, "ZZ": 15.0, "WORLD": 900.0, "EU": 400.0, "GB": 54.0,
    }  # fmt: skip


def test_a_sum_lacks_what_one_of_its_parts_lacks(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("GB", "2026-07", "50|p", "2")
    comext.put("XI", "2026-07", "|c", "0")
    comext.put("XC", "2026-07", "3", "5")
    comext.put("XL", "2026-07", "4|e", None)
    table = eurostat().fetch(notice())
    assert cells(table)["GB", "2026-07"] == (None, Status.SUPPRESSED)
    assert cells(table, "weight")["GB", "2026-07"] == (200.0, Status.VALUE)
    assert cells(table)["EA", "2026-07"] == (7.0, Status.VALUE)
    assert cells(table, "weight")["EA", "2026-07"] == (None, Status.NOT_PUBLISHED)
    assert set(table.frame.query("partner == 'EA' and measure == 'value'")["flags"]) == {Flag.ESTIMATED}


def test_partners_are_asked_for_by_the_codes_of_comext(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("GB", "2026-07", "50")
    comext.put("CN", "2026-07", "50")
    table = eurostat(only_partners=("GB", "RS", "WORLD")).fetch(notice())
    assert ".GB+XI+XS+WORLD." in comext.queries[-1]
    assert table.coverage.partners == ("GB", "RS", "WORLD")
    assert {partner for partner, _ in cells(table)} == {"GB"}


def test_a_partner_that_nobody_knows_is_named_and_can_be_given_a_code(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("AN", "2026-07", "50")
    with pytest.raises(SourceFormatChanged, match='unknown partner "AN"; give it a code under partners'):
        eurostat().fetch(notice())
    assert ("CW", "2026-07") in cells(eurostat(partners={"AN": "CW"}).fetch(notice()))


def test_weight_that_no_row_gives_is_not_zero(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("CN", "2026-07", "10", None)
    comext.put("US", "2026-07", "10", "0")
    found = cells(eurostat(measures=("weight",)).fetch(notice()), "weight")
    assert found == {("CN", "2026-07"): (None, Status.NOT_PUBLISHED), ("US", "2026-07"): (0.0, Status.ZERO)}


def test_supplementary_quantities_are_kept_where_they_are_pieces(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    for product in (MAGNETS, "85076000"):
        comext.put("CN", "2026-07", "10", product=product)
        comext.rows["DE", "CN", product, "1", PIECES, "2026-07"] = "700"
    source = eurostat(products=(MAGNETS, "85076000"), measures=("value", "quantity"), pieces=("85076000",))
    frame = source.fetch(notice()).frame.query("measure == 'quantity'")
    assert frame[["product", "unit", "value"]].to_numpy().tolist() == [["CN8:85076000", "pcs", 700.0]]


# Missing rows that are no zeros.


def test_a_missing_row_stays_missing_and_so_a_zero(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.world("2025-01", "2026-07")
    comext.put("CN", "2026-06", "500")
    found = cells(eurostat().fetch(notice(months=3)))
    assert ("CN", "2026-07") not in found
    assert found["CN", "2026-06"] == (500.0, Status.VALUE)


def test_a_split_that_vanishes_whole_is_withheld_and_not_zero(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.world("2024-07", "2026-05")
    for when in ("2026-04", "2026-05"):
        comext.put("CN", when, "500")
    table = eurostat().fetch(notice(months=4))
    assert cells(table) == {
        ("WORLD", "2026-04"): (900.0, Status.VALUE),
        ("WORLD", "2026-05"): (900.0, Status.VALUE),
        ("CN", "2026-04"): (500.0, Status.VALUE),
        ("CN", "2026-05"): (500.0, Status.VALUE),
        ("WORLD", "2026-06"): (None, Status.WITHHELD),
        ("WORLD", "2026-07"): (None, Status.WITHHELD),
    }
    assert cells(table, "weight")["WORLD", "2026-07"] == (None, Status.WITHHELD)


def test_a_product_that_the_world_does_not_trade_every_month_may_be_zero(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    comext.world("2025-09", "2026-06")  # ten months
    comext.put("CN", "2026-06", "500")
    assert {when for _, when in cells(eurostat().fetch(notice(months=3)))} == {"2026-05", "2026-06"}


def test_a_withheld_split_is_told_of_the_partners_that_the_desk_names(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.world("2024-07", "2026-05")
    found = cells(eurostat(only_partners=("CN", "JP")).fetch(notice()))
    assert found == {("CN", "2026-07"): (None, Status.WITHHELD), ("JP", "2026-07"): (None, Status.WITHHELD)}


def test_what_partners_without_a_name_could_hide_is_suppressed(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.world("2026-05", "2026-07")
    for partner, amounts in {"CN": ("500", "600"), "JP": ("90", "95"), "VN": ("40", "50")}.items():
        comext.put(partner, "2026-05", amounts[0])
        comext.put(partner, "2026-06", amounts[1])
    comext.put("QY", "2026-07", "60")
    comext.put("QZ", "2026-07", "35")
    found = cells(eurostat().fetch(notice(months=3)))
    july = {partner: cell for (partner, when), cell in found.items() if when == "2026-07"}
    assert july == {
        "WORLD": (900.0, Status.VALUE),
        "ZZ": (95.0, Status.VALUE),
        "JP": (None, Status.SUPPRESSED),
        "VN": (None, Status.SUPPRESSED),
    }


def test_whom_a_month_hides_is_known_though_the_months_that_named_it_are_not_read_again(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    comext.world("2026-01", "2026-07")
    comext.put("JP", "2026-01", "90")
    comext.put("CN", "2026-01", "500")
    for when in ("2026-05", "2026-06", "2026-07"):
        comext.put("QY", when, "95")
    found = cells(eurostat().fetch(notice(months=3)))
    assert {partner: status for (partner, when), (_, status) in found.items() if when == "2026-07" and partner == "JP"} == {
        "JP": Status.SUPPRESSED
    }
    assert "2026-01" not in {when for _, when in found}
    assert "CN" not in {partner for partner, _ in found}  # it has more trade than is hidden


def test_a_release_over_another_revises_states_zeros_and_withholds(
    eurostat: Callable[..., Eurostat], comext: Comext, tmp_path: Path
) -> None:
    comext.world("2024-06", "2026-06")
    for partner, amount in {"CN": "500", "JP": "80"}.items():
        comext.put(partner, "2026-06", amount)
    comext.world("2024-06", "2026-06", product="85051190")
    comext.put("CN", "2026-06", "30", product="85051190")
    source = eurostat(products=(MAGNETS, "85051190"), measures=("value",))
    database = Database(f"sqlite:///{tmp_path / 'desk.db'}")
    database.migrate()
    figures = Figures(tmp_path / "figures", database)
    kept = Releases(database, figures)
    before = notice("2026-06", 2)
    kept.commit(source.fetch(before), before, source="eurostat", fetched_at=NOW)
    comext.put("WORLD", "2026-07", "570")
    comext.put("CN", "2026-07", "400")
    comext.put("CN", "2026-06", "650")
    now = notice("2026-07", 3)
    kept.commit(source.fetch(now), now, source="eurostat", fetched_at=NOW)
    panel = figures.panel("eurostat", "trade/magnets")
    july = {
        (key.partner, key.product): (Status(panel.status[row, -1]), panel.values[row, -2]) for row, key in enumerate(panel.keys)
    }
    database.close()
    assert july == {
        ("CN", f"CN8:{MAGNETS}"): (Status.VALUE, 650.0),
        ("JP", f"CN8:{MAGNETS}"): (Status.ABSENT_ZERO, 80.0),
        ("WORLD", f"CN8:{MAGNETS}"): (Status.VALUE, 900.0),
        ("CN", "CN8:85051190"): (Status.WITHHELD, 30.0),
        ("WORLD", "CN8:85051190"): (Status.WITHHELD, 900.0),
    }


# The API's limits and moods.


def test_queries_are_split_before_the_api_has_to_prepare_them(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    products = tuple(f"8505{n:04d}" for n in range(40))
    for product in products:
        comext.put("CN", "2026-07", "7", product=product)
    comext.most_cells = 500_000
    source = eurostat(products=products, flows=("import", "export"))
    table = source.fetch(notice(months=13))
    assert len(comext.queries) > 3
    assert len(table.frame) == 2 * 40  # value and weight
    assert set(table.frame["product"]) == {f"CN8:{product}" for product in products}


def test_a_query_that_is_still_too_big_is_split_by_products_months_and_reporters(
    eurostat: Callable[..., Eurostat], comext: Comext
) -> None:
    for product in (MAGNETS, "85051190"):
        for reporter in ("DE", "EU27_2020"):
            comext.put("CN", "2026-06", "6", product=product, reporter=reporter)
            comext.put("CN", "2026-07", "7", product=product, reporter=reporter)
    source = eurostat(products=(MAGNETS, "85051190"))
    whole = source.fetch(notice(months=2)).frame
    comext.most_cells, comext.asked[:] = 564, []
    split = source.fetch(notice(months=2)).frame
    keys = [*FIGURE_COLUMNS]
    assert len(comext.queries) == 1 + 15  # control, and a binary tree of two products, months and reporters
    assert split.sort_values(keys).to_numpy().tolist() == whole.sort_values(keys).to_numpy().tolist()


def test_one_code_that_is_too_big_by_itself_is_told(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.most_cells = 400
    with pytest.raises(SourceFormatChanged, match="one code in one month is too much for the API: 413 EXTRACTION_TOO_BIG"):
        eurostat(reporters=("DE",)).fetch(notice())


def test_an_answer_that_is_prepared_is_waited_for(eurostat: Callable[..., Eurostat], comext: Comext, waits: list[float]) -> None:
    control = comext.table([["DE", "EU27_2020"], ["WORLD"], ["85"], ["1"], [VALUE], ["2026-07"]])
    comext.put("CN", "2026-07", "77")
    figures = comext.table([["DE", "EU27_2020"], [""], [MAGNETS], ["1"], [VALUE, WEIGHT], ["2026-07"]])
    bodies = [control, prepared("SUBMITTED"), prepared("PROCESSING"), prepared("AVAILABLE"), figures]
    comext.instead = [Response(body, content_type=CSV if body.startswith("DATAFLOW") else "text/xml") for body in bodies]
    assert cells(eurostat().fetch(notice()))["CN", "2026-07"] == (77.0, Status.VALUE)
    assert comext.queries[2:] == ["1.0/async/status/b3f1-77", "1.0/async/status/b3f1-77", "1.0/async/data/b3f1-77"]
    assert waits == [2.0, 4.0]


@pytest.mark.parametrize(
    ("bodies", "sentence"),
    [
        (["SUBMITTED", "EXPIRED"], 'an answer was to be prepared, and is now "EXPIRED"'),
        (["SUBMITTED"] + ["PROCESSING"] * 40, "still being prepared after 40 looks; the next pull asks again"),
    ],
    ids=["expired", "endless"],
)
def test_an_answer_that_never_comes_is_asked_for_again_another_time(
    eurostat: Callable[..., Eurostat], comext: Comext, bodies: list[str], sentence: str
) -> None:
    comext.instead = [Response(prepared(status), content_type="text/xml") for status in bodies]
    with pytest.raises(SourceUnavailable, match=sentence):
        eurostat().fetch(notice())


def test_a_key_from_outside_is_never_a_path(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.instead = [Response(prepared("SUBMITTED", "../../../secret"), content_type="text/xml")]
    with pytest.raises(SourceUnavailable, match='is now "SUBMITTED", without a key'):
        eurostat().fetch(notice())
    assert len(comext.queries) == 1


def test_figures_that_are_renewed_while_they_are_read_are_read_again(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("CN", "2026-07", "7")
    control = comext.table([["DE", "EU27_2020"], ["WORLD"], ["85"], ["1"], [VALUE], ["2026-07"]])
    comext.renewed = "15/09/26 11:30:00"
    comext.instead = [Response(control, content_type=CSV)]
    with pytest.raises(SourceUnavailable, match="the figures were renewed while they were read"):
        eurostat().fetch(notice())


def answer(body: str | bytes = "", status: int = 200, content_type: str = CSV, **headers: str) -> Response:
    return Response(body, status, content_type=content_type, headers=headers)


ROW = f"ESTAT:DS-045409(1.0),15/09/26 11:00:00,M,DE,WORLD,85,1,{VALUE},2026-07,900,"


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (answer("slow", 429, "text/plain", **{"Retry-After": "1200"}), SourceThrottled, "answered 429: slow"),
        (answer("no", 403, "text/plain"), SourceRefused, "answered 403: no"),
        (answer("oops", 500, "text/plain"), SourceUnavailable, "answered 500: oops"),
        (answer(fault("413", "ASYNCHRONOUS_RESPONSE: later"), 413, "text/xml"), SourceUnavailable, "is busy and answers later"),
        (answer(fault("150", "Bad <b>key</b>"), 400, "text/xml"), SourceFormatChanged, "does not take the query: 150"),
        (answer(fault("404", "ERR_NOT_FOUND_4: DS-045409"), 404, "text/xml"), SourceFormatChanged, "404 ERR_NOT_FOUND_4"),
        (answer("gone", 404, "text/plain"), SourceFormatChanged, "the API answered 404: gone"),
        (answer("<html><title>We are sorry</title>", 200, "text/html"), SourceUnavailable, 'a web page .* titled "We are sorry"'),
        (answer("<!DOCTYPE html><title>Hi</title>"), SourceUnavailable, 'a web page .* titled "Hi"'),
        (answer(""), SourceUnavailable, "the answer is empty"),
        (answer(b"\x1f\x8b\x08\x00"), SourceFormatChanged, "the answer is compressed"),
        (answer(b"\x00\x01binary"), SourceFormatChanged, "no column DATAFLOW"),
        (answer("DATAFLOW,LAST UPDATE\n"), SourceFormatChanged, 'no column freq; the answer starts with "DATAFLOW,LAST UPDATE"'),
        (answer(f"{HEADER}\n{ROW}\n{ROW[:60]}"), SourceUnavailable, "the answer is cut short after 2"),
        (answer(f"{HEADER}\n{ROW},,,,\n{ROW}\n"), SourceFormatChanged, "a row has 15 columns; the header has 11"),
        (answer(f"{HEADER}\n{ROW}\n\xff\n".encode("latin-1")), SourceFormatChanged, "the answer is not CSV"),
        (answer(f"{HEADER}\n{ROW}\n".replace("DE,WORLD", "DE,CN")), SourceFormatChanged, 'about the partner "CN"'),
        (answer(f"{HEADER}\n{ROW}\n".replace("DS-045409", "DS-1")), SourceFormatChanged, 'about the DATAFLOW "ESTAT:DS-1"'),
        (answer(f"{HEADER}\n{ROW}\n".replace("2026-07,", "2026-13,")), SourceFormatChanged, 'about the TIME_PERIOD "2026-13"'),
        (answer(f"{HEADER}\n{ROW}\n".replace(",900,", ',"<b>9</b>",')), SourceFormatChanged, '"<b>9</b>" is not a number'),
    ],
)  # fmt: skip
def test_what_the_operator_is_told(
    eurostat: Callable[..., Eurostat], comext: Comext, given: Response, error: type[SourceError], sentence: str
) -> None:
    comext.instead = [given] * 3
    with pytest.raises(error, match=sentence) as caught:
        eurostat().fetch(notice())
    assert type(caught.value) in (error, SourceUnavailable)
    assert "\n" not in str(caught.value)


def test_a_wait_that_the_api_asks_for_is_passed_on(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.instead = [answer("slow", 429, "text/plain", **{"Retry-After": "1200"})] * 3
    with pytest.raises(SourceThrottled) as caught:
        eurostat().fetch(notice())
    assert caught.value.retry_after == 1200.0


def test_a_fault_of_the_server_is_tried_again(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("CN", "2026-07", "77")
    comext.instead = [answer("oops", 502, "text/plain")]
    assert cells(eurostat().fetch(notice()))["CN", "2026-07"] == (77.0, Status.VALUE)


def test_what_came_is_kept_with_a_format_that_changed(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    comext.put("CN", "2026-07", "-5")
    with pytest.raises(SourceFormatChanged, match=f"CN8:{MAGNETS}/import/value/EUR 2026-07 is negative: -5") as caught:
        eurostat().fetch(notice())
    assert b",-5," in caught.value.raw


def test_two_figures_for_one_cell_are_refused_by_name(eurostat: Callable[..., Eurostat], comext: Comext) -> None:
    control = comext.table([["DE", "EU27_2020"], ["WORLD"], ["85"], ["1"], [VALUE], ["2026-07"]])
    one = ROW.replace("WORLD,85", f"CN,{MAGNETS}")
    twice = f"{HEADER}\n{one}\n{one.replace(',900,', ',901,')}\n"
    comext.instead = [answer(control), answer(twice)]
    with pytest.raises(SourceFormatChanged, match=f"{MAGNETS}/import/value/EUR 2026-07 has two figures, 900 and 901"):
        eurostat().fetch(notice())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"products": ()}, "at least 1 item"),
        ({"products": ("850511107",)}, "should match pattern"),
        ({"products": ("",)}, "should match pattern"),
        ({"reporters": ()}, "reporters is empty; leave it out for the EU and every member state"),
        ({"reporters": ("US",)}, '"US" does not report to Eurostat; reporters are EU and AT, BE'),
        ({"only_partners": ("china",)}, "should match pattern"),
        ({"measures": ("duty",)}, "'value', 'weight' or 'quantity'"),
        ({"measures": ("value", "quantity")}, "quantity needs pieces"),
        ({"pieces": (MAGNETS,)}, "pieces needs quantity"),
        ({"pieces": ("85076000",)}, '"85076000" of pieces is not among the products'),
        ({"flows": ("re-export",)}, "'import' or 'export'"),
        ({"first": "2015-13"}, "month 13 of 2015 does not exist"),
        ({"key": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_cannot_work_are_refused(
    eurostat: Callable[..., Eurostat], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        eurostat(**changes)
