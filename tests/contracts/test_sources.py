"""
Every source passes this: a desk in a folder, its office played over real sockets, the real scheduler under a moved clock.

A kind of source without a player in ``tests/players`` fails here, and the sentence says what to write. What a kind cannot
show stands in the tables below, with the reason; nothing is skipped.
"""

from __future__ import annotations

import gzip
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from players.clock import Clock
from players.desk import FACTS, JULY, JUNE, MAY, Desk, player, start
from players.office import PRICE, Trouble
from pytest_httpserver import HTTPServer

from monitor import pulling, registry
from monitor.countries import PartnerKind, partner_kind
from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.months import Month
from monitor.series import WORLD, RevisionKind, Status

KINDS = sorted(registry.KINDS["sources"])
PLAYED = [kind for kind in KINDS if importlib.util.find_spec(f"players.{kind}")]
_FOLDER = "files in a folder: nothing is asked over a network"
_OPEN = "the API is open: there is no key and no number of calls"
WITHOUT: dict[str, dict[Trouble, str]] = {
    "census": {Trouble.QUOTA: "a key has no number of calls"},
    "comtrade": {},
    "eurostat": {Trouble.QUOTA: _OPEN, Trouble.KEY: _OPEN},
    "gacc": dict.fromkeys(set(Trouble) - {Trouble.CHANGED, Trouble.PAGE, Trouble.CUT}, _FOLDER),
    "gacc_bulletin": {Trouble.QUOTA: _OPEN, Trouble.KEY: _OPEN},
    "hmrc": {Trouble.QUOTA: _OPEN, Trouble.KEY: _OPEN},
    "japan": {Trouble.QUOTA: _OPEN, Trouble.KEY: _OPEN},
    "korea": {},
    "table": dict.fromkeys(set(Trouble) - {Trouble.CHANGED, Trouble.PAGE, Trouble.CUT}, _FOLDER),
}
"""The troubles that a kind cannot have."""

PAGES: dict[str, Callable[[Any], None]] = {
    "census": lambda desk: desk.two_products(),
    "comtrade": lambda desk: desk.two_products(record_limit=500),
    "eurostat": lambda desk: setattr(desk.office, "most_cells", 1500),
    "gacc": lambda desk: setattr(desk.office, "files", 2),
    "hmrc": lambda desk: desk.keys.update(rows_a_page=2),
    "japan": lambda desk: setattr(desk.office, "on_page", 2),
    "korea": lambda desk: setattr(desk.office, "page", 2),
}
"""How the answer to one question comes in parts: pages, files, a query for each code, or halves of what is too big."""

NO_PAGES = {"gacc_bulletin": "a table is one page", "table": "a file has all that there is"}

WITHHELD: dict[str, Status] = {
    "census": Status.WITHHELD,
    "comtrade": Status.WITHHELD,
    "eurostat": Status.SUPPRESSED,
    "gacc": Status.NOT_PUBLISHED,
    "hmrc": Status.SUPPRESSED,
    "japan": Status.NOT_PUBLISHED,
    "table": Status.NOT_PUBLISHED,
}
"""What a partner's figure is once the detail of a product is no longer given."""

NOT_TAKEN = {"korea": "its total row proves that an answer is whole, so one without its countries is none"}
NO_PRODUCTS = {"gacc_bulletin": "a table by country is about all goods"}
NO_ZEROS = {"gacc_bulletin": "a page says nothing of a country that it leaves out"}

ONE_PARTNER: dict[str, Status] = {
    "census": Status.SUPPRESSED,
    "comtrade": Status.SUPPRESSED,
    "eurostat": Status.SUPPRESSED,
    "gacc_bulletin": Status.NOT_PUBLISHED,
    "hmrc": Status.SUPPRESSED,
}
"""What a partner's figure is once that partner alone is no longer told, where the office's totals show it."""

NO_TITLES = {
    "eurostat": "its answers are codes",
    "gacc_bulletin": "the desk names its codes",
    "japan": "its files are codes",
    "table": "its files are codes",
}
HOSTILE = '=HYPERLINK("http://example.invalid")<b>\u202e../../etc'

MEANING: dict[Trouble, type[SourceError]] = {
    Trouble.BUSY: SourceThrottled,
    Trouble.QUOTA: SourceThrottled,
    Trouble.FAULT: SourceUnavailable,
    Trouble.PAGE: SourceUnavailable,
    Trouble.CUT: SourceUnavailable,
    Trouble.DRIP: SourceUnavailable,
    Trouble.BROKEN: SourceUnavailable,
    Trouble.CHANGED: SourceFormatChanged,
    Trouble.KEY: SourceRefused,
}
OTHER_MEANING: dict[tuple[str, Trouble], type[SourceError]] = {
    ("census", Trouble.PAGE): SourceFormatChanged,  # the API has pages about keys alone
    ("gacc", Trouble.PAGE): SourceFormatChanged,  # a file stays what it is
    ("gacc", Trouble.CUT): SourceFormatChanged,
    ("table", Trouble.PAGE): SourceFormatChanged,
    ("table", Trouble.CUT): SourceFormatChanged,
}
TOLD: dict[Trouble, str] = {
    Trouble.CHANGED: "source answers in another format",
    Trouble.KEY: "credentials are missing or refused",
    Trouble.QUOTA: "source takes no more calls for now",
}


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, make_httpserver: HTTPServer) -> Callable[[str], Path]:
    """Desks that hold four months and have judged them, to copy."""
    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind)
            with Clock(start(kind)) as clock:
                Desk(kind, made[kind], clock, make_httpserver).serve()
            make_httpserver.clear()
        return made[kind]

    return make


@pytest.fixture(params=PLAYED)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def desk(kind: str, held: Callable[[str], Path], tmp_path: Path, httpserver: HTTPServer) -> Iterator[Desk]:
    folder = shutil.copytree(held(kind), tmp_path / "desk")
    with Clock(start(kind)) as clock:
        yield Desk(kind, folder, clock, httpserver)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_office_that_plays_it(kind: str) -> None:
    asked = "with a class Office (players/office.py)"
    assert kind in PLAYED, f"nobody plays the kind {kind}: write tests/players/{kind}.py {asked}, and its row in players/desk.py"
    assert kind in FACTS, f"nothing is known of the figures of {kind}: write its row of FACTS in players/desk.py"


# Months as they come out.


def test_each_month_comes_in_once_is_judged_once_and_is_what_was_published(desk: Desk) -> None:
    desk.serve()
    assert desk.months() == desk.held(JUNE)
    desk.ask()
    assert desk.months() == desk.held(JUNE)  # June is due, and not out
    desk.office.publish(JUNE, desk.figures(FR=2100.0))
    desk.ask(3)
    _is_whole(desk, JUNE, FR=2100.0)
    desk.later()
    desk.office.publish(JULY, desk.figures(FR=2200.0))
    desk.pull_alone()  # a process that ends before anything is judged
    desk.serve()
    desk.ask(2)
    _is_whole(desk, JULY, FR=2200.0)
    assert desk.cell(desk.key("FR"), JUNE)[0] == desk.worth(2100.0)
    assert desk.told() == []


def _is_whole(desk: Desk, period: Month, **changed: float) -> None:
    """The newest release is that of a month, judged and told once; every figure of it is held as it was published."""
    product = desk.office.products[0]
    published = {partner: kg for (partner, _), kg in desk.figures(product, **changed).items()}
    assert desk.months() == desk.held(period + 1)
    assert len(desk.releases()) == len(desk.months())
    assert desk.app.releases.pending() == []
    assert len(desk.said("desk")) == len(set(desk.said("desk"))) == len([one for one in desk.releases() if not one.as_history])
    for partner, kg in published.items():
        key = desk.key(partner)
        assert desk.cell(key, period) == (desk.worth(kg), Status.VALUE, desk.facts.newest)
        if desk.facts.currency:
            value = key.replace(measure="value", unit=desk.facts.currency)
            assert desk.cell(value, period) == (kg * PRICE, Status.VALUE, desk.facts.newest)
    if desk.facts.total:
        assert desk.cell(desk.key(WORLD), period)[0] == desk.worth(sum(published.values()))


def test_a_month_that_is_opened_without_figures_is_not_yet(desk: Desk) -> None:
    desk.serve()
    before = len(desk.said("desk"))
    desk.office.empty(JUNE)
    desk.ask(3)
    assert desk.months() == desk.held(JUNE)
    assert (desk.told(), len(desk.said("desk"))) == ([], before)
    desk.office.publish(JUNE, desk.figures())
    desk.ask()
    _is_whole(desk, JUNE)


def test_a_half_loaded_month_waits_until_it_is_whole(desk: Desk) -> None:
    desk.serve()
    before = len(desk.said("desk"))
    desk.office.publish(JUNE, desk.figures())
    desk.office.half(JUNE)
    desk.ask(3)
    assert (desk.months(), desk.alerts) == (desk.held(JUNE), [])
    assert desk.told() == ([desk.facts.half] if desk.facts.half else [])
    assert len(desk.said("desk")) == before
    desk.office.publish(JUNE, desk.figures())
    desk.ask(2)
    _is_whole(desk, JUNE)
    assert len(desk.told()) == (2 if desk.facts.half else 0)
    assert desk.app.conditions.open() == []


def test_a_revised_month_is_a_revision_and_no_new_month(desk: Desk) -> None:
    desk.serve()
    desk.ask()
    desk.office.publish(MAY, desk.figures(VN=4000.0))
    desk.office.publish(JUNE, desk.figures())
    desk.ask(2)
    assert desk.months() == desk.held(JULY)
    assert desk.cell(desk.key("VN"), MAY)[:2] == (desk.worth(4000.0), Status.VALUE)
    assert desk.cell(desk.key("FR"), MAY)[0] == desk.cell(desk.key("FR"), JUNE)[0]
    revised = [one for release in desk.releases() for one in desk.app.figures.revisions(release)]
    changed = {(one.key, one.period, one.old, one.new) for one in revised}
    alike = {one for one in changed if one[0] == desk.key(one[0].partner) and partner_kind(one[0].partner) is PartnerKind.COUNTRY}
    assert alike == {(desk.key("VN"), MAY, desk.worth(5000.0), desk.worth(4000.0))}
    assert {one.kind for one in revised} == {RevisionKind.REVISION}
    assert desk.alerts == []


@pytest.mark.parametrize("kind", [kind for kind in PLAYED if kind not in NO_ZEROS], indirect=True)
def test_no_row_in_a_whole_month_is_a_zero_that_is_told_once(desk: Desk) -> None:
    desk.serve()
    desk.office.publish(JUNE, desk.figures(VN=0.0))
    desk.ask(3)
    value, status, _ = desk.cell(desk.key("VN"), JUNE)
    assert (value, status in (Status.ZERO, Status.ABSENT_ZERO)) == (0.0, True)
    assert desk.alerts == ["VN"]
    assert len(desk.said("desk")) == len(set(desk.said("desk")))


@pytest.mark.parametrize("kind", [kind for kind in PLAYED if kind not in NO_PAGES], indirect=True)
def test_an_answer_that_comes_in_parts_is_read_whole(desk: Desk) -> None:
    PAGES[desk.kind](desk)
    desk.serve()
    desk.ask()
    desk.office.publish(JUNE, desk.figures())
    asked = len(getattr(desk.office, "asked", ()))
    desk.ask(2)
    _is_whole(desk, JUNE)
    assert desk.watches or len(desk.office.asked) - asked > 3  # type: ignore[attr-defined]


# What is no longer told.


@pytest.mark.parametrize("kind", [kind for kind in PLAYED if kind not in NOT_TAKEN | NO_PRODUCTS], indirect=True)
def test_a_split_that_vanishes_is_no_zero_and_no_fall(desk: Desk) -> None:
    desk.two_products(complete_when=None, **({"coverage": "file"} if desk.kind == "table" else {}))
    desk.serve()
    desk.ask()
    desk.office.publish(JUNE, desk.figures())
    desk.ask(2)
    desk.later()
    desk.office.withdraw(product=desk.facts.second)
    desk.office.publish(JULY, desk.figures())
    desk.serve()
    desk.ask(2)
    key = desk.key("FR")
    second = key.replace(product=f"{key.nomenclature}:{desk.facts.second.rpartition(':')[2]}")
    assert desk.cell(key, JULY)[:2] == desk.cell(second, JUNE)[:2] == (2000.0, Status.VALUE)
    assert desk.cell(second, JULY)[1] is WITHHELD[desk.kind]
    assert desk.alerts == []


@pytest.mark.parametrize("kind", NOT_TAKEN, indirect=True)
def test_a_month_without_a_split_is_not_taken_and_told(desk: Desk) -> None:
    desk.serve()
    desk.ask()
    desk.office.withdraw(product=desk.office.products[0])
    desk.office.publish(JUNE, desk.figures())
    desk.ask(2)
    assert (desk.months(), desk.alerts) == (desk.held(JUNE), [])
    assert desk.told() == ["source could not be read"]


@pytest.mark.parametrize("kind", ONE_PARTNER, indirect=True)
def test_a_partner_who_is_no_longer_told_is_no_zero_and_no_fall(desk: Desk) -> None:
    desk.serve()
    desk.ask()
    desk.office.withdraw(partner="FR")
    desk.office.publish(JUNE, desk.figures())
    desk.ask(2)
    assert desk.cell(desk.key("FR"), JUNE)[1] is ONE_PARTNER[desk.kind]
    assert desk.cell(desk.key("VN"), JUNE)[:2] == (desk.worth(5000.0), Status.VALUE)
    assert desk.alerts == []


# What is not to be trusted.


@pytest.mark.parametrize("kind", [kind for kind in PLAYED if kind not in NO_TITLES], indirect=True)
def test_hostile_words_are_words(desk: Desk) -> None:
    desk.office.title = HOSTILE  # type: ignore[attr-defined]
    desk.serve()
    desk.ask()
    desk.office.publish(JUNE, desk.figures(VN=100.0))
    desk.ask(2)
    assert desk.alerts == ["VN"]
    (said,) = [path.read_text("utf-8") for path in (desk.folder / "said" / "desk").iterdir() if "2025-06" in path.name]
    assert all(line.isprintable() for line in said.splitlines())
    assert "<b>" in said
    names = {path.name for path in (desk.folder / "var").rglob("*")}
    assert all(name.isascii() and name.isprintable() and not set(name) & set('/<>="\\') for name in names)


@pytest.mark.parametrize("kind", [kind for kind in PLAYED if player(kind).environ], indirect=True)
def test_a_key_is_in_no_log_and_no_file(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    (key,) = desk.office.environ.values()
    caplog.set_level("DEBUG", "monitor")
    desk.serve()
    desk.ask()
    desk.office.publish(JUNE, desk.figures())
    for what in (Trouble.KEY, Trouble.FAULT):
        desk.office.trouble(what)
        desk.ask()
    desk.office.calm()
    desk.ask()
    _is_whole(desk, JUNE)
    files = [path.read_bytes() for part in ("var", "said") for path in (desk.folder / part).rglob("*") if path.is_file()]
    logged = "".join(f"{one.getMessage()} {one.exc_text}" for one in caplog.records if one.name.startswith("monitor"))
    kept = b"".join(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body for body in files) + logged.encode()
    assert "job failed" in logged
    assert [one for one in {key, unquote(key), quote(key, safe="")} if one.encode() in kept] == []


# Troubles.


def test_what_a_kind_cannot_have_is_said_with_its_reason(kind: str) -> None:
    office = player(kind)
    without = set(Trouble) - set(office.troubles.fget(office))
    assert without == set(WITHOUT[kind])


@pytest.mark.parametrize(
    ("kind", "what"),
    [pytest.param(kind, what, id=f"{kind}, {what}") for kind in KINDS for what in Trouble if what not in WITHOUT.get(kind, {})],
    indirect=["kind"],
)
def test_a_trouble_loses_and_makes_no_figure_and_is_told_once_and_once_when_it_is_over(desk: Desk, what: Trouble) -> None:
    if what is Trouble.DRIP:
        desk.http["total"] = "0.5 seconds"
    app = desk.serve()
    before = [app.figures.panel(*desk.dataset).values.tolist(), desk.said("desk")]
    desk.office.publish(JUNE, desk.figures())
    desk.office.trouble(what)
    desk.ask()
    with pytest.raises(SourceError) as caught:
        pulling.pull(app, app.entries[0])
    desk.ask()  # a failure is told once it lasts
    assert type(caught.value) is OTHER_MEANING.get((desk.kind, what), MEANING[what])
    assert [app.figures.panel(*desk.dataset).values.tolist(), desk.said("desk")] == before
    fact = "source answers in another format" if type(caught.value) is SourceFormatChanged else "source could not be read"
    assert desk.told() == [TOLD.get(what, fact)]
    desk.office.calm()
    desk.ask(2 if what is Trouble.QUOTA else 1)
    _is_whole(desk, JUNE)
    assert len(desk.told()) == 2
    assert app.conditions.open() == []


@pytest.mark.parametrize("kind", [kind for kind in PLAYED if Trouble.BUSY not in WITHOUT[kind]], indirect=True)
def test_an_office_that_asks_for_patience_gets_it(desk: Desk) -> None:
    desk.http["attempts"] = 2
    desk.serve()
    desk.office.publish(JUNE, desk.figures())
    desk.office.trouble(Trouble.BUSY, times=1)
    asked = len(desk.office.times)  # type: ignore[attr-defined]
    desk.ask()
    first, second, *_ = desk.office.times[asked:]  # type: ignore[attr-defined]
    assert second - first >= 1.0
    _is_whole(desk, JUNE)
    assert desk.told() == []
