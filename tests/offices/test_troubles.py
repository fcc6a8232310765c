"""An error of a source becomes a fact that operators are told once, if it lasts, and once when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor import jobs, pulling
from monitor.errors import SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.offices.troubles import all_is_well, asked_again_at, fact_of, trouble_found
from monitor.rules.schema import Fact
from monitor.sources.comtrade_answers import explained
from monitor.sources.korea_answers import refusal

NOON = datetime(2025, 9, 1, 3, tzinfo=UTC)  # noon in Korea
QUOTA = "api answered 403: Out of call volume quota. Quota will be replenished in 02:30:00."


@pytest.mark.parametrize(
    ("error", "fact"),
    [
        (SourceFormatChanged("the total is missing"), Fact.FORMAT_CHANGED),
        (SourceUnavailable("no answer"), Fact.SOURCE_FAILED),
        (SourceRefused("the key is refused"), Fact.CREDENTIALS_MISSING),
        (SourceThrottled("slow down", 30.0), Fact.SOURCE_FAILED),
        (SourceThrottled("slow down"), Fact.SOURCE_FAILED),
        (SourceThrottled("come back tomorrow", 86_400.0), Fact.QUOTA_USED_UP),
        (explained(SourceRefused(QUOTA), "comtrade"), Fact.QUOTA_USED_UP),
        (refusal("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR", "korea", NOON), Fact.QUOTA_USED_UP),
    ],
)
def test_each_error_is_the_fact_that_a_person_would_act_on(error, fact):
    assert fact_of(error) is fact


@pytest.fixture
def entry(desk):
    return desk.app.entries[0]


def test_a_failure_that_is_over_at_the_next_ask_is_told_to_nobody(desk, entry):
    for _ in range(3):
        trouble_found(desk.app, entry, SourceUnavailable("answered 503"))
        desk.now += timedelta(minutes=10)
        all_is_well(desk.app, entry)
    assert desk.told("operators") == []
    assert desk.app.conditions.open() == []


def test_a_failure_that_lasts_is_told_once_and_once_when_it_is_over(desk, entry):
    for minutes in (0, 30, 59, 60, 600):
        desk.now = NOON + timedelta(minutes=minutes)
        trouble_found(desk.app, entry, SourceUnavailable("answered 503"))
        assert len(desk.told("operators")) == (minutes >= 60)
    all_is_well(desk.app, entry)
    all_is_well(desk.app, entry)
    assert desk.told("operators") == ["customs/magnets: source could not be read", "customs/magnets: source can be read again"]


def test_how_long_a_failure_must_last_is_the_entrys_own(desk):
    desk.sources[0]["failed_after"] = "2 days"
    entry = desk.app.entries[0]
    for day, told in ((0, 0), (1, 0), (2, 1)):
        desk.now = datetime(2025, 9, 1 + day, tzinfo=UTC)
        trouble_found(desk.app, entry, SourceUnavailable("answered 503"))
        assert len(desk.told("operators")) == told


def test_what_a_person_must_mend_is_told_at_once_and_ends_the_failure_before(desk, entry):
    for _ in range(2):
        trouble_found(desk.app, entry, SourceUnavailable("answered 503"))
        desk.now += timedelta(hours=2)
    trouble_found(desk.app, entry, SourceFormatChanged("no column of weight"))
    assert desk.told("operators") == [
        "customs/magnets: source could not be read",
        "customs/magnets: source answers in another format",
    ]
    assert [one.kind for one in desk.app.conditions.open()] == ["format_changed"]


def test_a_source_that_does_not_answer_proves_nothing_about_its_format(desk, entry):
    trouble_found(desk.app, entry, SourceFormatChanged("no column of weight"))
    for _ in range(2):
        trouble_found(desk.app, entry, SourceUnavailable("answered 503"))
        desk.now += timedelta(hours=2)
    kinds = {one.kind for one in desk.app.conditions.open()}
    assert {"format_changed", "source_failed"} <= kinds
    all_is_well(desk.app, entry)
    assert len(desk.told("operators")) == 4
    assert desk.app.conditions.open() == []


def test_a_used_up_quota_says_until_when_and_nobody_asks_before(desk, entry):
    trouble_found(desk.app, entry, explained(SourceRefused(QUOTA), "comtrade"))
    assert asked_again_at(desk.app, entry) == datetime(2025, 9, 1, 2, 30, tzinfo=UTC)
    (condition,) = [one for one in desk.app.conditions.open() if one.kind == "quota_used_up"]
    assert condition.sentence.endswith("It is not asked again before 1 September 2025, 02:30 UTC.")
    desk.month("2025-07", 100)
    with pytest.raises(SourceThrottled, match=r"not asked: .* no more calls before 1 September 2025, 02:30 UTC"):
        desk.pull()
    assert desk.app.releases.find() == []
    desk.now += timedelta(hours=3)
    desk.month("2025-07", 100)
    assert desk.pull() == ["customs magnets 2025-07"]
    assert desk.told("operators") == [
        "customs/magnets: source takes no more calls for now",
        "customs/magnets: source takes calls again",
    ]


def test_a_quota_that_is_still_used_up_moves_the_time_and_tells_nobody_again(desk, entry):
    for _ in range(2):
        trouble_found(desk.app, entry, explained(SourceRefused(QUOTA), "comtrade"))
        desk.now += timedelta(hours=3)
    desk.now -= timedelta(hours=1)
    assert asked_again_at(desk.app, entry) == datetime(2025, 9, 1, 5, 30, tzinfo=UTC)
    assert len(desk.told("operators")) == 1


def test_entries_that_share_a_key_share_its_quota(desk):
    key, desk.environ["KEY"] = {"env": "KEY"}, "k"
    theirs = {"name": "comtrade", "kind": "comtrade", "flow": "import", "products": ["850511"], "key": key}
    desk.sources += [{**theirs, "dataset": f"imports/{code}", "reporter": code.upper()} for code in ("jp", "de")]
    desk.sources.append({"name": "korea", "kind": "korea", "dataset": "m", "products": ["8505110000"], "key": key})
    desk.sources.append({**theirs, "dataset": "imports/us", "reporter": "US", "key": {"env": "NOT_SET_KEY"}})
    customs, japan, germany, korea, without = desk.app.entries
    trouble_found(desk.app, japan, explained(SourceRefused(QUOTA), "comtrade"))
    assert asked_again_at(desk.app, germany) == asked_again_at(desk.app, japan) is not None
    assert [asked_again_at(desk.app, other) for other in (customs, korea, without)] == [None] * 3


def test_while_a_source_is_down_its_alerts_neither_fire_nor_resolve(desk):
    desk.month("2025-05", 100)
    desk.month("2025-06", 10)
    desk.pull()
    jobs.evaluate(desk.app)
    (before,) = desk.app.episodes.find(only_open=True)
    inbox = desk.folder / "inbox"
    inbox.rename(desk.folder / "gone")
    for _ in range(90):
        with pytest.raises(SourceUnavailable):
            desk.pull()
        assert jobs.evaluate(desk.app) == []
        desk.now += timedelta(days=1)
    assert desk.app.episodes.find(only_open=True) == [before]
    assert len(desk.told("operators")) == 1
    (desk.folder / "gone").rename(inbox)
    desk.month("2025-07", 100)
    desk.pull()
    (judged,) = jobs.evaluate(desk.app)
    assert [one.change.value for one in judged.evaluation.transitions] == ["recovered"]
    assert pulling.pull_all(desk.app) == ([], [])
