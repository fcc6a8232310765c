"""Operators are told of the service's own trouble once when it begins, and once when it is over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.app import App
from monitor.operations import WORDS, over, raised, troubles
from monitor.rules.schema import Fact


@pytest.fixture
def app(magnets_desk):
    app = App.open(magnets_desk / "config", {})
    yield app
    app.close()


def messages(app: App):
    return [claim.notification for claim in app.outbox.claim(app.clock(), lease=app.settings.deliver.give_up_after)]


def sent(app: App):
    """Return everything that was told, in order."""
    app.worker().run_once()
    return [app.outbox.get(attempt.notification) for attempt in reversed(app.outbox.deliveries())]


def test_trouble_is_told_once_to_the_operators_however_often_it_is_found(app):
    for sentence in ("no answer within 10 s", "no answer within 10 s", "connection refused"):
        raised(app, Fact.SOURCE_FAILED, "gacc/magnets", sentence)
    (message,) = messages(app)
    assert message.receiver == "operators"
    assert message.digest.subject == "gacc/magnets: source could not be read"
    assert "no answer within 10 s" in " ".join(message.digest.notes)
    assert [condition.subject for condition in app.conditions.open()] == ["gacc/magnets"]


def test_the_end_of_trouble_is_told_once_and_only_where_it_was(app):
    over(app, Fact, "gacc/magnets")
    assert messages(app) == []
    raised(app, Fact.SOURCE_FAILED, "gacc/magnets", "no answer")
    for _ in range(2):
        over(app, (Fact.SOURCE_FAILED, Fact.FORMAT_CHANGED), "gacc/magnets")
    assert app.conditions.open() == []
    app.worker().run_once()
    subjects = [attempt.subject for attempt in app.outbox.deliveries()]
    assert subjects == ["gacc/magnets: source can be read again", "gacc/magnets: source could not be read"]


def test_trouble_that_comes_back_is_told_again(app):
    for _ in range(2):
        raised(app, Fact.RELEASE_LATE, "gacc/magnets", "October 2025 is 5 days late")
        over(app, (Fact.RELEASE_LATE,), "gacc/magnets")
    assert app.outbox.counts()["waiting"] == 4


def test_what_no_rule_asks_for_is_recorded_and_told_to_nobody(magnets_desk):
    rules = magnets_desk / "rules" / "operations.yaml"
    rules.unlink()
    app = App.open(magnets_desk / "config", {})
    raised(app, Fact.SOURCE_FAILED, "gacc/magnets", "no answer")
    assert app.outbox.counts()["waiting"] == 0
    assert [condition.kind for condition in app.conditions.open()] == ["source_failed"]
    app.close()


def test_facts_that_hold_may_mute_alerts_by_their_labels(app):
    raised(app, Fact.SOURCE_FAILED, "gacc/magnets", "no answer")
    raised(app, Fact.DELIVERY_DIED, "desk", "a message died")
    app.conditions.raise_("source_failing", "gacc/magnets", "told to nobody so far", app.clock())
    failed, died = troubles(app)
    of_source = {"source": "gacc", "dataset": "magnets"}
    assert failed.labels == {"kind": "operations", "fact": "source_failed", "subject": "gacc/magnets", **of_source}
    assert failed.words == "gacc/magnets: source could not be read"
    assert died.labels == {"kind": "operations", "fact": "delivery_died", "subject": "desk"}
    over(app, Fact, "gacc/magnets")
    assert [one.labels["fact"] for one in troubles(app)] == ["delivery_died"]


def test_every_fact_has_words_for_its_beginning_and_its_end():
    assert set(WORDS) == set(Fact)
    assert len({words for pair in WORDS.values() for words in pair}) == 2 * len(Fact)


def test_a_fact_that_ends_another_says_so_in_the_same_message(app):
    raised(app, Fact.SOURCE_FAILED, "gacc/magnets", "no answer")
    for _ in range(2):
        raised(app, Fact.FORMAT_CHANGED, "gacc/magnets", "no column of weight", ends=(Fact.SOURCE_FAILED, Fact.QUOTA_USED_UP))
    assert [condition.kind for condition in app.conditions.open()] == ["format_changed"]
    _, message = sent(app)
    assert message.digest.subject == "gacc/magnets: source answers in another format"
    assert message.digest.notes == ("no column of weight", "No longer: source could not be read.")


def test_whoever_is_not_told_of_the_new_fact_is_told_that_the_old_one_is_over(magnets_desk):
    rules = magnets_desk / "rules" / "operations.yaml"
    rules.write_text("rules: [{name: failed, kind: operations, facts: [source_failed], labels: {audience: operators}}]\n")
    app = App.open(magnets_desk / "config", {})
    raised(app, Fact.SOURCE_FAILED, "gacc/magnets", "no answer")
    raised(app, Fact.FORMAT_CHANGED, "gacc/magnets", "no column of weight", ends=(Fact.SOURCE_FAILED,))
    subjects = [message.digest.subject for message in sent(app)]
    assert subjects == ["gacc/magnets: source could not be read", "gacc/magnets: no longer: source could not be read"]
    app.close()


HELD = """operators: operators
hours:
  moment: {days: mon, from: 03:00, to: 03:01, time_zone: UTC}
routes:
  - name: trouble
    match: [audience="operators"]
    receivers: [operators, desk]
    hours: moment
  - name: default
    receivers: [desk]
"""


def test_trouble_keeps_the_hours_of_its_route_save_for_the_receiver_of_trouble(magnets_desk):
    (magnets_desk / "config" / "routes.yaml").write_text(HELD)
    now = datetime(2026, 3, 20, 19, 30, tzinfo=UTC)
    app = App.open(magnets_desk / "config", {})
    app.clock = lambda: now
    raised(app, Fact.SOURCE_FAILED, "gacc/magnets", "no answer")
    raised(app, Fact.RELEASE_LATE, "gacc/magnets", "late", to=("desk",))
    told = [(note.receiver, note.route) for note in messages(app)]
    assert told == [("operators", "trouble"), ("desk", "release_late")]  # who is asked by name is told now
    now = datetime(2026, 3, 23, 3, 0, tzinfo=UTC)
    waited = [note for note in messages(app) if note.route == "trouble" and note.receiver == "desk"]
    assert [note.held_until for note in waited] == [now]
    app.close()
