"""What Prometheus is told is what the database holds: of every process, bounded, and without it still an answer."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from conftest import Desk
from prometheus_client.parser import text_string_to_metric_families
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor import jobs
from monitor.alerts.handling import Act, Deed
from monitor.alerts.routing import Matcher
from monitor.alerts.silences import Silence
from monitor.app import App
from monitor.rules.levels import Level
from monitor.store.acts import Acts
from monitor.store.silences import Silences
from monitor.vitals import Vitals
from monitor.web.metrics import DeskMetrics

Samples = dict[tuple[str, ...], float]


def page(app: App) -> str:
    vitals = Vitals()
    vitals.registry.register(DeskMetrics(app))
    return vitals.exposition().decode()


def scraped(app: App) -> Samples:
    """Return what a scrape says: by name without ``monitor_``, and the values of the labels in the order of their names."""
    families = text_string_to_metric_families(page(app))
    return {
        (one.name.removeprefix("monitor_"), *(value for _, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def fall(desk: Desk) -> Desk:
    """Let three months come in and be told, the last a critical fall."""
    desk.receivers[0]["as"] = ["text"]
    for period, tonnes in (("2025-06", 100), ("2025-07", 100), ("2025-08", 10)):
        desk.now = datetime(2025, int(period[-1]) + 1, 21, tzinfo=UTC)
        desk.month(period, tonnes)
        desk.pull()
        jobs.evaluate(desk.app)
    desk.deliver()
    return desk


@pytest.fixture
def fallen(desk: Desk) -> Desk:
    return fall(desk)


@pytest.fixture(params=["sqlite", "postgresql"])
def fallen_on_both(desk: Desk, request: pytest.FixtureRequest) -> Desk:
    if request.param == "postgresql":
        desk.environ = {"MONITOR_DATABASE": request.getfixturevalue("new_postgresql")()}
    return fall(desk)


def test_a_desk_that_is_told_says_what_is_newest_due_open_and_sent(fallen_on_both: Desk) -> None:
    fallen_on_both.now += timedelta(days=31)  # 22 October: September was due on the 20th, at 10:00
    found = scraped(fallen_on_both.app)
    entry = "customs/magnets"
    assert found["database_up",] == 1
    assert found["release_published_timestamp_seconds", entry] == datetime(2025, 9, 20, 10, tzinfo=UTC).timestamp()
    assert found["release_fetch_lag_seconds", entry] == timedelta(hours=14).total_seconds()
    assert found["release_evaluation_lag_seconds", entry] == timedelta(hours=14).total_seconds()
    assert found["release_due_timestamp_seconds", entry] == datetime(2025, 10, 20, 10, tzinfo=UTC).timestamp()
    assert found["release_late_seconds", entry] == timedelta(days=1, hours=14).total_seconds()
    assert found["source_answered_timestamp_seconds", entry] == datetime(2025, 9, 21, tzinfo=UTC).timestamp()
    assert (found["source_failing", entry], found["releases_held", entry], found["releases_pending", entry]) == (0, 0, 0)
    assert found["alerts_open", "critical", "firing"] == 1
    assert found["alerts_critical_unacknowledged",] == 1
    assert found["delivery_attempts_total", "sent", "desk"] >= 1
    assert found["outbox_notifications", "desk", "waiting"] == 0


def test_what_people_decide_is_counted(fallen_on_both: Desk) -> None:
    app, at = fallen_on_both.app, fallen_on_both.now
    (episode,) = app.episodes.of("customs", "magnets")
    Acts(app.database).add(
        Act(episode=episode.id, deed=Deed.ACKNOWLEDGE, by="ada", at=at, newest=episode.path.until, level=Level.CRITICAL)
    )
    for name, until in (("one", at + timedelta(days=1)), ("over", at - timedelta(hours=1))):
        silence = Silence(
            id=name, matchers=(Matcher.parse('partner="US"'),), author="ada", reason="known", created=at - timedelta(days=2),
            starts=at - timedelta(days=2), until=until,
        )  # fmt: skip
        Silences(app.database).add(silence)
    found = scraped(app)
    assert found["alerts_critical_unacknowledged",] == 0
    assert found["silences_active",] == 1


def test_a_release_that_is_in_and_not_judged_is_pending_and_a_source_in_vain_is_failing(fallen_on_both: Desk) -> None:
    fallen_on_both.now += timedelta(days=30)
    fallen_on_both.month("2025-09", 100)
    fallen_on_both.pull()
    entry = fallen_on_both.app.entries[0]
    fallen_on_both.app.asks.note(entry.name, entry.dataset, at=fallen_on_both.now, outcome="no answer")
    fallen_on_both.app.rounds.note(
        "evaluate", began=fallen_on_both.now, ended=fallen_on_both.now + timedelta(seconds=3), failure="no"
    )
    found = scraped(fallen_on_both.app)
    assert (found["releases_pending", entry.entry], found["source_failing", entry.entry]) == (1, 1)
    assert (found["job_failing", "evaluate"], found["job_last_duration_seconds", "evaluate"]) == (1, 3)
    assert ("job_last_success_timestamp_seconds", "evaluate") not in found, "it never ended well"


def test_messages_that_wait_have_an_age_and_attempts_are_added_up_over_the_addresses_of_a_receiver(
    desk: Desk, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook").respond_with_handler(lambda request: Response(status=503))
    url = desk.folder / "url"
    url.write_text(httpserver.url_for("/hook"))
    desk.settings = {"http": {"allow_hosts": ["127.0.0.1", "localhost"]}}
    desk.receivers[0] = {"name": "desk", "kind": "webhook", "url": {"file": str(url)}}
    desk.now = datetime(2025, 8, 21, tzinfo=UTC)
    desk.month("2025-07", 10)
    desk.pull()
    jobs.evaluate(desk.app)
    desk.deliver()
    desk.now += timedelta(hours=2)
    found = scraped(desk.app)
    assert found["outbox_notifications", "desk", "waiting"] == 1
    assert found["outbox_oldest_age_seconds", "desk", "waiting"] == 7200
    assert found["delivery_attempts_total", "delayed", "desk"] == 1


def test_another_process_of_the_desk_is_told_the_same(fallen: Desk) -> None:
    def told(app: App) -> list[str]:
        return [line for line in page(app).splitlines() if line.startswith("monitor_") and "_duration_" not in line]

    assert told(fallen.app) == told(fallen.open())


def test_a_scrape_during_a_long_write_waits_for_nobody(fallen: Desk) -> None:
    app = fallen.app
    page(app)
    written, done = threading.Event(), threading.Event()

    def write() -> None:
        with app.database.write() as connection:
            connection.exec_driver_sql("UPDATE job_round SET failure = ''")
            written.set()
            done.wait(20)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert written.wait(20)
        begin = datetime.now(UTC)
        assert scraped(app)["database_up",] == 1
        assert datetime.now(UTC) - begin < timedelta(seconds=5)
    finally:
        done.set()
        thread.join(20)


def test_a_database_that_is_damaged_is_a_zero_and_no_error(desk: Desk) -> None:
    app = desk.app
    app.settings.data_dir.mkdir(parents=True)
    (app.settings.data_dir / "monitor.db").write_bytes(b"not a database at all" * 100)
    found = scraped(app)
    assert found["database_up",] == 0
    assert not [name for name, *_ in found if name.startswith(("alerts_", "outbox_", "release_"))]


def test_names_units_and_help_are_as_prometheus_wants_them(fallen: Desk, promtool: str) -> None:
    checked = subprocess.run([promtool, "check", "metrics"], input=page(fallen.app), capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


MONITORING = "docs/monitoring"
OF_PROMETHEUS = {"up", "ALERTS", "process_start_time_seconds"}


def expressions(repository: Path) -> list[str]:
    """Return every expression of the dashboard and of the rules."""
    dashboard = json.loads((repository / MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((repository / MONITORING / "prometheus-rules.yaml").read_text(encoding="utf-8"))
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    return [*shown, *(rule["expr"] for group in rules["groups"] for rule in group["rules"])]


def test_dashboard_and_rules_name_only_metrics_and_labels_that_a_desk_has(fallen: Desk, repository: Path) -> None:
    fallen.app.rounds.note("round", began=fallen.now, ended=fallen.now)
    families = {family.name: family for family in text_string_to_metric_families(page(fallen.app))}
    known = {sample.name for family in families.values() for sample in family.samples} | {*families}
    known |= {f"{name}_total" for name, family in families.items() if family.type == "counter"}
    named = {name for each in expressions(repository) for name in re.findall(r"\b(?:monitor|process)_[a-z0-9_]+", each)}
    assert len(named) > 20
    assert named - known - OF_PROMETHEUS == set()
    dashboard = (repository / MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8")
    labels = {label for family in families.values() for sample in family.samples for label in sample.labels} | {"why"}
    assert set(re.findall(r"\{\{(\w+)\}\}", dashboard)) <= labels | {"instance"}


def test_prometheus_takes_the_rules_and_finds_with_series_what_they_say(repository: Path, promtool: str) -> None:
    for command in (["check", "rules", "prometheus-rules.yaml"], ["test", "rules", "prometheus-rules.test.yaml"]):
        done = subprocess.run([promtool, *command], cwd=repository / MONITORING, capture_output=True, text=True, check=False)
        assert (done.returncode, "SUCCESS" in done.stdout) == (0, True), done.stdout + done.stderr
    named = yaml.safe_load((repository / MONITORING / "prometheus-rules.yaml").read_text(encoding="utf-8"))
    tested = (repository / MONITORING / "prometheus-rules.test.yaml").read_text(encoding="utf-8")
    rules = {rule["alert"] for group in named["groups"] for rule in group["rules"]}
    assert {rule for rule in rules if tested.count(f"alertname: {rule}") == 0} == set(), "every rule fires in a test"


def test_prometheus_reads_every_expression_of_the_dashboard(repository: Path, promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": each.replace("$instance", ".*")} for n, each in enumerate(expressions(repository))]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([promtool, "check", "rules", "panels.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
