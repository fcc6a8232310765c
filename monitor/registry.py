"""
The one table of kinds: what a name in a YAML file leads to.

A new source, model or notifier is one new file, one line here, one test file. Names are strings, so nothing is
imported before it is used. Packages may add kinds through the entry points ``monitor.sources``, ``monitor.models``
and ``monitor.notifiers``.
"""

from __future__ import annotations

import difflib
import importlib
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from monitor.errors import SettingsError

KINDS: dict[str, dict[str, str]] = {
    "sources": {
        "table": "monitor.sources.table:Table",
        "gacc": "monitor.sources.gacc:Gacc",
        "gacc_bulletin": "monitor.sources.gacc_bulletin:GaccBulletin",
        "census": "monitor.sources.census:Census",
        "comtrade": "monitor.sources.comtrade:Comtrade",
        "eurostat": "monitor.sources.eurostat:Eurostat",
        "hmrc": "monitor.sources.hmrc:Hmrc",
        "japan": "monitor.sources.japan:Japan",
        "korea": "monitor.sources.korea:Korea",
    },
    "models": {
        "bank": "monitor.detection.bank:Bank",
        "structural": "monitor.detection.structural:Structural",
        "stl": "monitor.detection.stl_forecast:StlForecast",
    },
    "notifiers": {
        "console": "monitor.notify.console:Console",
        "file": "monitor.notify.file:File",
        "webhook": "monitor.notify.webhook:Webhook",
        "email": "monitor.notify.email:Email",
        "slack": "monitor.notify.slack:Slack",
        "teams": "monitor.notify.teams:Teams",
        "alertmanager": "monitor.notify.alertmanager:Alertmanager",
        "pagerduty": "monitor.notify.pagerduty:PagerDuty",
    },
}


@cache
def kinds(group: str) -> dict[str, str]:
    """
    Return kind -> "module:Class" of one group, plug-ins included.

    Raises
    ------
    SettingsError
        If a plug-in takes a name that is already taken.
    """
    found = dict(KINDS[group])
    for point in entry_points(group=f"monitor.{group}"):
        if point.name in found:
            raise SettingsError(f'{point.value}: the kind "{point.name}" of {group} is already {found[point.name]}')
        found[point.name] = point.value
    return found


def load(group: str, kind: str) -> Any:
    """
    Import and return the class of a kind.

    Raises
    ------
    SettingsError
        If the kind is unknown, or its module cannot be imported.
    """
    found = kinds(group)
    if kind not in found:
        near = difflib.get_close_matches(kind, found, 1)
        hint = f'; did you mean "{near[0]}"?' if near else f"; known are {', '.join(sorted(found))}"
        raise SettingsError(f'unknown kind "{kind}" of {group}{hint}')
    module, _, name = found[kind].partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f'the kind "{kind}" of {group} ({found[kind]}) cannot be imported: {error}') from error
