"""Pulling on a real desk in a folder: what comes in, what is held or kept aside, and who is told."""

from __future__ import annotations

import pytest

from monitor import jobs, pulling
from monitor.errors import SourceError, SourceUnavailable
from monitor.months import month
from monitor.series import ReleaseState


def test_what_is_out_comes_in_once_is_judged_once_and_delivered_once(desk):
    desk.month("2025-05", 100)
    desk.month("2025-06", 10)
    assert desk.pull() == ["customs magnets 2025-05", "customs magnets 2025-06"]
    judged = jobs.evaluate(desk.app)
    assert [(str(one.release), one.won) for one in judged] == [
        ("customs magnets 2025-05", True),
        ("customs magnets 2025-06", True),
    ]
    assert [t.change.value for one in judged for t in one.evaluation.transitions] == ["opened"]
    assert desk.deliver() >= 1
    assert (desk.pull(), jobs.evaluate(desk.app), desk.deliver()) == ([], [], 0)


def test_a_release_that_cannot_be_read_stops_no_other_is_kept_and_told_once(desk):
    desk.month("2025-05", 100)
    desk.put("2025-06.csv", "<html>moved</html>", heading="")
    desk.month("2025-07", 100)
    for _ in range(2):
        with pytest.raises(SourceError):
            desk.pull()
    held = desk.app.releases.find("customs", "magnets")
    assert sorted(release.newest for release in held) == [month(2025, 5), month(2025, 7)]
    assert len(desk.told("operators")) == 1
    (desk.folder / "inbox" / "2025-06.csv").unlink()
    assert desk.pull() == []
    assert len(desk.told("operators")) == 2  # and once more when it is over


def test_what_came_in_beside_a_release_that_cannot_be_read_is_counted(desk):
    desk.put("2025-06.csv", "<html>moved</html>", heading="")
    desk.month("2025-07", 100)
    taken, errors = pulling.pull_all(desk.app)
    assert [str(release) for release in taken] == ["customs magnets 2025-07"]
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("period", "unit", "sentence"), [("2052-06", "USD", "a month that has not begun"), ("2025-06", "EUR", "before had it in USD")]
)
def test_a_release_that_only_the_desk_can_see_to_be_wrong_is_kept_aside(desk, period: str, unit: str, sentence: str):
    columns = {"value": "value_t", "unit": "unit", "measure": "measure"}
    desk.sources = [{k: v for k, v in desk.source.items() if k not in ("unit", "measure")} | {"columns": columns}]
    heading = desk.heading.strip() + ",measure,unit\n"
    desk.put("2025-05.csv", f"2025-05,{desk.us},100,value,USD", heading=heading)
    assert desk.pull() == ["customs magnets 2025-05"]
    desk.put("2025-06.csv", f"{period},{desk.us},100,value,{unit}", heading=heading)
    with pytest.raises(SourceError, match=sentence):
        desk.pull()
    [aside] = (desk.folder / "var" / "aside").iterdir()
    assert aside.read_text("utf-8").endswith(f",value,{unit}\n")
    assert [release.newest for release in desk.app.releases.find()] == [month(2025, 5)]


def test_one_sources_trouble_stops_no_other(desk):
    desk.sources.append({**desk.source, "dataset": "other", "folder": "nowhere"})
    desk.sources.reverse()
    desk.month("2025-05", 100)
    taken, errors = pulling.pull_all(desk.app)
    assert [str(release) for release in taken] == ["customs magnets 2025-05"]
    assert [type(error) for error in errors] == [SourceUnavailable]


def test_a_source_whose_key_is_not_there_is_told_once_and_stops_no_other(desk):
    key = {"env": "NOT_SET_KEY"}
    us = {"name": "us", "kind": "census", "dataset": "imports/naics", "level": "NA3", "first": "2025-07", "key": key}
    desk.sources.insert(0, us)
    desk.month("2025-07", 100)
    for _ in range(2):
        _, errors = pulling.pull_all(desk.app)
    assert [str(error) for error in errors] == [str(lacking) for lacking in desk.app.settings.lacking]
    assert [release.title for release in desk.app.releases.find("customs")] == ["customs magnets, July 2025"]
    assert desk.told("operators") == ["us/imports/naics: credentials are missing or refused"]


def test_without_the_secret_of_the_proxy_nothing_is_pulled_and_that_is_recorded(desk):
    desk.settings = {"http": {"proxy": {"env": "NOT_SET_PROXY"}}}
    desk.month("2025-07", 100)
    _, errors = pulling.pull_all(desk.app)
    assert [str(error) for error in errors] == [str(lacking) for lacking in desk.app.settings.lacking]
    assert [condition.subject for condition in desk.app.conditions.open()] == ["customs/magnets"]


def _incomplete(desk):
    desk.sources[0]["complete_when"] = {"rows_at_least": "60%"}
    for period in ("2025-03", "2025-04", "2025-05"):
        desk.put(f"{period}.csv", *(f"{period},{name},CN8:85051110,100" for name in ("United States", "Germany", "Japan")))
    desk.pull()
    jobs.evaluate(desk.app)
    desk.month("2025-06", 1)
    desk.pull()
    (held,) = desk.app.releases.find(state=ReleaseState.HELD)
    return str(held.id)


def test_an_incomplete_release_is_held_and_never_taken_for_a_fall(desk):
    _incomplete(desk)
    assert jobs.evaluate(desk.app) == []
    assert len(desk.told("operators")) == 1


def test_a_held_release_is_judged_once_a_person_accepts_it(desk):
    held = _incomplete(desk)
    pulling.accept(desk.app, held, by="ada")
    (judged,) = jobs.evaluate(desk.app)
    assert [t.change.value for t in judged.evaluation.transitions] == ["opened"]
    assert len(desk.told("operators")) == 2


def test_a_rejected_release_is_never_judged(desk):
    held = _incomplete(desk)
    release = pulling.reject(desk.app, held, "one partner only", by="ada")
    assert release.state is ReleaseState.REJECTED
    assert jobs.evaluate(desk.app) == []
    assert desk.pull() == []


def _gone_in_january(desk):
    """Two codes every month of 2024; January 2025 has one of them and a new one."""
    desk.edit_rules(desk.rules.replace("release_held,", "release_held, code_ended,"))
    for n in range(1, 13):
        rows = [f"2024-{n:02d},{name},CN8:{code},100" for name in ("United States", "Japan") for code in ("85051110", "28053011")]
        desk.put(f"2024-{n:02d}.csv", *rows)
    desk.pull()
    jobs.evaluate(desk.app)
    desk.put("2025-01.csv", *(f"2025-01,{name},CN8:28053011,100" for name in ("United States", "Japan")))
    desk.pull()
    return desk.app.releases.find(state=ReleaseState.HELD)


def test_a_code_that_ends_with_the_year_waits_for_a_person_and_is_no_alert(desk):
    (held,) = _gone_in_january(desk)
    assert held.note.startswith("code ended? CN8:85051110 (200 t in December 2024): nothing for any partner in January 2025")
    assert jobs.evaluate(desk.app) == []
    assert desk.pull() == []
    assert len(desk.told("operators")) == 1
    pulling.accept(desk.app, held.id, by="ada")
    assert len(jobs.evaluate(desk.app)) == 1
    assert len(desk.told("operators")) == 2


def test_a_code_whose_end_is_written_comes_in_with_the_next_pull(desk):
    _gone_in_january(desk)
    baskets = "baskets: {magnets: {codes: [{code: CN8:85051110, valid_to: 2024}]}}"
    (desk.folder / "config" / "baskets.yaml").write_text(baskets, encoding="utf-8")
    desk.open()
    assert desk.pull() == ["customs magnets 2025-01"]
    assert len(desk.told("operators")) == 2
