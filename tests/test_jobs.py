"""Judging and delivering on a real desk in a folder, and what goes wrong."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from datetime import datetime, timedelta

from monitor import jobs
from monitor.alerts.assess import assess
from monitor.app import App
from monitor.configuration.keys import Retention
from monitor.vitals import Vitals


def test_two_that_judge_at_once_write_once(desk):
    desk.month("2025-05", 100)
    desk.pull()
    (pending,) = desk.app.releases.pending()
    other = desk.open()
    seen = jobs.situation(other, pending)
    (first,) = jobs.evaluate(desk.opened[0])
    assert first.won
    assert not other.episodes.record(assess(seen, other.desk("customs", "magnets")))


def test_edited_rules_are_judged_again_once(desk):
    desk.month("2025-05", 100)
    desk.pull()
    jobs.evaluate(desk.app)
    desk.edit_rules(desk.rules.replace("50 t", "150 t"))
    (again,) = jobs.evaluate(desk.open())
    assert [t.quiet for t in again.evaluation.transitions] == ["rule changed"]
    assert jobs.evaluate(desk.app) == []


def _edit_rules(desk, level: str):
    desk.edit_rules(desk.rules.replace("50 t", level))
    desk.now += timedelta(hours=1)
    return desk.open()


def test_an_edit_of_the_rules_that_is_undone_is_judged_again_too(desk):
    desk.month("2025-05", 100)
    desk.pull()
    jobs.evaluate(desk.app)
    jobs.evaluate(_edit_rules(desk, "150 t"))
    assert [e.path.state.is_open for e in desk.app.episodes.find(history=True)] == [True]
    (again,) = jobs.evaluate(_edit_rules(desk, "50 t"))
    assert again.won
    assert [e.path.state.is_open for e in desk.app.episodes.find(history=True)] == [False]
    assert jobs.evaluate(desk.app) == []


def test_a_process_with_older_rules_never_puts_them_back(desk):
    desk.month("2025-05", 100)
    desk.pull()
    older = desk.app
    jobs.evaluate(older)
    assert [one.won for one in jobs.evaluate(_edit_rules(desk, "150 t"))] == [True]
    assert jobs.evaluate(older) == []


def test_of_two_that_judge_a_release_by_different_rules_one_writes(desk):
    desk.month("2025-05", 100)
    desk.pull()
    (pending,) = desk.app.releases.pending()
    other = _edit_rules(desk, "150 t")
    seen = jobs.situation(other, pending)
    assert all(one.won for one in jobs.evaluate(desk.opened[0]))
    assert not other.episodes.record(assess(seen, other.desk("customs", "magnets")))


def test_whoever_lost_to_something_else_judges_a_pending_release_again(desk):
    desk.month("2025-05", 100)
    desk.pull()
    jobs.evaluate(desk.app)
    (may,) = desk.app.releases.find()
    desk.month("2025-06", 10)
    desk.pull()
    slow, other = desk.app, _edit_rules(desk, "40 t")

    def meanwhile() -> datetime:
        slow.clock = lambda: desk.now
        assert other.episodes.record(assess(jobs.situation(other, may, again=True), other.desk("customs", "magnets")))
        return desk.now

    slow.clock = meanwhile
    (judged,) = jobs.evaluate(slow)
    assert judged.won
    assert [t.change.value for t in judged.evaluation.transitions] == ["opened"]


def test_the_services_jobs_count_what_they_did(desk):
    desk.month("2025-05", 100)
    desk.month("2025-06", 10)
    vitals = Vitals()
    service = jobs.ServiceJobs(desk.app, vitals)
    assert service.pull("customs/magnets") == 2
    assert service.evaluate() == 1
    assert service.evaluate() == 0
    stop = threading.Event()
    worker = threading.Thread(target=service.deliver, args=(stop,))
    worker.start()
    for _ in range(100):
        if b'monitor_deliveries_total{outcome="sent"}' in vitals.exposition():
            break
        stop.wait(0.05)
    stop.set()
    worker.join(10)
    assert not worker.is_alive()
    assert b'monitor_deliveries_total{outcome="sent"}' in vitals.exposition()


def test_what_is_let_go_is_what_the_settings_say(desk):
    app = desk.app
    app.fits.keep({"ab" * 32: b"fit"})
    [old] = (app.settings.data_dir / "fits").glob("??/*")
    os.utime(old, (0, 0))
    assert [(freed.what, freed.count) for freed in jobs.prune(app, dry_run=True)] == [("fit", 1)]
    kept = replace(app.settings, retention=Retention(fits=None))
    assert jobs.prune(App(kept), dry_run=True) == []
    jobs.ServiceJobs(app, Vitals()).prune()
    assert not old.exists()
    assert jobs.prune(app) == []


def test_a_peer_that_takes_no_alerts_is_logged_once_until_it_takes_them_again_and_counted_each_time(desk, httpserver, caplog):
    desk.receivers.append({"name": "am", "kind": "alertmanager", "urls": [httpserver.url_for("")]})
    desk.settings = {"http": {"allow_hosts": ["127.0.0.1", "localhost"], "attempts": 1}}
    desk.edit_rules(desk.rules.replace("labels: {audience: operators}", "labels: {audience: operators}\n    level: critical"))
    desk.open()
    path = desk.folder / "config" / "routes.yaml"
    routes = json.loads(path.read_text())
    routes["routes"][-1]["receivers"].append("am")
    path.write_text(json.dumps(routes))
    app = App.open(desk.folder / "config", {}, clock=lambda: desk.now)
    desk.opened.append(app)
    desk.month("2025-05", 10)
    desk.pull()
    jobs.evaluate(app)
    httpserver.expect_request("/api/v2/alerts").respond_with_data("{}")
    jobs.worker(app).run_once()
    service = jobs.ServiceJobs(app, Vitals())
    caplog.set_level("INFO", "monitor.jobs")
    for status in (500, 500, 500, 200, 200):
        httpserver.clear()
        httpserver.expect_request("/api/v2/alerts").respond_with_data("{}", status=status)
        service.renew("am")
    said = [record.getMessage() for record in caplog.records if record.name == "monitor.jobs"]
    assert said == ["alerts not posted again", "alerts posted again"]
    counts = service.vitals.exposition()
    assert b'monitor_renewals_total{outcome="refused",receiver="am"} 3.0' in counts
    assert b'monitor_renewals_total{outcome="taken",receiver="am"} 2.0' in counts
