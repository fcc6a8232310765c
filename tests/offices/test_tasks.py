"""A person fetches what no program may: told on the day, followed up, answered; with a clock that the test moves."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from players.gacc import Office
from players.office import Trouble

from monitor import pulling
from monitor.errors import SourceError, SourceFormatChanged
from monitor.imports import read_files
from monitor.months import month
from monitor.offices.tasks import open_tasks
from monitor.rules.schema import Fact

OCTOBER, NOVEMBER, DECEMBER = month(2025, 10), month(2025, 11), month(2025, 12)
DUE = datetime(2025, 12, 20, 2, tzinfo=UTC)  # ten in the morning in Shanghai
FIGURES = {("DE", "85051110"): 1_118_000.0, ("US", "85051110"): 656_000.0}


@pytest.fixture
def fed(desk):
    """A desk whose downloads of China's customs are fetched by a buyer; October is in, November is due on 20 December."""
    desk.receivers += [{"name": name, "kind": "file", "folder": f"var/{name}"} for name in ("buyer", "boss")]
    desk.office = Office(desk.folder / "inbox", lambda: desk.now)
    desk.task = {"owner": "buyer", "escalate_to": "boss", "codes": ["85051110"]}
    desk.sources = [desk.office.entry(task=desk.task, complete_when=None)]
    desk.now = datetime(2025, 12, 1, tzinfo=UTC)
    desk.office.publish(OCTOBER, FIGURES)
    ask(desk)
    for name in ("buyer", "boss", "operators"):
        desk.told(name)
    return desk


def ask(desk, at=None):
    """Look at the folder; return what the buyer was told by then, the newest message last."""
    desk.now = at or desk.now
    with suppress(SourceError):
        desk.pull()
    return desk.told("buyer")


def said(desk, receiver="buyer"):
    """Return the sentences of the newest message to a receiver."""
    desk.told(receiver)
    newest = desk.app.outbox.deliveries(receiver=receiver)[0]
    return desk.app.outbox.get(newest.notification).digest.notes


def test_on_the_day_and_hour_the_owner_is_told_once_what_to_tick_and_where_it_goes(fed):
    before = ask(fed, DUE - timedelta(minutes=1))
    told = ask(fed, DUE)[len(before) :]
    assert told == ["gacc/exports/hs8, November 2025: files are to be fetched by hand"]
    assert said(fed) == (
        "November 2025 is to be fetched by hand: due since 20 December 2025, 02:00 UTC.",
        "Open http://stats.customs.gov.cn.",
        "Tick: export; USD; by month; commodity (8 digits) and trading partner; no partner chosen.",
        "Codes: 85051110.",
        f"Put the files into {fed.folder / 'inbox'}, or give them to `monitor import gacc/exports/hs8 FILE`.",
        "What is understood of them is answered. If they are not in by 22 December 2025, 02:00 UTC, boss is told.",
    )
    assert ask(fed, DUE + timedelta(days=1))[len(before) :] == told
    assert fed.told("boss") == []
    (task,) = open_tasks(fed.app)
    assert (task.months, task.since, task.overdue, task.owner) == ((NOVEMBER,), DUE, False, "buyer")


def test_after_two_days_the_other_one_and_the_owner_are_told_once(fed):
    before = len(ask(fed, DUE))
    for hours in (47, 48, 49, 200):
        ask(fed, DUE + timedelta(hours=hours))
        assert len(fed.told("boss")) == (hours >= 48)
    assert fed.told("boss") == ["gacc/exports/hs8, November 2025: files are overdue"]
    assert fed.told("buyer")[before:] == fed.told("boss")
    assert said(fed, "boss")[0] == "Not done since 20 December 2025, 02:00 UTC; its owner is buyer."
    assert open_tasks(fed.app)[0].overdue
    fed.office.publish(NOVEMBER, FIGURES)
    ask(fed)
    assert fed.told("boss")[1:] == ["gacc/exports/hs8, November 2025: the overdue files are in"]
    assert open_tasks(fed.app) == []


def test_the_file_is_answered_with_what_was_understood_and_the_task_is_over(fed):
    before = len(ask(fed, DUE))
    fed.office.publish(NOVEMBER, FIGURES)
    assert ask(fed, DUE + timedelta(hours=3))[before:] == ["gacc/exports/hs8, November 2025: the files are in"]
    understood, standing = said(fed)
    assert understood == (
        "Understood: 2 partners and the total, 1 product, November 2025, 6 cells. "
        "The countries' sum in November 2025: value 106 M USD and weight 1,774 t."
    )
    assert standing.startswith("Release gacc-2025-11-")
    assert open_tasks(fed.app) == []
    assert ask(fed, DUE + timedelta(days=9)) == fed.told("buyer")
    assert len(fed.told("buyer")) == before + 1
    assert fed.told("boss") == []


def test_january_and_february_are_one_task_in_march(fed):
    for period in (NOVEMBER, DECEMBER):
        fed.office.publish(period, FIGURES)
    before = len(ask(fed, datetime(2026, 2, 27, tzinfo=UTC)))
    assert ask(fed, datetime(2026, 3, 20, 2, tzinfo=UTC))[before:] == [
        "gacc/exports/hs8, January 2026 and February 2026: files are to be fetched by hand"
    ]
    fed.office.publish(month(2026, 1), FIGURES)
    assert ask(fed)[-1] == "gacc/exports/hs8, January 2026: files came in, and more are needed"
    assert said(fed)[-1] == "Still needed: February 2026."
    fed.office.publish(month(2026, 2), FIGURES)
    assert ask(fed)[-1] == "gacc/exports/hs8, February 2026: the files are in"
    assert open_tasks(fed.app) == []


def test_a_file_of_another_month_is_answered_and_the_task_stays(fed):
    ask(fed, DUE)
    fed.office.publish(OCTOBER, {("DE", "85051110"): 5.0})
    assert ask(fed)[-1] == "gacc/exports/hs8, October 2025: files came in, and more are needed"
    assert said(fed)[-1] == "Still needed: November 2025."
    assert [task.months for task in open_tasks(fed.app)] == [(NOVEMBER,)]


def test_a_file_in_another_currency_is_answered_once_with_what_was_expected_and_is_kept(fed):
    ask(fed, DUE)
    fed.office.publish(NOVEMBER, FIGURES)
    path = fed.folder / "inbox" / "gacc-2025-11.csv"
    path.write_text(path.read_text("gb18030").replace("美元", "人民币"), encoding="gb18030", newline="")
    os.utime(path, (0, 0))
    before = len(fed.told("buyer"))
    for _ in range(3):
        ask(fed)
    assert fed.told("buyer")[before:] == ["gacc/exports/hs8: a file cannot be read"]
    assert said(fed) == (
        'gacc-2025-11.csv: last column is "人民币" (CNY); a USD file is needed, choose currency USD in the query form.',
        f"Nothing was taken in, and the file is kept; put another in its place in {fed.folder / 'inbox'}.",
        "Still needed: November 2025.",
    )
    assert path.exists()
    fed.office.publish(NOVEMBER, FIGURES)
    assert ask(fed)[-1] == "gacc/exports/hs8, November 2025: the files are in"


def test_a_file_that_is_no_download_is_answered_too(fed):
    ask(fed, DUE)
    fed.office.publish(NOVEMBER, FIGURES)
    fed.office.trouble(Trouble.PAGE)
    assert ask(fed)[-1] == "gacc/exports/hs8: a file cannot be read"
    assert said(fed)[0].startswith("gacc-2025-11.csv: ")


def test_what_a_person_gives_by_hand_ends_the_task_as_a_dropped_file_does(fed, tmp_path):
    ask(fed, DUE)
    fed.office.publish(NOVEMBER, FIGURES)
    path = Path((fed.folder / "inbox" / "gacc-2025-11.csv").rename(fed.folder / "november.csv"))
    entry, notice, table = read_files(fed.app, "gacc/exports/hs8", [path], None)
    pulling.commit(fed.app, entry, notice, table)
    assert open_tasks(fed.app) == []
    assert fed.told("buyer")[-1] == "gacc/exports/hs8, November 2025: the files are in"


def test_a_code_that_the_month_before_had_keeps_the_task_open(fed):
    fed.task["codes"] = ["85051110", "72029912"]
    fed.open()
    powder = {("US", "72029912"): 10_000.0}
    fed.office.publish(OCTOBER, FIGURES | powder)
    ask(fed, DUE)
    fed.office.publish(NOVEMBER, FIGURES)
    ask(fed)
    assert said(fed)[-2:] == ("No row of 72029912: not ticked, or not traded.", "Still needed: 72029912 in November 2025.")
    fed.office.publish(NOVEMBER, FIGURES | powder)
    assert ask(fed)[-1] == "gacc/exports/hs8, November 2025: the files are in"


def test_a_code_that_had_no_row_before_is_mentioned_and_not_waited_for(fed):
    fed.task["codes"] = ["85051110", "72029912"]
    fed.open()
    ask(fed, DUE)
    fed.office.publish(NOVEMBER, FIGURES)
    assert ask(fed)[-1] == "gacc/exports/hs8, November 2025: the files are in"
    assert said(fed)[-1] == "No row of 72029912: not ticked, or not traded."


def test_what_was_missed_while_the_service_stood_still_is_one_task(fed):
    before = len(fed.told("buyer"))
    assert ask(fed, datetime(2026, 1, 25, tzinfo=UTC))[before:] == [
        "gacc/exports/hs8, November 2025 and December 2025: files are to be fetched by hand"
    ]


def test_a_new_desk_asks_for_the_newest_month_alone(fed, tmp_path):
    fed.office.months.clear()
    for path in (fed.folder / "inbox").iterdir():
        path.unlink()
    fed.sources[0] |= {"dataset": "exports/other"}
    fed.open()
    before = len(fed.told("buyer"))
    assert ask(fed, DUE)[before:] == ["gacc/exports/other, November 2025: files are to be fetched by hand"]


def test_a_release_that_was_rejected_is_to_be_fetched_again(fed):
    ask(fed, DUE)
    fed.sources[0]["complete_when"] = {"rows_at_least": "90%"}
    fed.open()
    for period in range(month(2025, 6), OCTOBER):
        fed.office.publish(period, FIGURES)
    fed.office.publish(NOVEMBER, {("DE", "85051110"): 1.0})
    ask(fed)
    assert open_tasks(fed.app) == []
    held = fed.app.releases.find(state="held")
    assert "is held: " in " ".join(said(fed))
    pulling.reject(fed.app, held[-1].id, "one partner only", by="ada")
    ask(fed)
    assert [task.months for task in open_tasks(fed.app)] == [(NOVEMBER,)]


def test_a_rule_may_tell_operators_of_tasks_too_and_nobody_twice(fed):
    fed.task["owner"] = "operators"
    fed.edit_rules(fed.rules.replace("[source_failed,", "[task, task_overdue, source_failed,"))
    fed.open()
    ask(fed, DUE)
    assert [subject for subject in fed.told("operators") if "fetched" in subject] == [
        "gacc/exports/hs8, November 2025: files are to be fetched by hand"
    ]


def test_a_task_is_told_although_the_folder_is_not_there(fed):
    (fed.folder / "inbox").rename(fed.folder / "gone")
    ask(fed, DUE)
    assert [task.months for task in open_tasks(fed.app)] == [(NOVEMBER,)]
    assert any(condition.kind == Fact.TASK for condition in fed.app.conditions.open())


def test_the_folder_of_a_new_entry_is_made_and_one_that_held_files_is_not_made_again(fed, tmp_path):
    (fed.folder / "inbox").rename(fed.folder / "gone")
    with pytest.raises(SourceError, match="there is no such folder"):
        fed.pull()
    folder = tmp_path / "new" / "inbox"
    fed.sources[0] |= {"dataset": "exports/new", "folder": str(folder)}
    fed.open()
    fed.pull()
    assert folder.is_dir()


def test_a_file_by_hand_that_cannot_be_read_raises_and_tells_no_owner(fed):
    ask(fed, DUE)
    path = fed.folder / "wrong.csv"
    path.write_text("<html>", encoding="utf-8")
    before = len(fed.told("buyer"))
    with pytest.raises(SourceFormatChanged):
        read_files(fed.app, "gacc/exports/hs8", [path], None)
    assert len(fed.told("buyer")) == before
