"""A task says what the entry knows: its form, its codes of the months at hand, its folder."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from players.gacc import Office

from monitor.baskets.records import Basket, Baskets, Code, Place, Successor
from monitor.months import month
from monitor.offices.tasks_text import codes_of, text_of
from monitor.series import Release

NOVEMBER = month(2025, 11)
BASKET = Basket(
    name="magnets",
    title="Magnets",
    codes=(
        Code(product="CN8:85051110"),
        Code(product="CN8:72029912", valid_to=month(2024, 12), successors=(Successor(product="CN8:72029914"),)),
        Code(product="CN8:85051190", place=Place(reporters=("DE",))),
        Code(product="HTS10:8505110070"),
        Code(product="X:magnets-and-semifinished"),
    ),
)


@pytest.fixture
def fed(desk):
    desk.office = Office(desk.folder / "inbox", lambda: desk.now)
    desk.now = datetime(2025, 12, 20, 2, tzinfo=UTC)
    desk.task = {"owner": "desk"}
    desk.sources = [desk.office.entry(task=desk.task)]
    return desk


def sentences(desk, months=(NOVEMBER,), held=()):
    app = desk.open()
    (entry,) = app.entries
    return text_of(app, entry, app.source(entry), months, list(held))


def test_without_codes_those_of_the_release_before_are_ticked(fed):
    fed.office.publish(month(2025, 10), {("DE", "85051110"): 1.0, ("DE", "28053011"): 1.0})
    fed.open()
    fed.pull()
    (held,) = fed.app.releases.find()
    assert isinstance(held, Release)
    assert "Codes: 28053011 and 85051110." in sentences(fed, held=[held])
    assert not any(line.startswith("Codes") for line in sentences(fed))


def test_of_a_basket_the_codes_are_ticked_that_the_form_has_in_these_months(fed, monkeypatch):
    app = fed.open()
    (entry,) = app.entries
    monkeypatch.setattr(type(app), "baskets", Baskets(baskets={"magnets": BASKET}))
    task = entry.task.model_copy(update={"basket": "magnets"})
    object.__setattr__(entry, "task", task)
    source = app.source(entry)
    assert codes_of(app, entry, source, [NOVEMBER], []) == ("85051110", "72029914")
    assert codes_of(app, entry, source, [month(2024, 5)], []) == ("85051110", "72029912")
    assert BASKET.codes[1].valid(np.array([NOVEMBER])).tolist() == [False]


def test_page_and_further_boxes_are_the_tasks_own(fed):
    fed.task |= {"page": "https://example.org/query?lang=en", "boxes": ["trade mode: all"]}
    found = sentences(fed)
    assert "Open https://example.org/query?lang=en." in found
    assert any(line.startswith("Tick: export; USD; by month; ") and line.endswith("; trade mode: all.") for line in found)


def test_several_months_are_named_and_without_a_folder_the_command_is(fed):
    del fed.sources[0]["folder"]
    found = sentences(fed, (month(2025, 9), month(2025, 10)))
    assert found[0] == "September 2025 and October 2025 are to be fetched by hand: due since 20 November 2025, 02:00 UTC."
    assert "Give the files to `monitor import gacc/exports/hs8 FILE`." in found


def test_where_nobody_is_named_operators_hear_of_what_is_not_done(fed):
    assert sentences(fed)[-1].endswith("If they are not in by 22 December 2025, 02:00 UTC, operators is told.")
