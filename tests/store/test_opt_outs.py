"""Who left is a row, however the address is written; coming back takes it away; both are noted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from monitor.store import audit
from monitor.store.database import Database
from monitor.store.opt_outs import How, OptOut, OptOuts, bare

JUNE_20 = datetime(2025, 6, 20, 2, tzinfo=UTC)
ANN = OptOut(receiver="buyers", address="ann@example.com", at=JUNE_20, how=How.LINK, why="")


def test_an_address_leaves_once_and_comes_back_once(database: Database) -> None:
    people = OptOuts(database)
    assert (people.add(ANN, who="x"), people.add(replace(ANN, why="again"), who="y")) == (True, False)
    assert people.all() == [ANN]
    assert people.find("buyers", "Ann <ANN@Example.com>") == ANN
    assert people.find("others", "ann@example.com") is None
    assert [people.end("buyers", "Ann@example.com", at=JUNE_20, who="z") for _ in range(2)] == [True, False]
    assert people.all() == []
    assert [entry.who for entry in audit.entries(database)] == ["z", "x"]


def test_it_is_said_with_the_day_and_why() -> None:
    assert ANN.words == "unsubscribed on 20 June 2025"
    bounced = replace(ANN, how=How.BOUNCE, why="550 5.1.1 no such user")
    assert bounced.words == "suspended on 20 June 2025: 550 5.1.1 no such user"


def test_an_address_is_the_same_however_it_is_written() -> None:
    assert {bare("Ann <ann@example.com>"), bare("ANN@EXAMPLE.COM"), bare("<ann@example.com>")} == {"ann@example.com"}
