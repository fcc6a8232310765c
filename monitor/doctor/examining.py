"""
A look at a whole desk: whatever of it can still be read is examined, a broken file or a dead database aside.

Nothing is changed, nobody outside is asked, and no sentence holds a secret.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monitor.app import App
from monitor.check import Checked, check
from monitor.doctor.deliveries import deliveries
from monitor.doctor.findings import Finding, Grade
from monitor.doctor.sources import sources
from monitor.doctor.storage import is_there, is_usable, storage
from monitor.doctor.surroundings import surroundings
from monitor.doctor.work import work
from monitor.errors import ConfigError, Mistake, MonitorError
from monitor.eventlog import masked
from monitor.settings import Settings
from monitor.store.database import Database
from monitor.store.standing import Standings

PATIENCE_S = 1
"""How long the database may take to answer: the doctor is asked when something hangs."""


def examine(config: Path) -> list[Finding]:
    """Return everything that is wrong with a desk, the troubles of each area first."""
    try:
        settings = Settings.load(config, os.environ)
    except ConfigError as error:
        found = list(_mistakes(error.mistakes)) or [Finding(area="configuration", sentence=str(error))]
        return _ordered([*found, *_rules(config)])
    return _ordered(_masked(one, settings.secrets) for one in _of_desk(config, settings))


def _masked(one: Finding, secrets: Collection[str]) -> Finding:
    return replace(one, sentence=masked(one.sentence, secrets), do=masked(one.do, secrets))


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(dict.fromkeys(findings), key=lambda one: one.grade is not Grade.TROUBLE)


def _of_desk(config: Path, settings: Settings) -> Iterator[Finding]:
    app = App(settings)
    try:
        yield from surroundings(settings)
        database = Database(settings.database.get_secret_value(), patience_s=PATIENCE_S)
        try:
            yield from _configuration(config, settings, database)
            yield from _stored(app, database, app.clock())
        finally:
            database.close()
    except MonitorError as error:
        yield Finding(area="database", sentence=str(error), do="mend the address in config/monitor.yaml or MONITOR_DATABASE")
    finally:
        app.close()


def _configuration(config: Path, settings: Settings, database: Database) -> Iterator[Finding]:
    """Yield the mistakes of all files; the rules are held against the figures only where those can be read as they are."""
    try:
        checked = check(config, figures=is_usable(database))
    except MonitorError as error:
        yield Finding(area="configuration", sentence=str(error))
        return
    yield from _checked(checked)


def _checked(checked: Checked) -> Iterator[Finding]:
    yield from _mistakes(checked.mistakes)
    for warning in checked.warnings:
        yield Finding(area="configuration", sentence=str(warning), grade=Grade.NOTICE)


def _mistakes(mistakes: Iterable[Mistake]) -> Iterator[Finding]:
    for mistake in mistakes:
        yield Finding(area="configuration", sentence=str(mistake), do="edit this place; `monitor check` checks again")


def _rules(config: Path) -> Iterator[Finding]:
    """Yield the mistakes of rules where the settings cannot be read."""
    try:
        yield from _checked(check(config))
    except MonitorError:  # what is wrong is told already
        return


def _stored(app: App, database: Database, now: datetime) -> Iterator[Finding]:
    if not is_there(database):
        words, do = "nothing has run on this desk yet: it has no database", "`monitor run` once, or `monitor serve`"
        yield Finding(area="service", sentence=words, do=do, grade=Grade.NOTICE)
        return
    yield from storage(app.settings, database, now)
    if not is_usable(database):
        return
    standing = Standings(database).look(now)
    yield from work(app.settings, standing, now)
    yield from sources(app, standing, now)
    yield from deliveries(app.settings, database, standing, now)
